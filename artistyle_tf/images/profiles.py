"""Colour profiles (ICC), by littleCMS: the one in written files, and conversion to sRGB."""

import functools
import io
import struct

import numpy as np
from PIL import Image, ImageCms

__all__ = ["deep_to_srgb", "is_srgb", "srgb", "to_srgb"]

_DATE = slice(24, 36)
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION


@functools.cache
def srgb() -> bytes:
    """littleCMS's sRGB profile, with a fixed date so that its bytes never change."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return made[: _DATE.start] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + made[_DATE.stop :]


def is_srgb(profile: bytes) -> bool:
    """Whether it is `srgb()` with any date, so that no conversion is needed."""
    own = srgb()
    return profile[: _DATE.start] + profile[_DATE.stop :] == own[: _DATE.start] + own[_DATE.stop :]


def to_srgb(colour: Image.Image, profile: bytes) -> Image.Image | None:
    """`colour` converted to sRGB by its ICC profile; None if that is broken or doesn't match."""
    if colour.mode == "LAB" or is_srgb(profile):
        return colour.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _MODES.get(source.profile.xcolor_space.strip())
        if mode == "RGB" and colour.mode == "L":
            colour = colour.convert("RGB")
        if mode != colour.mode:
            return None
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(colour, source, target, _INTENT, "RGB", flags=_FLAGS)
    except Exception:  # a bad profile does not make the pixels unusable
        return None


def deep_to_srgb(colour: np.ndarray, profile: bytes) -> np.ndarray | None:
    """Like `to_srgb`, in float, which Pillow does not offer.

    Args:
      colour: float32 [H, W, 3] or grey [H, W], in grey levels.

    Returns:
      float32 [H, W, 3]; colours outside sRGB are clipped to 0-255.
    """
    import imagecodecs  # imported only if needed

    if colour.ndim == 2 and profile[16:20] == b"RGB ":
        colour = np.repeat(colour[..., None], 3, axis=-1)
    try:
        converted = imagecodecs.cms_transform(
            colour / np.float32(255),
            profile,
            srgb(),
            colorspace="gray" if colour.ndim == 2 else "rgb",
            outcolorspace="rgb",
            outdtype="f4",
            intent=int(_INTENT),
            flags=int(_FLAGS),
        )
    except Exception:  # as above
        return None
    converted *= 255
    return np.clip(converted, 0, 255, out=converted)
