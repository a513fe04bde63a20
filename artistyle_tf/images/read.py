"""Reads pictures from files into arrays. No TensorFlow.

`read` returns sRGB over white, whatever the file held; `write.write` restores the alpha.
"""

import contextlib
import os
import re
import stat
import warnings
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from artistyle_tf.errors import ArtistyleError, ConfigError, InputError
from artistyle_tf.images import decode, deep, metadata
from artistyle_tf.images.picture import MIN_SIDE, Picture, check_levels
from artistyle_tf.text import one_line, reason

__all__ = [
    "MAX_PIXELS",
    "read",
    "read_record",
]

MAX_PIXELS = 178_956_970
"""Files with more pixels than this in their header are refused without decoding."""


# Vector and data formats that Pillow identifies but can't render, or only via Ghostscript.
_NOT_PICTURES = {"EPS", "MPEG", "WMF"}
_UNREADABLE = (
    "is not a picture that Pillow can read; usual formats are PNG, JPEG, WebP, TIFF, GIF and BMP"
)
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BITS_PER_SAMPLE = 258
_SIGNATURES = re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP", re.DOTALL)


def read(source: str | os.PathLike[str] | Image.Image | np.ndarray | Picture) -> Picture:
    """Reads a picture from a file, a Pillow image or an array [H, W, 3], [H, W, 4] or [H, W].

    A `Picture` is returned unchanged.

    Files and Pillow images are rotated by their EXIF orientation and converted to sRGB by their ICC
    profile; of an animation the first frame is used. Arrays are uint8 or uint16, taken as sRGB.
    Sources with more than 8 bits per channel keep them (`Picture.rgb`): 16-bit PNG, grey PGM and
    TIFF, and TIFF with float values, 0 for black and 1 for white.

    ConfigError: an array or object of another kind. InputError: a file that is missing, damaged,
    not a picture or larger than MAX_PIXELS; any picture with a side shorter than MIN_SIDE.
    """
    if isinstance(source, Picture):
        return source
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        with _pillow_errors("image"):
            return _convert(source, "image", [])
    path = _path(source)
    shown = one_line(path)
    name = one_line(os.path.basename(path))
    with _open_image(path) as image:
        _check_sides(shown, *image.size)
        notes = decode.frame_notes(image, name)
        if isinstance(image, deep.Page):
            return _picture(*decode.deep_to_rgb(image.samples(), name, notes), name, notes)
        if deep.is_deep_png(image):
            samples = deep.png_samples(image)
            return _picture(*decode.deep_to_rgb(samples, name, notes), name, notes)
        return _convert(image, name, notes)


def read_record(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The record embedded in the file by `write.write`, None if there is none.

    InputError: not a readable picture, or a record that is malformed or larger than 1 MiB.
    """
    path = _path(path)
    with _open_image(path) as image:
        return metadata.extract(image, one_line(path))


# Files


def _path(path: Any) -> str:
    if not isinstance(path, str | os.PathLike):
        raise ConfigError(
            "a picture must be a path, a Pillow image or a uint8 or uint16 array [H, W, 3], "
            f"not {type(path).__name__}"
        )
    return os.fsdecode(path)


@contextlib.contextmanager
def _open_image(path: str) -> Iterator[Image.Image | deep.Page]:
    """Opens the picture and checks its header; errors in the block are also about this file.

    Yields a `Page` for a TIFF whose colours Pillow has no mode for.
    """
    shown = one_line(path)
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"{shown} is a folder, not a picture")
        if not stat.S_ISREG(status.st_mode):  # opening a pipe could block forever
            raise InputError(f"{shown} is not a regular file")
        if status.st_size == 0:
            raise InputError(f"{shown} is empty")
        file = open(path, "rb")  # noqa: SIM115 (closed below)
    except FileNotFoundError as error:
        raise InputError(f"{shown} does not exist") from error
    except OSError as error:
        raise InputError(f"can't read {shown}: {reason(error)}") from error
    except ArtistyleError:
        raise
    except ValueError as error:  # a null character in the path
        raise InputError(f"can't read {shown}: {reason(error)}") from error
    with file, _pillow_errors(shown), _identified(file, shown) as image:
        _check_pixels(shown, *image.size)
        yield image


def _identified(
    file: BinaryIO, shown: str
) -> contextlib.AbstractContextManager[Image.Image | deep.Page]:
    try:
        image = Image.open(file)
    except UnidentifiedImageError as error:
        file.seek(0)
        start = file.read(12)
        page = deep.open_page(file) if start.startswith(_TIFF) else None
        if page is not None:
            return contextlib.nullcontext(page)
        if _SIGNATURES.match(start):
            raise
        raise InputError(f"{shown} {_UNREADABLE}") from error
    if image.format in _NOT_PICTURES or isinstance(image, ImageFile.StubImageFile):
        raise InputError(f"{shown} {_UNREADABLE}")
    bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, ())
    if image.mode in ("RGB", "RGBA") and bits and max(bits) > 8:
        page = deep.open_page(file)
        if page is not None:
            return contextlib.nullcontext(page)
    return image


@contextlib.contextmanager
def _pillow_errors(shown: str) -> Iterator[None]:
    """Turn Pillow's exceptions in the block into an InputError, and suppress its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except ArtistyleError:
            raise
        except Image.DecompressionBombError as error:
            found = re.search(r"\((\d+) pixels\) exceeds limit of (\d+)", str(error))
            pixels, limit = map(int, found.groups()) if found else (0, MAX_PIXELS)
            count = f"{pixels:,}" if found else "too many"
            raise InputError(f"{shown} has {count} pixels; the limit is {limit:,}") from error
        except MemoryError as error:
            raise InputError(f"{shown} needs more memory than there is") from error
        except UnidentifiedImageError as error:
            raise InputError(f"{shown} is cut short or damaged") from error
        except Exception as error:
            # Damaged files can make Pillow's plugins raise nearly any exception.
            raise InputError(f"{shown} is cut short or damaged ({reason(error)})") from error


# Checks


def _check_pixels(shown: str, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{shown} is {width}×{height} px, {width * height:,} pixels; "
            f"the limit is {MAX_PIXELS:,}"
        )


def _check_sides(shown: str, width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE:
        raise InputError(
            f"{shown} is {width}×{height} px; both sides must be at least {MIN_SIDE} px"
        )


# Pixels


def _from_array(array: np.ndarray) -> Picture:
    shape_ok = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    shapes = "[H, W, 3], [H, W, 4] or [H, W]"
    check_levels("a picture's array", array, shape_ok, shapes, ("uint8", "uint16"))
    _check_sides("array", array.shape[1], array.shape[0])
    if array.ndim == 2:
        array = np.stack([array] * 3, axis=-1)
    if array.dtype != np.uint8:
        array = array.astype(np.float32) / 257
    return _picture(array[..., :3], array[..., 3] if array.shape[2] == 4 else None, "array", [])


def _convert(image: Image.Image, name: str, notes: list[str]) -> Picture:
    """A Pillow image of any mode as a Picture."""
    image.load()
    return _picture(*decode.to_rgb(image, name, notes), name, notes)


def _picture(rgb: np.ndarray, alpha: np.ndarray | None, name: str, notes: list[str]) -> Picture:
    """A Picture from pixels and alpha, composited over white."""
    _check_sides(name, rgb.shape[1], rgb.shape[0])
    return Picture(*decode.over_white(rgb, alpha), name, tuple(notes))
