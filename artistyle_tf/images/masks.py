"""Spatial control: which style applies where. NumPy only.

Gatys, Ecker, Bethge, Hertzmann, Shechtman, "Controlling Perceptual Factors in Neural Style
Transfer", 2017, arXiv:1611.07865, section 4: guidance channels T_r over the content and the
styles, and for each region r a Gram matrix of the features multiplied by them.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.images.network_scale import to_network
from artistyle_tf.images.picture import Picture, as_uint8
from artistyle_tf.images.read import read
from artistyle_tf.images.sizes import fill_cells, resize

ASPECT = 0.02  # Tolerated difference of aspect from the picture, as sizes are rounded to whole px.


class Masks(NamedTuple):
    """Soft masks, one per style: none at all, over the content only, or over the styles too."""

    content: Sequence[Picture] = ()
    styles: Sequence[Picture] = ()


class Regions(NamedTuple):
    """The masks at the sizes used in a run, the canvas' and each style's: uint8 [H, W] each."""

    content: list[np.ndarray]
    styles: list[np.ndarray]


def check_counts(styles: int, content_masks: int, style_masks: int) -> None:
    """ConfigError if the numbers of masks don't match the number of styles."""
    if style_masks and not content_masks:
        raise ConfigError(
            "style_mask needs content_mask, which says where in the photo each style goes"
        )
    for name, count in (("content_mask", content_masks), ("style_mask", style_masks)):
        if count not in (0, styles):
            raise ConfigError(
                f"{name} has {count} pictures, and style has {styles}; it must have one for each"
            )


def read_masks(
    content_masks: Sequence[Any],
    style_masks: Sequence[Any],
    content: Picture,
    styles: Sequence[Picture],
) -> Masks:
    """Reads masks in any form that `images.read` takes, as many as `check_counts` allows.

    White is inside, black or transparent outside, grey in between. InputError: a mask can't be
    read, is all black, or differs from its picture in aspect ratio.
    """
    masks = Masks([read(one) for one in content_masks], [read(one) for one in style_masks])
    pairs = [(mask, content) for mask in masks.content]
    for mask, picture in [*pairs, *zip(masks.styles, styles, strict=False)]:
        (height, width), own = mask.rgb.shape[:2], picture.rgb.shape[:2]
        if abs(width * own[0] / (height * own[1]) - 1) > ASPECT:
            raise InputError(
                f"the mask {mask.name} is {width}×{height} px; it must have the shape of "
                f"{picture.name}, {own[1]}×{own[0]} px"
            )
        if not grey(mask).any():
            raise InputError(f"the mask {mask.name} is all black; only its white parts are used")
    return masks


def grey(mask: Picture) -> np.ndarray:
    """uint8 [H, W], 255 inside. Pictures are composited over white; here transparent is outside."""
    over_white = np.asarray(Image.fromarray(as_uint8(mask.rgb)).convert("L"))
    if mask.alpha is None:
        return over_white
    clear = 255 - as_uint8(mask.alpha)
    return np.where(over_white > clear, over_white - clear, 0).astype(np.uint8)


def make_regions(
    masks: Masks, size: tuple[int, int], styles: Sequence[np.ndarray]
) -> Regions | None:
    """The masks at their pictures' sizes, the content's padded to whole cells; None without.

    Without masks for the styles, [H, W, 3] each, all of each is used.
    """
    if not masks.content:
        return None
    content = [fill_cells(resize(grey(mask), size)) for mask in masks.content]
    sizes = [(style.shape[0], style.shape[1]) for style in styles]
    if masks.styles:
        own = [resize(grey(one), size) for one, size in zip(masks.styles, sizes, strict=True)]
    else:
        own = [np.full(size, 255, np.uint8) for size in sizes]
    return Regions(content, own)


def coverage(masks: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """float32 of that (height, width): 1 where any style applies, 0 where the content is kept."""
    total = sum(resize(mask, size).astype(np.float32) for mask in masks) / 255
    return np.minimum(total, 1)


def within(regions: Regions | None, image: np.ndarray, content: np.ndarray) -> np.ndarray:
    """The image where any style applies, and the content elsewhere: those regions would be mush
    after a content loss in a deep layer only.

    `image`: float32 [1, h, w, 3], BGR, mean subtracted; `content`: uint8 or float32 [H, W, 3] sRGB.
    """
    if regions is None:
        return image
    size = image.shape[1], image.shape[2]
    inside = coverage(regions.content, size)[None, ..., None]
    return inside * image + (1 - inside) * to_network(resize(content, size))
