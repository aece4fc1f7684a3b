"""Messages by any service that apprise knows: the one module that imports it, only when it is used (it is large)."""

from __future__ import annotations

import stat
import threading
from typing import Final

from gateway.warning.errors import OutputError
from gateway.warning.notice import Notice
from gateway.warning.settings import AppriseSettings

_MAX_FILE_BYTES: Final = 64 * 1024


class AppriseOutput:
    """See `Output`."""

    depth = 8
    max_bytes = 1000
    is_quieted = False

    def __init__(self, settings: AppriseSettings) -> None:
        self._settings = settings

    def open(self) -> None:
        """Nothing: the file is read for each warning, so that a mended one is used at once."""

    def warn(self, notice: Notice, text: str, stop: threading.Event) -> None:
        """Sends it to every service of the file."""
        try:
            import apprise
        except ImportError as error:
            raise OutputError("apprise is not installed: pip install 'vigia[notify]'") from error
        sender = apprise.Apprise()
        for number, url in self._urls():
            if not sender.add(url):
                raise OutputError(f"{self._settings.urls_file}, line {number}: apprise knows no service of this URL")
        if not sender.notify(title="Vigía", body=text):
            raise OutputError(f"a service of {self._settings.urls_file} did not take it; is there a link to it?")

    def silence(self) -> None:
        """What is sent is sent."""

    def close(self) -> None:
        """Nothing."""

    def _urls(self) -> list[tuple[int, str]]:
        path = self._settings.urls_file
        try:
            with path.open("rb") as file:
                status = path.stat()
                lines = file.read(_MAX_FILE_BYTES).decode(errors="replace").splitlines()
        except OSError as error:
            raise OutputError(f"{path} cannot be read ({error.strerror})") from error
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise OutputError(f"{path} holds passwords and others can read it: chmod 600 {path}")
        told = [(number, line.strip()) for number, line in enumerate(lines, start=1)]
        urls = [(number, line) for number, line in told if line and not line.startswith("#")]
        if not urls:
            raise OutputError(f"{path} names no service")
        return urls
