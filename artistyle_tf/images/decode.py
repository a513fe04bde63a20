"""Converts decoded pictures of any mode to sRGB and alpha: modes, profiles, EXIF orientation."""

import numpy as np
from PIL import Image

from artistyle_tf.images import profiles
from artistyle_tf.images.deep import Page, Samples, orientation

__all__ = ["deep_to_rgb", "frame_notes", "over_white", "to_rgb"]

_UNUSABLE = "{} has a colour profile that can't be used: it is taken as sRGB"


def to_rgb(image: Image.Image, name: str, notes: list[str]) -> tuple[np.ndarray, np.ndarray | None]:
    """A loaded image as upright sRGB [H, W, 3], with its alpha [H, W] or None.

    They are uint8, or float32 grey levels if `image` has 16 bits, integers or floats. A line that
    begins with `name` is added to `notes` for everything that had to be guessed.
    """
    profile = image.info.get("icc_profile")
    if image.mode == "F" or image.mode.startswith("I"):
        samples = _grey_samples(image, name, notes)
        return deep_to_rgb(samples, name, notes)
    colour, alpha = _split(image)
    rgb = profiles.to_srgb(colour, profile) if profile else colour.convert("RGB")
    if rgb is None:
        rgb = colour.convert("RGB")
        notes.append(_UNUSABLE.format(name))
    return _upright(np.asarray(rgb), np.asarray(alpha) if alpha else None, orientation(image))


def deep_to_rgb(
    samples: Samples, name: str, notes: list[str]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Like `to_rgb`, for samples that are decoded already: float32."""
    colour, profile, rgb = samples.colour, samples.profile, None
    if profile and not profiles.is_srgb(profile):
        rgb = profiles.deep_to_srgb(colour, profile)
        if rgb is None:
            notes.append(_UNUSABLE.format(name))
    if rgb is None:
        rgb = np.stack([colour] * 3, axis=-1) if colour.ndim == 2 else colour
    return _upright(rgb, samples.alpha, samples.orientation)


def over_white(rgb: np.ndarray, alpha: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Copies of uint8 [H, W, 3], composited over white, and its alpha [H, W], None if opaque.

    Both may also be float32 in grey levels, and are then possibly overwritten.
    """
    deep = rgb.dtype != np.uint8
    rgb = np.ascontiguousarray(rgb) if deep else np.array(rgb, order="C")
    if alpha is None or alpha.min() == 255:
        return rgb, None
    if deep:
        for i in range(3):
            rgb[..., i] = 255 - (255 - rgb[..., i]) * (alpha / np.float32(255))
        return rgb, np.array(alpha, order="C")
    opacity = alpha.astype(np.uint16)
    for i in range(3):  # by plane, as a 16-bit copy of all planes is three times as large
        mixed = rgb[..., i] * opacity + 255 * (255 - opacity)
        rgb[..., i] = (mixed + 127) // 255
    return rgb, np.array(alpha, order="C")


def frame_notes(image: Image.Image | Page, name: str) -> list[str]:
    """Notes on a file with several pictures, of which only the first is used."""
    try:
        frames = getattr(image, "n_frames", 1)
    except Exception:  # a later frame is damaged; the first is fine
        return []
    # MPO is a photo with its depth or gain map; PSD counts layers as frames.
    if frames < 2 or image.format in ("MPO", "PSD"):
        return []
    if image.format == "TIFF":
        return [f"{name} has {frames} pages: the first is used"]
    return [f"{name} is animated: its first frame of {frames} is used"]


def _upright(
    rgb: np.ndarray, alpha: np.ndarray | None, number: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Both turned by the EXIF orientation: Exif 2.3, 4.6.4."""

    def turn(plane: np.ndarray) -> np.ndarray:
        if number in (5, 6, 7, 8):
            plane = plane.swapaxes(0, 1)
        if number in (2, 3, 6, 7):
            plane = plane[:, ::-1]
        return plane[::-1] if number in (3, 4, 7, 8) else plane

    return turn(rgb), None if alpha is None else turn(alpha)


def _grey_samples(image: Image.Image, name: str, notes: list[str]) -> Samples:
    values = np.asarray(image)
    white = _white(image, values)
    if white != 65535:
        notes.append(f"{name} has {image.mode} values: {white:g} is taken for white")
    key = image.info.get("transparency")
    alpha = None
    if isinstance(key, int):
        alpha = np.where(values == key, np.float32(0), np.float32(255))
    grey = np.nan_to_num(values.astype(np.float32)) * np.float32(255 / white)
    profile = image.info.get("icc_profile")
    return Samples(np.clip(grey, 0, 255), alpha, profile, orientation(image))


def _split(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The colours in mode L, RGB, CMYK or LAB, and the alpha in mode L or None."""
    if image.has_transparency_data:
        colour = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
        both = image.convert("LA" if colour == "L" else "RGBA")
        return both.convert(colour), both.getchannel("A")
    if image.mode in ("L", "RGB", "CMYK", "LAB"):
        return image, None
    return image.convert("L" if image.mode == "1" else "RGB"), None


def _white(image: Image.Image, values: np.ndarray) -> float:
    """The value of white: given by the mode for 16 bits, else the brightest pixel."""
    # Older versions of Pillow return 16-bit PNG and PPM as 32-bit integers.
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        return 65535.0
    top = float(np.max(values, initial=0, where=np.isfinite(values)))
    usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0, 2.0**31 - 1)
    return next((white for white in usual if top <= white), top)
