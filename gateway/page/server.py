"""Serves the page from a thread of its own, and watches the board from another."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from gateway.page.connections import ConnectionLimits, bounded_protocol
from gateway.page.errors import PageError
from gateway.page.news import NewsDesk
from gateway.page.settings import PageSettings

log = logging.getLogger(__name__)

_LAST_ANSWERS_S: Final = 2
_BACKLOG: Final = 32
_MOST_OF_ONE: Final = 16


class PageServer:
    """A stage: listens until told to stop. No I/O before `run`."""

    def __init__(
        self, settings: PageSettings, app: ASGIApp, news: NewsDesk, limits: ConnectionLimits | None = None
    ) -> None:
        self._settings = settings
        self._app = app
        self._news = news
        most = settings.most_connections
        self._limits = limits or ConnectionLimits(most, min(most, _MOST_OF_ONE))
        self.port: int | None = None
        """Where it listens now."""

    def run(self, stop: threading.Event) -> None:
        """Serve. Raises PageError when the address is taken or not ours."""
        settings = self._settings
        config = uvicorn.Config(
            self._app,
            host=settings.host,
            port=settings.port,
            loop="asyncio",
            http=bounded_protocol(self._limits),
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="error",  # of requests that are none it warns one by one, as often as somebody sends them
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_LAST_ANSWERS_S,
            backlog=_BACKLOG,
        )
        try:
            _Server(config, stop, self._news, self).run()
        except SystemExit as leaving:  # how uvicorn says that it could not bind
            raise PageError(
                f"the page cannot listen on {settings.host}:{settings.port}; is the port taken?"
            ) from leaving
        finally:
            self.port = None


class _Server(uvicorn.Server):
    """Looks at our event at each of its ticks, ten a second."""

    def __init__(self, config: uvicorn.Config, stop: threading.Event, news: NewsDesk, stage: PageServer) -> None:
        super().__init__(config)
        self._stop = stop
        self._news = news
        self._stage = stage
        self._end_watch = threading.Event()
        self._watch: threading.Thread | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started and self.servers:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._stage.port = port
            self._news.open()
            loop = asyncio.get_running_loop()
            self._watch = threading.Thread(
                target=self._news.watch, args=(loop, self._end_watch), name="page news", daemon=True
            )
            self._watch.start()
            log.info("the post's page is at http://%s:%d", f"[{host}]" if ":" in host else host, port)

    async def on_tick(self, counter: int) -> bool:
        return self._stop.is_set() or await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end_watch.set()
        self._news.close()
        await super().shutdown(sockets=sockets)
        if self._watch is not None:
            await asyncio.to_thread(self._watch.join)
