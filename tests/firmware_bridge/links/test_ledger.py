"""Once for ever: whatever dies, a file is either in the outbox or taken in again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.links.ledger import GRACE_S, Ledger, LedgerError, Line, replay_key


def line(name: str, content: str = "", *, taken: bool = True) -> Line:
    return Line(name.encode(), len(content), 1, 2, hashlib.sha256((content or name).encode()).digest(), taken)


def opened(path: Path, mark: int = 0, clock_s: float = 0.0) -> Ledger:
    ledger = Ledger(path, mark)
    ledger.open(clock_s)
    return ledger


def has(ledger: Ledger, one: Line) -> bool:
    return ledger.has_content(one.digest or b"")


def test_what_the_outbox_has_stays_and_what_it_has_not_is_struck_out(tmp_path: Path) -> None:
    ledger = opened(tmp_path / "l.db")
    assert [ledger.enter([line(name)], 0.0) for name in "abc"] == [1, 2, 3]
    ledger.close()
    again = opened(tmp_path / "l.db", mark=2)
    assert [has(again, line(name)) for name in "abc"] == [True, True, False]
    assert again.has_file(b"a", 0, 1, 2) is True
    assert again.has_file(b"a", 0, 1, 3) is None
    assert again.has_file(b"c", 0, 1, 2) is None
    assert again.enter([line("c")], 0.0) == 3
    again.close()


def test_a_lost_outbox_does_not_bring_everything_back(tmp_path: Path) -> None:
    """After an hour the outbox had committed: its loss is not mended by taking all files in once more."""
    ledger = opened(tmp_path / "l.db")
    ledger.enter([line("old")], 0.0)
    ledger.enter([line("new")], GRACE_S + 1)
    ledger.close()
    again = opened(tmp_path / "l.db", mark=0)
    assert (has(again, line("old")), has(again, line("new"))) == (True, False)
    assert again.enter([line("new")], 0.0) == 2
    again.close()


def test_a_lost_ledger_goes_on_above_the_mark(tmp_path: Path) -> None:
    ledger = opened(tmp_path / "l.db", mark=41)
    assert ledger.enter([line("a", taken=False)], 0.0) == 42
    assert ledger.has_file(b"a", 0, 1, 2) is False
    ledger.close()


@pytest.mark.expects_warnings
def test_a_damaged_ledger_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "l.db").write_bytes(b"this is no database" * 1000)
    ledger = opened(tmp_path / "l.db", mark=5)
    assert ledger.enter([line("a")], 0.0) == 6
    ledger.close()
    assert len(list(tmp_path.glob("l.db.damaged-*"))) == 1
    assert "taken in once more" in caplog.text


def test_a_ledger_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="give the gateway the right"):
        opened(tmp_path / "file" / "l.db")
    with pytest.raises(LedgerError, match="is not open"):
        Ledger(tmp_path / "l.db", 0).has_content(b"")


def test_the_key_is_not_one_of_a_device() -> None:
    assert len(replay_key("camaras")) == 16
    assert int(replay_key("camaras"), 16) > 2**32
    assert replay_key("camaras") != replay_key("camara")


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["commit", "crash", "none"])), max_size=40))
def test_every_file_is_committed_exactly_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str]]
) -> None:
    """Files come in any order, over and over; the gateway dies between the ledger and the outbox's commit."""
    path = tmp_path_factory.mktemp("ledger") / "l.db"
    committed: list[int] = []
    pending: list[int] = []
    mark = pending_mark = 0
    ledger = opened(path)
    for file, then in [*steps, *((n, "commit") for n in range(10))]:
        if not has(ledger, line(str(file))):
            pending_mark = ledger.enter([line(str(file))], 0.0)
            pending.append(file)
        if then == "commit":
            committed += pending
            mark, pending = pending_mark or mark, []
        elif then == "crash":
            ledger.close()
            pending, pending_mark = [], mark
            ledger = opened(path, mark)
    ledger.close()
    assert sorted(committed) == list(range(10))
