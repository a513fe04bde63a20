"""Downloads one file with a checksum: complete and correct within bounded time, or an error.

pooch moves the file into place once its checksum matches. The downloader passed to it here limits
the time, and resumes interrupted downloads.
"""

import contextlib
import logging
import os
import queue
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from artistyle_tf.errors import InputError
from artistyle_tf.locks import hold_file
from artistyle_tf.vgg.http_source import POLL, FetchError, Item, host_of, reading

__all__ = ["FIRST_BYTE_TIMEOUT", "MIN_RATE", "SIZE_LIMIT", "STALL_TIMEOUT", "fetch"]

# Without network access, that must be detected, and other weights loaded, within ten seconds: so
# eight for name lookup, connection, redirects and headers together, up to the first byte. From then
# on a download may take as long as it needs while it progresses: never silent for STALL_TIMEOUT
# seconds, nor slower than MIN_RATE bytes a second over each such span (80 MB in 21 minutes).
FIRST_BYTE_TIMEOUT = 8.0
STALL_TIMEOUT = 10.0
MIN_RATE = 64 * 1024.0
SIZE_LIMIT = 1 << 30  # bytes; an endless response must not fill the disk

_STALE = 24 * 3600.0  # seconds after which a part file is removed
_MIB = 1 << 20


class _Limits(NamedTuple):
    """Limits, as in the arguments of `fetch`."""

    first_byte_timeout: float
    stall_timeout: float
    min_rate: float
    size_limit: int


def fetch(
    url: str,
    destination: Path,
    md5: str,
    *,
    report: Callable[[str], None] | None = None,
    first_byte_timeout: float = FIRST_BYTE_TIMEOUT,
    stall_timeout: float = STALL_TIMEOUT,
    min_rate: float = MIN_RATE,
    size_limit: int = SIZE_LIMIT,
) -> Path:
    """Download `url` to `destination`, whose old content stays until the new file is verified.

    The data go to a part file in the same folder, `.NAME.MD5.part`, which replaces `destination`
    atomically. A broken connection or Ctrl-C leaves it in place, and the next call requests only
    the rest; after a day it is removed. Only one process at a time uses it: others fetching the
    same file use part files of their own.

    Args:
        url: http or https; redirects to either are followed, but not from https to http.
        destination: its folder is created if missing.
        md5: hexadecimal checksum that the file must have. If a resumed download has another one,
            the file is fetched once more from the beginning.
        report: called at most about twice a second with progress text such as
            `weights: 12.5 of 76.4 MB (16 %)`.
        first_byte_timeout: seconds from the request to the first byte.
        stall_timeout: seconds that may pass without data after that.
        min_rate: bytes a second, over each span of `stall_timeout` seconds.
        size_limit: bytes; a longer file is refused.

    Returns:
        `destination`.

    Raises:
        InputError: the download failed; the reason, in one line.
    """
    limits = _Limits(first_byte_timeout, stall_timeout, min_rate, size_limit)
    download = _Download(destination, md5.lower(), report, limits)
    try:
        host_of(url)
        try:
            _retrieve(url, destination, md5, download)
        except ValueError:
            if not download.resumed:
                raise
            _retrieve(url, destination, md5, download)
    except FetchError as error:
        raise InputError(f"{url}: {error}") from error.__cause__
    except ValueError as error:  # pooch: the checksum, and advice after the first sentence
        told = str(error).partition(". Deleted")[0]
        raise InputError(f"{url}: wrong checksum: {told}") from error
    except OSError as error:  # network errors are FetchError, so this is the disk
        raise InputError(f"{destination} cannot be written: {error.strerror or error}") from error
    return destination


def _retrieve(url: str, destination: Path, md5: str, download: "_Download") -> None:
    import pooch  # here: it brings in HTTP and TLS, which few runs need

    with _quiet(pooch.get_logger()):
        pooch.retrieve(
            url,
            known_hash=f"md5:{md5}",
            fname=destination.name,
            path=destination.parent,
            downloader=download,
        )


class _Download:
    """A downloader for pooch: called with an address and the path to write to."""

    def __init__(
        self,
        destination: Path,
        md5: str,
        report: Callable[[str], None] | None,
        limits: _Limits,
    ):
        self._destination, self._md5 = destination, md5
        self._report, self._limits = report, limits
        self.resumed = False
        """Whether the last call resumed an earlier download."""

    def __call__(self, url: str, output_file: str, _: object) -> None:
        os.remove(output_file)  # pooch's placeholder, which a killed process would leave behind
        _remove_stale(self._destination)
        part = self._destination.with_name(f".{self._destination.name}.{self._md5}.part")
        try:
            lock = hold_file(f"{part}.lock")
        except OSError:  # no locking on that file system
            lock = None
        if lock is None:
            part = part.with_suffix(f".{secrets.token_hex(4)}.part")
        try:
            with open(part, "ab") as file:  # not `tempfile`, whose files only the owner can read
                self.resumed = _receive(url, file, self._report, self._limits)
            os.replace(part, output_file)
        except BaseException as error:
            broken_off = isinstance(error, FetchError | KeyboardInterrupt)
            if not (broken_off and lock and part.stat().st_size):
                part.unlink(missing_ok=True)
            raise
        finally:
            if lock:
                lock.release()


def _receive(
    url: str, file: IO[bytes], report: Callable[[str], None] | None, limits: _Limits
) -> bool:
    """Append to `file` the missing rest of `url`. Returns whether `file` already had a part of it.

    FetchError: the download failed; `file` keeps the data received, unless they are useless.
    """
    first_byte_timeout, stall_timeout, min_rate, size_limit = limits
    host = host_of(url)
    size: int | None = None
    begun, new = file.tell(), False
    received = marked = begun
    told = -1.0
    if report:
        report(f"weights: asking {host}")
    # twice: an abandoned thread ends, but never before the timeout here
    with reading(url, begun, 2 * max(first_byte_timeout, stall_timeout)) as items:
        started = heard = mark = time.monotonic()
        while True:
            try:
                item = items.get(timeout=POLL)
            except queue.Empty:
                item = Item("wait")
            now = time.monotonic()
            if item.kind == "failed":
                raise FetchError(item.value)
            if item.kind == "end":
                break
            if item.kind == "begin":
                begun, size = item.value
                if begun < received:  # the server sends all of it
                    file.truncate(0)
                received = marked = begun
            elif item.kind == "data":
                file.write(item.value)
                received += len(item.value)
                heard = now
                if not new:
                    new, mark = True, now
            if max(received, size or 0) > size_limit:
                file.truncate(0)
                raise FetchError(f"larger than {size_limit / _MIB:.0f} MB")
            if not new:
                if now - started > first_byte_timeout:
                    raise FetchError(f"nothing came from {host} in {first_byte_timeout:g} seconds")
            elif now - heard > stall_timeout:
                raise FetchError(f"{_amount(received, size)}, then nothing for {stall_timeout:g} s")
            elif now - mark > stall_timeout:
                if received - marked < min_rate * (now - mark):
                    raise FetchError(f"slower than {min_rate / 1024:g} KB a second")
                mark, marked = now, received
            if report and item.kind == "data" and now - told >= 0.5:
                report(f"weights: {_amount(received, size)}")
                told = now
    if size is not None and received != size:
        raise FetchError(f"cut short: {received} bytes of {size} received")
    if report:
        report(f"weights: {_amount(received, size)}")
    return begun > 0


@contextlib.contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keeps pooch from writing to the terminal in the block: `report` shows the progress."""
    thread = threading.get_ident()

    def of_others(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger.addFilter(of_others)
    try:
        yield
    finally:
        logger.removeFilter(of_others)


def _remove_stale(destination: Path) -> None:
    """Remove part files of `destination` that have not been written to for a day."""
    for old in destination.parent.iterdir():
        if old.name.startswith(f".{destination.name}.") and old.name.endswith(".part"):
            with contextlib.suppress(OSError):
                if time.time() - old.stat().st_mtime > _STALE:
                    old.unlink()


def _amount(received: int, size: int | None) -> str:
    """`12.5 of 76.4 MB (16 %)`, or `12.5 MB` if the server doesn't report the size."""
    if not size:
        return f"{received / _MIB:.1f} MB"
    return f"{received / _MIB:.1f} of {size / _MIB:.1f} MB ({100 * received // size} %)"
