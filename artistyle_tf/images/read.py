"""Reads pictures from files into arrays. No TensorFlow.

`read` returns sRGB over white, whatever the file held; `write.write` restores the alpha.
"""

import contextlib
import os
import stat
import warnings
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from artistyle_tf.errors import ArtistyleError, ConfigError, InputError
from artistyle_tf.files import as_path
from artistyle_tf.images import decode, metadata
from artistyle_tf.images.picture import MIN_SIDE, Picture, check_levels
from artistyle_tf.text import one_line, reason

MAX_PIXELS = 178_956_970
"""Files with more pixels than this in their header are refused without decoding."""

# Vector and data formats that Pillow identifies but can't render, or only via Ghostscript.
_NOT_PICTURES = {"EPS", "MPEG", "WMF"}
_BITS_PER_SAMPLE = 258
_SOURCES = "a picture must be a path, a Pillow image or an array [H, W, 3]"


def read(source: Any) -> Picture:
    """Reads a picture from a path, a Pillow image or an array or tensor [H, W, 3], [H, W, 4] or
    [H, W].

    A `Picture` is returned unchanged.

    Files and Pillow images are rotated by their EXIF orientation and converted to sRGB by their ICC
    profile; of an animation the first frame is used. Arrays are taken as sRGB: uint8, uint16, or
    floats from 0 to 1.
    Sources with more than 8 bits per channel keep them (`Picture.rgb`): 16-bit PNG, grey PGM and
    TIFF, and TIFF with float values, 0 for black and 1 for white.

    ConfigError: an array or object of another kind. InputError: a file that is missing, damaged,
    not a picture or larger than MAX_PIXELS; any picture with a side shorter than MIN_SIDE.
    """
    if isinstance(source, Picture):
        return source
    if isinstance(source, Image.Image):
        with _pillow_errors("image"):
            return _picture(source, "image", [])
    if hasattr(source, "__array__"):
        return _from_array(np.asarray(source))
    path = as_path(source, _SOURCES)
    name = one_line(os.path.basename(path))
    with _open_image(path) as image:
        _check_sides(one_line(path), *image.size)
        notes = decode.frame_notes(image, name)
        return _picture(decode.deep_samples(image) or image, name, notes)


def read_record(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The record embedded in the file by `write.write`, None if there is none.

    InputError: not a readable picture, or a record that is malformed.
    """
    path = as_path(path, _SOURCES)
    with _open_image(path) as image:
        return metadata.extract(image, one_line(path))


def _from_array(array: np.ndarray) -> Picture:
    shape_ok = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    shapes = "[H, W, 3], [H, W, 4] or [H, W]"
    kinds = ("uint8", "uint16", "float16", "float32", "float64")
    check_levels("a picture's array", array, shape_ok, shapes, kinds)
    _check_sides("array", array.shape[1], array.shape[0])
    if array.ndim == 2:
        array = np.stack([array] * 3, axis=-1)
    if array.dtype == np.uint16:
        array = array.astype(np.float32) / 257
    elif array.dtype != np.uint8:
        low, high = float(array.min()), float(array.max())
        if not 0 <= low <= high <= 1:  # false for NaN
            raise ConfigError(
                f"a picture's array of floats must be from 0 to 1, not {low:.4g} to {high:.4g}; "
                "divide one from 0 to 255 by 255"
            )
        array = array.astype(np.float32) * 255
    alpha = array[..., 3] if array.shape[2] == 4 else None
    return Picture(*decode.over_white(array[..., :3], alpha), "array", ())


def _picture(source: Any, name: str, notes: list[str]) -> Picture:
    rgb, alpha = decode.to_rgb(source, name, notes)
    _check_sides(name, rgb.shape[1], rgb.shape[0])
    return Picture(*decode.over_white(rgb, alpha), name, tuple(notes))


def _check_sides(shown: str, width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE:
        raise InputError(
            f"{shown} is {width}×{height} px; both sides must be at least {MIN_SIDE} px"
        )


@contextlib.contextmanager
def _open_image(path: str) -> Iterator[Image.Image | decode.Page]:
    """Opens the picture and checks its header; errors in the block are also about this file. Yields
    a `Page` for a TIFF whose colours Pillow has no mode for."""
    shown = one_line(path)
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{shown} is a folder, not a picture")
        if not stat.S_ISREG(mode):  # opening a pipe could block forever
            raise InputError(f"{shown} is not a regular file")
        file = open(path, "rb")  # noqa: SIM115 (closed below)
    except ArtistyleError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{shown} does not exist") from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise InputError(f"can't read {shown}: {reason(error)}") from error
    with file, _pillow_errors(shown), _identified(file, shown) as image:
        if image.size[0] * image.size[1] > MAX_PIXELS:
            raise Image.DecompressionBombError
        yield image


def _identified(
    file: BinaryIO, shown: str
) -> contextlib.AbstractContextManager[Image.Image | decode.Page]:
    image, fault = None, None
    try:
        image = Image.open(file)
        bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, ())
        deep = image.mode in ("RGB", "RGBA") and max(bits, default=0) > 8
    except UnidentifiedImageError as error:
        fault, deep = error, True  # it may be a TIFF with colours that Pillow has no mode for
    if deep:
        with contextlib.suppress(Exception):  # damaged files can raise nearly any exception
            return contextlib.nullcontext(decode.Page(file))
    if image is None or image.format in _NOT_PICTURES or isinstance(image, ImageFile.StubImageFile):
        raise InputError(
            f"{shown} is not a picture that Pillow can read, or is damaged; usual formats are "
            "PNG, JPEG, WebP, TIFF, GIF and BMP"
        ) from fault
    return image


@contextlib.contextmanager
def _pillow_errors(shown: str) -> Iterator[None]:
    """Turns Pillow's exceptions in the block into an InputError, and hides its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except ArtistyleError:
            raise
        except Image.DecompressionBombError as error:
            raise InputError(f"{shown} has more pixels than the limit of {MAX_PIXELS:,}") from error
        except MemoryError as error:
            raise InputError(f"{shown} needs more memory than there is") from error
        except Exception as error:
            # Damaged files can make Pillow's plugins raise nearly any exception.
            raise InputError(f"{shown} is cut short or damaged ({reason(error)})") from error
