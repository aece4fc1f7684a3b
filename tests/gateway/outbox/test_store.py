"""The file's schema: an old one is brought up to date with all that is in it."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from gateway.contract.topics import Lane
from gateway.outbox import store as module
from gateway.outbox.rows import Held
from gateway.outbox.store import APPLICATION_ID, Store
from tests.gateway.outbox.boxes import accepted, identities, numbers_in, opened

DATA = Path(__file__).parent / "data"
SCHEMA = Path(module.__file__).parent / "schema"


def test_a_stored_file_of_version_1_is_taken_over_whole(tmp_path: Path) -> None:
    """outbox_v1.sql: synthetic, `.dump` of an outbox with two epochs, four lanes, a replay guard and counters."""
    path = tmp_path / "o.db"
    db = sqlite3.connect(path)
    db.executescript((DATA / "outbox_v1.sql").read_text())
    db.executescript(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;")
    db.close()
    with opened(path) as outbox:
        assert numbers_in(outbox) == list(range(12))
        assert numbers_in(outbox, Lane.ALERT) == [100, 101]
        assert numbers_in(outbox, Lane.HEALTH) == [200]
        held = identities(outbox)
        assert {epoch.hex() for epoch, _ in held} == {"a1a1a1a1a1a1a1a1", "b2b2b2b2b2b2b2b2"}
        assert sorted(n for epoch, n in held if epoch[0] == 0xB2) == [1, 2, 3, 4, 5]
        assert outbox.replay() == {"aabbccdd": (41, 7)}
        assert outbox.tallies()["serial", "crc"] == 3
        outbox.accept(accepted([12]))
        outbox.commit()
        assert numbers_in(outbox) == list(range(13))
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone()[0] == len(list(SCHEMA.iterdir()))
    assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    db.close()


def test_the_schema_files_are_numbered_without_a_gap() -> None:
    names = sorted(script.name for script in SCHEMA.iterdir())
    assert all(re.fullmatch(r"\d{4}\.sql", name) for name in names)
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


def test_an_adoption_may_be_repeated(tmp_path: Path) -> None:
    """What broke off half way is done again without doubling entries, and counters add up once."""
    with opened(tmp_path / "from.db") as outbox:
        outbox.accept(accepted(range(30)), replay={"aabbccdd": (9, 1)}, tallies={("serial", "crc"): 2})
        outbox.commit()
        source = outbox._store._open_store
        assert source is not None
        target = Store.open(None)
        rows = list(source.every_row())
        assert target.adopt(rows[:20], source.runs, source.replay(), {}) == 20
        assert target.adopt(rows, source.runs, {"aabbccdd": (3, 0)}, source.tallies()) == 10
        assert target.held == {Lane.READING: Held(30, source.held_bytes)}
        assert target.replay() == {"aabbccdd": (9, 1)}  # a guard never goes back
        assert target.tallies() == source.tallies()
        target.begin("boot")
        assert target.run.id > max(run for run in target.runs if run != target.run.id)
        target.close(clean=False)


def test_a_file_whose_making_broke_off_is_made_again_without_alarm(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=WAL")
    db.close()
    assert path.stat().st_size == 4096
    with opened(path) as outbox:
        assert outbox.state().trouble == ""
    assert not list(tmp_path.glob("*damaged*"))
