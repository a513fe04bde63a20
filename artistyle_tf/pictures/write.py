"""Pictures and other results into files: checked before a long run, written all or nothing.

`write` puts back the alpha that `images.read` took off, and the record of the run.
"""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.files import as_path, check_folder, write_bytes
from artistyle_tf.pictures import metadata
from artistyle_tf.pictures.picture import check_uint8
from artistyle_tf.pictures.sizes import resize
from artistyle_tf.text import one_line, reason

__all__ = [
    "EXTENSIONS",
    "check_output",
    "png_bytes",
    "write",
]

_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
EXTENSIONS = tuple(_FORMATS)
"""The file name extensions that `write` knows, in small letters."""

_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95, "method": 4},
    "TIFF": {"compression": "tiff_adobe_deflate"},
}
_LONGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383}  # what libjpeg and libwebp can write


def check_output(path: str | os.PathLike[str], size: tuple[int, int] | None = None) -> None:
    """See before a long run that `write` will be able to write to `path`, and leave nothing there.

    `size`: the picture's (height, width), if known. ConfigError: an extension not in EXTENSIONS.
    InputError: as `check_folder`, or the format has no room for `size`.
    """
    path = as_path(path)
    _check_room(path, _format(path), size)
    check_folder(path)


def write(
    path: str | os.PathLike[str],
    rgb: np.ndarray,
    *,
    alpha: np.ndarray | None = None,
    record: Mapping[str, Any] | None = None,
) -> None:
    """Write sRGB uint8 [H, W, 3] as PNG, JPEG, WebP or TIFF, by the extension; all or nothing.

    `alpha`: uint8 [h, w], resized to the picture; JPEG drops it. `record`: see
    `images.read_record`. Equal arguments give equal bytes. ConfigError: a wrong extension or array.
    InputError: the file can't be written; one that was there before is then still there.
    """
    path = as_path(path)
    file_format = _format(path)
    pixels = _pixels(rgb, None if file_format == "JPEG" else alpha)
    _check_room(path, file_format, rgb.shape[:2])
    try:
        image = Image.fromarray(pixels)
        data = metadata.encode(image, file_format, record, **_SAVE_OPTIONS[file_format])
    except Exception as error:  # encoders raise many kinds
        raise InputError(f"can't write {one_line(path)}: {reason(error)}") from error
    write_bytes(path, data)


def png_bytes(rgb: np.ndarray, alpha: np.ndarray | None = None) -> bytes:
    """The bytes of a PNG with sRGB uint8 [H, W, 3] and, resized to it, `alpha` uint8 [h, w].

    ConfigError: a wrong array.
    """
    return metadata.encode(Image.fromarray(_pixels(rgb, alpha)), "PNG", None)


def _pixels(rgb: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """uint8 [H, W, 3], or [H, W, 4] with an alpha of any size."""
    check_uint8("rgb", rgb, rgb.ndim == 3 and rgb.shape[2] == 3, "[H, W, 3]")
    if alpha is None:
        return rgb
    check_uint8("alpha", alpha, alpha.ndim == 2, "[H, W]")
    return np.dstack([rgb, resize(alpha, (rgb.shape[0], rgb.shape[1]))])


def _format(path: str) -> str:
    extension = os.path.splitext(path)[1]
    if extension.lower() not in _FORMATS:
        fault = f"has the extension {one_line(extension)}" if extension else "has no extension"
        raise ConfigError(
            f"the output {one_line(path) or '(empty)'} {fault}; it must be one of "
            + " ".join(EXTENSIONS)
        )
    return _FORMATS[extension.lower()]


def _check_room(path: str, file_format: str, size: tuple[int, ...] | None) -> None:
    longest = _LONGEST_SIDE.get(file_format)
    if size is not None and longest is not None and max(size) > longest:
        raise InputError(
            f"can't write {one_line(path)}: {size[1]}×{size[0]} px, and {file_format} has room for "
            f"{longest} px a side; choose .png or .tif"
        )
