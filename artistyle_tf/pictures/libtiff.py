"""libtiff's own words on standard error, kept back while Pillow decodes."""

import contextlib
import ctypes
import threading
from collections.abc import Iterator
from typing import Any

from PIL import Image

__all__ = ["quiet"]

_lock = threading.Lock()
_inside = 0
"""How many blocks are open in all threads; the last to end puts the handler back."""
_before: int | None = None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """libtiff tells nobody in the block what it thinks of a file; Pillow's exceptions still do.

    It would write to file descriptor 2 itself. Its error handler is taken away for the block, in
    the library that this Pillow uses, and nothing is done to the descriptor: other threads may be
    writing to it, or starting processes that inherit it. Where Pillow holds libtiff inside itself,
    as on Windows, there is no such handle, and the words are written.
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
    """`TIFFSetErrorHandler`, or None: among the symbols that Pillow's C module is linked with."""
    try:
        function = ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler
    except (AttributeError, OSError):
        return None
    function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_void_p
    return function
