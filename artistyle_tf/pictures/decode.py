"""A decoded picture of any mode as sRGB and alpha: modes, colour profiles, EXIF orientation."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageCms

__all__ = ["frame_notes", "over_white", "to_rgb"]

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PROFILE_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def to_rgb(
    image: Image.Image, name: str, notes: list[str]
) -> tuple[Image.Image, Image.Image | None]:
    """A loaded image as upright sRGB, mode RGB, and its alpha, mode L, if there is any.

    `notes` gets a line, beginning with `name`, for each thing that had to be guessed.
    """
    colour, alpha = _split(image, name, notes)
    profile = image.info.get("icc_profile")
    rgb = _to_srgb(colour, profile) if profile else colour.convert("RGB")
    if rgb is None:
        rgb = colour.convert("RGB")
        notes.append(f"{name} has a colour profile that can't be used: it is taken as sRGB")
    turn = _turn(image)
    if turn is not None:
        rgb = rgb.transpose(turn)
        alpha = alpha.transpose(turn) if alpha else None
    return rgb, alpha


def over_white(rgb: np.ndarray, alpha: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Copies of uint8 [H, W, 3], laid over white, and of its alpha [H, W], None if all opaque."""
    rgb = np.array(rgb, order="C")
    if alpha is None or alpha.min() == 255:
        return rgb, None
    opacity = alpha.astype(np.uint16)
    for i in range(3):  # by plane: a big picture's 16-bit copy is three times as big
        mixed = rgb[..., i] * opacity + 255 * (255 - opacity)
        rgb[..., i] = (mixed + 127) // 255
    return rgb, np.array(alpha, order="C")


def frame_notes(image: Image.Image, name: str) -> list[str]:
    """What to tell about a file of several pictures, of which the first is taken."""
    try:
        frames = getattr(image, "n_frames", 1)
    except Exception:  # a later frame is damaged; the first was read
        return []
    # MPO is a photo with its depth or gain map, PSD counts layers.
    if frames < 2 or image.format in ("MPO", "PSD"):
        return []
    if image.format == "TIFF":
        return [f"{name} has {frames} pages: the first is used"]
    return [f"{name} is animated: its first frame of {frames} is used"]


def _split(
    image: Image.Image, name: str, notes: list[str]
) -> tuple[Image.Image, Image.Image | None]:
    """The colour in mode L, RGB, CMYK or LAB, and the alpha in mode L if there is any."""
    if image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(image)
        white = _white(image, values)
        if white != 65535:
            notes.append(f"{name} has {image.mode} values: {white:g} is taken for white")
        key = image.info.get("transparency")
        alpha = np.where(values == key, 0, 255).astype(np.uint8) if isinstance(key, int) else None
        scaled = np.rint(np.nan_to_num(values.astype(np.float32)) * np.float32(255 / white))
        grey = np.clip(scaled, 0, 255).astype(np.uint8)
        return Image.fromarray(grey), None if alpha is None else Image.fromarray(alpha)
    if image.has_transparency_data:
        colour = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
        both = image.convert("LA" if colour == "L" else "RGBA")
        return both.convert(colour), both.getchannel("A")
    if image.mode in ("L", "RGB", "CMYK", "LAB"):
        return image, None
    return image.convert("L" if image.mode == "1" else "RGB"), None


def _white(image: Image.Image, values: np.ndarray) -> float:
    """The value that stands for white: the mode tells for 16 bits, else the brightest pixel."""
    # Older Pillows give 16-bit PNG and PPM as 32-bit integers.
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        return 65535.0
    top = float(np.max(values, initial=0, where=np.isfinite(values)))
    usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0, 2.0**31 - 1)
    return next((white for white in usual if top <= white), top)


def _to_srgb(colour: Image.Image, profile: Any) -> Image.Image | None:
    """`colour` as sRGB by its ICC profile; None if the profile is broken or of another space."""
    if colour.mode == "LAB":
        return colour.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _PROFILE_MODES.get(source.profile.xcolor_space.strip())
        if mode == "RGB" and colour.mode == "L":
            colour = colour.convert("RGB")
        if mode != colour.mode:
            return None
        return ImageCms.profileToProfile(
            colour,
            source,
            ImageCms.createProfile("sRGB"),
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            "RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except Exception:  # whatever is wrong with it, the pixels are still good
        return None


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What sets the loaded picture upright. (ImageOps.exif_transpose fails on broken EXIF.)"""
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except Exception:
        return None
    return _TURNS.get(orientation) if isinstance(orientation, int) else None
