"""Locks between runs, which a killed process releases too."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from typing import IO

__all__ = ["Lock", "hold", "holding"]


class Lock:
    """A lock held until it is released; without a file it excludes nobody."""

    def __init__(self, file: IO[bytes] | None = None):
        self._file = file

    def release(self) -> None:
        """Also removes its file, while no other process can have locked it."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # Windows keeps open files; an unlocked one is inert
                os.remove(self._file.name)
            self._file.close()


def hold(name: str) -> Lock | None:
    """The lock of that name; None if another process, or another lock of this one, has it.

    It is the operating system's, per user and machine, and ends with the process. Without such
    locks, or if the file can't be created, it excludes nobody.
    """
    from filelock import lock_descriptor  # here: `--help` needs no locks

    digest = hashlib.sha256(os.fsencode(os.path.realpath(name))).hexdigest()[:32]
    user = os.getuid() if hasattr(os, "getuid") else 0
    path = os.path.join(tempfile.gettempdir(), f"artistyle-{user}-{digest}.lock")
    while True:
        with contextlib.ExitStack() as stack:
            try:
                file = stack.enter_context(open(path, "ab"))
                if not lock_descriptor(file.fileno(), blocking=False):
                    return None
            except OSError:
                return Lock()
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                    stack.pop_all()
                    return Lock(file)
        # The holder removed it after we had opened it: there is a new one, or none.


@contextlib.contextmanager
def holding(name: str) -> Iterator[bool]:
    """Whether this process acquired the lock, which it holds during the block."""
    lock = hold(name)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            lock.release()
