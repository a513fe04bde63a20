"""Locks that tell two runs of each other, and that no killed run leaves behind."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from typing import IO

try:
    import fcntl
except ImportError:  # Windows: nobody is told
    fcntl = None  # type: ignore[assignment]

__all__ = ["hold", "holding"]


def hold(name: str) -> IO[bytes] | None:
    """An open file that holds the lock of that name until it is closed, or None if another does.

    The lock is the system's own, by user and machine: it goes with the process. Where the system
    has none, or the file can't be made, everybody gets it.
    """
    digest = hashlib.sha256(os.fsencode(os.path.realpath(name))).hexdigest()[:32]
    path = os.path.join(tempfile.gettempdir(), f"artistyle-{_user()}-{digest}.lock")
    try:
        file = open(path, "ab")  # noqa: SIM115 (held open)
    except OSError:
        return open(os.devnull, "ab")
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


@contextlib.contextmanager
def holding(name: str) -> Iterator[bool]:
    """Whether this process got the lock, which it keeps for the block."""
    file = hold(name)
    try:
        yield file is not None
    finally:
        if file is not None:
            file.close()


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0
