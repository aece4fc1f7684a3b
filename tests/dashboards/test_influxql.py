"""Every query of every board, put to the real InfluxDB over points in the schema's shape, gives rows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from dashboards.boards import boards
from dashboards.errors import BoardError
from dashboards.influxql import BY_INTERVAL, InfluxQLQuery, call, quoted, select, tag_values
from deploy.parts.servers import InfluxDB
from firmware_bridge.readings import QUANTITIES, Kind
from ingest.schema import HEADQUARTERS, MEASUREMENTS, point_time_ns
from tests.support.grafana_macros import All, expand

DATABASE = "vigia"
TERRITORY = "Ampiyacu (norte)"
STATIONS = ("brillo-nuevo", "pucaurquillo")
SENSORS = ("oído.1", "cámara/2")
_DEVICE = ("battery_volts", "battery_ratio", "solar_volts", "rssi_dbm", "snr_decibels", "device_temperature_celsius")
_QUANTITIES = {
    Kind.ACOUSTIC_DETECTION: ("confidence_ratio", "sound_level_decibels", "duration_seconds", "battery_volts"),
    Kind.CAMERA_DETECTION: ("confidence_ratio", "individuals_count", "battery_volts", "rssi_dbm"),
    Kind.ENVIRONMENT: ("temperature_celsius", "humidity_ratio", "water_level_metres", "rainfall_millimetres"),
    Kind.DEVICE_STATUS: _DEVICE,
    Kind.POSITION: ("latitude_degrees", "longitude_degrees"),
    Kind.STATION_HEALTH: tuple(name for name, quantity in QUANTITIES.items() if 64 <= quantity.code < 128),
    Kind.TALLY: ("discarded_total",),
}
_LABELS = {
    Kind.ACOUSTIC_DETECTION: ("chainsaw", "rain", "unlisted_77"),
    Kind.CAMERA_DETECTION: ("jaguar", "person"),
    Kind.TALLY: ("bad_crc", "replayed"),
}


def _points(now_ms: int) -> Iterator[str]:
    sequence = 0
    for minutes in (5, 50):
        for station in STATIONS:
            for kind, names in _QUANTITIES.items():
                sensors = ("gateway",) if kind >= Kind.STATION_HEALTH else SENSORS
                for sensor in sensors:
                    for label in _LABELS.get(kind, ("",)):
                        sequence += 1
                        at = point_time_ns(now_ms - minutes * 60_000, bytes(8), sequence)
                        fields = ",".join(f"{name}={_value(name, sequence, minutes)}" for name in names)
                        tags = f",label={label}" if label else ""
                        tags += f",sensor={_escaped(sensor)},station={station},territory={_escaped(TERRITORY)}"
                        yield f"{MEASUREMENTS[kind]}{tags},time_quality=ntp {fields},sequence={sequence} {at}"
                    if kind is Kind.STATION_HEALTH:
                        yield f"{MEASUREMENTS[kind]}{tags},time_quality=untrusted time_uncertainty_seconds=3 {at + 1}"
            for lane, sent in (("alert", 1000), ("link", 5000)):
                tags = f"label={lane},sensor=sent_bytes,station={station},territory={_escaped(TERRITORY)}"
                at = (now_ms - minutes * 60_000) * 1_000_000
                yield f"tally,{tags},time_quality=ntp sent_bytes_total={sent * (60 - minutes)} {at}"
    yield from _incidents(now_ms)
    # what ingest says of itself has neither territory, time quality nor sequence
    yield f"tally,label=bad_body,sensor=journal,station={HEADQUARTERS} discarded_total=3 {now_ms * 1_000_000}"


def _value(name: str, sequence: int, minutes: int) -> float:
    return (60 - minutes) * 1e6 if name == "card_written_bytes_total" else 0.25 + sequence % 7


_INCIDENTS = (
    # minutes ago, number, step, sensor, note; of the first station
    (50, 1, 1, SENSORS[0], "sierra: Motosierra"),
    (49, 1, 2, SENSORS[0], "sierra: sigue"),
    (40, 1, 3, SENSORS[0], "Rosa: salimos a ver"),
    (30, 1, 4, SENSORS[0], "sierra: calma"),
    (20, 2, 1, SENSORS[1], "sierra: Motosierra"),
    (15, 2, 3, SENSORS[1], "Jorge"),
    (10, 2, 2, SENSORS[1], "sierra: sigue"),
    (9, 3, 1, SENSORS[0], "bote: Embarcación"),
    (8, 4, 5, SENSORS[0], "bote: patrulla fuera"),
    (7, 1, 3, SENSORS[0], "Rosa: era la del vecino"),
    (400, 5, 1, SENSORS[0], "sierra: Motosierra"),
    (28, 5, 3, SENSORS[0], "Rosa"),
    (27, 5, 4, SENSORS[0], "sierra: calma"),
)
"""Closed, acknowledged and growing, new, held back; a note on what is closed; one of before the period."""


def _incidents(now_ms: int) -> Iterator[str]:
    place = f"station={STATIONS[0]},territory={_escaped(TERRITORY)},time_quality=ntp"
    for minutes, number, step, sensor, note in _INCIDENTS:
        figures = "" if step == 3 else "detections_count=2,boat_speed_metres_per_second=3.5,arrival_seconds=600,"
        yield (
            f"incident,label=chainsaw,sensor={_escaped(sensor)},{place}"
            f' {figures}incident_number={number},incident_step={step},note="{note}",sequence={number}'
            f" {(now_ms - minutes * 60_000) * 1_000_000}"
        )
    for minutes, way, seconds in ((45, "out", 7200), (12, "back", 0)):
        at = (now_ms - minutes * 60_000) * 1_000_000
        fields = f'duration_seconds={seconds},note="por el caño",sequence=1'
        yield f"patrol,label={way},sensor=Patrulla\\ 1,{place} {fields} {at}"


def _escaped(tag: str) -> str:
    return tag.replace(" ", "\\ ").replace(",", "\\,").replace("=", "\\=")


@pytest.fixture
def filled(influx: InfluxDB) -> InfluxDB:
    influx.create(DATABASE)
    influx.write(DATABASE, "\n".join(_points(int(time.time() * 1000))))
    return influx


CHOICES: Mapping[str, Mapping[str, Sequence[str] | All]] = {
    "everything": {"territory": All(".*"), "station": All(".*"), "sensor": All(".*")},
    "one": {"territory": [TERRITORY], "station": STATIONS[:1], "sensor": SENSORS[1:]},
    "several": {"territory": [TERRITORY, "Yaguas"], "station": STATIONS, "sensor": SENSORS},
}


def ask(influx: InfluxDB, query: str, choice: str) -> list[dict[str, Any]]:
    now_ms = int(time.time() * 1000)
    expanded = expand(query, from_ms=now_ms - 6 * 3_600_000, to_ms=now_ms, interval="15m", variables=CHOICES[choice])
    return influx.query(DATABASE, expanded)


@pytest.mark.slow
def test_every_query_of_every_board_gives_rows(filled: InfluxDB) -> None:
    asked = 0
    for name, board in boards().items():
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                for choice in CHOICES if "${" in target["query"] else ("everything",):
                    series = ask(filled, target["query"], choice)
                    assert any(one["values"] for one in series), f"{name}: {panel['title']} ({choice}) is empty"
                    asked += 1
    assert asked > 50


@pytest.mark.slow
def test_every_variable_offers_its_values_and_narrows_the_next(filled: InfluxDB) -> None:
    offered = {}
    for variable in boards()["station"]["templating"]["list"]:
        for choice in CHOICES:
            series = ask(filled, variable["query"], choice)
            offered[variable["name"], choice] = {value for one in series for _, value in one["values"]}
    assert offered["territory", "everything"] == {TERRITORY}
    assert offered["station", "several"] == set(STATIONS)
    assert offered["station", "everything"] == {*STATIONS, HEADQUARTERS}
    for choice in CHOICES:
        assert offered["sensor", choice] == set(SENSORS)


@pytest.mark.slow
def test_names_with_signs_of_regular_expressions_choose_only_themselves(filled: InfluxDB) -> None:
    latest = next(p for p in boards()["station"]["panels"] if p["title"] == "Últimas detecciones")
    (target,) = latest["targets"]
    for series in ask(filled, target["query"], "one"):
        at = series["columns"].index("sensor")
        assert {row[at] for row in series["values"]} == {SENSORS[1]}


@pytest.mark.slow
def test_a_table_shows_only_columns_that_its_query_gives(filled: InfluxDB) -> None:
    for name, board in boards().items():
        for panel in board["panels"]:
            if panel["type"] != "table":
                continue
            (target,) = panel["targets"]
            series = ask(filled, target["query"], "everything")[0]
            given = {"Time", *series["columns"], *series.get("tags", {})}
            shown = {override["matcher"]["options"].split(" (")[0] for override in panel["fieldConfig"]["overrides"]}
            assert shown <= given, f"{name}: {panel['title']}"


@pytest.mark.slow
def test_counts_are_what_was_written(filled: InfluxDB) -> None:
    panels = {panel["title"]: panel for panel in boards()["landscape"]["panels"]}

    def total(title: str) -> float:
        (target,) = panels[title]["targets"]
        return sum(float(row[-1]) for one in ask(filled, target["query"], "everything") for row in one["values"])

    written = [line for line in _points(0) if line.startswith(("acoustic_detection", "camera_detection"))]
    assert total("Detecciones") == len(written) == 40
    assert total("Amenazas") == sum("label=chainsaw" in line or "label=person" in line for line in written) == 16
    heard = ask(filled, panels["Puestos con señal"]["targets"][0]["query"], "everything")
    assert {one["tags"]["station"] for one in heard} == set(STATIONS)


def test_only_names_of_the_schema_can_be_asked_for() -> None:
    assert quoted("battery_volts") == '"battery_volts"'
    with pytest.raises(BoardError, match=r"ingest/schema\.py"):
        quoted("battery")
    with pytest.raises(BoardError):
        select(call("last", "battery_volts"), ["no_such_kind"])
    with pytest.raises(BoardError):
        tag_values("village")


def test_a_query_has_the_time_range_the_groups_and_the_tail_in_order() -> None:
    text = select(
        call("mean", "rssi_dbm"), ["environment"], where=["x"], group_by=[BY_INTERVAL, "sensor"], tail="fill(none)"
    )
    assert text == (
        'SELECT mean("rssi_dbm") FROM "environment" WHERE $timeFilter AND x '
        'GROUP BY time($__interval), "sensor" fill(none)'
    )


def test_a_target_comes_back_from_json_as_it_was() -> None:
    query = InfluxQLQuery("SELECT 1", uid="vigia", ref_id="B", result_format="table", alias="$tag_label")
    assert InfluxQLQuery.from_json(query.to_json()).to_json() == query.to_json()
    with pytest.raises(BoardError, match="resultFormat"):
        InfluxQLQuery.from_json({"query": "SELECT 1", "datasource": {"uid": "x"}, "refId": "A"})


def test_macros_are_expanded_as_grafana_does() -> None:
    query = "$timeFilter time($__interval) /^${station:regex}$/ $tag_label"
    with pytest.raises(AssertionError, match="tag_label"):
        expand(query, from_ms=1, to_ms=2, variables={"station": ["a"]})
    query = query.removesuffix(" $tag_label")
    assert expand(query, from_ms=1, to_ms=2, variables={"station": ["a.b"]}).endswith(r"/^a\.b$/")
    assert expand(query, from_ms=1, to_ms=2, variables={"station": ["a-b", "c/d"]}).endswith(r"/^(a-b|c\/d)$/")
    assert expand(query, from_ms=1, to_ms=2, variables={"station": All(".*")}) == (
        "time >= 1ms and time <= 2ms time(1m) /^.*$/"
    )


def test_the_package_asks_for_no_name_of_its_own_making() -> None:
    """Measurements, tags and fields appear in the sources only through the schema, but for quantities' names."""
    for source in Path("dashboards").glob("*.py"):
        text = source.read_text(encoding="utf-8")
        assert not [name for name in MEASUREMENTS.values() if f'"{name}"' in text], source
