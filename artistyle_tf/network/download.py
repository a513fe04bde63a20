"""Fetch one file, with a check: whole, right and in bounded time, or an error and nothing left.

A network can fail by never answering: a silent name server, a connection that hangs, a server that
accepts and sends nothing. No socket option covers all of these (`getaddrinfo` takes no timeout), so
a daemon thread talks to the network and the caller's thread watches the clock.
"""

import contextlib
import hashlib
import http.client
import os
import queue
import secrets
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

from artistyle_tf.errors import InputError

__all__ = ["FIRST_BYTE_TIMEOUT", "MIN_RATE", "SIZE_LIMIT", "STALL_TIMEOUT", "fetch"]

# A closed network must be recognised, and something else loaded, within ten seconds: so eight for
# names, connection, redirects and headers together, up to the first byte of the file. From there a
# download may take as long as it needs while it progresses: never silent for STALL_TIMEOUT seconds,
# and no slower than MIN_RATE bytes a second over each such span (80 MB in 21 minutes).
FIRST_BYTE_TIMEOUT = 8.0
STALL_TIMEOUT = 10.0
MIN_RATE = 64 * 1024.0
SIZE_LIMIT = 1 << 30  # bytes; a server that sends without end must not fill the disk

_CHUNK = 1 << 16
_POLL = 0.1  # seconds between looks at the clock
_STALE = 24 * 3600.0  # seconds after which the part file of a dead process is removed
_MIB = 1 << 20


class _Item(NamedTuple):
    """What the thread sends: "size" (int or None), "data" (bytes), "end" or "failed" (str)."""

    kind: str
    value: Any = None


class _FetchError(Exception):
    """The file can't be had; the text is the reason, without the address."""


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
    """Download `url` to `destination`, whose old content stays until the new one is proved.

    The bytes go to a file of this process's own in the same folder, which replaces `destination` in
    one step, so processes that fetch the same file at once don't disturb each other.

    Args:
        url: http or https; redirects to either are followed, but not from https to http.
        destination: its folder is made if absent.
        md5: hexadecimal checksum that the file must have.
        report: called at most about twice a second with text such as
            `weights: 12.5 of 76.4 MB (16 %)`.
        first_byte_timeout: seconds from the call to the first byte of the file.
        stall_timeout: seconds that may pass without a byte after that.
        min_rate: bytes a second, over each span of `stall_timeout` seconds.
        size_limit: bytes; a longer file is refused.

    Returns:
        `destination`.

    Raises:
        InputError: whatever went wrong, in one line. No temporary file is left, then or at Ctrl-C.
    """
    part = destination.with_name(
        f".{destination.name}.{os.getpid()}-{secrets.token_hex(4)}.part"
    )  # not `tempfile`, whose files only their owner may read: a cache can be shared
    limits = (first_byte_timeout, stall_timeout, min_rate, size_limit)
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(destination)
        try:
            with open(part, "xb") as file:
                found = _receive(url, file, report, *limits)
            if found != md5.lower():
                raise _FetchError(f"wrong checksum: md5 {found} received, {md5} expected")
            os.replace(part, destination)
        finally:
            part.unlink(missing_ok=True)
    except _FetchError as error:
        raise InputError(f"{url}: {error}") from error.__cause__
    except OSError as error:  # the network's own are _FetchError: this is the disk
        raise InputError(f"{destination} cannot be written: {error.strerror or error}") from error
    return destination


def _receive(
    url: str,
    file: IO[bytes],
    report: Callable[[str], None] | None,
    first_byte_timeout: float,
    stall_timeout: float,
    min_rate: float,
    size_limit: int,
) -> str:
    """Write what `url` gives to `file`. Returns its md5; raises `_FetchError`."""
    host = _host(url)
    items: queue.Queue[_Item] = queue.Queue(maxsize=64)
    gone = threading.Event()
    timeout = 2 * max(first_byte_timeout, stall_timeout)  # so that an abandoned thread ends
    threading.Thread(
        target=_read, args=(url, timeout, items, gone), name="artistyle-fetch", daemon=True
    ).start()
    digest = hashlib.md5(usedforsecurity=False)
    size: int | None = None
    received = marked = 0
    started = heard = mark = time.monotonic()
    told = -1.0
    if report:
        report(f"weights: asking {host}")
    try:
        while True:
            try:
                item = items.get(timeout=_POLL)
            except queue.Empty:
                item = _Item("wait")
            now = time.monotonic()
            if item.kind == "failed":
                raise _FetchError(item.value)
            if item.kind == "end":
                break
            if item.kind == "size":
                size = item.value
            elif item.kind == "data":
                file.write(item.value)
                digest.update(item.value)
                if not received:
                    mark = now
                received += len(item.value)
                heard = now
            if max(received, size or 0) > size_limit:
                raise _FetchError(f"larger than {size_limit / _MIB:.0f} MB")
            if not received:
                if now - started > first_byte_timeout:
                    raise _FetchError(f"nothing came from {host} in {first_byte_timeout:g} seconds")
            elif now - heard > stall_timeout:
                raise _FetchError(
                    f"{_amount(received, size)}, then nothing for {stall_timeout:g} s"
                )
            elif now - mark > stall_timeout:
                if received - marked < min_rate * (now - mark):
                    raise _FetchError(f"slower than {min_rate / 1024:g} KB a second")
                mark, marked = now, received
            if report and item.kind == "data" and now - told >= 0.5:
                report(f"weights: {_amount(received, size)}")
                told = now
    finally:
        gone.set()
    if size is not None and received != size:
        raise _FetchError(f"cut short: {received} bytes of {size} received")
    if report:
        report(f"weights: {_amount(received, size)}")
    return digest.hexdigest()


def _read(url: str, timeout: float, items: queue.Queue[_Item], gone: threading.Event) -> None:
    """The network's side, in its own thread: everything here may hang."""

    def put(kind: str, value: Any = None) -> None:
        while not gone.is_set():
            with contextlib.suppress(queue.Full):
                items.put(_Item(kind, value), timeout=_POLL)
                return

    try:
        request = urllib.request.Request(url, headers={"User-Agent": "artistyle_tf"})
        opener = urllib.request.build_opener(_Redirects)
        with opener.open(request, timeout=timeout) as response:
            put("size", response.length)
            # read1: what has come, where read would wait for a full chunk
            while not gone.is_set() and (chunk := response.read1(_CHUNK)):
                put("data", chunk)
        put("end")
    except urllib.error.HTTPError as error:
        with error:  # it holds the connection
            put("failed", f"HTTP {error.code} {_line(error.reason)}")
    except urllib.error.URLError as error:
        put("failed", _line(error.reason))
    except http.client.HTTPException as error:
        put("failed", f"not proper HTTP ({type(error).__name__} {_line(error)})")
    except Exception as error:  # the caller waits for a word, whatever happened
        put("failed", _line(error) or type(error).__name__)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a few redirects, to http and https only, and never from https to http."""

    max_redirections = 5
    max_repeats = 2
    inf_msg = "redirected without end: "

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        scheme = urllib.parse.urlsplit(newurl).scheme
        if scheme not in ("http", "https") or (req.type, scheme) == ("https", "http"):
            reason = f"redirected to {newurl}, which is not followed"
            raise urllib.error.HTTPError(newurl, code, reason, headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _host(url: str) -> str:
    """The host in `url`; `_FetchError` unless it is an http or https address."""
    try:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise _FetchError(f"not an address ({_line(error)})") from error
    if parts.scheme not in ("http", "https") or not host:
        raise _FetchError("not an http or https address")
    return host


def _remove_stale(destination: Path) -> None:
    """Remove part files of `destination` that no living process can still be writing to."""
    for old in destination.parent.iterdir():
        if old.name.startswith(f".{destination.name}.") and old.name.endswith(".part"):
            with contextlib.suppress(OSError):
                if time.time() - old.stat().st_mtime > _STALE:
                    old.unlink()


def _amount(received: int, size: int | None) -> str:
    """`12.5 of 76.4 MB (16 %)`, or `12.5 MB` when the server doesn't say how much there is."""
    if not size:
        return f"{received / _MIB:.1f} MB"
    return f"{received / _MIB:.1f} of {size / _MIB:.1f} MB ({100 * received // size} %)"


def _line(reason: object) -> str:
    """`reason` as one line of at most 200 characters."""
    return " ".join(str(reason).split())[:200]
