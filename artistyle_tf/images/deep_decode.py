"""Reads files with more than 8 bits per channel at full depth. No TensorFlow.

Pillow has no mode for 16-bit colours and returns the upper byte of each, but can be made to unpack
the lower one instead: two passes of its decoders, which handle damaged files and all compressions,
give both. Files for which this does not work are read by `tiff_page`.
"""

import sys
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

__all__ = ["Samples", "is_deep", "orientation", "two_passes"]

_LITTLE = sys.byteorder == "little"
_OTHER_BYTE = {"B": "L", "L": "B", "N": "B" if _LITTLE else "L"}
"""The byte order to pass to Pillow so that it returns the lower byte instead of the upper."""
_BITS, _ORIENTATION, _PLANAR = 258, 274, 284
"""TIFF tags."""


class Samples(NamedTuple):
    """A decoded picture with more than 8 bits per channel."""

    colour: np.ndarray
    """float32 [H, W, 3] or grey [H, W], grey levels 0 to 255."""
    alpha: np.ndarray | None
    """float32 [H, W], likewise."""
    profile: bytes | None
    orientation: int
    """The EXIF orientation; 1 or an unknown value: upright."""


def orientation(image: Image.Image) -> int:
    """The loaded picture's EXIF orientation. (ImageOps.exif_transpose fails on broken EXIF.)"""
    try:
        number = image.getexif().get(_ORIENTATION)
    except Exception:
        return 1
    return number if isinstance(number, int) else 1


def is_deep(image: Image.Image) -> bool:
    """Whether a PNG or TIFF opened by Pillow has 16-bit colours, which it would return as 8."""
    if image.format == "PNG":
        return _raw_mode(image).endswith(";16B") and image.mode in ("RGB", "RGBA")
    if image.format == "TIFF":
        bits = _tags(image).get(_BITS, (1,))
        return image.mode in ("RGB", "RGBA") and set(bits) == {16}
    return False


def two_passes(image: Image.Image) -> Samples | None:
    """All bits of a deep picture, opened but not loaded; None if it must be read another way.

    Pillow's exceptions are passed on.
    """
    raw = _raw_mode(image)
    planes_apart = image.format == "TIFF" and _tags(image).get(_PLANAR, 1) != 1
    animated = image.format == "PNG" and getattr(image, "is_animated", False)
    if planes_apart or animated or not raw.startswith(("RGB;16", "RGBA;16", "RGBX;16", "LA;16")):
        return None
    if raw == "LA;16B":  # same number of bytes as RGBA, which is copied unchanged
        seen, four = _pass(image, "RGBA")
        pixels = four[..., ::2].astype(np.float32)
        pixels *= 256
        pixels += four[..., 1::2]
    else:
        seen, high = _pass(image, raw)
        pixels = high.astype(np.float32)
        del high  # at MAX_PIXELS each of these takes half a gigabyte
        pixels *= 256
        pixels += _pass(image, raw[:-1] + _OTHER_BYTE[raw[-1]])[1]
    alpha = pixels[..., -1] / 257 if pixels.shape[2] in (2, 4) else None
    key = seen.info.get("transparency")
    if isinstance(key, tuple) and alpha is None:
        alpha = np.where((pixels == key).all(axis=-1), np.float32(0), np.float32(255))
    pixels /= 257
    colour = pixels[..., 0] if pixels.shape[2] == 2 else pixels[..., :3]
    return Samples(colour, alpha, seen.info.get("icc_profile"), orientation(seen))


def _raw_mode(image: Image.Image) -> str:
    """The raw mode passed to the decoder; "" if there is nothing to unpack."""
    tiles = getattr(image, "tile", None)
    args = tiles[0][3] if tiles else ""
    return str(args[0] if isinstance(args, tuple) else args)


def _pass(image: Image.Image, raw_mode: str) -> tuple[Image.Image, np.ndarray]:
    """The picture reopened and loaded with that raw mode, and its pixels as uint8 [H, W, C]."""
    file = getattr(image, "fp", None)
    assert file is not None
    file.seek(0)
    again: Any = Image.open(file, formats=[str(image.format)])
    again.tile = [_told(tile, raw_mode) for tile in again.tile]
    again.load()
    return again, np.asarray(again)


def _told(tile: Any, raw_mode: str) -> Any:
    """The decoder tile of Pillow, changed to that raw mode."""
    args = (raw_mode, *tile[3][1:]) if isinstance(tile[3], tuple) else raw_mode
    # Plain tuples in older versions of Pillow.
    return tile._replace(args=args) if hasattr(tile, "_replace") else (*tile[:3], args)


def _tags(image: Image.Image) -> Any:
    return getattr(image, "tag_v2", {})
