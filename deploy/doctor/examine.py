"""Looks at everything at once, each within its limit: one that hangs or fails hides none of the others."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence

from deploy.doctor.findings import Check, Finding, Text, Told, unseen


def examine(checks: Sequence[Check]) -> list[Told]:
    """Every finding, in the order of the checks. Takes as long as the longest, never more than its limit."""
    looks = [_Look(check) for check in checks]
    started = time.monotonic()
    for look in looks:
        look.thread.start()
    told: list[Told] = []
    for look in looks:
        look.thread.join(max(0.0, started + look.check.limit_s - time.monotonic()))
        told += [Told(look.check.theme, finding) for finding in look.findings()]
    return told


class _Look:
    def __init__(self, check: Check) -> None:
        self.check = check
        self._found: Sequence[Finding] | None = None
        self._fault: BaseException | None = None
        # A thread that hangs, in a name that nobody resolves or a card that does not answer, must not keep us.
        self.thread = threading.Thread(target=self._run, name=f"doctor {check.theme.en}", daemon=True)

    def _run(self) -> None:
        try:
            self._found = self.check.look()
        finally:  # a bug in one look hides nothing of the others; its traceback goes to standard error by itself
            self._fault = sys.exception()

    def findings(self) -> Sequence[Finding]:
        theme, limit_s = self.check.theme, self.check.limit_s
        if self._fault is not None:
            said = f"{type(self._fault).__name__}: {self._fault}"
            return [
                unseen(
                    "look_failed",
                    f"No se pudo mirar ({said})",
                    f"This could not be looked at ({said})",
                    todo=Text(
                        "Avise a quien mantiene Vigía, con lo que salió en la terminal",
                        "Tell whoever maintains Vigía, with what the terminal shows",
                    ),
                )
            ]
        if self._found is None:
            return [
                unseen(
                    "took_too_long",
                    f"No se pudo mirar: {theme.es} no respondió en {limit_s:.0f} segundos",
                    f"This could not be looked at: {theme.en} did not answer in {limit_s:.0f} seconds",
                    todo=Text(
                        "Inténtelo otra vez; si se repite, algo está muy lento: la tarjeta SD o el enlace",
                        "Try again; if it happens again, something is very slow: the SD card or the link",
                    ),
                )
            ]
        return self._found
