"""Converts pictures of any mode and depth to upright sRGB and alpha.

Pillow has no colours with more than 8 bits a channel. Such PNG are decoded by libpng, from
imagecodecs, such TIFF by tifffile; both are imported only if needed.
"""

import functools
import io
import logging
import math
import struct
from typing import IO, Any, NamedTuple

import numpy as np
from PIL import Image, ImageCms

_ORIENTATION = 274
_DEPTH_AT = 24  # Where a PNG has its bit depth.
_DATE = slice(24, 36)
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # else it writes to stderr


class Samples(NamedTuple):
    """Decoded pixels with more than 8 bits per channel, in grey levels 0 to 255.

    `colour`: float32 [H, W, 3] or grey [H, W]. `alpha`: float32 [H, W]. `profile`: ICC.
    `orientation`: EXIF's.
    """

    colour: np.ndarray
    alpha: np.ndarray | None
    profile: bytes | None
    orientation: Any


class Page:
    """The first page of a deep TIFF, as far as we need like a Pillow image. ValueError: it is
    neither grey nor RGB; tifffile's exceptions are passed on."""

    format = "TIFF"

    def __init__(self, file: IO[bytes]):
        import tifffile

        file.seek(0)
        tiff: Any = tifffile.TiffFile(file)
        page = tiff.pages[0]
        extra = page.samplesperpixel - (3 if page.photometric == 2 else 1)
        if (
            page.dtype not in ("uint16", "float16", "float32", "float64")
            or page.photometric not in (1, 2)
            or page.imagedepth != 1
            or extra not in (0, 1)
        ):
            raise ValueError("not grey or RGB of 16 bits or more")
        self._file, self._page, self.n_frames = file, page, len(tiff.pages)
        self.size = int(page.imagewidth), int(page.imagelength)

    def samples(self) -> Samples:
        """The pixels. Floats are clipped to 0 (black) to 1 (white)."""
        page = self._page
        if len(page.dataoffsets) < math.prod(page.chunked):  # else memory is spent on a false size
            raise ValueError("its end is missing")
        values = np.asarray(page.asarray(maxworkers=1)).reshape(page.shaped)
        planes, _, height, width, together = values.shape
        pixels = np.moveaxis(values[:, 0], 0, 2).reshape(height, width, planes * together)
        samples = _samples(pixels, page.iccprofile, page.tags.valueof(_ORIENTATION))
        if samples.alpha is not None and page.extrasamples[:1] == (1,):  # premultiplied alpha
            share = np.maximum(samples.alpha, np.float32(1e-3)) / 255
            share = share if samples.colour.ndim == 2 else share[..., None]
            return samples._replace(colour=np.minimum(samples.colour / share, 255))
        return samples

    def getexif(self) -> Image.Exif:
        exif = Image.Exif()
        self._file.seek(0)
        exif.load_from_fp(self._file)
        return exif


def deep_samples(image: Image.Image | Page) -> Samples | None:
    """All bits of an opened picture that has more than Pillow returns; None for any other."""
    if isinstance(image, Page):
        return image.samples()
    file: Any = getattr(image, "fp", None)
    if image.format != "PNG" or file is None:
        return None
    before = file.tell()
    file.seek(_DEPTH_AT)
    depth = file.read(1)
    file.seek(before)
    if depth != b"\x10":
        return None
    import imagecodecs

    number = _orientation(image)
    file.seek(0)
    return _samples(imagecodecs.png_decode(file.read()), image.info.get("icc_profile"), number)


def to_rgb(
    source: Image.Image | Samples, name: str, notes: list[str]
) -> tuple[np.ndarray, np.ndarray | None]:
    """A picture as upright sRGB [H, W, 3], with its alpha [H, W] or None.

    Both are uint8, or float32 grey levels if the picture is deeper. Every guess adds a line, which
    begins with `name`, to `notes`.
    """
    if isinstance(source, Image.Image):
        source.load()
        if source.mode == "F" or source.mode.startswith("I"):
            source = _grey_samples(source, name, notes)
    converted: Any  # an array or a Pillow image; None: its profile is no good
    if isinstance(source, Samples):
        colour, alpha, profile, number = source
        plain: Any = np.stack([colour] * 3, axis=-1) if colour.ndim == 2 else colour
        converted = plain if not profile or _is_srgb(profile) else _deep_to_srgb(colour, profile)
    else:
        image, clear = _split(source)
        profile, number = source.info.get("icc_profile"), _orientation(source)
        plain, alpha = image.convert("RGB"), None if clear is None else np.asarray(clear)
        converted = plain
        if profile and image.mode != "LAB" and not _is_srgb(profile):
            converted = _to_srgb(image, profile)
    if converted is None:
        notes.append(f"{name} has a colour profile that can't be used: it is taken as sRGB")
        converted = plain
    rgb = _upright(np.asarray(converted), number)
    return rgb, None if alpha is None else _upright(alpha, number)


def over_white(rgb: np.ndarray, alpha: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Copies of uint8 [H, W, 3], composited over white, and its alpha [H, W], None if opaque.
    float32 grey levels may be overwritten."""
    deep = rgb.dtype != np.uint8
    rgb = np.ascontiguousarray(rgb) if deep else np.array(rgb, order="C")
    if alpha is None or alpha.min() == 255:
        return rgb, None
    opacity = alpha / np.float32(255) if deep else alpha.astype(np.uint16)
    for i in range(3):  # by plane, as a wider copy of all planes is large
        if deep:
            rgb[..., i] = 255 - (255 - rgb[..., i]) * opacity
        else:
            rgb[..., i] = (rgb[..., i] * opacity + 255 * (255 - opacity) + 127) // 255
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


@functools.cache
def srgb() -> bytes:
    """littleCMS's sRGB profile, with a fixed date so that its bytes never change."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return made[: _DATE.start] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + made[_DATE.stop :]


def _is_srgb(profile: bytes) -> bool:
    """Whether it is `srgb()` with any date, so that no conversion is needed."""
    own = srgb()
    return profile[: _DATE.start] + profile[_DATE.stop :] == own[: _DATE.start] + own[_DATE.stop :]


def _to_srgb(colour: Image.Image, profile: bytes) -> Image.Image | None:
    """Converts by an ICC profile; None if that is broken or doesn't match."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        mode = {"GRAY": "L"}.get(space, space)
        if mode == "RGB" and colour.mode == "L":
            colour = colour.convert("RGB")
        if mode != colour.mode:
            return None
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(colour, source, target, _INTENT, "RGB", flags=_FLAGS)
    except Exception:  # a bad profile does not make the pixels unusable
        return None


def _deep_to_srgb(colour: np.ndarray, profile: bytes) -> np.ndarray | None:
    """Likewise in float, which Pillow does not offer; colours outside sRGB are clipped."""
    import imagecodecs

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


def _orientation(image: Image.Image) -> Any:
    # ImageOps.exif_transpose fails on broken EXIF.
    try:
        return image.getexif().get(_ORIENTATION)
    except Exception:
        return None


def _upright(plane: np.ndarray, number: Any) -> np.ndarray:
    """Turns [H, W, …] by the EXIF orientation (Exif 2.3, 4.6.4); unknown ones are upright."""
    if number in (5, 6, 7, 8):
        plane = plane.swapaxes(0, 1)
    if number in (2, 3, 6, 7):
        plane = plane[:, ::-1]
    return plane[::-1] if number in (3, 4, 7, 8) else plane


def _samples(values: np.ndarray, profile: bytes | None, number: Any) -> Samples:
    """uint16 or float [H, W] or [H, W, 1 to 4] as `Samples`."""
    if values.dtype == np.uint16:
        levels = values.astype(np.float32)
        levels /= 257
    else:
        levels = np.nan_to_num(values.astype(np.float32), posinf=1, neginf=0)
        np.clip(levels, 0, 1, out=levels)
        levels *= 255
    levels = levels.reshape(*levels.shape[:2], -1)
    alpha = levels[..., -1] if levels.shape[2] in (2, 4) else None
    colour = levels[..., :3] if levels.shape[2] >= 3 else levels[..., 0]
    return Samples(colour, alpha, profile, number)


def _grey_samples(image: Image.Image, name: str, notes: list[str]) -> Samples:
    """Pillow's modes I and F: white is the mode's for 16 bits, else guessed by the brightest."""
    values = np.asarray(image)
    # Older versions of Pillow return 16-bit PNG and PPM as 32-bit integers.
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        white = 65535.0
    else:
        top = float(np.max(values, initial=0, where=np.isfinite(values)))
        usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0, 2.0**31 - 1)
        white = next((one for one in usual if top <= one), top)
    if white != 65535:
        notes.append(f"{name} has {image.mode} values: {white:g} is taken for white")
    grey = np.clip(np.nan_to_num(values.astype(np.float32)) * np.float32(255 / white), 0, 255)
    return Samples(grey, None, image.info.get("icc_profile"), _orientation(image))


def _split(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The colours in mode L, RGB, CMYK or LAB, and the alpha in mode L or None."""
    if image.has_transparency_data:
        colour = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
        both = image.convert("LA" if colour == "L" else "RGBA")
        return both.convert(colour), both.getchannel("A")
    if image.mode in ("L", "RGB", "CMYK", "LAB"):
        return image, None
    return image.convert("L" if image.mode == "1" else "RGB"), None
