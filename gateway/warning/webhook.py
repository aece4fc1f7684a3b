"""A JSON object to a web address: for whatever else a post has."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ssl
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from gateway.warning.errors import OutputError, RefusedError
from gateway.warning.notice import Notice
from gateway.warning.settings import WebhookSettings

SIGNATURE: Final = "X-Vigia-Signature"
_AGAIN: Final = frozenset({408, 425, 429})
_MAX_SECRET_BYTES: Final = 4096


class WebhookOutput:
    """See `Output`. Redirects are not followed: a warning goes where the settings say."""

    depth = 32
    max_bytes = 1000
    lasts_s = 0.0
    is_quieted = False

    def __init__(self, settings: WebhookSettings, station: str) -> None:
        self._settings = settings
        self._station = station

    def open(self) -> None:
        """Nothing: each warning has a connection of its own."""

    def warn(self, notice: Notice, text: str, is_over: Callable[[], bool]) -> None:
        """Posts it; an answer of 2xx is success."""
        body = msgspec.json.encode(_told(notice, text, self._station))
        headers = {"Content-Type": "application/json", "User-Agent": "vigia"}
        if self._settings.secret_file is not None:
            headers[SIGNATURE] = "sha256=" + hmac.new(self._secret(), body, hashlib.sha256).hexdigest()
        url = urlsplit(self._settings.url)
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        try:
            connection = self._connection(url.scheme, url.hostname or "", url.port)
            try:
                connection.request("POST", path, body, headers)
                status = connection.getresponse().status
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise OutputError(f"{url.hostname} does not take it ({error or type(error).__name__})") from error
        if 200 <= status < 300:
            return
        kind = RefusedError if 300 <= status < 500 and status not in _AGAIN else OutputError
        raise kind(f"{url.hostname} answers {status}; see its address and secret in the settings")

    def close(self) -> None:
        """Nothing."""

    def _connection(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        timeout_s = self._settings.timeout_s
        if scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=ssl.create_default_context())
        return http.client.HTTPConnection(host, port, timeout=timeout_s)

    def _secret(self) -> bytes:
        path = self._settings.secret_file
        assert path is not None
        try:
            with path.open("rb") as file:
                secret = file.read(_MAX_SECRET_BYTES).strip()
        except OSError as error:
            raise OutputError(f"its secret {path} cannot be read ({error.strerror})") from error
        if not secret:
            raise OutputError(f"its secret {path} is empty")
        return secret


def _told(notice: Notice, text: str, station: str) -> dict[str, Any]:
    told: dict[str, Any] = {"version": 1, "station": station, "text": text, "more": notice.more}
    if notice.change is None:
        return told | {"test": True}
    return told | {"test": False, "step": notice.change.step.name.lower(), "incident": notice.change.incident}
