"""Sizes of pictures: scaling, resampling and mirror padding. No TensorFlow."""

import numpy as np
from PIL import Image

from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.images.picture import MIN_SIDE, Picture, as_uint8
from artistyle_tf.vgg.vgg19 import CELL


def fit(height: int, width: int, longer: int) -> tuple[int, int]:
    """(height, width) scaled so that the longer side is `longer`; 0 leaves it unchanged."""
    if longer < 0:
        raise ConfigError(f"a size must be 0 or more px, not {longer}")
    if longer == 0:
        return height, width
    old = max(height, width)
    # Integer arithmetic, rounding half up: floats round differently at some sizes.
    height, width = (max(1, (2 * side * longer + old) // (2 * old)) for side in (height, width))
    return height, width


def output_size(content: Picture, longer: int) -> tuple[int, int]:
    """(height, width) of a result of the content's aspect with that longer side (0: the content's).
    InputError: the shorter side would be below MIN_SIDE; the message says which size would do."""
    own = content.rgb.shape[0], content.rgb.shape[1]
    height, width = fit(*own, longer)
    if min(height, width) < MIN_SIDE:
        enough = -(-MIN_SIDE * max(own) // min(own))
        raise InputError(
            f"{content.name} would be {width}×{height} px at size {longer}; both sides must "
            f"be at least {MIN_SIDE} px, which takes a size of {enough}"
        )
    return height, width


def resize(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """[H, W, 3] or [H, W] at (height, width), by Lanczos; at its own size the same array.

    uint8 stays uint8, and float32 grey levels stay float32, clipped to 0-255 too.
    """
    height, width = size
    if rgb.shape[:2] == (height, width):
        return rgb
    lanczos = Image.Resampling.LANCZOS
    if rgb.dtype == np.uint8:
        return np.array(Image.fromarray(rgb).resize((width, height), lanczos))
    scaled = _by_plane(rgb.reshape(*rgb.shape[:2], -1), size, lanczos)
    return np.clip(scaled, 0, 255, out=scaled).reshape(height, width, *rgb.shape[2:])


def shrink(rgb: np.ndarray, longest: int) -> np.ndarray:
    """uint8 or float32 [H, W, 3] as a thumbnail, uint8 and at most `longest` px."""
    height, width = rgb.shape[:2]
    return as_uint8(resize(rgb, fit(height, width, min(longest, max(height, width)))))


def resample(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """float32 [H, W, C] at (height, width), bicubic, unclipped: float32 [height, width, C]."""
    if image.shape[:2] == tuple(size):
        return image
    return _by_plane(image, size, Image.Resampling.BICUBIC)


def _by_plane(image: np.ndarray, size: tuple[int, int], kernel: Image.Resampling) -> np.ndarray:
    planes = [
        Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32)).resize(size[::-1], kernel)
        for plane in np.moveaxis(image, -1, 0)
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)


def scale_to(size: tuple[int, int], longer: float) -> tuple[int, int]:
    """(height, width) scaled to that longer side, or more if needed to keep both sides at 16 px."""
    factor = max(longer / max(size), CELL / min(size))
    height, width = (max(CELL, round(side * factor)) for side in size)
    return height, width


def whole_cells(size: tuple[int, int]) -> tuple[int, int]:
    """The smallest (height, width) of whole cells that covers `size`.

    >>> whole_cells((384, 517))
    (384, 528)
    """
    height, width = (-(-side // CELL) * CELL for side in size)
    return height, width


def _pad(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """[H, W, C] or [H, W], mirror-padded at the bottom and the right to (height, width)."""
    below, beside = size[0] - picture.shape[0], size[1] - picture.shape[1]
    around = [(0, below), (0, beside), (0, 0)]
    return np.pad(picture, around[: picture.ndim], mode="symmetric")


def continued(picture: np.ndarray, longer: int) -> np.ndarray:
    """[H, W, C] or [H, W], mirror-padded to that longer side, keeping its aspect ratio.

    A much smaller style is mostly border in deep layers, which zero padding marks; the image would
    then gather the style's colours along its own borders.
    """
    height, width = picture.shape[:2]
    factor = max(1, longer / max(height, width))
    return _pad(picture, (round(height * factor), round(width * factor)))


def fill_cells(picture: np.ndarray) -> np.ndarray:
    """[H, W, C] or [H, W], mirror-padded to whole cells."""
    return _pad(picture, whole_cells((picture.shape[0], picture.shape[1])))
