"""Masks of a clip: still pictures, or clips with a mask for every frame."""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from artistyle_tf.errors import InputError
from artistyle_tf.images.masks import ASPECT, check_counts, grey, read_masks
from artistyle_tf.images.picture import Picture
from artistyle_tf.images.read import read
from artistyle_tf.video.clip import BrokenClipError, Clip, Frame, is_still, read_clip

__all__ = ["NO_GUIDES", "Guides", "read_guides", "with_masks"]


class Guides(NamedTuple):
    """The masks of a run; both empty without masks."""

    content: tuple[np.ndarray | Clip, ...] = ()
    """One for each style: uint8 [h, w], 255 inside, for every frame; or a clip."""
    styles: tuple[Picture, ...] = ()


NO_GUIDES = Guides()


def read_guides(
    content_masks: Sequence[str], style_masks: Sequence[str], clip: Clip, styles: Sequence[Picture]
) -> Guides:
    """Reads the masks, and opens those that are clips.

    Raises:
      ConfigError: not one for each style.
      InputError: one can't be read, is a picture that is all black, or differs from its picture in
        aspect ratio.
    """
    check_counts(len(styles), len(content_masks), len(style_masks))
    first = clip.blank()
    found: list[np.ndarray | Clip] = []
    for path in content_masks:
        if is_still(path):
            found.append(grey(read_masks([read(path)], [], first, []).content[0]))
        else:
            found.append(_checked(read_clip(path), clip))
    own = read_masks([], [read(path) for path in style_masks], first, styles).styles
    return Guides(tuple(found), tuple(own))


def _checked(mask: Clip, clip: Clip) -> Clip:
    (height, width), own = mask.size, clip.size
    if abs(width * own[0] / (height * own[1]) - 1) > ASPECT:
        raise InputError(
            f"the mask {mask.name} is {width}×{height} px; it must have the shape of {clip.name}, "
            f"{own[1]}×{own[0]} px"
        )
    return mask


def with_masks(
    clip: Clip, guides: Guides, first: int = 0, stop: int | None = None
) -> Iterator[Frame]:
    """The frames of a clip, see `Clip.frames`, each with its masks: those of the same number.

    Raises:
      BrokenClipError: of the clip or of a mask, or a mask ends before the clip.
    """
    each = [
        itertools.repeat(mask) if isinstance(mask, np.ndarray) else _greys(mask, clip, first, stop)
        for mask in guides.content
    ]
    for frame in clip.frames(first, stop):
        yield frame._replace(masks=tuple(next(masks) for masks in each))


def _greys(mask: Clip, clip: Clip, first: int, stop: int | None) -> Iterator[np.ndarray]:
    number = first
    for frame in mask.frames(first, stop):
        yield grey(Picture(frame.rgb8, None, mask.name, ()))
        number += 1
    raise BrokenClipError(f"the mask {mask.name} ends before frame {number + 1} of {clip.name}")
