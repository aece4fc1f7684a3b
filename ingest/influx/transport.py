"""HTTP to InfluxDB without a client library: one connection pool, bounded in time and in what is read back.

The one importer of urllib3. No retries and no redirects here: the journal's runner decides when to try again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlencode

import urllib3

from ingest.errors import RetryLater
from ingest.influx.settings import InfluxSettings

TRANSPORT_ERRORS: Final = (urllib3.exceptions.HTTPError, OSError)
"""What urllib3 raises when no whole answer came."""


class Answer(NamedTuple):
    """A whole HTTP answer, its body decompressed."""

    status: int
    retry_after: str | None
    body: bytes


class Transport:
    """Requests to one InfluxDB with its credentials. Thread-safe."""

    def __init__(self, settings: InfluxSettings) -> None:
        self.url = settings.url
        self._headers = _credentials(settings)
        self._pool = urllib3.PoolManager(
            maxsize=4, retries=False, timeout=urllib3.Timeout(connect=settings.timeout_s, read=settings.timeout_s)
        )

    def post(
        self,
        path: str,
        query: Mapping[str, str],
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        max_bytes: int = 64 * 1024,
    ) -> Answer:
        """Post to a path below the url and read at most `max_bytes` of the answer. Raises RetryLater."""
        try:
            response = self._pool.request(
                "POST",
                f"{self.url}{path}?{urlencode(query)}",
                body=body,
                headers={**self._headers, **(headers or {})},
                redirect=False,
                preload_content=False,
            )
            try:
                read = response.read(max_bytes + 1, decode_content=True)
                if len(read) > max_bytes:
                    response.close()  # what is left unread must not be taken for the next answer
                    raise RetryLater(f"InfluxDB at {self.url} answers with more than {max_bytes} bytes; ask for less")
            finally:
                response.release_conn()
        except TRANSPORT_ERRORS as error:
            raise outage(error, self.url) from error
        return Answer(response.status, response.headers.get("Retry-After"), read)

    def close(self) -> None:
        """Let the connections go."""
        self._pool.clear()


def outage(error: Exception, url: str) -> RetryLater:
    """The error for a request that got no whole answer."""
    if isinstance(error, (urllib3.exceptions.NewConnectionError, ConnectionRefusedError)):
        return RetryLater(f"InfluxDB at {url} takes no connection: is it running? ({error})")
    if isinstance(error, urllib3.exceptions.TimeoutError | TimeoutError):
        return RetryLater(f"InfluxDB at {url} did not answer in time ({error})")
    return RetryLater(f"the connection to InfluxDB at {url} broke ({error})")


def _credentials(settings: InfluxSettings) -> dict[str, str]:
    if settings.token is not None:
        return {"Authorization": f"Token {settings.token.get_secret_value()}"}
    if settings.username is not None and settings.password is not None:
        return urllib3.make_headers(basic_auth=f"{settings.username}:{settings.password.get_secret_value()}")
    return {}
