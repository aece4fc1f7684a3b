"""What was heard is there again, bounded; whatever the disk does, the post goes on."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock.moments import Moment
from gateway.clock.steady import SteadyPoint
from gateway.contract.entries import TimeQuality
from gateway.rules.facts import Step
from gateway.watch.history import History
from gateway.watch.history_file import HistoryFile, read_facts, row_of
from tests.gateway.watch.facts_made import WALL_MS, fact, heard, raised


@contextmanager
def opened(path: Path, *, days: float = 14.0, max_bytes: int = 64 << 20) -> Iterator[tuple[History, Counter]]:
    counts: Counter[tuple[str, str]] = Counter()
    history = History(path, days=days, max_bytes=max_bytes, count=counts.update)
    history.open()
    try:
        yield history, counts
    finally:
        history.close()


def test_facts_incidents_and_the_steady_time_are_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    facts = [fact(n * 1000, heard(age_s=n)) for n in range(1, 6)]
    point = SteadyPoint(5000, "boot", Moment(7000, WALL_MS, TimeQuality.GPS, 1024))
    with opened(path) as (history, _):
        assert (history.steady_point(), history.incidents(), list(history.facts())) == (None, [], [])
        for one in facts:
            history.add(one)
        history.change(raised(3))
        history.change(raised(3, Step.ACKNOWLEDGED, state="acknowledged", note="Rosa: ya vamos"))
        history.stand(point)
        assert list(history.facts()) == []  # it waits for its commit
    with opened(path) as (history, counts):
        assert list(history.facts()) == facts
        assert list(history.facts(since_steady_ms=3001)) == facts[3:]
        assert list(history.facts(since_steady_ms=6000)) == []
        assert list(history.facts(since_wall_ms=WALL_MS + 4000)) == facts[3:]
        assert history.incidents() == [raised(3, Step.ACKNOWLEDGED, state="acknowledged", note="Rosa: ya vamos")]
        assert history.steady_point() == point
        assert (history.trouble, counts) == ("", {})


@given(times=st.lists(st.integers(0, 50), max_size=40), since=st.integers(-1, 52), gone=st.integers(0, 40))
def test_where_facts_since_a_time_begin_is_found(
    tmp_path_factory: pytest.TempPathFactory, times: list[int], since: int, gone: int
) -> None:
    path = tmp_path_factory.mktemp("history") / "h.db"
    file = HistoryFile(path)
    times.sort()
    file.write([row_of(fact(at)) for at in times], (), None, sync=False)
    file._db.execute("DELETE FROM fact WHERE id <= ?", (gone,))
    file.close()
    found = [one.steady_ms for one in read_facts(path, since_steady_ms=since)]
    assert found == [at for at in times[gone:] if at >= since]


def test_another_process_reads_it_while_the_gateway_writes(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with opened(path) as (history, _):
        history.add(fact(1))
        history.commit(sync=False)
        script = "import sys; from pathlib import Path; from gateway.watch.history_file import read_facts;"
        script += " print(len(list(read_facts(Path(sys.argv[1])))))"
        told = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
        assert told.stdout == "1\n"
        history.add(fact(2))
        history.commit(sync=True)
        assert len(list(history.facts())) == 2


def test_it_is_bounded_in_days_and_in_bytes(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    day_ms = 86_400_000
    with opened(path, days=1.0) as (history, counts):
        history.add(fact(0))
        history.add(fact(day_ms // 2))
        history.add(fact(day_ms + 1))
        history.commit(sync=False)
        assert [one.steady_ms for one in history.facts()] == [day_ms // 2, day_ms + 1]
        assert not counts  # what is as old as asked for is not a loss
    with opened(path, max_bytes=1 << 20) as (history, counts):
        for n in range(60_000):
            history.add(fact(2 * day_ms + n))
            if n % 5000 == 4999:
                history.commit(sync=False)
        left = [one.steady_ms for one in history.facts()]
        assert left[-1] == 2 * day_ms + 59_999
        assert left == sorted(left)
        assert counts["history", "facts_evicted"] + len(left) == 60_002
    assert path.stat().st_size < 2 << 20


@pytest.mark.expects_warnings
@pytest.mark.parametrize("how", ["garbage", "other", "later", "directory", "torn"])
def test_a_file_that_cannot_be_used_is_set_aside(tmp_path: Path, how: str) -> None:
    path = tmp_path / "history.db"
    if how == "garbage":
        path.write_bytes(b"\x00nonsense" * 1000)
    elif how == "directory":
        path.mkdir()
    elif how == "torn":
        with opened(path) as (history, _):
            for n in range(2000):
                history.add(fact(n))
        raw = bytearray(path.read_bytes())
        raw[100:4096] = b"\xff" * 3996  # the page that says where all else is
        path.write_bytes(raw)
    else:
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE other (x)") if how == "other" else None
            if how == "later":
                db.executescript("PRAGMA application_id = 0x76676873; PRAGMA user_version = 99")
        db.close()
    with opened(path) as (history, counts):
        history.add(fact(9))
        history.commit(sync=True)
        assert [one.steady_ms for one in history.facts()] == [9]
        assert history.trouble == ""
        assert counts == {("history", "history_set_aside"): 1}
    assert len(list(tmp_path.glob("history.db.damaged-*[0-9]"))) == 1


@pytest.mark.expects_warnings
def test_damage_that_shows_while_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with opened(path) as (history, _):
        for n in range(5000):
            history.add(fact(n))
    raw = bytearray(path.read_bytes())
    raw[8192:] = b"\xff" * (len(raw) - 8192)
    path.write_bytes(raw)
    with opened(path) as (history, counts):
        for n in range(5000, 5010):
            history.add(fact(n))
        history.commit(sync=True)
        history.commit(sync=True)
        assert [one.steady_ms for one in history.facts()][-1] == 5009
        assert counts["history", "history_set_aside"] == 1


@pytest.mark.expects_warnings
def test_without_a_disk_the_post_goes_on_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with opened(tmp_path / "file" / "history.db") as (history, counts):
        for n in range(25_000):
            history.add(fact(n))
        history.commit(sync=True)
        assert "cannot be opened" in history.trouble
        assert counts["history", "facts_not_kept"] == 5000
        assert list(history.facts()) == []
        assert (history.incidents(), history.steady_point()) == ([], None)


@pytest.mark.expects_warnings
def test_a_full_disk_keeps_the_newest(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with opened(path) as (history, counts):
        for n in range(20_000):
            history.add(fact(n))
        history.commit(sync=True)
        assert history._file is not None
        db = history._file._db
        db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")
        for n in range(20_000, 30_000):
            history.add(fact(n))
        history.commit(sync=True)
        left = [one.steady_ms for one in history.facts()]
        assert left[-1] == 29_999
        assert history.trouble == ""
        assert counts["history", "facts_evicted"] + len(left) == 30_000
