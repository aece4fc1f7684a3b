"""Incidents on the boards: the steps of one put together as the browser does it, over a real InfluxDB."""

from __future__ import annotations

from typing import Any

import pytest

from dashboards import incidents
from dashboards.boards import boards
from dashboards.influxql import one_of
from dashboards.upkeep import LANE_TITLES, SENT_COUNTERS, TIME_QUALITY_TITLES
from deploy.parts.servers import InfluxDB
from gateway.contract.entries import TimeQuality
from gateway.contract.topics import Lane
from gateway.rules.facts import Step
from gateway.uplink.meter import HEADERS, LINK, SENT
from tests.dashboards.test_influxql import STATIONS, ask, filled
from tests.support.grafana_transformations import transformed

__all__ = ["filled"]

pytestmark = pytest.mark.slow


def shown(influx: InfluxDB, title: str, board: str = "landscape") -> list[dict[str, Any]]:
    """The rows that a table of a board shows, by the names of its columns."""
    panel = next(panel for panel in boards()[board]["panels"] if panel["title"] == title)
    (target,) = panel["targets"]
    rows = [
        {"Time": row[0] // 1_000_000, **dict(zip(series["columns"][1:], row[1:], strict=True))} | series.get("tags", {})
        for series in ask(influx, target["query"], "everything")
        for row in series["values"]
    ]
    return transformed(rows, panel["transformations"])


def test_open_are_those_that_are_neither_closed_nor_held_back(filled: InfluxDB) -> None:
    rows = {row["incident_number"]: row for row in shown(filled, "Incidentes abiertos")}
    assert set(rows) == {2, 3}
    assert rows[2]["incident_step (max)"] == Step.ACKNOWLEDGED  # acknowledged stays, though it grew since
    assert rows[2]["note (lastNotNull)"] == "sierra: sigue"
    assert rows[3]["incident_step (max)"] == Step.RAISED
    assert rows[3]["arrival_seconds (lastNotNull)"] == 600
    assert rows[3]["station"] == STATIONS[0]
    assert [row["incident_number"] for row in shown(filled, "Incidentes sin atender")] == [3]


def test_the_time_to_acknowledge_is_from_raised_to_first_acknowledged(filled: InfluxDB) -> None:
    """Not to a note of later, and not of an incident that was raised before the period."""
    rows = {row["incident_number"]: row for row in shown(filled, "Cuánto se tardó en atender")}
    assert {number: round(row["Time (min) (range)"] / 60_000) for number, row in rows.items()} == {1: 10, 2: 5}
    assert rows[1]["note (firstNotNull) (lastNotNull)"] == "Rosa: salimos a ver"


def test_a_station_shows_every_step_and_patrol_with_its_note(filled: InfluxDB) -> None:
    assert len(shown(filled, "Incidentes, paso a paso", "station")) == 12
    ways = [(row["label"], row["note"]) for row in shown(filled, "Patrullas", "station")]
    assert ways == [("back", "por el caño"), ("out", "por el caño")]


def test_every_step_and_every_kind_of_traffic_has_a_title() -> None:
    assert {int(value) for value, _, _ in incidents.STEP_TITLES} == set(Step)
    assert (incidents.RAISED, incidents.ACKNOWLEDGED, incidents.CLOSED) == (1, Step.ACKNOWLEDGED, Step.CLOSED)
    assert set(LANE_TITLES) == {*(lane.slug for lane in Lane), LINK, HEADERS}
    assert SENT_COUNTERS == SENT
    assert list(TIME_QUALITY_TITLES) == [quality.slug for quality in TimeQuality]


def test_one_of_some_numbers() -> None:
    assert one_of("incident_step", (1, 3)) == '("incident_step" = 1 OR "incident_step" = 3)'
