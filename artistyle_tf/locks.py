"""Locks that tell two runs of each other, and that no killed run leaves behind."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from typing import IO

__all__ = ["Lock", "hold", "hold_file", "holding"]


class Lock:
    """One that is held until it is released; without a file everybody has it."""

    def __init__(self, file: IO[bytes] | None = None):
        self._file = file

    def release(self) -> None:
        """Its file goes too, while nobody else can have locked it."""
        if self._file is None:
            return
        try:
            os.remove(self._file.name)
        except PermissionError:  # Windows removes no open file, so none that another has locked
            self._file.close()
            with contextlib.suppress(OSError):
                os.remove(self._file.name)
        except OSError:
            pass
        self._file.close()


def hold(name: str) -> Lock | None:
    """The lock of that name, or None if another process, or another lock of this one, has it.

    The lock is the system's own, by user and machine: it goes with the process. Where the system
    has none, or the file can't be made, everybody gets it.
    """
    digest = hashlib.sha256(os.fsencode(os.path.realpath(name))).hexdigest()[:32]
    path = os.path.join(tempfile.gettempdir(), f"artistyle-{_user()}-{digest}.lock")
    try:
        return hold_file(path)
    except OSError:
        return Lock()


def hold_file(path: str) -> Lock | None:
    """The lock that the file at `path` stands for, or None if another has it.

    The file is made, and goes with the lock. OSError: it can't be made, or can't be locked.
    """
    from filelock import lock_descriptor  # here: `--help` needs no locks

    while True:
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(open(path, "ab"))
            if not lock_descriptor(file.fileno(), blocking=False):
                return None
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                    stack.pop_all()
                    return Lock(file)
        # Its holder removed it after we had opened it: there is a new one, or none.


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
