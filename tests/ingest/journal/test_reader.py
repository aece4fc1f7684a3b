"""A sink's way into the journal: each message once in effect, in the order of its topic, whatever dies and whenever."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from enum import Enum
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract.ranges import RangeSet
from gateway.contract.topics import Lane, up
from ingest.journal import reader as module
from ingest.journal.journal import Arrival, Journal
from ingest.journal.letters import redrive_letters
from ingest.journal.reader import JournalReader
from ingest.messages import DeadLetter, JournalMessage
from tests.ingest.journal.arrivals import arrival, headed, opened, rows
from tests.ingest.messages import NOON_MS

STATIONS = ("a", "b", "flood")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


class Ledger:
    """A sink and all that it may rely on: what was marked done never comes again, and a topic comes in order."""

    def __init__(self, path: Path, name: str) -> None:
        self.reader = JournalReader(path, name)
        self.reader.open()
        self.done: list[tuple[str, int]] = []

    def take(self, cost: int, *, kill: bool, letters: bool = False) -> list[JournalMessage]:
        """Read and mark; killed, it is read, perhaps written, and not marked, and the next begins anew."""
        messages = self.reader.next(cost)
        marked = set(self.done)
        for message in messages:
            assert (message.topic, message.id) not in marked, "what was done comes again"
            earlier = [number for topic, number in self.done if topic == message.topic]
            assert not earlier or max(earlier) < message.id, "a topic out of order"
        if kill:
            self.reader.close()
            self.reader.open()
        elif messages:
            refused = [DeadLetter("x", "r", "", m.topic, m.payload, m.id) for m in messages[:1]] if letters else []
            self.reader.done(messages, refused)
            self.done += [(message.topic, message.id) for message in messages]
        return messages


class Append(NamedTuple):
    """Messages come: station, lane, how many entries."""

    messages: list[tuple[str, Lane, int]]


class Take(NamedTuple):
    """A sink reads, and marks unless it is killed."""

    sink: int
    cost: int
    kill: bool
    letters: bool


class Tend(Enum):
    """What else is done to a journal."""

    PRUNE = 1
    REDRIVE = 2


_message_of = st.tuples(
    st.sampled_from(STATIONS), st.sampled_from([Lane.ALERT, Lane.READING, Lane.HEALTH]), st.integers(1, 400)
)
_step = st.one_of(
    st.builds(Append, st.lists(_message_of, min_size=1, max_size=12)),
    st.builds(Take, st.integers(0, 1), st.integers(1, 900), st.booleans(), st.booleans()),
    st.sampled_from(Tend),
)


@settings(max_examples=60)
@given(st.lists(_step, max_size=25), st.booleans())
def test_any_interleaving_with_kills_gives_every_sink_every_message_once(
    steps: list[Append | Take | Tend], survey: bool
) -> None:
    with tempfile.TemporaryDirectory() as directory, ExitStack() as cleanup, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SURVEY_FROM", 2 if survey else 5_000)
        journal = cleanup.enter_context(opened(Path(directory) / "journal.db"))
        ledgers = [Ledger(journal.path, "one"), Ledger(journal.path, "two")]
        for ledger in ledgers:
            cleanup.callback(ledger.reader.close)
        sequence = 0
        for step in steps:
            if isinstance(step, Append):
                arrivals = []
                for station, lane, entries in step.messages:
                    arrivals.append(_message(station, lane, sequence + 1, entries))
                    sequence += entries
                journal.append(arrivals)
            elif isinstance(step, Take):
                ledgers[step.sink].take(step.cost, kill=step.kill, letters=step.letters)
            elif step is Tend.PRUNE:
                journal.prune(NOON_MS + 1)
            else:
                redrive_letters(journal.path, None)
            for ledger, sink in zip(ledgers, ("one", "two"), strict=True):
                _agrees(journal, ledger, sink)
        for ledger in ledgers:
            while ledger.take(5_000, kill=False):
                pass
            assert ledger.reader.behind() == 0
        last = rows(journal.path, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'message'")[0][0]
        for ledger, sink in zip(ledgers, ("one", "two"), strict=True):
            assert sorted(number for _, number in ledger.done) == list(range(1, int(str(last)) + 1))
            if ledger.done:
                assert rows(journal.path, f"SELECT message_id FROM cursor WHERE sink = '{sink}'") == [(last,)]
                assert rows(journal.path, f"SELECT count(*) FROM place WHERE sink = '{sink}'") == [(0,)]


def _message(station: str, lane: Lane, first: int, entries: int) -> Arrival:
    whole = headed(RangeSet([(first, first + entries - 1)]), station=station)
    return whole._replace(topic=up(station, lane))


def _agrees(journal: Journal, ledger: Ledger, sink: str) -> None:
    """Below the cursor all is done, and it is behind by what is not."""
    done = {number for _, number in ledger.done}
    there = {number for (number,) in rows(journal.path, "SELECT id FROM message")}
    ((cursor,),) = rows(journal.path, f"SELECT message_id FROM cursor WHERE sink = '{sink}'")
    assert all(number in done for number in there if number <= cursor)  # type: ignore[operator]  # numbers both
    assert ledger.reader.behind() == len(there - done)


@pytest.mark.slow
def test_killed_at_any_instant_a_sink_has_all_and_of_each_topic_in_order(path: Path, seed: int) -> None:
    """The drainer notes what it was given in a file of its own, before it marks it: twice it may be, never missing."""
    chance = random.Random(seed)
    notes = path.with_name("notes.txt")
    with opened(path) as journal:
        first = 1
        for _turn in range(10):
            arrivals = []
            for _ in range(150):
                count = chance.choice([1, 1, 1, 50, 400])
                arrivals.append(_message(chance.choice(STATIONS), chance.choice(list(Lane)), first, count))
                first += count
            journal.append(arrivals)
            command = [sys.executable, "-m", "tests.ingest.journal.drainer", str(path), str(notes), "600"]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as drainer:
                assert drainer.stdout is not None
                drainer.stdout.readline()  # it is at work
                time.sleep(chance.uniform(0.0, 0.05))
                drainer.kill()
        subprocess.run(
            [sys.executable, "-m", "tests.ingest.journal.drainer", str(path), str(notes), "600", "--end"],
            check=True,
            timeout=60,
        )
    noted = [int(line) for line in notes.read_text().splitlines()]
    assert sorted(set(noted)) == list(range(1, 1501))
    assert len(noted) - 1500 <= 10 * 100  # no more than one taking each time
    topic_of = {number: topic for number, topic in rows(path, "SELECT id, topic FROM message")}  # noqa: C416  # typed so
    for topic in set(topic_of.values()):
        firsts = list(dict.fromkeys(number for number in noted if topic_of[number] == topic))
        assert firsts == sorted(firsts)
    assert rows(path, "SELECT message_id FROM cursor") == [(1500,)]


def test_an_alert_that_comes_behind_a_flood_is_in_the_next_reading(path: Path) -> None:
    with opened(path) as journal:
        journal.append([headed(RangeSet([(n * 5000, n * 5000 + 4095)]), station="flood") for n in range(1, 400)])
        reader = JournalReader(path, "influxdb")
        reader.open()
        for _ in range(3):
            flood = reader.next()
            assert len(flood) <= 2
            reader.done(flood, [])
        journal.append([arrival([1], station="boca-yaguas", lane=Lane.ALERT)])
        assert reader.next()[0].station == "boca-yaguas"
        assert reader.behind() == 399 - 3 * len(flood) + 1
        reader.close()


def test_a_message_that_says_few_are_new_counts_for_all_that_it_holds(path: Path) -> None:
    """4,096 entries of which one is new each time are as much work as if all were."""
    with opened(path) as journal:
        journal.append([headed(RangeSet([(n, n + 4095)])) for n in range(1, 100)])
        reader = JournalReader(path, "influxdb")
        reader.open()
        assert len(reader.next()) == 2
        reader.close()


def test_when_the_mark_cannot_be_written_nothing_moves(path: Path) -> None:
    with opened(path) as journal:
        journal.append([arrival([1]), arrival([2]), arrival([3], station="b")])
        reader = JournalReader(path, "influxdb")
        reader.open()
        messages = reader.next()
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("ALTER TABLE place RENAME TO elsewhere")
            with pytest.raises(sqlite3.OperationalError):
                reader.done(messages, [])
            other.execute("ALTER TABLE elsewhere RENAME TO place")
        assert (reader.behind(), reader.next()) == (3, messages)
        reader.done(messages, [])
        assert (reader.behind(), reader.next()) == (0, [])
        reader.close()


def test_what_is_asked_of_the_file_goes_by_its_index(path: Path) -> None:
    with opened(path):
        pass
    for statement in (
        "SELECT count(*), min(id) FROM message WHERE topic = 't' AND id > 5 AND id <= 9",
        "SELECT topic FROM message WHERE topic > 't' ORDER BY topic LIMIT 1",
        "SELECT id, payload FROM message WHERE topic = 't' AND id >= 5 ORDER BY id LIMIT 1",
    ):
        ((*_, plan),) = rows(path, f"EXPLAIN QUERY PLAN {statement}")
        assert "INDEX message_topic" in str(plan), statement
    plans = rows(path, "EXPLAIN QUERY PLAN SELECT topic, count(*) FROM message WHERE id > 5 GROUP BY +topic")
    assert "PRIMARY KEY (rowid>?)" in str(plans[0][-1])
