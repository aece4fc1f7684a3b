"""The journal: each entry is fresh once, for ever, whatever comes in what order and whenever the power goes."""

from __future__ import annotations

import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.ranges import RangeSet
from gateway.contract.topics import Lane, up
from ingest.journal import seen
from ingest.journal.journal import PRUNE_SLICE, Arrival, Journal
from ingest.journal.reader import JournalReader
from tests.ingest.journal.arrivals import STATION, arrival, fresh_entries, headed, opened, rows, seen_entries
from tests.ingest.messages import EPOCH, NOON_MS

OTHER_EPOCH = b"otherone"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


# each entry once

_sequences = st.sets(st.integers(1, 80), min_size=1, max_size=30)
_batch = st.tuples(st.sampled_from(["boca-yaguas", "puesto-dos"]), st.sampled_from([EPOCH, OTHER_EPOCH]), _sequences)


@given(st.lists(st.lists(_batch, min_size=1, max_size=6), min_size=1, max_size=6), st.data())
def test_any_order_overlap_and_repetition_makes_every_entry_fresh_once(
    appends: list[list[tuple[str, bytes, set[int]]]], data: st.DataObject
) -> None:
    sent: set[tuple[str, bytes, int]] = set()
    with tempfile.TemporaryDirectory() as directory, ExitStack() as cleanup:
        path = Path(directory) / "journal.db"
        journal = cleanup.enter_context(opened(path))
        for batches in appends:
            if data.draw(st.booleans(), label="the process ends"):
                journal.close()
                journal.open()
            done = journal.append([headed(RangeSet.of(n), station=s, epoch=e) for s, e, n in batches])
            sent |= {(station, epoch, number) for station, epoch, numbers in batches for number in numbers}
            for station, epoch, numbers in batches:
                receipt = done.receipts[station][epoch]
                assert not RangeSet.of(numbers).minus(receipt)
                assert all((station, epoch, number) in sent for number in receipt.numbers())
            assert done.counts["received_messages"] == len(batches)
            assert done.counts["journaled_messages"] + done.counts["duplicate_messages"] == len(batches)
        journal.close()
        fresh = fresh_entries(path)
        assert len(fresh) == len(set(fresh))
        assert set(fresh) == sent
        assert set(seen_entries(path)) == sent


def test_a_message_that_comes_twice_is_stored_once_and_receipted_twice(path: Path) -> None:
    with opened(path) as journal:
        first = journal.append([arrival(range(1, 6))])
        again = journal.append([arrival(range(1, 6)), arrival(range(1, 6))])
    assert first.receipts == again.receipts == {STATION: {EPOCH: RangeSet([(1, 5)])}}
    assert first.counts == {"received_messages": 1, "journaled_messages": 1, "journaled_entries": 5}
    assert again.counts == {"received_messages": 2, "duplicate_messages": 2}
    assert again.discards == {"duplicate_entry": 10}
    assert len(rows(path, "SELECT id FROM message")) == 1


def test_of_a_partly_new_message_only_what_is_new_is_fresh(path: Path) -> None:
    message = arrival([3, 4, 5, 9, 10])
    with opened(path) as journal:
        journal.append([arrival([1, 4, 9])])
        done = journal.append([message])
    assert done.counts["journaled_entries"] == 3
    (payload, fresh) = rows(path, "SELECT payload, fresh FROM message WHERE id = 2")[0]
    assert payload == message.payload  # as it came, whole
    assert isinstance(fresh, bytes)
    assert RangeSet.decode(fresh)[0] == RangeSet([(3, 3), (5, 5), (10, 10)])


def test_receipts_name_whole_ranges(path: Path) -> None:
    """So that one receipt makes up for those that were lost before it."""
    with opened(path) as journal:
        journal.append([arrival(range(1, 11)), arrival(range(20, 26))])
        assert journal.append([arrival([11])]).receipts == {STATION: {EPOCH: RangeSet([(1, 11)])}}
        assert journal.append([arrival([15])]).receipts == {STATION: {EPOCH: RangeSet([(15, 15)])}}
        assert journal.append([arrival([1, 22])]).receipts == {STATION: {EPOCH: RangeSet([(1, 11), (20, 25)])}}


# power


@pytest.mark.slow
def test_killed_at_any_instant_it_has_all_that_it_receipted_and_agrees_with_itself(path: Path, seed: int) -> None:
    chance = random.Random(seed)
    told: set[tuple[str, bytes, int]] = set()
    for turn in range(12):
        command = [sys.executable, "-m", "tests.ingest.journal.appender", str(path), str(seed + turn)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as appender:
            assert appender.stdout is not None
            lines = [appender.stdout.readline()]  # it is at work
            time.sleep(chance.uniform(0.0, 0.15))
            appender.kill()
            lines += appender.stdout.readlines()
        for station, epoch, ranges in (line.split() for line in lines if line.endswith("\n")):
            receipted = RangeSet.decode(bytes.fromhex(ranges))[0]
            told |= {(station, bytes.fromhex(epoch), number) for number in receipted.numbers()}
        with opened(path):
            fresh, held = fresh_entries(path), set(seen_entries(path))
        assert len(fresh) == len(set(fresh)), "an entry is fresh twice"
        assert set(fresh) == held, "what is seen is not what is stored"
        assert told <= held, "a receipt for what is not there"
    assert len(told) > 1000


@contextmanager
def no_file_may_grow_beyond(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_when_the_disk_takes_nothing_nothing_is_marked(path: Path) -> None:
    big = [headed(RangeSet([(n * 10, n * 10 + 4)]), body=b"x" * 60_000) for n in range(1, 40)]
    with opened(path) as journal:
        journal.append([arrival([1])])
        with no_file_may_grow_beyond(256 * 1024), pytest.raises(sqlite3.OperationalError):
            journal.append(big)
        assert seen_entries(path) == [(STATION, EPOCH, 1)]
        done = journal.append(big)
        assert done.counts["journaled_entries"] == 39 * 5  # none of it was taken for known
        assert done.receipts == {STATION: {EPOCH: RangeSet([(n * 10, n * 10 + 4) for n in range(1, 40)])}}


# what breaks the contract


@pytest.mark.parametrize(
    ("reason", "topic", "payload"),
    [
        ("truncated", up(STATION, Lane.READING), b""),
        ("truncated", up(STATION, Lane.READING), arrival([1]).payload[:12]),
        ("too_large", up(STATION, Lane.READING), arrival([1]).payload + bytes(300_000)),
        ("bad_count", up(STATION, Lane.READING), headed(RangeSet([(1, 5000)])).payload),
        ("bad_ranges", up(STATION, Lane.READING), headed(RangeSet()).payload[:14] + b"\xff\xff\x7f"),
        ("station_mismatch", up("puesto-dos", Lane.READING), arrival([1]).payload),
        ("bad_topic", f"vigia/1/{STATION}/up/gossip", arrival([1]).payload),
        ("bad_topic", f"vigia/1/{STATION}/up/state", arrival([1]).payload),
        ("bad_station", "vigia/1/Ñandú/up/reading", arrival([1]).payload),
        ("bad_station", "vigia/1/\x1b[2J/up/reading", arrival([1]).payload),
    ],
)
def test_what_breaks_the_contract_is_a_dead_letter_and_not_receipted(
    path: Path, reason: str, topic: str, payload: bytes
) -> None:
    with opened(path) as journal:
        done = journal.append([arrival([1]), Arrival(topic, payload, NOON_MS), arrival([2])])
    assert done.receipts == {STATION: {EPOCH: RangeSet([(1, 2)])}}  # its neighbours are
    assert done.discards == {reason: 1}
    assert (done.counts["refused_messages"], done.counts["journaled_messages"]) == (1, 2)
    kept = rows(path, "SELECT stage, reason, topic, payload, message_id FROM dead_letter")
    assert kept == [("journal", reason, topic, payload, None)]


@given(st.binary(max_size=200), st.text(max_size=60))
def test_random_bytes_on_random_topics_are_counted_one_by_one(payload: bytes, topic: str) -> None:
    with tempfile.TemporaryDirectory() as directory, opened(Path(directory) / "journal.db") as journal:
        for arrived in (Arrival(up(STATION, Lane.READING), payload, 0), Arrival(topic, payload, 0)):
            counts = journal.append([arrived]).counts
            assert counts["received_messages"] == 1 == counts["refused_messages"] + counts["journaled_messages"]


# bounds


def test_a_post_that_sends_in_crumbs_fills_no_memory_and_is_still_receipted(path: Path) -> None:
    """An epoch whose urgent lanes went first looks like this for a while; a hostile post may make it so for ever."""
    forgotten = 0
    with opened(path) as journal:
        for first in range(1, 3 * seen.MAX_RANGES_OF_AN_EPOCH, 8000):
            sent = RangeSet.of(range(first, first + 8000, 2))
            done = journal.append([headed(sent)])
            assert done.receipts == {STATION: {EPOCH: sent}}
            forgotten += done.counts["forgotten_ranges"]
        assert forgotten > 0
        assert not journal.append([headed(sent)]).counts["journaled_messages"]  # the newest is remembered
        again = journal.append([headed(RangeSet([(1, 1)]))])
        assert again.counts["journaled_entries"] == 1  # the oldest is work once more
    (held,) = rows(path, "SELECT ranges FROM seen")[0]
    assert isinstance(held, bytes)
    assert RangeSet.decode(held, limit=2**20)[0].count_ranges() <= seen.MAX_RANGES_OF_AN_EPOCH


def test_a_post_of_countless_epochs_forgets_the_oldest(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "MAX_EPOCHS_OF_A_STATION", 3)
    epochs = [bytes((n,)) * 8 for n in range(1, 6)]
    with opened(path) as journal:
        for at_ms, epoch in enumerate(epochs):
            journal.append([headed(RangeSet([(1, 9)]), epoch=epoch, at_ms=at_ms)])
    assert sorted({epoch for _, epoch, _ in seen_entries(path)}) == epochs[2:]
    with opened(path) as journal:
        assert not journal.append([headed(RangeSet([(1, 9)]), epoch=epochs[4])]).counts["journaled_messages"]
        assert journal.append([headed(RangeSet([(1, 9)]), epoch=epochs[0])]).counts["journaled_entries"] == 9


def test_stations_beyond_all_measure_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "MAX_STATIONS", 2)
    with opened(path) as journal:
        done = journal.append([headed(RangeSet([(1, 1)]), station=name) for name in ("a", "b", "c", "a")])
        assert done.discards == {"too_many_stations": 1, "duplicate_entry": 1}
        assert journal.append([headed(RangeSet([(2, 2)]), station="b")]).counts["journaled_messages"] == 1


@pytest.mark.expects_warnings
def test_beyond_its_bytes_of_the_day_a_station_is_not_receipted_and_loses_nothing(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(path, bytes_a_day=10_000)
    journal.open()
    large = [headed(RangeSet([(n, n)]), body=b"x" * 3_000) for n in range(1, 6)]
    done = journal.append([*large, arrival([1], station="puesto-dos")])
    assert done.receipts == {STATION: {EPOCH: RangeSet([(1, 3)])}, "puesto-dos": {EPOCH: RangeSet([(1, 1)])}}
    assert done.discards == {"over_quota": 2}
    assert (done.counts["journaled_messages"], done.counts["refused_messages"]) == (4, 2)
    again = journal.append(large[3:])
    assert (again.receipts, again.discards) == ({}, {"over_quota": 2})
    assert len([r for r in caplog.records if "station_bytes_per_day" in r.getMessage()]) == 1  # once a day
    tomorrow = [message._replace(received_ms=NOON_MS + 86_400_000) for message in large[3:]]
    assert journal.append(tomorrow).receipts == {STATION: {EPOCH: RangeSet([(1, 5)])}}
    journal.close()
    assert sorted(n for s, _, n in fresh_entries(path) if s == STATION) == [1, 2, 3, 4, 5]


def test_what_comes_again_takes_nothing_of_the_days_bytes(path: Path) -> None:
    journal = Journal(path, bytes_a_day=10_000)
    journal.open()
    message = headed(RangeSet([(1, 9)]), body=b"x" * 3_000)
    for _ in range(20):
        assert journal.append([message]).receipts
    journal.close()


# what is kept, how long


def test_it_remembers_when_each_station_last_sent(path: Path) -> None:
    with opened(path) as journal:
        journal.append([arrival([1], at_ms=1000), arrival([1], station="puesto-dos", at_ms=2000)])
        journal.append([arrival([2], at_ms=3000), arrival([9], epoch=OTHER_EPOCH, at_ms=2500)])
    with opened(path) as journal:
        assert journal.last_received_ms() == {STATION: 3000, "puesto-dos": 2000}


def test_pruning_keeps_what_a_sink_has_not_read_and_what_is_young(path: Path) -> None:
    with opened(path) as journal:
        journal.append([arrival([n], at_ms=n * 1000) for n in range(1, 11)])
        assert journal.prune(100_000) == 0  # no sink has ever read
        fast, slow = JournalReader(path, "fast"), JournalReader(path, "slow")
        for reader, up_to in ((fast, 10), (slow, 6)):
            reader.open()
            reader.done([message for message in reader.next(10**9) if message.id <= up_to], [])
            reader.close()
        assert journal.prune(4_001) == 4  # 5 and 6 are read and young
        assert journal.prune(100_000) == 2  # 7 to 10 are old and unread
        assert journal.prune(100_000) == 0
        assert journal.append([arrival([1])]).counts["duplicate_messages"] == 1  # pruned is not forgotten
    assert [number for (number,) in rows(path, "SELECT id FROM message")] == [7, 8, 9, 10]


def test_pruning_goes_in_slices_and_never_reads_the_whole_journal(path: Path) -> None:
    with opened(path) as journal:
        journal.append([headed(RangeSet([(n, n)]), at_ms=n) for n in range(1, PRUNE_SLICE + 101)])
        reader = JournalReader(path, "influxdb")
        reader.open()
        reader.done(reader.next(10**9)[: PRUNE_SLICE + 50], [])
        reader.close()
        assert journal.prune(10**9) == PRUNE_SLICE
        assert journal.prune(10**9) == 50
    plan = rows(
        path,
        "EXPLAIN QUERY PLAN SELECT id FROM message WHERE received_ms < 1 AND id <= (SELECT min(message_id) FROM cursor)"
        " ORDER BY received_ms LIMIT 1000",
    )
    assert "INDEX message_received" in str(plan[0])
