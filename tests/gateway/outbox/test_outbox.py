"""What was accepted is given out until it is receipted, and not before it is on disk."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.readings import QUANTITIES, Reading
from gateway.contract.batches import MAX_READINGS_BYTES, decode_entries, encode_batch
from gateway.contract.ranges import RangeSet
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Accepted
from tests.gateway.contract.any_entries import readings
from tests.gateway.outbox.boxes import (
    MONDAY,
    SetClock,
    accepted,
    identities,
    number_of,
    numbers_in,
    opened,
    parcels,
    reading,
)
from tests.support.waiting import wait_until


def test_nothing_is_given_out_before_it_is_committed(tmp_path: Path) -> None:
    news: list[dict[Lane, int]] = []
    with opened(tmp_path / "o.db") as outbox:
        outbox.tell_news_to(lambda lanes: news.append(dict(lanes)))
        outbox.accept(accepted(range(3)))
        assert outbox.take(Lane.READING, limit=10) is None
        assert (outbox.state().in_memory, outbox.state().entries, news) == (3, 0, [])
        outbox.commit()
        assert numbers_in(outbox) == [0, 1, 2]
        assert (outbox.state().in_memory, outbox.state().entries) == (0, 3)
        assert news == [{Lane.READING: 3}]


def test_an_alert_is_on_disk_when_accept_returns(tmp_path: Path) -> None:
    """Seen through another connection; what came before it is there too."""
    path = tmp_path / "o.db"
    with opened(path) as outbox:
        outbox.accept(accepted([1]), replay={"aabbccdd": (7, 1)})
        outbox.accept(accepted([2], lane=Lane.ALERT), tallies={("serial", "crc"): 4})
        other = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        assert other.execute("SELECT lane, sequence FROM entry ORDER BY sequence").fetchall() == [(2, 1), (0, 2)]
        assert other.execute("SELECT device, highest FROM replay").fetchall() == [("aabbccdd", 7)]
        assert other.execute("SELECT total FROM tally WHERE name = 'crc'").fetchone() == (4,)
        assert other.execute("PRAGMA synchronous").fetchone()[0] == 2
        other.close()


def test_an_alert_is_seen_by_another_process_when_accept_returns(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    look = (
        "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM entry').fetchone()[0])"
    )
    with opened(path) as outbox:
        outbox.accept(accepted([2], lane=Lane.ALERT))
        assert subprocess.check_output([sys.executable, "-c", look, str(path)]) == b"1\n"


def test_what_is_not_receipted_is_given_out_again_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    with opened(path) as outbox:
        outbox.accept(accepted(range(10)))
        outbox.commit()
        first = identities(outbox)
        epoch = outbox.state().epoch
        assert outbox.forget({epoch: RangeSet([(1, 3), (9, 99)])}) == 5
    with opened(path) as outbox:
        assert outbox.state().epoch != epoch
        again = identities(outbox)
        assert sorted(again) == [(epoch, n) for n in range(4, 9)]
        assert all(first[key] == entry for key, entry in again.items())
        assert outbox.tallies()["outbox", "receipted"] == 5


def test_each_opening_has_an_epoch_and_numbers_of_its_own(tmp_path: Path) -> None:
    epochs = []
    for number in range(5):
        with opened(tmp_path / "o.db") as outbox:
            outbox.accept(accepted([number]))
            outbox.commit()
            epochs.append(outbox.state().epoch)
    assert len(set(epochs)) == 5
    with opened(tmp_path / "o.db") as outbox:
        given_out = parcels(outbox, limit=10)
        assert [(p.epoch, [e.sequence for e in p.entries]) for p in given_out] == [(epoch, [1]) for epoch in epochs]
        assert [number_of(p.entries[0]) for p in given_out] == list(range(5))


def test_receipts_for_strangers_and_for_what_is_gone_are_ignored(tmp_path: Path) -> None:
    with opened(tmp_path / "o.db") as outbox:
        outbox.accept(accepted(range(4)))
        outbox.commit()
        epoch = outbox.state().epoch
        assert outbox.forget({b"stranger": RangeSet([(1, 4)])}) == 0
        assert outbox.forget({epoch: RangeSet([(2, 2)]), b"stranger": RangeSet([(1, 4)])}) == 1
        assert outbox.forget({epoch: RangeSet([(2, 2), (1000, 2000)])}) == 0
        assert outbox.forget({}) == 0
        assert numbers_in(outbox) == [0, 2, 3]


def test_take_again_gives_what_is_still_there_unchanged(tmp_path: Path) -> None:
    with opened(tmp_path / "o.db") as outbox:
        outbox.accept([*accepted(range(5)), *accepted([9], lane=Lane.DETECTION)])
        outbox.commit()
        parcel = outbox.take(Lane.READING, limit=10)
        assert parcel is not None
        outbox.forget({parcel.epoch: RangeSet([(2, 3)])})
        again = outbox.take_again(Lane.READING, parcel.run, RangeSet([(1, 99)]))
        assert again is not None
        assert [e for e in parcel.entries if e.sequence not in (2, 3)] == again.entries
        outbox.forget({parcel.epoch: RangeSet([(1, 99)])})
        assert outbox.take_again(Lane.READING, parcel.run, RangeSet([(1, 99)])) is None
        assert outbox.state().entries == 0


def test_an_age_is_taken_off_the_time(tmp_path: Path) -> None:
    clock = SetClock()
    with opened(tmp_path / "o.db", clock=clock) as outbox:
        aged = msgspec.structs.replace(reading(1), age_ms=90_000)
        outbox.accept([Accepted(Lane.READING, clock.now(), aged)])
        outbox.commit()
        (entry,) = parcels(outbox)[0].entries
        assert (entry.time_ms, entry.reading.age_ms) == (MONDAY - 90_000, 0)


# the bound


def test_over_its_bound_the_oldest_of_the_lowest_lane_goes_first_and_is_counted(tmp_path: Path) -> None:
    with opened(tmp_path / "o.db", max_bytes=20_000) as outbox:
        order = [Lane.ALERT, Lane.DETECTION, Lane.READING, Lane.HEALTH, Lane.MEDIA]
        for number, lane in enumerate(order):
            outbox.accept(accepted(range(number * 100, number * 100 + 30), lane=lane))
        outbox.commit()
        assert outbox.state().bytes <= 20_000
        assert outbox.state().trouble == ""
        for number in range(1000, 1150):
            outbox.accept(accepted([number], lane=Lane.READING))
            outbox.commit()
            assert outbox.state().bytes <= 20_000
        state, tallies = outbox.state(), outbox.tallies()
        assert state.by_lane[Lane.ALERT] == state.by_lane[Lane.DETECTION] == 30
        assert Lane.HEALTH not in state.by_lane
        assert Lane.MEDIA not in state.by_lane
        kept = numbers_in(outbox)
        came = [*range(200, 230), *range(1000, 1150)]
        assert kept == came[-len(kept) :]  # the newest, without a gap
        assert tallies["outbox", "evicted_media"] == tallies["outbox", "evicted_health"] == 30
        assert tallies["outbox", "evicted_reading"] == 180 - len(kept)
        assert ("outbox", "evicted_alert") not in tallies
        for number in range(2000, 2400):
            outbox.accept(accepted([number], lane=Lane.ALERT))
        alerts = numbers_in(outbox, Lane.ALERT)
        assert list(outbox.state().by_lane) == [Lane.ALERT]
        assert alerts == list(range(2400 - len(alerts), 2400))
        lost = sum(n for (place, name), n in outbox.tallies().items() if name.startswith("evicted_"))
        assert (
            lost + len(alerts)
            == 150 + 150 + 400
            == sum(n for (place, name), n in outbox.tallies().items() if place == "accepted")
        )


def test_what_is_kept_is_counted_without_looking(tmp_path: Path) -> None:
    """The running counts equal the file's, after everything that changes it."""
    path = tmp_path / "o.db"
    for _ in range(3):
        with opened(path, max_bytes=9_000) as outbox:
            for number in range(60):
                outbox.accept(accepted([number], lane=Lane(number % 5)))
            outbox.commit()
            outbox.forget({outbox.state().epoch: RangeSet([(5, 20), (50, 55)])})
            other = sqlite3.connect(path)
            rows = other.execute("SELECT lane, count(*), sum(length(body) + 64) FROM entry GROUP BY lane").fetchall()
            other.close()
            state = outbox.state()
            assert state.by_lane == {lane: count for lane, count, _ in rows}
            assert state.bytes == sum(size for _, _, size in rows)


# what cannot be carried


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (Reading(99, "s", "", (32,), (1,)), "unknown_kind"),
        (Reading(4, "", "", (32,), (1,)), "bad_body"),
        (Reading(4, "x" * 40, "", (32,), (1,)), "bad_body"),
        (Reading(4, "s", "", (), ()), "unknown_quantity"),
        (Reading(4, "s", "", (15,), (1,)), "unknown_quantity"),
        (Reading(4, "s", "", (32,), (1, 2)), "unknown_quantity"),
        (Reading(4, "s", "", (32,), (2**70,)), "bad_steps"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_reading_that_no_message_could_carry_is_counted_and_stands_in_nobodys_way(
    tmp_path: Path, bad: Reading, reason: str
) -> None:
    clock = SetClock()
    with opened(tmp_path / "o.db", clock=clock) as outbox:
        for one in (reading(1), bad, reading(2), bad):
            outbox.accept([Accepted(Lane.READING, clock.now(), one)])
        outbox.commit()
        assert numbers_in(outbox) == [1, 2]
        assert outbox.tallies()["outbox", reason] == 2
        assert outbox.tallies()["accepted", "reading"] == 2


@settings(max_examples=15)
@given(st.lists(readings(), min_size=1, max_size=30), st.integers(1, 4096))
def test_whatever_is_taken_out_can_be_sent(
    tmp_path_factory: pytest.TempPathFactory, some: list[Reading], limit: int
) -> None:
    clock = SetClock()
    with opened(tmp_path_factory.mktemp("any") / "o.db", clock=clock) as outbox:
        outbox.accept([Accepted(Lane.DETECTION, clock.now(), one) for one in some * 3])
        outbox.commit()
        sent = []
        for parcel in parcels(outbox, Lane.DETECTION, limit=limit):
            sent += decode_entries(encode_batch("p", parcel.epoch, parcel.entries))[1]
        assert [entry.reading for entry in sent] == some * 3


def test_a_parcel_is_never_too_large_for_a_message(tmp_path: Path) -> None:
    """4096 of the widest readings: every quantity, wild values, long names that no two share."""
    rng = random.Random(4)
    codes = tuple(sorted(q.code for q in QUANTITIES.values()))
    clock = SetClock()
    wild = [
        Reading(4, f"{n:032d}", f"label-{rng.getrandbits(80):020x}", codes, tuple(rng.getrandbits(61) for _ in codes))
        for n in range(4096)
    ]
    with opened(tmp_path / "o.db", clock=clock, memory=8 * 1024 * 1024) as outbox:
        outbox.accept([Accepted(Lane.READING, clock.now(), one) for one in wild])
        outbox.commit()
        taken = parcels(outbox, limit=4096)
        assert len(taken) > 5
        assert sum(len(p.entries) for p in taken) == 4096
        for parcel in taken:
            assert len(encode_batch("p", parcel.epoch, parcel.entries)) < 2 * MAX_READINGS_BYTES


# rot


@pytest.mark.expects_warnings
@pytest.mark.parametrize(
    "rot",
    [
        "body = x'00' || substr(body, 2)",
        "body = substr(body, 1, 10)",
        "body = 'a text'",
        "time_ms = time_ms + 1",
        "time_ms = 'noon'",
        "time_ms = NULL",
        "quality = 77",
        "crc = crc + 1",
        "uncertainty_ms = -1",
    ],
)
def test_a_rotten_row_is_discarded_and_counted_while_others_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, rot: str
) -> None:
    path = tmp_path / "o.db"
    with opened(path) as outbox:
        outbox.accept(accepted(range(10)))
        outbox.commit()
        db = sqlite3.connect(path)
        db.execute(f"UPDATE entry SET {rot} WHERE sequence IN (3, 4, 8)")
        db.commit()
        db.close()
        assert numbers_in(outbox) == [0, 1, 4, 5, 6, 8, 9]
        assert outbox.tallies()["outbox", "rotten"] == 3
        assert outbox.state().entries == 7
        assert len([r for r in caplog.records if "checksums" in r.getMessage()]) == 1
        outbox.accept(accepted([10]))
        outbox.commit()
        assert numbers_in(outbox)[-1] == 10


@pytest.mark.expects_warnings
def test_entries_of_an_epoch_that_nobody_knows_are_discarded(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    for number in (1, 2):
        with opened(path) as outbox:
            outbox.accept(accepted([number]))
    db = sqlite3.connect(path)
    db.execute("DELETE FROM run WHERE id = 1")
    db.commit()
    db.close()
    with opened(path) as outbox:
        assert numbers_in(outbox) == [2]
        assert outbox.tallies()["outbox", "rotten"] == 1


# several threads


def test_many_threads_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    with opened(tmp_path / "o.db") as outbox:
        taken: set[tuple[bytes, int]] = set()
        stop = threading.Event()

        def put(thread: int) -> None:
            for number in range(60):
                lane = Lane.ALERT if number % 10 == 0 else Lane.READING
                outbox.accept(accepted([thread * 1000 + number], lane=lane), replay={f"{thread:08x}": (number, 1)})
                if number % 7 == 0:
                    outbox.commit()

        def take() -> None:
            while not stop.is_set():
                for lane in (Lane.ALERT, Lane.READING):
                    parcel = outbox.take(lane, limit=50)
                    if parcel is not None:
                        ranges = RangeSet.of(entry.sequence for entry in parcel.entries)
                        fresh = {(parcel.epoch, n) for n in ranges.numbers()}
                        assert not fresh & taken
                        taken.update(fresh)
                        assert outbox.forget({parcel.epoch: ranges}) == len(fresh)
                outbox.state()
                outbox.replay()

        threads = [threading.Thread(target=put, args=(n,)) for n in range(4)]
        taker = threading.Thread(target=take)
        for thread in (*threads, taker):
            thread.start()
        for thread in threads:
            thread.join()
        outbox.commit()
        wait_until("all is taken", lambda: outbox.state().entries == 0)
        stop.set()
        taker.join()
        assert len(taken) == 240
        assert {n for _, n in taken} == set(range(1, 241))
        assert outbox.replay() == {f"{n:08x}": (59, 1) for n in range(4)}
