"""The clock of this machine."""

from __future__ import annotations

import time
from typing import Final

from deploy.doctor.findings import Check, Finding, Text, attention, ok, wrong
from gateway.clock.machine import kernel_error_ms

_FIRST_YEAR: Final = 2025
"""A clock that says earlier than Vigía exists has not been set since the power came."""
_LAST_YEAR: Final = 2100

_SET_IT: Final = Text(
    "Conecte el puesto a la red y espere unos minutos; o póngalo a mano: sudo date -s '2030-12-31 23:59'",
    "Connect the post and wait some minutes; or set it by hand: sudo date -s '2030-12-31 23:59'",
)


def clock_check(*, at_post: bool = False, system_trusted: bool = False) -> Check:
    """system_trusted: the settings say that the clock is right whatever the kernel says."""
    return Check(Text("Reloj", "Clock"), lambda: [judge(time.time(), kernel_error_ms(), at_post, system_trusted)])


def judge(now: float, error_ms: int | None, at_post: bool, system_trusted: bool) -> Finding:
    """now: Unix time. error_ms: what the kernel says that it may be off, None while nothing keeps it right."""
    told = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now))
    if not _FIRST_YEAR <= time.gmtime(now).tm_year <= _LAST_YEAR:
        return wrong(
            "clock_implausible",
            f"El reloj dice {told}: no puede ser",
            f"The clock says {told}: that cannot be",
            todo=_SET_IT,
        )
    if error_ms is not None:
        return ok("clock", f"El reloj está en hora ({told})", f"The clock is right ({told})")
    if system_trusted:
        return ok(
            "clock_trusted",
            f"El reloj dice {told}; la configuración manda creerle",
            f"The clock says {told}; the settings say to believe it",
        )
    return attention(
        "clock_unsynchronised",
        f"Nadie corrige el reloj, que dice {told}" + ("; lo que se oiga se guarda con hora dudosa" * at_post),
        f"Nothing keeps the clock right, which says {told}" + ("; what is heard gets a doubtful time" * at_post),
        todo=Text(
            "¿La hora es correcta? Con enlace se corrige sola: timedatectl lo muestra",
            "Is the time right? With a link it is set by itself: timedatectl shows it",
        ),
    )
