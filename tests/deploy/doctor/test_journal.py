"""The journal at headquarters: behind, refused, who is heard."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from deploy.doctor.findings import Mark
from deploy.doctor.journal import Behind, journal_checks, judge_behind, judge_stations
from ingest.journal.journal import Journal
from tests.deploy.doctor.findings import found, look, troubles


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    journal = Journal(tmp_path / "journal.db")
    journal.open()
    yield journal.path
    journal.close()


def put(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(statement, values)


def test_none_yet(tmp_path: Path) -> None:
    assert found(look(journal_checks(tmp_path / "no.db", {}))) == {"journal_missing": Mark.ATTENTION}


def test_a_new_one_is_in_order(path: Path) -> None:
    assert found(look(journal_checks(path, {}))) == {"journal": Mark.OK, "dead_letters": Mark.OK}


def test_a_damaged_one_is_said_once(path: Path) -> None:
    damaged = path.with_name("damaged.db")
    damaged.write_bytes(path.read_bytes()[:600] + b"x" * 4096)
    assert troubles(look(journal_checks(damaged, {"boca": "Boca"}))) == {"journal_damaged": Mark.WRONG}


def test_dead_letters_by_reason_with_advice(path: Path) -> None:
    columns = "(at_ms, stage, reason, detail, topic, payload)"
    for reason in ("unknown_station", "unknown_station", "truncated"):
        put(path, f"INSERT INTO dead_letter {columns} VALUES (1, 'journal', ?, '', 't', x'00')", reason)
    findings = look(journal_checks(path, None))
    assert troubles(findings) == {
        "dead_letters_unknown_station": Mark.ATTENTION,
        "dead_letters_truncated": Mark.ATTENTION,
    }
    finding = next(f for f in findings if f.code == "dead_letters_unknown_station")
    assert finding.what.es.startswith("2 mensajes rechazados, de un puesto que no está en el registro")
    assert finding.todo is not None
    assert "vigia ingest redrive" in finding.todo.es


def test_a_sink_is_behind_by_what_waits_and_how_long(path: Path) -> None:
    put(path, "INSERT INTO cursor VALUES ('influxdb', 0)")
    old_ms = (time.time() - 7200) * 1000
    put(
        path,
        "INSERT INTO message (received_ms, topic, station, fresh, payload) VALUES (?, 't', 'boca', x'', x'')",
        old_ms,
    )
    (finding,) = (f for f in look(journal_checks(path, None)) if f.code.startswith("sink"))
    assert finding.mark is Mark.WRONG
    assert finding.what.es == "Por pasar a influxdb: 1 mensaje; lo más antiguo, de hace 2 horas"
    assert found([judge_behind("influxdb", Behind(5, 100.0), 130.0)]) == {"sink_working": Mark.OK}
    assert found([judge_behind("influxdb", Behind(0, 0.0), 130.0)]) == {"sink": Mark.OK}


def test_what_a_sink_has_read_beyond_its_cursor_does_not_wait(path: Path) -> None:
    message = "INSERT INTO message (received_ms, topic, station, fresh, payload) VALUES (?, ?, ?, x'', x'')"
    put(path, "INSERT INTO cursor VALUES ('influxdb', 1)")
    put(path, "INSERT INTO place VALUES ('influxdb', 'quiet', 3)")
    for topic in ("loud", "loud", "quiet", "loud"):
        put(path, message, time.time() * 1000, topic, topic)
    (finding,) = (f for f in look(journal_checks(path, None)) if f.code.startswith("sink"))
    assert finding.what.es.startswith("Por pasar a influxdb: 2 mensajes;")
    assert judge_behind("influxdb", Behind(900, 100.0, ("loud", 800)), 130.0).what.es.endswith(
        ". De loud son 800: si no está mandando lo atrasado, vea qué le pasa a ese puesto"
    )
    assert "loud" not in judge_behind("influxdb", Behind(900, 100.0, ("loud", 300)), 130.0).what.es


def test_stations_of_the_registry_and_of_the_air(path: Path) -> None:
    put(
        path,
        "INSERT INTO seen (station, epoch, ranges, touched_ms) VALUES ('extra', x'01', x'', ?)",
        time.time() * 1000,
    )
    findings = look(journal_checks(path, {"boca": "Boca"}))
    assert troubles(findings) == {"stations_unregistered": Mark.ATTENTION, "stations_never_heard": Mark.ATTENTION}
    now = 1_790_000_000.0
    assert found(judge_stations({"boca": "Boca"}, {"boca": now}, now)) == {"stations": Mark.OK}
    (silent,) = judge_stations({"boca": "Boca"}, {"boca": now - 10 * 86_400}, now)
    assert silent.what.es == "Sin noticias: boca (10 días)"
    many = {f"p{i:02}": "x" for i in range(20)}
    (never,) = judge_stations(many, {}, now)
    assert never.what.es.endswith("p07 (+12)")
