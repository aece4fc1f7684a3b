"""What every request must pass before a page is made, and what every answer carries: pure ASGI around the application.

- Host: an address, or one of the post's names. A page on the internet whose name is made to point at the post (DNS
  rebinding) comes with its own name.
- A request that changes something: from our own pages (Origin, RFC 6454; Referer where a browser sends none), a short
  form.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_FORM_BYTES: Final = 8 * 1024
_MAX_PATH: Final = 300
_METHODS: Final = frozenset({"GET", "HEAD", "POST"})
_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    b"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Final = (
    (b"content-security-policy", _POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


class Guard:
    """See the module. names: by which the page may be asked for, in small letters."""

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # no websocket here
        headers = {name: value.decode("latin-1") for name, value in reversed(scope["headers"])}
        status, words = self._fault(scope, headers)
        if status:
            await _plain(send, status, words)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = [name for name, _ in message.get("headers", ())]
                message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
                if b"cache-control" not in told:
                    message["headers"].append((b"cache-control", b"no-store"))
            await send(message)

        await self._app(scope, receive, sending)

    def _fault(self, scope: Scope, headers: dict[bytes, str]) -> tuple[int, str]:
        """Status and words of what is wrong with the request; 0 for nothing."""
        if scope["method"] not in _METHODS:
            return 405, "GET o POST / GET or POST"
        host = headers.get(b"host", "")
        if not self.knows(host):
            return 421, "Pida la página por la dirección del puesto / Ask for the page by the post's address"
        if len(scope["path"]) > _MAX_PATH or len(scope["query_string"]) > _MAX_PATH:
            return 414, "La dirección es demasiado larga / The address is too long"
        length = headers.get(b"content-length", "0")
        if not length.isdecimal() or len(length) > 9 or int(length) > MAX_FORM_BYTES:
            return 413, "Es demasiado largo / Too long"
        if scope["method"] != "POST":
            return 0, ""
        if b"transfer-encoding" in headers:
            return 411, "Falta el tamaño / Say how long it is"
        origin = headers.get(b"origin") or headers.get(b"referer", "")
        try:
            from_host = urlsplit(origin).netloc
        except ValueError:
            from_host = ""
        if not from_host or from_host.lower() != host.lower():
            return 403, "Eso solo se hace desde la página del puesto / Only from the post's own page"
        return 0, ""

    def knows(self, host: str) -> bool:
        """Whether a Host header names this post: any address does, as no name can be made to be one."""
        name = host.lower()
        name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0].removesuffix(".")
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


async def _plain(send: Send, status: int, words: str) -> None:
    body = words.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"cache-control", b"no-store"),
        *_HEADERS,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
