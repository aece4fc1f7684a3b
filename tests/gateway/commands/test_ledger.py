"""The ledger: a command that was begun is never begun again."""

import sqlite3
from pathlib import Path

import pytest

from gateway.commands.ledger import Ledger, LedgerError

DAY_MS = 86_400_000


def test_what_was_begun_is_known_over_restarts(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "new" / "ledger.db")
    assert ledger.open() == []
    ledger.begin("a", 1, 100)
    ledger.begin("b", 2, 100)
    ledger.answered("a")
    ledger.close()
    again = Ledger(tmp_path / "new" / "ledger.db")
    assert again.open() == ["b"]  # it ended in the middle
    assert again.knows("a")
    assert again.knows("b")
    assert not again.knows("c")
    with pytest.raises(LedgerError):
        again.begin("a", 3, 100)
    again.close()


def test_what_has_expired_is_forgotten_and_what_is_open_is_not(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.open()
    for name in ("done", "open"):
        ledger.begin(name, 1, 100)
    ledger.answered("done")
    ledger.begin("later", 200 + DAY_MS, 10 * DAY_MS)
    assert [ledger.knows(name) for name in ("done", "open", "later")] == [False, True, True]
    ledger.close()


def test_a_damaged_ledger_says_up_to_when_it_knows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"no database at all " * 100)
    ledger = Ledger(path)
    ledger.open()
    forgot = ledger.forgot_at_ms()
    assert forgot > 1_700_000_000_000
    ledger.begin("a", forgot + 1, forgot + 100)
    ledger.close()
    ledger.open()
    assert ledger.forgot_at_ms() == forgot
    assert ledger.knows("a")
    ledger.close()
    assert len(list(tmp_path.glob("ledger.db.damaged-*"))) == 1


def test_a_ledger_of_a_later_version_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    db = sqlite3.connect(path)
    db.executescript("PRAGMA user_version = 99; CREATE TABLE command (id TEXT)")
    db.close()
    before = path.read_bytes()
    ledger = Ledger(path)
    ledger.open()
    ledger.close()
    (aside,) = tmp_path.glob("ledger.db.damaged-*")
    assert aside.read_bytes() == before
