"""A real outbox, waiting, full of tallies, in use, spoilt."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.doctor import sqlite_files
from deploy.doctor.discards import discard_findings
from deploy.doctor.findings import Finding, Mark
from deploy.doctor.outbox import Held, judge_waiting, outbox_checks
from firmware_bridge.readings import Kind, make_reading
from gateway.clock.clock import Clock
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Accepted, Outbox
from gateway.outbox.store import APPLICATION_ID
from tests.deploy.doctor.findings import found, look, troubles

MIB = 1024 * 1024


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    made = Outbox(path, max_bytes=64 * MIB, memory_bytes=MIB, clock=Clock("system"))
    made.open()
    yield made
    made.close()


def fill(outbox: Outbox, lane: Lane, count: int) -> None:
    reading = make_reading(Kind.ENVIRONMENT, "rio", {"temperature_celsius": 25.5})
    outbox.accept([Accepted(lane, Clock("system").now(), reading)] * count)
    outbox.commit()


def by_code(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.code: finding for finding in findings}


def test_before_the_first_run(path: Path) -> None:
    assert found(look(outbox_checks(path, MIB))) == {"outbox_missing": Mark.ATTENTION}
    assert found(look(outbox_checks(path.parent / "no" / "x.db", MIB))) == {"outbox_missing": Mark.ATTENTION}


def test_one_in_use_is_counted_by_lane(path: Path, outbox: Outbox) -> None:
    fill(outbox, Lane.READING, 1200)
    fill(outbox, Lane.ALERT, 2)
    findings = look(outbox_checks(path, 64 * MIB))
    assert not troubles(findings)
    said = by_code(findings)["outbox_waiting"].what
    assert said.es.startswith("Por enviar: 1 202 (2 alertas, 1 200 mediciones); lo más antiguo, de hace ")
    assert said.en.startswith("Waiting to be sent: 1,202 (2 alerts, 1,200 measurements); the oldest came ")
    assert "1 202 lecturas aceptadas; nada descartado" in by_code(findings)["discards"].what.es


def test_one_that_rests_is_read_without_a_trace(path: Path, outbox: Outbox) -> None:
    fill(outbox, Lane.READING, 3)
    outbox.close()
    before = {p.name: p.stat().st_mtime_ns for p in path.parent.iterdir()}
    assert not troubles(look(outbox_checks(path, 64 * MIB)))
    assert {p.name: p.stat().st_mtime_ns for p in path.parent.iterdir()} == before


@pytest.mark.parametrize("spoil", [lambda raw: b"\0" * len(raw), lambda raw: b"x" * 5000, lambda raw: raw[:5000]])
def test_a_spoilt_one_is_said_once(path: Path, outbox: Outbox, spoil: object) -> None:
    assert callable(spoil)
    fill(outbox, Lane.READING, 3000)
    outbox.close()
    path.write_bytes(spoil(path.read_bytes()))
    assert troubles(look(outbox_checks(path, 64 * MIB))) == {"outbox_damaged": Mark.WRONG}


def test_a_foreign_file_is_no_outbox(path: Path, outbox: Outbox) -> None:
    outbox.close()
    assert sqlite_files.is_sound(path, APPLICATION_ID + 1, within_s=1) == f"application id {APPLICATION_ID:#x}"


def test_too_slow_is_no_damage(path: Path, outbox: Outbox) -> None:
    fill(outbox, Lane.READING, 30_000)
    with pytest.raises(sqlite_files.TooSlowError):
        sqlite_files.is_sound(path, APPLICATION_ID, within_s=0.0)


def test_files_that_were_set_aside_and_a_reserve_that_is_gone(path: Path, outbox: Outbox) -> None:
    fill(outbox, Lane.READING, 1)
    shutil.copy(path, path.with_name("outbox.db.damaged-0001"))
    path.with_name("outbox.db.ballast").unlink()
    assert troubles(look(outbox_checks(path, 64 * MIB))) == {
        "outbox_set_aside": Mark.ATTENTION,
        "outbox_no_reserve": Mark.ATTENTION,
    }


def test_a_gateway_that_runs_without_its_file_keeps_in_memory(path: Path, outbox: Outbox) -> None:
    outbox.close()
    with path.with_name("outbox.db.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert troubles(look(outbox_checks(path, MIB))) == {"outbox_in_memory": Mark.WRONG}
        path.unlink()
        assert troubles(look(outbox_checks(path, MIB))) == {"outbox_in_memory": Mark.WRONG}


def test_what_waits_too_long_or_too_much() -> None:
    at = 1_790_000_000.0
    reading = Held({Lane.READING: 5}, {Lane.READING: at}, 1000)
    alert = Held({Lane.ALERT: 1}, {Lane.ALERT: at}, 1000)
    assert found(judge_waiting(Held({}, {}, 0), MIB, at, "")) == {"outbox_empty": Mark.OK}
    assert found(judge_waiting(reading, MIB, at + 3600, "")) == {"outbox_waiting": Mark.OK}
    assert found(judge_waiting(reading, MIB, at + 2 * 86_400, "")) == {"outbox_waiting_long": Mark.ATTENTION}
    assert found(judge_waiting(alert, MIB, at + 3600, "")) == {"outbox_waiting_long": Mark.ATTENTION}
    assert "outbox_filling" in found(judge_waiting(reading._replace(used=MIB), MIB, at, ""))


def test_tallies_become_advice(path: Path, outbox: Outbox) -> None:
    tallies = {
        ("radio", "bad_tag"): 12,
        ("radio", "replayed"): 3,
        ("radio", "unknown_device"): 40,
        ("radio", "bad_crc"): 4,  # a little noise is normal
        ("radio", "absent_rssi_dbm"): 999,
        ("outbox", "evicted_health"): 7,
        ("outbox", "salvaged"): 5,
        ("restarted", "uplink"): 1,
        ("radio", "something_new"): 1,
    }
    outbox.accept([], tallies=tallies)
    fill(outbox, Lane.READING, 1)
    findings = look(outbox_checks(path, 64 * MIB))
    assert troubles(findings) == {
        "evicted": Mark.WRONG,
        "restarted": Mark.ATTENTION,
        "discarded_unknown_device": Mark.ATTENTION,
        "discarded_bad_tag": Mark.ATTENTION,
        "discarded_replayed": Mark.ATTENTION,
        "discarded_something_new": Mark.ATTENTION,
    }
    bad_tag = by_code(findings)["discarded_bad_tag"]
    assert bad_tag.what.es == "Descartadas 12: firma que no corresponde (bad_tag)"
    assert bad_tag.where == "radio"
    assert bad_tag.todo is not None
    assert "clave" in bad_tag.todo.es


def test_noise_matters_by_its_share() -> None:
    few = {("accepted", "reading"): 1_000_000, ("radio", "bad_crc"): 800}
    many = {("accepted", "reading"): 10_000, ("radio", "bad_crc"): 800}
    assert found(discard_findings(few)) == {"discards": Mark.OK}
    assert found(discard_findings(many)) == {"discarded_bad_crc": Mark.ATTENTION}


def test_fields_that_nothing_maps_are_listed_by_source() -> None:
    tallies = {
        ("accepted", "reading"): 10,
        ("lorawan", "unmapped_dew_point"): 3,
        ("lorawan", "unmapped_co2"): 2,
        ("radio", "unmapped_analog_in_7"): 1,
        ("radio", "other_text"): 999,
    }
    findings = discard_findings(tallies)
    assert [(finding.code, finding.where) for finding in findings] == [
        ("unmapped_fields", "lorawan"),
        ("unmapped_fields", "radio"),
    ]
    assert "2 campos que nadie traduce a una magnitud (co2 2, dew_point 3)" in findings[0].what.es
    assert findings[0].todo is not None
    assert "map" in findings[0].todo.es


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_one_that_may_not_be_read(path: Path, outbox: Outbox) -> None:
    path.chmod(0)
    assert troubles(look(outbox_checks(path, MIB))) == {"outbox_unseen": Mark.UNSEEN}
