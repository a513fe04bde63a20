"""Who may use the server, and how much it stores: checks before any request reaches Gradio.

Browsers let any page send requests to any address, so each one has to come from our own page.
"""

import ipaddress
import os
import re
import socket
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = [
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
]


class Guard:
    """ASGI middleware. It refuses requests by other sites' pages, or under a name that is not the
    server's, which may be another site's (DNS rebinding); forbids framing; and refuses uploads
    when `folder` would hold more than `most` bytes.

    `names` are the server's, beside its addresses; more may be added later.
    """

    def __init__(self, app: "ASGIApp", names: Collection[str], folder: str, most: int):
        self._app, self._names, self._folder, self._most = app, names, folder, most

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        from starlette.datastructures import Headers
        from starlette.responses import PlainTextResponse

        async def send_guarded(message: "Message") -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif refusal := self._refusal(scope.get("method"), Headers(scope=scope)):
            await PlainTextResponse(refusal[1] + "\n", refusal[0])(scope, receive, send_guarded)
        else:
            await self._app(scope, receive, send_guarded)

    def _refusal(self, method: str | None, headers: Any) -> tuple[int, str] | None:
        """Status and reason to refuse a request; None: it is fine."""
        host = headers.get("host", "")
        name = re.sub(r":\d*$", "", host).strip("[]").lower()
        if name not in self._names and not _is_address(name):
            return 421, f"this server is not called {name!a}; use its address"
        origin = headers.get("origin")  # absent: not sent by a page's script or form
        site = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        if (origin is not None and origin.partition("://")[2] != host) or (
            site and headers.get("sec-fetch-mode") != "navigate"
        ):
            return 403, "only this server's own page may do that"
        if method == "POST":
            length = headers.get("content-length", "")
            # Chunks would come in place of the length that is said.
            if not length.isdigit() or "transfer-encoding" in headers:
                return 411, "say how long it is"
            if int(length) > 2**16 and int(length) + _stored(self._folder) > self._most:
                return 413, "too much is stored here already; try again later"
        return None


def _stored(folder: str) -> int:
    """Bytes in a folder."""
    walked = os.walk(folder)
    paths = (os.path.join(parent, name) for parent, _, names in walked for name in names)
    return sum(os.path.getsize(path) for path in paths if os.path.exists(path))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_private(host: str) -> bool:
    """Whether a server that listens on `host` can be reached from its own machine only."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def addresses(host: str) -> list[str]:
    """The addresses at which other machines reach a server that listens on `host`."""
    if not _is_address(host) or not ipaddress.ip_address(host).is_unspecified:
        return [host]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    each = [one for card in psutil.net_if_addrs().values() for one in card]
    return [one.address for one in each if one.family == family and not is_private(one.address)]
