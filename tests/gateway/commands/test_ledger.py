"""The ledger: a command that was begun is never begun again."""

import sqlite3
from pathlib import Path

import pytest

from gateway.commands.ledger import Ledger, LedgerError

DAY_MS = 86_400_000
NOW_MS = 1_800_000_000_000


def test_what_was_begun_is_known_over_restarts(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "new" / "ledger.db")
    assert ledger.open(NOW_MS) == []
    ledger.begin("a", 1, 1, 100)
    ledger.begin("b", 2, 2, 100)
    ledger.answered("a")
    ledger.close()
    again = Ledger(tmp_path / "new" / "ledger.db")
    assert again.open(NOW_MS) == ["b"]  # it ended in the middle
    assert again.knows("a")
    assert again.knows("b")
    assert not again.knows("c")
    with pytest.raises(LedgerError):
        again.begin("a", 3, 3, 100)
    again.close()


def test_of_very_many_what_has_expired_is_forgotten_and_what_is_open_is_not(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db", kept=2)
    ledger.open(NOW_MS)
    for name in ("done", "open"):
        ledger.begin(name, 1, 1, 100)
    ledger.answered("done")
    ledger.begin("later", 1, 200 + DAY_MS, 10 * DAY_MS)
    assert [ledger.knows(name) for name in ("done", "open", "later")] == [False, True, True]
    assert ledger.forgot_at_ms(NOW_MS) == 100  # whatever was given before may have been "done"
    ledger.close()


def test_a_clock_that_runs_ahead_makes_it_forget_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.open(NOW_MS)
    ledger.begin("done", NOW_MS, NOW_MS, NOW_MS + DAY_MS)
    ledger.answered("done")
    ledger.begin("later", NOW_MS + 400 * DAY_MS, NOW_MS + 1, NOW_MS + DAY_MS)
    assert ledger.knows("done")  # and when the clock is set back, it is not carried out again
    ledger.close()


def test_a_damaged_ledger_says_up_to_when_it_knows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"no database at all " * 100)
    ledger = Ledger(path)
    ledger.open(NOW_MS)
    forgot = ledger.forgot_at_ms(NOW_MS)
    assert forgot == NOW_MS
    ledger.begin("a", forgot + 1, forgot + 1, forgot + 100)
    ledger.close()
    ledger.open(NOW_MS)
    assert ledger.forgot_at_ms(NOW_MS + DAY_MS) == forgot
    assert ledger.knows("a")
    ledger.close()
    assert len(list(tmp_path.glob("ledger.db.damaged-*"))) == 1


def test_a_ledger_that_is_lost_while_nobody_knows_the_time_has_forgotten_all_until_somebody_does(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"")  # as a power cut leaves it
    ledger = Ledger(path)
    ledger.open(None)
    assert ledger.forgot_at_ms(None) > NOW_MS + 400 * DAY_MS
    assert ledger.forgot_at_ms(NOW_MS) == NOW_MS
    assert ledger.forgot_at_ms(None) == NOW_MS
    ledger.close()


def test_a_ledger_of_a_later_version_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    db = sqlite3.connect(path)
    db.executescript("PRAGMA user_version = 99; CREATE TABLE command (id TEXT)")
    db.close()
    before = path.read_bytes()
    ledger = Ledger(path)
    ledger.open(NOW_MS)
    ledger.close()
    (aside,) = tmp_path.glob("ledger.db.damaged-*")
    assert aside.read_bytes() == before
