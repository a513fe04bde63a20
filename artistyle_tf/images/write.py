"""Writes pictures and other results: checked before a long run, written atomically.

`write` restores the alpha that `images.read` separated, and embeds the record of the run.
"""

import base64
import html
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.files import as_path, check_folder, write_bytes
from artistyle_tf.images import metadata
from artistyle_tf.images.decode import srgb
from artistyle_tf.images.picture import as_uint8, check_levels
from artistyle_tf.images.sizes import resize, shrink
from artistyle_tf.text import one_line, reason

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_FORMATS |= {".tif": "TIFF", ".tiff": "TIFF"}
EXTENSIONS = tuple(_FORMATS)  # Of the files that `write` can write.
DEPTHS = (8, 16, 32)  # Bits per channel that a file may have; 32: float.
_DEPTHS = {"PNG": (8, 16), "TIFF": DEPTHS}  # all others: 8

_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95, "method": 4},
    "TIFF": {"compression": "tiff_adobe_deflate"},
}
_LONGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383}  # limits of libjpeg and libwebp
HTML_WIDTH = 512  # Maximum width in px, since notebooks store all that they show.


def check_output(
    path: str | os.PathLike[str], size: tuple[int, int] | None = None, depth: int = 8
) -> None:
    """Checks before a long run that `write` can write to `path`; leaves nothing behind.

    `size`: the picture's (height, width), if known. ConfigError: as `check_depth`. InputError: as
    `check_folder`, or `size` exceeds the format's limits.
    """
    path = as_path(path)
    check_depth(path, depth)
    _check_room(path, _format(path), size)
    check_folder(path)


def check_depth(path: str | os.PathLike[str], depth: int) -> None:
    """ConfigError: `depth` is none of DEPTHS or of this format's; `path` has no known extension."""
    file_format = _format(as_path(path))
    if depth not in DEPTHS:
        raise ConfigError(f"depth is {depth!r}; it must be 8, 16 or 32")
    own = _DEPTHS.get(file_format, (8,))
    if depth not in own:
        others = ".png or .tif" if depth == 16 else ".tif"
        raise ConfigError(
            f"the output {one_line(os.fsdecode(path))} can't have depth {depth}: {file_format} has "
            f"{' or '.join(map(str, own))} bits a channel; choose {others}"
        )


def write(
    path: str | os.PathLike[str],
    rgb: np.ndarray,
    *,
    alpha: np.ndarray | None = None,
    record: Mapping[str, Any] | None = None,
    depth: int = 8,
) -> None:
    """Writes an sRGB picture as PNG, JPEG, WebP or TIFF, by its extension, atomically.

    The file has an sRGB profile. Equal arguments give equal bytes.

    Args:
      rgb: uint8 [H, W, 3]; for a depth of 16 or 32, float32 [H, W, 3] in grey levels.
      alpha: uint8 or float32 [h, w] in grey levels, resized to the picture; JPEG drops it.
      record: see `images.read_record`.
      depth: bits per channel: 8; 16 in PNG and TIFF, rounded and clipped to 0-65535; 32 in TIFF,
        float, 0 to 1 for 0 to 255, unclipped. All of them have sRGB's transfer curve.

    Raises:
      ConfigError: an invalid extension, depth or array.
      InputError: the file can't be written; an existing one is then unchanged.
    """
    path = as_path(path)
    file_format = _format(path)
    check_depth(path, depth)
    if file_format == "JPEG":
        alpha = None
    pixels = _pixels(rgb, alpha, depth)
    _check_room(path, file_format, rgb.shape[:2])
    options = _SAVE_OPTIONS[file_format] | {"icc_profile": srgb()}
    try:
        data = metadata.encode(pixels, file_format, record, **options)
    except Exception as error:  # encoders raise many types
        raise InputError(f"can't write {one_line(path)}: {reason(error)}") from error
    write_bytes(path, data)


def png_bytes(rgb: np.ndarray, alpha: np.ndarray | None = None) -> bytes:
    """A PNG with sRGB uint8 [H, W, 3] and, resized to it, an alpha [h, w]. ConfigError: no such
    array."""
    return metadata.encode(_pixels(rgb, alpha, 8), "PNG", None)


def to_html(rgb: np.ndarray, rows: Mapping[str, str], alpha: np.ndarray | None = None) -> str:
    """HTML for notebooks: a picture, uint8 [H, W, 3] sRGB with an alpha [h, w], above a table of
    `rows`, label → text, which are escaped."""
    height, width = rgb.shape[:2]
    rgb = shrink(rgb, round(HTML_WIDTH * max(1, height / width)))
    data = base64.b64encode(png_bytes(rgb, alpha)).decode("ascii")
    cells = "".join(
        f"<tr><th>{html.escape(label)}</th><td>{html.escape(text)}</td></tr>"
        for label, text in rows.items()
    )
    return f'<img src="data:image/png;base64,{data}"><table>{cells}</table>'


def _pixels(rgb: np.ndarray, alpha: np.ndarray | None, depth: int) -> np.ndarray:
    """uint8, uint16 or float32 [H, W, 3], or [H, W, 4] with an alpha of any size."""
    rgb_ok = rgb.ndim == 3 and rgb.shape[2] == 3
    check_levels("rgb", rgb, rgb_ok, "[H, W, 3]", ("uint8" if depth == 8 else "float32",))
    planes = list(np.moveaxis(rgb, -1, 0))
    if alpha is not None:
        check_levels("alpha", alpha, alpha.ndim == 2, "[H, W]", ("uint8", "float32"))
        alpha = alpha if depth == 8 else alpha.astype(np.float32)
        planes.append(resize(alpha, (rgb.shape[0], rgb.shape[1])))
    kind = {8: np.uint8, 16: np.uint16, 32: np.float32}[depth]
    pixels = np.empty((*rgb.shape[:2], len(planes)), kind)
    for i, plane in enumerate(planes):  # one by one, to save memory with big pictures
        if depth == 8:
            pixels[..., i] = as_uint8(plane)
        elif depth == 16:
            steps = np.multiply(plane, 257, dtype=np.float64)
            pixels[..., i] = np.clip(np.rint(steps, out=steps), 0, 65535)
        else:
            pixels[..., i] = plane / 255
    return pixels


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
