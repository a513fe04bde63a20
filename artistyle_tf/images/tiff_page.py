"""Reads TIFFs that Pillow has no mode for, by tifffile: float, or 16 bits in separate planes."""

import contextlib
import logging
import math
import os
import zlib
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
from PIL import Image

from artistyle_tf.images.deep_decode import Samples

__all__ = ["Page", "open_page"]

_PLAIN, _DEFLATED = (1,), (8, 32946)
"""TIFF compression numbers that tifffile supports by itself."""
_ORIENTATION, _PROFILE = 274, 34675
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MOST_TILE = 4 << 20
"""Maximum pixels of a tile, which may be larger than its picture."""


class Page:
    """The first page of a TIFF with 16-bit or float values, as opened by tifffile."""

    def __init__(self, file: IO[bytes], page: Any):
        self._file, self._page = file, page
        self.size = int(page.imagewidth), int(page.imagelength)
        """(width, height), as in Pillow."""

    @property
    def decodable(self) -> bool:
        """Whether it is compressed in a way that tifffile supports by itself."""
        known = self._page.compression in (*_PLAIN, *_DEFLATED)
        return known and self._page.predictor in (1, 2)

    def samples(self) -> Samples:
        """The pixels; exceptions of tifffile, and ValueError, are passed on.

        Integers are scaled; for floats 0 is black and 1 is white, and values beyond that are
        clipped.
        """
        page = self._page
        with _quiet():
            _check_segments(self._file, page)
            values = np.asarray(page.asarray(maxworkers=1)).reshape(page.shaped)
        apart, together = values.shape[0], values.shape[4]
        pixels = np.empty((*values.shape[2:4], apart * together), np.float32)
        for i in range(apart * together):
            pixels[..., i] = _levels(values[i // together, 0, :, :, i % together])
        alpha = None
        if pixels.shape[2] in (2, 4):
            alpha = pixels[..., -1].copy()
            if page.extrasamples and page.extrasamples[0] == 1:  # premultiplied alpha
                share = np.maximum(alpha, np.float32(1e-3)) / 255
                pixels = np.minimum(pixels / share[..., None], 255)
        profile, number = page.tags.valueof(_PROFILE), page.tags.valueof(_ORIENTATION)
        return Samples(
            pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., 0],
            alpha,
            profile if isinstance(profile, bytes) else None,
            int(number) if isinstance(number, int) else 1,
        )

    def exif(self) -> Image.Exif:
        """Its EXIF directories, read by Pillow."""
        exif = Image.Exif()
        self._file.seek(0)
        exif.load_from_fp(self._file)
        return exif


def open_page(file: IO[bytes]) -> Page | None:
    """The first page of a grey or RGB TIFF with 16-bit or float values; None for other files."""
    file.seek(0)
    if file.read(4) not in _TIFF:
        return None
    import tifffile  # imported only if needed

    file.seek(0)
    try:
        with _quiet():
            page: Any = tifffile.TiffFile(file).pages[0]
        good = (
            page.dtype is not None
            and page.dtype.name in ("uint16", "float16", "float32", "float64")
            and page.photometric in (1, 2)
            and page.imagedepth == 1
            and page.samplesperpixel - (3 if page.photometric == 2 else 1) in (0, 1)
        )
        return Page(file, page) if good else None
    except Exception:  # damaged files can raise nearly any exception
        return None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppresses tifffile's messages on standard error."""
    logger = logging.getLogger("tifffile")
    logger.addFilter(_nothing)
    try:
        yield
    finally:
        logger.removeFilter(_nothing)


def _check_segments(file: IO[bytes], page: Any) -> None:
    """ValueError if a strip or tile unpacks to more, or holds less, than it declares."""
    shape = page.chunks
    if page.is_tiled and page.tilewidth * page.tilelength > _MOST_TILE:
        raise ValueError("its tiles are too large")
    end = file.seek(0, os.SEEK_END)
    most = math.prod(shape) * page.dtype.itemsize
    for start, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        if start + count > end:
            raise ValueError("its end is missing")
        if page.compression in _DEFLATED:
            file.seek(start)
            unpacker = zlib.decompressobj()
            unpacker.decompress(file.read(count), most)
            if unpacker.unconsumed_tail or not unpacker.eof:
                raise ValueError("its pixels are damaged")


def _levels(plane: np.ndarray) -> np.ndarray:
    """uint16 or float [H, W] as float32 grey levels."""
    if plane.dtype.kind == "u":
        return plane.astype(np.float32) / 257
    finite = np.nan_to_num(plane.astype(np.float32), posinf=1, neginf=0)
    return np.clip(finite, 0, 1) * 255


def _nothing(_record: logging.LogRecord) -> bool:
    return False
