"""The one way in: a lane and a moment for each reading, a counter for each discard, a warning after the commit."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from firmware_bridge.readings import LABELS, Kind, Reading, Rejected, make_reading
from firmware_bridge.sources import Delivery, RadioText, SensorAnswer
from gateway.contract.topics import Lane
from gateway.intake import Intake, Lanes
from gateway.outbox.outbox import Accepted
from gateway.settings import LaneSettings
from tests.gateway.outbox.boxes import SetClock, number_of, numbers_in, opened, parcels, reading

LANES = Lanes(LaneSettings())


def heard(label: str, confidence: float | None, kind: Kind = Kind.ACOUSTIC_DETECTION) -> Reading:
    values = {"sound_level_decibels": 60.0} | ({} if confidence is None else {"confidence_ratio": confidence})
    return make_reading(kind, "acustico-01", values, label=label)


@pytest.mark.parametrize(
    ("one", "lane"),
    [
        (heard("chainsaw", 0.93), Lane.ALERT),
        (heard("chainsaw", 0.5), Lane.ALERT),
        (heard("chainsaw", 0.499), Lane.DETECTION),
        (heard("chainsaw", 0.0), Lane.DETECTION),
        (heard("chainsaw", None), Lane.ALERT),  # a sensor that does not say how sure it is, is believed
        (heard("person", 0.9, Kind.CAMERA_DETECTION), Lane.ALERT),
        (heard("rain", 1.0), Lane.DETECTION),
        (heard("unlisted_77", 1.0), Lane.DETECTION),
        (make_reading(Kind.ENVIRONMENT, "clima-1", {"temperature_celsius": 27.0}), Lane.READING),
        (make_reading(Kind.DEVICE_STATUS, "clima-1", {"battery_volts": 3.9}), Lane.READING),
        (make_reading(Kind.POSITION, "gps-1", {"latitude_degrees": -2.5}), Lane.READING),
        (make_reading(Kind.STATION_HEALTH, "gateway", {"outbox_entries": 1}), Lane.HEALTH),
        (make_reading(Kind.TALLY, "serial", {"discarded_total": 1}, label="crc"), Lane.HEALTH),
        (Reading(int(Kind.ACOUSTIC_DETECTION), "s", "chainsaw", (), ()), Lane.ALERT),
        (make_reading(Kind.PATROL, "A", {"duration_seconds": 60}, label="out"), Lane.DETECTION),
        (make_reading(Kind.INCIDENT, "s", {"incident_number": 1, "incident_step": 3}, label="boat"), Lane.DETECTION),
    ],
    ids=str,
)
def test_each_reading_has_its_lane(one: Reading, lane: Lane) -> None:
    assert LANES.of(one) is lane


def test_every_label_goes_where_the_vocabulary_says() -> None:
    for label in LABELS.values():
        expected = Lane.ALERT if label.alert else Lane.DETECTION
        assert LANES.of(heard(label.name, 0.9)) is expected


def test_a_post_may_choose_its_own_alerts() -> None:
    own = Lanes(LaneSettings(alert_labels=["jaguar"], alert_confidence=0.8))
    assert own.of(heard("jaguar", 0.8)) is Lane.ALERT
    assert own.of(heard("jaguar", 0.799)) is Lane.DETECTION
    assert own.of(heard("chainsaw", 1.0)) is Lane.DETECTION


def test_the_post_hears_all_and_of_alerts_after_the_commit(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    seen: list[tuple[list[str], int]] = []

    def hear(accepted: Sequence[Accepted]) -> None:
        other = sqlite3.connect(path)
        seen.append(
            ([item.reading.label for item in accepted], other.execute("SELECT count(*) FROM entry").fetchone()[0])
        )
        other.close()

    with opened(path) as outbox:
        intake = Intake(outbox, LANES, SetClock(), hear)
        intake.deliver(Delivery("serie", [reading(1)], [], {}))
        assert [on_disk for _, on_disk in seen] == [0]
        assert outbox.state().in_memory == 1
        alerts = [heard("chainsaw", 0.9), heard("rain", 0.9), heard("gunshot", 0.9)]
        intake.deliver(Delivery("serie", alerts, [], {}))
        assert seen[1:] == [(["chainsaw", "rain", "gunshot"], 4)]  # all four on disk, what waited too
        assert outbox.state().by_lane == {Lane.ALERT: 2, Lane.DETECTION: 1, Lane.READING: 1}


@pytest.mark.expects_warnings
def test_the_post_is_warned_though_the_disk_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    seen: list[Accepted] = []
    with opened(tmp_path / "file" / "o.db") as outbox:
        Intake(outbox, LANES, SetClock(), seen.extend).deliver(Delivery("serie", [heard("chainsaw", 0.9)], [], {}))
    assert len(seen) == 1


def test_what_a_person_did_is_on_disk_before_anyone_hears_of_it(tmp_path: Path) -> None:
    seen: list[int] = []
    with opened(tmp_path / "o.db") as outbox:
        intake = Intake(outbox, LANES, SetClock(), lambda accepted: seen.append(outbox.state().in_memory))
        intake.submit(make_reading(Kind.PATROL, "Los Tigres", {"duration_seconds": 60}, label="out"))
        assert seen == [0]
        assert outbox.state().by_lane == {Lane.DETECTION: 1}


def test_what_was_rejected_is_counted_by_source_and_reason(tmp_path: Path) -> None:
    with opened(tmp_path / "o.db") as outbox:
        intake = Intake(outbox, LANES, SetClock(), lambda _: None)
        rejected = [Rejected("crc", 2, "at byte 7"), Rejected("replayed"), Rejected("crc", 3)]
        intake.deliver(Delivery("serie", [], rejected, {"aabbccdd": (9, 3)}))
        intake.deliver(Delivery("otra", [], [Rejected("crc")], {}))
        assert outbox.tallies() == {("serie", "crc"): 5, ("serie", "replayed"): 1, ("otra", "crc"): 1}
        assert outbox.replay() == {"aabbccdd": (9, 3)}
        outbox.commit()
        assert outbox.tallies()["serie", "crc"] == 5
        assert outbox.take(Lane.READING, limit=1) is None


def test_readings_of_one_delivery_have_one_moment_and_keep_their_order(tmp_path: Path) -> None:
    clock = SetClock()
    with opened(tmp_path / "o.db", clock=clock) as outbox:
        intake = Intake(outbox, LANES, clock, lambda _: None)
        intake.deliver(Delivery("serie", [reading(n) for n in (3, 1, 2)], [], {}))
        clock.pass_ms(1000)
        intake.deliver(Delivery("serie", [reading(4)], [], {}))
        outbox.commit()
        entries = parcels(outbox)[0].entries
        assert [number_of(entry) for entry in entries] == [3, 1, 2, 4]
        assert [entry.time_ms - entries[0].time_ms for entry in entries] == [0, 0, 0, 1000]
        assert numbers_in(outbox) == [3, 1, 2, 4]


def test_what_people_write_is_said_at_the_post_and_not_stored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gateway.texts")
    with opened(tmp_path / "o.db") as outbox:
        texts = [RadioText("patrulla-1", "motosierra", "guardas", True), RadioText("!0badcafe", "hola", "#0")]
        read: list[tuple[str, int]] = []
        intake = Intake(
            outbox,
            LANES,
            SetClock(),
            lambda _: None,
            read_texts=lambda source, some, _: read.append((source, len(some))),
        )
        intake.deliver(Delivery("malla", [], [], {}, texts=texts))
        assert read == [("malla", 2)]
        assert outbox.state().entries == 0
    assert [record.getMessage() for record in caplog.records] == [
        "malla, guardas, patrulla-1: motosierra",
        "malla, #0, !0badcafe (a radio that the settings do not name): hola",
    ]


def test_what_a_sensor_answers_is_logged_shown_counted_and_sent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gateway.texts")
    shown: list[tuple[str, str]] = []
    heard: list[str] = []
    answers = [SensorAnswer("rio-arriba", "reboot", "done", 1.5), SensorAnswer("rio-abajo", "new_one", "result 77")]
    with opened(tmp_path / "o.db") as outbox:
        intake = Intake(
            outbox,
            LANES,
            SetClock(),
            lambda accepted: heard.extend(item.reading.sensor for item in accepted),
            read_texts=lambda source, texts, moment: shown.extend((text.sender, text.text) for text in texts),
        )
        intake.deliver(Delivery("serie", [reading(1)], [], {"00000001": (7, 1)}, answers=answers))
        outbox.commit()
        entries = [entry for parcel in parcels(outbox, Lane.READING) for entry in parcel.entries]
        told = [entry.reading for entry in entries if entry.reading.kind == Kind.COMMAND_ANSWER]
        assert outbox.tallies()["answered", "sensor_done"] == 1
        assert outbox.tallies()["answered", "sensor_result_77"] == 1
    assert shown == [
        ("rio-arriba", "contestó a «arranca de nuevo» (reboot): hecho"),
        ("rio-abajo", "contestó a new_one: result 77"),
    ]
    assert "serie, rio-arriba contestó a «arranca de nuevo» (reboot): hecho" in caplog.text
    assert [(one.sensor, one.label, one.note) for one in told] == [
        ("rio-arriba", "done", "reboot"),
        ("rio-abajo", "result 77", "new_one"),
    ]
    assert told[0].values() == {"duration_seconds": 1.5}
    assert heard[-2:] == ["rio-arriba", "rio-abajo"]
