"""Atomic file writing, and early checks of output paths."""

import contextlib
import errno
import mmap
import os
import stat
import uuid
from collections.abc import Iterator
from typing import Any, BinaryIO

from artistyle_tf.errors import ConfigError, InputError
from artistyle_tf.text import one_line, reason

MARK = b"artistyle_tf"
"""In every picture, video and report that artistyle writes: in its record, metadata or text."""


def check_folder(path: str | os.PathLike[str]) -> None:
    """Checks before a long run that a file can be written at `path`, whatever its content.
    InputError: no such folder, not writable, or `path` is a folder or a device."""
    path = as_path(path)
    try:
        # Only trying is reliable: os.access is always true for root and ignores read-only mounts.
        with _temporary(_target(path)):
            pass
    except (OSError, ValueError) as error:
        raise InputError(f"can't write {one_line(path)}: {reason(error)}") from error


def check_overwrite(path: str | os.PathLike[str], overwrite: bool = False, shown: str = "") -> None:
    """InputError if another program made the file at `path`, or it can't be read; unless it may be
    overwritten, or has no content. `shown`: its name in the message, if not `path`."""
    path = as_path(path)
    if overwrite or not os.path.isfile(path) or not os.path.getsize(path):
        return
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            ours = data.find(MARK) >= 0
    except OSError as error:
        raise InputError(f"can't read {one_line(path)}: {reason(error)}") from error
    if not ours:
        raise InputError(
            f"{one_line(shown or path)} exists, and artistyle did not make it; --overwrite "
            "replaces it"
        )


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes to `path` atomically, following links. InputError if that fails; an existing
    file stays."""
    path = as_path(path)
    try:
        with replacing(path) as file:
            file.write(data)
    except (OSError, ValueError) as error:
        raise InputError(f"can't write {one_line(path)}: {reason(error)}") from error


@contextlib.contextmanager
def replacing(path: str, mark: str = "") -> Iterator[BinaryIO]:
    """A file that replaces `path` atomically after the block, following links; `mark` is in its
    temporary name. OSError or ValueError: it can't be written; an existing file stays."""
    target = _target(path)
    with _temporary(target, mark) as (file, temporary):
        yield file
        file.flush()
        os.fsync(file.fileno())
        file.close()
        os.replace(temporary, target)
    _settle(os.path.dirname(target))


def _target(path: str) -> str:
    """The file that `path` refers to, links followed; OSError if nothing can be written there."""
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
    """Makes a rename durable across power failure, on systems that support it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _temporary(target: str, mark: str = "") -> Iterator[tuple[BinaryIO, str]]:
    """A new file next to `target`, with default permissions; removed after the block."""
    # A short independent name: the target's name plus a suffix could be too long.
    temporary = os.path.join(os.path.dirname(target), f".artistyle-{mark}{uuid.uuid4().hex}.tmp")
    with open(temporary, "xb") as file:
        try:
            yield file, temporary
        finally:
            with contextlib.suppress(OSError):  # flushing may fail on a full disk
                file.close()
            with contextlib.suppress(FileNotFoundError):
                os.remove(temporary)


def as_path(path: Any, expected: str = "an output must be a path") -> str:
    """The path as text; ConfigError, which begins with what is `expected`, if it is none."""
    if not isinstance(path, str | os.PathLike):
        raise ConfigError(f"{expected}, not {type(path).__name__}")
    return os.fsdecode(path)
