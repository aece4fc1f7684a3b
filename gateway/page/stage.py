"""The stage "page": builds the page anew at each start, and serves it."""

from __future__ import annotations

import threading
from zoneinfo import ZoneInfo

from gateway.page.application import Page, PageParts
from gateway.page.connections import ConnectionLimits
from gateway.page.languages import Languages
from gateway.page.server import PageServer
from gateway.page.settings import PageSettings


class PageStage:
    """See the module. zone: the post's hours. limits: in place of those that the settings say. No I/O before `run`."""

    def __init__(
        self, settings: PageSettings, parts: PageParts, zone: ZoneInfo, limits: ConnectionLimits | None = None
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._zone = zone
        self._limits = limits
        self._server: PageServer | None = None

    @property
    def port(self) -> int | None:
        """Where it listens now; None while it does not."""
        return self._server.port if self._server is not None else None

    def run(self, stop: threading.Event) -> None:
        """Serve until told to stop. Raises PageError when the address is taken or not ours."""
        settings = self._settings
        page = Page(settings, self._parts, Languages(settings.languages_path, settings.language, self._zone))
        page.open()
        try:
            self._server = PageServer(settings, page.app, page.news, self._limits)
            self._server.run(stop)
        finally:
            self._server = None
            page.close()
