"""Files with more than 8 bits per channel, which Pillow has no colour modes for. No TensorFlow.

PNG by libpng, from imagecodecs; TIFF by tifffile, with imagecodecs for its compressions. Both are
imported only if needed.
"""

import io
import logging
import math
import zlib
from typing import IO, Any, NamedTuple

import numpy as np
from PIL import Image, PngImagePlugin

from artistyle_tf.images.profiles import srgb

__all__ = [
    "Page",
    "Samples",
    "encode_png",
    "encode_tiff",
    "is_deep_png",
    "open_page",
    "orientation",
    "png_samples",
]

_ORIENTATION = 274
_IHDR_END, _DEPTH_AT = 33, 24
"""Offsets in a PNG: behind its header, and of the header's bit depth."""
_FASTEST = {"level": 1, "strategy": 3, "filter": 16}
"""Run-length deflate after the Sub filter: ten times faster than zlib's default, no larger."""

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # else it writes to stderr


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


# PNG


def is_deep_png(image: Image.Image) -> bool:
    """Whether a picture opened by Pillow is a PNG with 16 bits, of which Pillow returns 8."""
    file = getattr(image, "fp", None)
    if image.format != "PNG" or file is None:
        return False
    before = file.tell()
    file.seek(_DEPTH_AT)
    depth = file.read(1)
    file.seek(before)
    return bool(depth == b"\x10")


def png_samples(image: Image.Image) -> Samples:
    """All bits of a PNG opened by Pillow; exceptions of both libraries are passed on."""
    import imagecodecs

    file: Any = getattr(image, "fp", None)
    number = orientation(image)
    file.seek(0)
    values = imagecodecs.png_decode(file.read())
    return _samples(values, image.info.get("icc_profile"), number)


def encode_png(pixels: np.ndarray, text: tuple[str, str] | None) -> bytes:
    """The bytes of a PNG with sRGB uint16 [H, W, 3] or, with alpha, [H, W, 4], a keyword and text.

    imagecodecs writes pixels only: profile and text are inserted behind the header.
    """
    import imagecodecs

    data = imagecodecs.png_encode(np.ascontiguousarray(pixels), **_FASTEST)
    chunks, info = io.BytesIO(), PngImagePlugin.PngInfo()
    info.add(b"iCCP", b"sRGB\0\0" + zlib.compress(srgb()))
    if text is not None:
        info.add_text(*text)
    for name, content, *_ in info.chunks:
        PngImagePlugin.putchunk(chunks, name, content)
    return bytes(data[:_IHDR_END] + chunks.getvalue() + data[_IHDR_END:])


# TIFF


class Page:
    """The first page of a TIFF with 16-bit or float values. What it shares with `Image.Image` has
    the same names."""

    format = "TIFF"

    def __init__(self, file: IO[bytes], tiff: Any):
        self._file, self._page = file, tiff.pages[0]
        self.size = int(self._page.imagewidth), int(self._page.imagelength)
        """(width, height)"""
        self.n_frames = len(tiff.pages)

    @property
    def readable(self) -> bool:
        """Whether it is grey or RGB, with or without alpha."""
        page = self._page
        return bool(
            page.dtype is not None
            and page.dtype.name in ("uint16", "float16", "float32", "float64")
            and page.photometric in (1, 2)
            and page.imagedepth == 1
            and page.samplesperpixel - (3 if page.photometric == 2 else 1) in (0, 1)
        )

    def samples(self) -> Samples:
        """The pixels; ValueError and the exceptions of tifffile are passed on.

        Integers are scaled; for floats 0 is black and 1 is white, and values beyond that are
        clipped.
        """
        page = self._page
        if len(page.dataoffsets) < math.prod(page.chunked):  # else memory is spent on a false size
            raise ValueError("its end is missing")
        values = np.asarray(page.asarray(maxworkers=1)).reshape(page.shaped)
        planes, _, height, width, together = values.shape
        pixels = np.moveaxis(values[:, 0], 0, 2).reshape(height, width, planes * together)
        number = page.tags.valueof(_ORIENTATION)
        samples = _samples(pixels, page.iccprofile, number if isinstance(number, int) else 1)
        if samples.alpha is not None and page.extrasamples[:1] == (1,):  # premultiplied alpha
            share = np.maximum(samples.alpha, np.float32(1e-3)) / 255
            share = share if samples.colour.ndim == 2 else share[..., None]
            return samples._replace(colour=np.minimum(samples.colour / share, 255))
        return samples

    def getexif(self) -> Image.Exif:
        """Its EXIF directories, read by Pillow."""
        exif = Image.Exif()
        self._file.seek(0)
        exif.load_from_fp(self._file)
        return exif


def open_page(file: IO[bytes]) -> Page | None:
    """The first page of a grey or RGB TIFF with 16-bit or float values; None for other files."""
    import tifffile

    file.seek(0)
    try:
        page = Page(file, tifffile.TiffFile(file))
        return page if page.readable else None
    except Exception:  # damaged files can raise nearly any exception
        return None


def encode_tiff(pixels: np.ndarray) -> bytes:
    """The bytes of a TIFF with sRGB uint16 or float32 [H, W, 3] or, with alpha, [H, W, 4].

    Floats are not compressed: deflate saves an eighth, is slow, and some readers don't support it.
    """
    import tifffile

    file, whole = io.BytesIO(), pixels.dtype == np.uint16
    tifffile.imwrite(
        file,
        pixels,
        bigtiff=False,
        byteorder="<",
        photometric="rgb",
        planarconfig="contig",
        extrasamples=["unassalpha"] if pixels.shape[2] == 4 else None,
        compression="zlib" if whole else None,
        predictor=whole,
        iccprofile=srgb(),
        software=False,
        metadata=None,
        maxworkers=1,
    )
    return file.getvalue()


def _samples(values: np.ndarray, profile: bytes | None, number: int) -> Samples:
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
