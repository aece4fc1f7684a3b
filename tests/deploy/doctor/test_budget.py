"""The day's byte budgets, by the counters that the uplink keeps in the outbox."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

from deploy.doctor.budget import budget_checks, judge_budget
from deploy.doctor.findings import Mark
from gateway.clock.clock import Clock
from gateway.clock.moments import Moment
from gateway.contract.entries import TimeQuality
from gateway.outbox.outbox import Outbox
from gateway.uplink.meter import SENT
from gateway.uplink.settings import BudgetSettings
from gateway.uplink.spending import Spending
from tests.deploy.doctor.findings import found, look

NOW = dt.datetime(2026, 11, 23, 15, tzinfo=dt.UTC)
LIMITS = BudgetSettings(media=1000)


def spent(limits: BudgetSettings, at: dt.datetime = NOW, **lanes: int) -> Counter[tuple[str, str]]:
    """The counters of an uplink that sent so much on that day."""
    spending = Spending(limits, dt.UTC)
    wall_ms = round(at.timestamp() * 1000)
    spending.turn(Moment(1000, wall_ms, TimeQuality.NTP, 0))
    spending.note(Counter({(SENT, lane): count for lane, count in lanes.items()}))
    return spending.changes()


def test_what_is_left_is_well() -> None:
    (finding,) = judge_budget(spent(LIMITS, media=900), LIMITS, dt.UTC, NOW.date())
    assert (finding.mark, finding.what.es) == (Mark.OK, "El cupo del enlace alcanza; hoy van 900 B")


def test_a_lane_whose_budget_is_spent_waits_for_tomorrow() -> None:
    (finding,) = judge_budget(spent(LIMITS, media=1000), LIMITS, dt.UTC, NOW.date())
    assert found([finding]) == {"budget_spent": Mark.ATTENTION}
    assert finding.what.es == "Se gastó el cupo de hoy de fotos y audios: lo que espera sale mañana"
    assert finding.where == "[uplink.budget_bytes] media"


def test_when_all_is_spent_only_alerts_open_the_link() -> None:
    limits = BudgetSettings(total=1500)
    (finding,) = judge_budget(spent(limits, reading=800, link=700), limits, dt.UTC, NOW.date())
    assert found([finding]) == {"budget_spent": Mark.ATTENTION}
    assert "solo para alertas" in finding.what.es


def test_what_was_spent_on_another_day_says_nothing() -> None:
    yesterday = spent(LIMITS, NOW - dt.timedelta(days=1), media=1000)
    assert judge_budget(yesterday, LIMITS, dt.UTC, NOW.date()) == []


def test_a_day_counted_without_a_clock_is_this_one() -> None:
    spending = Spending(LIMITS, dt.UTC)
    spending.turn(Moment(1000, 0, TimeQuality.UNTRUSTED, 0))
    spending.note(Counter({(SENT, "media"): 1000}))
    assert found(judge_budget(spending.changes(), LIMITS, dt.UTC, NOW.date())) == {"budget_spent": Mark.ATTENTION}


def test_it_is_read_from_the_outbox_and_left_out_without_budgets(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    outbox = Outbox(path, max_bytes=2**20, memory_bytes=2**20, clock=Clock("system"))
    outbox.open()
    try:
        outbox.accept([], tallies=spent(LIMITS, dt.datetime.now(dt.UTC) + dt.timedelta(hours=1), media=1000))
        outbox.commit()
        assert found(look(budget_checks(path, LIMITS, dt.UTC))) == {"budget_spent": Mark.ATTENTION}
    finally:
        outbox.close()
    assert budget_checks(path, BudgetSettings(), dt.UTC) == []
