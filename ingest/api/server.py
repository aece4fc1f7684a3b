"""Serves the API from a thread of its own."""

from __future__ import annotations

import threading

import uvicorn

from ingest.api.application import create_api
from ingest.api.settings import ApiSettings
from ingest.api.status import StatusSource
from ingest.errors import IngestError
from ingest.influx.reader import InfluxReader
from ingest.registry import Registry


class ApiError(IngestError):
    """The API cannot listen where the settings say."""


class ApiServer:
    """A stage: listens until told to stop. No I/O before `run`."""

    def __init__(self, settings: ApiSettings, registry: Registry, reader: InfluxReader, status: StatusSource) -> None:
        self._settings = settings
        self._parts = (registry, reader, status)

    def run(self, stop: threading.Event) -> None:
        """Serve. Raises ApiError when the address is taken or not ours."""
        settings = self._settings
        config = uvicorn.Config(
            create_api(*self._parts, settings),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=3,
            limit_concurrency=200,
        )
        server = uvicorn.Server(config)
        ended = threading.Event()

        def end() -> None:
            stop.wait()
            if not ended.is_set():
                server.should_exit = True

        watcher = threading.Thread(target=end, name="api stop", daemon=True)
        watcher.start()
        try:
            server.run()
        except SystemExit as leaving:  # how uvicorn says that it could not bind
            raise ApiError(f"the API cannot listen on {settings.host}:{settings.port}; is the port taken?") from leaving
        finally:
            ended.set()
        if not stop.is_set():
            raise ApiError(f"the API on {settings.host}:{settings.port} ended by itself")
