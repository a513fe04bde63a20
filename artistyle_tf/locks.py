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

__all__ = ["Lock", "hold", "holding"]


class Lock:
    """One that is held until it is released; without a file everybody has it."""

    def __init__(self, file: IO[bytes] | None = None):
        self._file = file

    def release(self) -> None:
        """Its file goes too, while nobody else can have locked it."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.remove(self._file.name)
            self._file.close()


def hold(name: str) -> Lock | None:
    """The lock of that name, or None if another process, or another lock of this one, has it.

    The lock is the system's own, by user and machine: it goes with the process. Where the system
    has none, or the file can't be made, everybody gets it.
    """
    if fcntl is None:
        return Lock()
    digest = hashlib.sha256(os.fsencode(os.path.realpath(name))).hexdigest()[:32]
    path = os.path.join(tempfile.gettempdir(), f"artistyle-{_user()}-{digest}.lock")
    while True:
        try:
            file = open(path, "ab")  # noqa: SIM115 (held open)
        except OSError:
            return Lock()
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return Lock(file)
        except BlockingIOError:
            file.close()
            return None
        except FileNotFoundError:
            pass
        except OSError:
            file.close()
            return Lock()
        file.close()  # its holder removed it after we had opened it: there is a new one, or none


@contextlib.contextmanager
def holding(name: str) -> Iterator[bool]:
    """Whether this process got the lock, which it keeps for the block."""
    lock = hold(name)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            lock.release()


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0
