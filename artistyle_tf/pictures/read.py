"""Pictures from files to uint8 arrays, and their sizes. No TensorFlow.

`read` gives sRGB over white whatever the file held; `write.write` puts the alpha back.
"""

import contextlib
import os
import re
import stat
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from artistyle_tf.errors import ArtistyleError, ConfigError, InputError
from artistyle_tf.pictures import decode, libtiff, metadata
from artistyle_tf.pictures.picture import MIN_SIDE, Picture, check_uint8
from artistyle_tf.text import one_line, reason

__all__ = [
    "MAX_PIXELS",
    "read",
    "read_record",
]

MAX_PIXELS = 178_956_970
"""More pixels than that in a file's header, and it is refused undecoded."""


# Vector and data formats that Pillow names but can't draw, or draws by starting Ghostscript.
_NOT_PICTURES = {"EPS", "MPEG", "WMF"}
_UNREADABLE = (
    "is not a picture that Pillow can read; usual formats are PNG, JPEG, WebP, TIFF, GIF and BMP"
)
_SIGNATURES = re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP", re.DOTALL)


def read(source: str | os.PathLike[str] | Image.Image | np.ndarray | Picture) -> Picture:
    """A picture from a file, a Pillow image or a uint8 array [H, W, 3], [H, W, 4] or [H, W].

    What has been read before comes back as it is.

    Files and Pillow images are turned upright by their EXIF orientation and converted to sRGB by
    their ICC profile; 16 bits are scaled to 8; of an animation the first frame is taken. Arrays are
    taken as sRGB. ConfigError: an array or object of another kind. InputError: a file that is
    missing, damaged, no picture or above MAX_PIXELS; any picture with a side below MIN_SIDE.
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
        image.load()
        return _convert(image, name, decode.frame_notes(image, name))


def read_record(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The record that `write.write` put into the file, None if it has none.

    InputError: no readable picture, or a record that is malformed or above 1 MiB.
    """
    path = _path(path)
    with _open_image(path) as image:
        return metadata.extract(image, one_line(path))


# Files


def _path(path: Any) -> str:
    if not isinstance(path, str | os.PathLike):
        raise ConfigError(
            "a picture must be a path, a Pillow image or a uint8 array [H, W, 3], "
            f"not {type(path).__name__}"
        )
    return os.fsdecode(path)


@contextlib.contextmanager
def _open_image(path: str) -> Iterator[Image.Image]:
    """The picture's header, read and found sane; errors in the block are about this file too."""
    shown = one_line(path)
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"{shown} is a folder, not a picture")
        if not stat.S_ISREG(status.st_mode):  # opening a pipe could wait for ever
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
    with file, _pillow_errors(shown):
        try:
            image = Image.open(file)
        except UnidentifiedImageError as error:
            file.seek(0)
            if _SIGNATURES.match(file.read(12)):
                raise
            raise InputError(f"{shown} {_UNREADABLE}") from error
        with image:
            if image.format in _NOT_PICTURES or isinstance(image, ImageFile.StubImageFile):
                raise InputError(f"{shown} {_UNREADABLE}")
            _check_pixels(shown, *image.size)
            yield image


@contextlib.contextmanager
def _pillow_errors(shown: str) -> Iterator[None]:
    """Turn what Pillow raises in the block into an InputError, and keep its warnings in."""
    with warnings.catch_warnings(), libtiff.quiet():
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
            # Damaged files make Pillow's plugins raise nearly anything.
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
    check_uint8("a picture's array", array, shape_ok, "[H, W, 3], [H, W, 4] or [H, W]")
    _check_sides("array", array.shape[1], array.shape[0])
    if array.ndim == 2:
        array = np.stack([array] * 3, axis=-1)
    rgb, alpha = decode.over_white(array[..., :3], array[..., 3] if array.shape[2] == 4 else None)
    return Picture(rgb, alpha, "array", ())


def _convert(image: Image.Image, name: str, notes: list[str]) -> Picture:
    """A Pillow image of any mode as a Picture."""
    image.load()
    rgb, alpha = decode.to_rgb(image, name, notes)
    _check_sides(name, *rgb.size)
    pixels, opacity = decode.over_white(np.asarray(rgb), np.asarray(alpha) if alpha else None)
    return Picture(pixels, opacity, name, tuple(notes))
