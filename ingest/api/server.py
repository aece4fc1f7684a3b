"""Serves the API from a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from typing import Final

import uvicorn
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest.api.application import create_api
from ingest.api.connections import ConnectionLimits, bounded_protocol
from ingest.api.problems import Problem
from ingest.api.settings import ApiSettings
from ingest.api.status import StatusSource
from ingest.errors import IngestError
from ingest.influx.reader import InfluxReader
from ingest.media.service import MediaService
from ingest.registry import Registry

log = logging.getLogger(__name__)

_LAST_ANSWERS_S: Final = 2
"""How long a request that is being answered may still take once we stop."""
_BACKLOG: Final = 100
"""Connections that wait to be accepted. asyncio accepts as many in one go, and several goes pass before the first of
them can be refused: more would cost many file descriptors in a rush, far fewer a second's wait for a retried SYN."""


class ApiError(IngestError):
    """The API cannot listen where the settings say."""


class ApiServer:
    """A stage: listens until told to stop. No I/O before `run`."""

    def __init__(
        self,
        settings: ApiSettings,
        registry: Registry,
        reader: InfluxReader,
        status: StatusSource,
        limits: ConnectionLimits | None = None,
        *,
        media: MediaService | None = None,
    ) -> None:
        self._settings = settings
        self._limits = limits or ConnectionLimits()
        self._parts = (registry, reader, status)
        self._media = media

    def run(self, stop: threading.Event) -> None:
        """Serve. Raises ApiError when the address is taken or not ours."""
        settings = self._settings
        config = uvicorn.Config(
            _with_farewell(create_api(*self._parts, settings, self._media)),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            # Its notices go by the name uvicorn.error, which reads like an error; _Server says where we listen.
            log_level="warning",
            timeout_graceful_shutdown=_LAST_ANSWERS_S,
            http=bounded_protocol(self._limits),
            backlog=_BACKLOG,
            # A second fence for requests; above the bound on connections, so that it never answers 503 before.
            limit_concurrency=2 * self._limits.most,
        )
        try:
            _Server(config, stop).run()
        except SystemExit as leaving:  # how uvicorn says that it could not bind
            raise ApiError(f"the API cannot listen on {settings.host}:{settings.port}; is the port taken?") from leaving


def _with_farewell(app: ASGIApp) -> ASGIApp:
    """The application, and an answer to those whose requests are cancelled because we stop: one that waits for a
    database that hangs would else be cut off, with a traceback in the log."""

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await app(scope, receive, noting)
        except asyncio.CancelledError:
            if scope["type"] == "http" and not has_begun:
                problem = Problem(detail="the service stops; ask again in a moment")
                await JSONResponse(problem.model_dump(), 503, {"Retry-After": "10"})(scope, receive, send)

    return answering


class _Server(uvicorn.Server):
    """Looks at our event at each of its ticks, ten a second."""

    def __init__(self, config: uvicorn.Config, stop: threading.Event) -> None:
        super().__init__(config)
        self._stop = stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and self.servers:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            log.info("the API answers on http://%s:%d", f"[{host}]" if ":" in host else host, port)

    async def on_tick(self, counter: int) -> bool:
        return self._stop.is_set() or await super().on_tick(counter)
