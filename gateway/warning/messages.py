"""Messages by any service that apprise knows: the one module that imports it, only when it is used (it is large)."""

from __future__ import annotations

import stat
from collections import deque
from collections.abc import Callable
from typing import Final

from gateway.warning.errors import OutputError
from gateway.warning.notice import Notice
from gateway.warning.settings import AppriseSettings

_REMEMBERED: Final = 256
_MAX_FILE_BYTES: Final = 64 * 1024


class AppriseOutput:
    """See `Output`."""

    depth = 8
    max_bytes = 1000
    lasts_s = 0.0
    is_quieted = False

    def __init__(self, settings: AppriseSettings) -> None:
        self._settings = settings
        self._had_it: deque[tuple[Notice, str]] = deque(maxlen=_REMEMBERED)  # when the rest is tried again

    def open(self) -> None:
        """Nothing: the file is read for each warning, so that a mended one is used at once."""

    def warn(self, notice: Notice, text: str, is_over: Callable[[], bool]) -> None:
        """Sends it to every service of the file, one after the other; tried again, to those that did not take it."""
        try:
            import apprise
        except ImportError as error:
            raise OutputError("apprise is not installed: pip install 'vigia[notify]'") from error
        refused = []
        for number, url in self._urls():
            if (notice, url) in self._had_it:
                continue
            service = apprise.Apprise.instantiate(url)
            if service is None:
                refused.append(f"line {number}: apprise knows no service of this URL")
            elif not service.notify(
                title="Vigía", body=text
            ):  # in this thread: Apprise.notify keeps threads of its own
                refused.append(f"line {number}: the service did not take it; is there a link to it?")
            else:
                self._had_it.append((notice, url))
        if refused:
            raise OutputError(f"{self._settings.urls_file}, {', '.join(refused)}")

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
