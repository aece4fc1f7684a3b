"""What is left of the day's byte budgets of the link."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Final

from deploy.doctor.findings import Check, Finding, Text, attention, ok, sizes
from deploy.doctor.tallies import Tallies, read_tallies
from gateway.contract.topics import Lane
from gateway.uplink.settings import BudgetSettings
from gateway.uplink.spending import DAY, Spending

_LANES: Final = {
    Lane.ALERT: Text("alertas", "alerts"),
    Lane.DETECTION: Text("detecciones", "detections"),
    Lane.READING: Text("mediciones", "measurements"),
    Lane.HEALTH: Text("informes de estado", "health reports"),
    Lane.MEDIA: Text("fotos y audios", "pictures and clips"),
}
_RAISE: Final = Text(
    "Si pasa muchos días, suba [uplink.budget_bytes], o mande menos (intervalos, fotos)",
    "If it happens on many days, raise [uplink.budget_bytes], or send less (intervals, pictures)",
)
_YEAR_1: Final = 366
"""Days counted without a clock are fewer than these; a date's number is seven hundred thousand."""


def budget_checks(outbox: Path, limits: BudgetSettings, zone: dt.tzinfo) -> list[Check]:
    """One look; none at a post without budgets."""
    if all(limit is None for _, limit in limits):
        return []

    def look() -> list[Finding]:
        tallies = read_tallies(outbox)
        return [] if tallies is None else judge_budget(tallies, limits, zone, dt.datetime.now(zone).date())

    return [Check(Text("Cupo del enlace", "The link's budget"), look)]


def judge_budget(tallies: Tallies, limits: BudgetSettings, zone: dt.tzinfo, today: dt.date) -> list[Finding]:
    """What to say of an outbox's counters on a day of the post's zone; nothing of those of a day before."""
    if _YEAR_1 < tallies.get((DAY, "number"), 0) < today.toordinal():
        return []
    spending = Spending(limits, zone)
    spending.restore(tallies)
    used = sizes(spending.today_bytes)
    if spending.is_spent:
        return [
            attention(
                "budget_spent",
                f"Se gastó el cupo de hoy ({used}): hasta mañana el enlace se abre solo para alertas",
                f"Today's budget is spent ({used}): until tomorrow the link opens for alerts only",
                "[uplink.budget_bytes] total",
                todo=_RAISE,
            )
        ]
    spent = [lane for lane in Lane if spending.left(lane) == 0]
    if not spent:
        return [ok("budget", f"El cupo del enlace alcanza; hoy van {used}", f"The link's budget holds; {used} today")]
    es, en = ", ".join(_LANES[lane].es for lane in spent), ", ".join(_LANES[lane].en for lane in spent)
    return [
        attention(
            "budget_spent",
            f"Se gastó el cupo de hoy de {es}: lo que espera sale mañana",
            f"Today's budget of {en} is spent: what waits goes tomorrow",
            "[uplink.budget_bytes] " + ", ".join(lane.slug for lane in spent),
            todo=_RAISE,
        )
    ]
