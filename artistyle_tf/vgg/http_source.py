"""Reads an http address in a thread of its own.

A network may fail by never responding: name lookup that hangs, a stalled connection, a server that
accepts and sends nothing. No socket option covers all of these (`getaddrinfo` takes no timeout), so
a daemon thread does the network I/O and the caller's thread enforces the timeouts.
"""

import contextlib
import http.client
import queue
import re
import threading
import urllib.parse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from artistyle_tf.text import one_line, reason

if TYPE_CHECKING:
    import requests

__all__ = ["POLL", "FetchError", "Item", "host_of", "reading"]

POLL = 0.1
"""Seconds between checks of the clock."""

_CHUNK = 1 << 16
_REDIRECTS = 5


class FetchError(Exception):
    """The download failed; the text is the reason, without the address."""


class Item(NamedTuple):
    """A message from the thread.

    "begin": (offset of the data in the file, the file's size or None); "data": bytes; "end"; or
    "failed": the reason.
    """

    kind: str
    value: Any = None


def host_of(url: str) -> str:
    """The host in `url`; FetchError unless it is an http or https address."""
    try:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise FetchError(f"not an address ({reason(error)})") from error
    if parts.scheme not in ("http", "https") or not host:
        raise FetchError("not an http or https address")
    return host


@contextlib.contextmanager
def reading(url: str, offset: int, timeout: float) -> Iterator[queue.Queue[Item]]:
    """The data from `url`, from byte `offset` on if the server supports that, else all of it.

    The thread ends with the block, or `timeout` seconds later if the network hangs.
    """
    items: queue.Queue[Item] = queue.Queue(maxsize=64)
    gone = threading.Event()
    threading.Thread(
        target=_read, args=(url, offset, timeout, items, gone), name="artistyle-fetch", daemon=True
    ).start()
    try:
        yield items
    finally:
        gone.set()


def _read(
    url: str, offset: int, timeout: float, items: queue.Queue[Item], gone: threading.Event
) -> None:
    """Runs in the thread: everything here may hang."""
    import requests

    def put(kind: str, value: Any = None) -> None:
        while not gone.is_set():
            with contextlib.suppress(queue.Full):
                items.put(Item(kind, value), timeout=POLL)
                return

    try:
        with requests.Session() as session:
            response, start, size = _answer(session, url, offset, timeout)
            with response:
                put("begin", (start, size))
                response.raw.enforce_content_length = False  # the caller reports what is missing
                # read1 returns what has arrived; read would wait for a full chunk
                while not gone.is_set() and (chunk := response.raw.read1(_CHUNK)):
                    put("data", chunk)
        put("end")
    except FetchError as error:
        put("failed", str(error))
    except Exception as error:  # always report to the caller, who is waiting
        put("failed", _cause(error))


def _answer(
    session: "requests.Session", url: str, offset: int, timeout: float
) -> tuple["requests.Response", int, int | None]:
    """The response, its offset in the file, and the file's size if the server reports it."""
    response = _ask(session, url, offset, timeout)
    if offset and response.status_code in (206, 416):
        told = response.headers.get("Content-Range", "")
        place = re.fullmatch(rf"bytes {offset}-\d+/(\d+|\*)", told)
        if response.status_code == 206 and place:
            return response, offset, None if place[1] == "*" else int(place[1])
        response.close()  # not the part requested: its file may be shorter
        response = _ask(session, url, 0, timeout)
    if not 200 <= response.status_code < 300:
        response.close()
        raise FetchError(f"HTTP {response.status_code} {one_line(response.reason or '')[:200]}")
    return response, 0, response.raw.length_remaining


def _ask(session: "requests.Session", url: str, offset: int, timeout: float) -> "requests.Response":
    """The response after all redirects."""
    # identity: the raw bytes of the file, so that they can be counted and a range requested
    headers = {"User-Agent": "artistyle_tf", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    for _ in range(_REDIRECTS + 1):
        # requests would also follow from https to http, and read redirects' bodies to the end
        response = session.get(
            url, headers=headers, timeout=timeout, stream=True, allow_redirects=False
        )
        target = session.get_redirect_target(response)
        if target is None:
            return response
        response.close()
        url = _redirected(url, target)
    raise FetchError("redirected without end")


def _redirected(url: str, target: str) -> str:
    """The address that a redirect to `target` leads to; FetchError if it must not be followed."""
    target = urllib.parse.urljoin(url, target)
    before, after = urllib.parse.urlsplit(url).scheme, urllib.parse.urlsplit(target).scheme
    if after not in ("http", "https") or (before, after) == ("https", "http"):
        raise FetchError(f"redirected to {one_line(target)[:200]}, which is not followed")
    return target


def _cause(error: BaseException) -> str:
    """The root cause inside what requests and urllib3 wrap around it."""
    while not isinstance(error, http.client.HTTPException):
        inner = error.__cause__ or error.__context__
        if inner is None:
            return reason(error)
        error = inner
    return f"not proper HTTP ({type(error).__name__} {reason(error)})"
