"""Pictures and other results into files: checked before a long run, written all or nothing.

`write` puts back the alpha that `images.read` took off, and the record of the run.
"""

import contextlib
import errno
import os
import stat
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from artistyle_tf import records
from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.images import check_uint8, resize
from artistyle_tf.messages import one_line, reason

__all__ = ["EXTENSIONS", "check_folder", "check_output", "replacing", "write", "write_bytes"]

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
    path = _path(path)
    _check_room(path, _format(path), size)
    check_folder(path)


def check_folder(path: str | os.PathLike[str]) -> None:
    """See before a long run that a file can be put at `path`, whatever it is to hold.

    InputError: no such folder, not writable, or `path` is a folder or a device.
    """
    path = _path(path)
    try:
        # Trying is the only sure way: os.access says yes to root, and knows no read-only mounts.
        with _temporary(_target(path)):
            pass
    except (OSError, ValueError) as error:
        raise InputError(f"can't write {one_line(path)}: {reason(error)}") from error


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
    path = _path(path)
    file_format = _format(path)
    check_uint8("rgb", rgb, rgb.ndim == 3 and rgb.shape[2] == 3, "[H, W, 3]")
    _check_room(path, file_format, rgb.shape[:2])
    if alpha is not None and file_format != "JPEG":
        check_uint8("alpha", alpha, alpha.ndim == 2, "[H, W]")
        rgb = np.dstack([rgb, resize(alpha, rgb.shape[:2])])
    try:
        image = Image.fromarray(rgb)
        data = records.encode(image, file_format, record, **_SAVE_OPTIONS[file_format])
    except Exception as error:  # encoders raise many kinds
        raise InputError(f"can't write {one_line(path)}: {reason(error)}") from error
    write_bytes(path, data)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Make `data` the file at `path`, links followed; all or nothing.

    InputError: it can't be written; a file that was there before is then still there.
    """
    path = _path(path)
    try:
        with replacing(path) as file:
            file.write(data)
    except (OSError, ValueError) as error:
        raise InputError(f"can't write {one_line(path)}: {reason(error)}") from error


@contextlib.contextmanager
def replacing(path: str, mark: str = "") -> Iterator[BinaryIO]:
    """A file to write to, which is at `path` after the block, links followed; all or nothing.

    `mark` is in the name that it has until then. OSError or ValueError: it can't be; a file that
    was there before is then still there.
    """
    target = _target(path)
    with _temporary(target, mark) as (file, temporary):
        yield file
        file.flush()
        os.fsync(file.fileno())
        file.close()
        os.replace(temporary, target)
    _settle(os.path.dirname(target))


def _path(path: Any) -> str:
    if not isinstance(path, str | os.PathLike):
        raise ConfigError(f"an output must be a path, not {type(path).__name__}")
    return os.fsdecode(path)


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


def _target(path: str) -> str:
    """The file that `path` stands for, links followed; OSError if nothing can be put there."""
    target = os.path.realpath(path)
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        folder = os.path.dirname(target)
        if not os.path.exists(folder):
            raise OSError(errno.ENOENT, f"there is no folder {folder}") from None
        return target
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(mode):
        raise OSError(errno.EEXIST, "it is not a regular file")
    return target


def _settle(folder: str) -> None:
    """Has the new name outlast a power cut, where the system has such a thing."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _temporary(target: str, mark: str = "") -> Iterator[tuple[BinaryIO, str]]:
    """A new file beside `target`, with the permissions of any new file; gone after the block."""
    # A short name of its own: the target's name plus anything could be too long.
    temporary = os.path.join(os.path.dirname(target), f".artistyle-{mark}{uuid.uuid4().hex}.tmp")
    with open(temporary, "xb") as file:
        try:
            yield file, temporary
        finally:
            with contextlib.suppress(OSError):  # what is buffered may find no room
                file.close()
            with contextlib.suppress(FileNotFoundError):
                os.remove(temporary)
