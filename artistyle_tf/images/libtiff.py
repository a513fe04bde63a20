"""Suppresses libtiff's messages on standard error while Pillow decodes."""

import contextlib
import ctypes
import threading
from collections.abc import Iterator
from typing import Any

from PIL import Image

__all__ = ["quiet"]

_lock = threading.Lock()
_inside = 0
"""Number of open blocks in all threads; the last one to end restores the handler."""
_before: int | None = None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppresses libtiff's messages in the block; Pillow still raises its exceptions.

    libtiff writes to file descriptor 2 directly. Its error handler is removed for the block, in the
    library that this Pillow uses, and the descriptor itself is left alone: other threads may be
    writing to it, or starting processes that inherit it. Where Pillow links libtiff statically, as
    on Windows, the handler can't be reached, and messages are written.
    """
    global _inside, _before
    set_handler = _set_handler()
    if set_handler is None:
        yield
        return
    with _lock:
        _inside += 1
        if _inside == 1:
            _before = set_handler(None)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                set_handler(_before)


def _set_handler() -> Any:
    """`TIFFSetErrorHandler` from the symbols that Pillow's C module is linked with, or None."""
    try:
        function = ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler
    except (AttributeError, OSError):
        return None
    function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_void_p
    return function
