"""Locks between runs, which end with their process, also when it is killed."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock


def hold(name: str) -> "BaseFileLock | None":
    """The lock of that name, to be released; None if this process or another one holds it.

    It is the operating system's, per user and machine. Where there are no locks, or none can be
    created, it excludes nobody.
    """
    from filelock import FileLock, Timeout  # here: `--help` needs no locks

    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = os.path.join(tempfile.gettempdir(), f"artistyle-{user}")
    digest = hashlib.sha256(os.fsencode(os.path.realpath(name))).hexdigest()[:32]
    lock = FileLock(os.path.join(folder, f"{digest}.lock"), thread_local=False)
    try:
        os.makedirs(folder, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        return None
    except OSError:
        pass
    return lock


@contextlib.contextmanager
def holding(name: str) -> Iterator[bool]:
    """Whether this process acquired the lock, which it holds during the block."""
    lock = hold(name)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            lock.release()
