"""An entry gets its time once, before it is sent; what the outbox keeps of boots for that, through restarts, damage,
rot and an old file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import pytest

from gateway.clock.boots import EARLIEST_MS
from gateway.clock.clock import Clock
from gateway.contract.batches import encode_batch
from gateway.contract.entries import Entry, TimeQuality
from gateway.contract.ranges import RangeSet
from gateway.contract.rows import MAX_TIME_MS
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Accepted, Outbox
from gateway.outbox.store import APPLICATION_ID
from tests.gateway.outbox.boxes import (
    MONDAY,
    SetClock,
    abandon,
    accepted,
    box,
    identities,
    number_of,
    opened,
    parcels,
    reading,
)
from tests.support.simulated_time import SimulatedTime

DATA = Path(__file__).parent / "data"
HOUR = 3_600_000


def test_an_untrusted_time_is_frozen_once_and_stays(tmp_path: Path) -> None:
    clock = SetClock(wall_ms=5_000, trusted=False)
    with opened(tmp_path / "o.db", clock=clock) as outbox:
        outbox.accept(accepted([1], clock=clock))
        outbox.commit()
        assert outbox.may_mend(Lane.READING)
        parcel = outbox.take(Lane.READING, limit=1)
        assert parcel is not None
        entry = parcel.entries[0]
        assert (entry.quality, entry.uncertainty_ms) == (TimeQuality.UNTRUSTED, MAX_TIME_MS)
        assert entry.time_ms == EARLIEST_MS + 60_000  # a minute after the boot, and nothing else is known
        assert not outbox.may_mend(Lane.READING)
        clock.wall_ms, clock.trusted = MONDAY, True
        again = outbox.take_again(Lane.READING, parcel.run, RangeSet([(1, 1)]))
        assert again is not None
        assert again.entries == parcel.entries  # it may be at headquarters already, under that time


def test_a_time_is_recovered_when_the_clock_is_set_before_it_is_sent(tmp_path: Path) -> None:
    clock = SetClock(wall_ms=5_000, trusted=False)
    with opened(tmp_path / "o.db", clock=clock) as outbox:
        outbox.accept(accepted([1], clock=clock))
        clock.pass_ms(30_000)
        outbox.accept(accepted([2], clock=clock))
        outbox.commit()
        clock.pass_ms(70_000)
        clock.wall_ms, clock.trusted = MONDAY, True
        assert not outbox.may_mend(Lane.READING)
        first, second = parcels(outbox)[0].entries
        assert (first.time_ms, first.quality, first.uncertainty_ms) == (MONDAY - 100_000, TimeQuality.RECOVERED, 32)
        assert second.time_ms == MONDAY - 70_000
        clock.wall_ms += 999_999_999  # the clock jumps: what is frozen stays
        assert parcels(outbox)[0].entries == [first, second]
    with opened(tmp_path / "o.db", clock=clock) as outbox:
        assert parcels(outbox)[0].entries == [first, second]


def test_a_restart_within_one_boot_still_recovers_and_another_boot_does_not(tmp_path: Path) -> None:
    clock = SetClock(wall_ms=5_000, trusted=False)
    path = tmp_path / "o.db"
    for number in (1, 2):
        with opened(path, clock=clock) as outbox:
            outbox.accept(accepted([number], clock=clock))
    db = sqlite3.connect(path)
    db.execute("UPDATE run SET boot = 'an earlier one' WHERE id = 1")
    db.commit()
    db.close()
    clock.pass_ms(1_000)
    clock.wall_ms, clock.trusted = MONDAY, True
    with opened(path, clock=clock) as outbox:
        one, two = (p.entries[0] for p in parcels(outbox))
        assert one.quality is TimeQuality.UNTRUSTED
        assert one.time_ms - one.uncertainty_ms <= EARLIEST_MS
        assert 0 <= one.time_ms + one.uncertainty_ms - MONDAY < one.uncertainty_ms  # before the present boot
        assert (two.time_ms, two.quality) == (MONDAY - 1_000, TimeQuality.RECOVERED)


def test_a_clock_in_1969_makes_no_entry_that_stands_before_all_others(tmp_path: Path) -> None:
    clock = SetClock(wall_ms=10)
    with opened(tmp_path / "o.db", clock=clock) as outbox:
        outbox.accept([Accepted(Lane.READING, clock.now(), msgspec.structs.replace(reading(1), age_ms=86_400_000))])
        outbox.commit()
        parcel = parcels(outbox)[0]
        assert (parcel.entries[0].time_ms, parcel.entries[0].quality) == (0, TimeQuality.UNTRUSTED)
        encode_batch("p", parcel.epoch, parcel.entries)


# boots


class Post:
    """An outbox on a machine whose time the test makes; it begins an hour before Monday with a trusted clock, and has
    then come up again on Monday without one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.machine = SimulatedTime(MONDAY - HOUR, wall_ms=0)
        self.machine.sync()
        self.start()
        self.take_in(0)
        self.outbox.close()
        self.machine.reboot(off_ms=HOUR, wall_ms=0)
        self.start()

    def start(self) -> None:
        self.clock = Clock("ntp", self.machine)
        self.outbox: Outbox = box(self.path, clock=self.clock)
        self.outbox.open()

    def take_in(self, number: int) -> int:
        """A reading; its true time."""
        self.outbox.accept([Accepted(Lane.READING, self.clock.now(), reading(number))])
        self.outbox.commit()
        return self.machine.true_ms

    def entry(self, number: int) -> Entry:
        (found,) = (e for p in parcels(self.outbox) for e in p.entries if number_of(e) == number)
        return found


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path / "o.db")


def test_a_time_known_before_and_after_bounds_what_lies_between_also_after_power_cuts(post: Post) -> None:
    true_ms = post.take_in(1)
    abandon(post.outbox)
    post.machine.reboot(off_ms=HOUR, wall_ms=0)
    post.start()
    post.machine.sync()
    entry = post.entry(1)
    post.outbox.close()
    assert entry.quality == TimeQuality.UNTRUSTED
    assert abs(entry.time_ms - true_ms) <= entry.uncertainty_ms <= 2 * HOUR


def test_a_trusted_moment_is_on_disk_with_the_next_commit_and_serves_after_the_boot(post: Post) -> None:
    true_ms = post.take_in(1)
    post.machine.pass_ms(HOUR)
    post.machine.sync()
    post.outbox.commit()  # nothing was accepted; the moment itself is worth it
    abandon(post.outbox)
    post.machine.reboot(off_ms=HOUR, wall_ms=0)
    post.start()
    entry = post.entry(1)
    post.outbox.close()
    assert entry.quality == TimeQuality.RECOVERED
    assert abs(entry.time_ms - true_ms) <= entry.uncertainty_ms <= 1024


def test_an_alert_that_must_go_at_once_says_that_no_later_bound_is_known(post: Post) -> None:
    post.take_in(1)
    entry = post.entry(1)
    assert (entry.quality, entry.uncertainty_ms) == (TimeQuality.UNTRUSTED, MAX_TIME_MS)
    assert MONDAY - HOUR - 1_000 <= entry.time_ms <= post.machine.true_ms  # but no earlier than the last boot
    assert not post.outbox.may_mend(Lane.READING)
    post.outbox.close()


def test_waiting_may_mend_the_entries_of_an_earlier_boot_too(post: Post) -> None:
    post.take_in(1)
    post.outbox.close()
    post.machine.reboot(off_ms=HOUR, wall_ms=0)
    post.start()
    assert post.outbox.may_mend(Lane.READING, (1, 2**40))
    post.machine.sync()
    assert not post.outbox.may_mend(Lane.READING, (1, 2**40))
    post.outbox.close()


def test_a_row_of_a_boot_that_has_rotted_costs_tightness_and_no_truth(post: Post) -> None:
    true_ms = post.take_in(1)
    post.outbox.close()
    db = sqlite3.connect(post.path)
    db.execute("UPDATE boot SET not_before_ms = not_before_ms + 4096")
    db.commit()
    db.close()
    post.machine.reboot(off_ms=HOUR, wall_ms=0)
    post.start()
    post.machine.sync()
    entry = post.entry(1)
    post.outbox.close()
    assert entry.time_ms - entry.uncertainty_ms <= EARLIEST_MS
    assert abs(entry.time_ms - true_ms) <= entry.uncertainty_ms < MAX_TIME_MS


@pytest.mark.expects_warnings
def test_boots_are_carried_over_from_a_damaged_file(post: Post) -> None:
    true_ms = post.take_in(1)
    post.machine.pass_ms(HOUR)
    post.machine.sync()
    post.outbox.commit()
    post.outbox.close()
    db = sqlite3.connect(post.path)
    (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'tally'").fetchone()
    db.close()
    with post.path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(bytes(4096))
    post.machine.reboot(off_ms=HOUR, wall_ms=0)
    post.start()
    assert post.outbox.tallies()["outbox", "set_aside"] == 1
    entry = post.entry(1)
    post.outbox.close()
    assert entry.quality == TimeQuality.RECOVERED
    assert abs(entry.time_ms - true_ms) <= entry.uncertainty_ms <= 1024


def test_what_happens_to_the_clock_is_counted(post: Post) -> None:
    post.take_in(1)
    post.machine.sync()
    post.take_in(2)
    assert post.outbox.tallies()["clock", "clock_jump"] == 1
    post.outbox.close()


def test_the_age_of_the_oldest_goes_by_the_time_since_boot(post: Post) -> None:
    post.outbox.close()
    post.path.unlink()
    post.start()
    post.take_in(1)
    post.machine.set_wall(MONDAY + 10_000 * HOUR)
    post.machine.pass_ms(5_000)
    assert post.outbox.state().oldest_age_s == 5
    post.outbox.close()


def test_entries_of_a_stored_file_of_version_1_get_the_bounds_that_are_known(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    db = sqlite3.connect(path)
    db.executescript((DATA / "outbox_v1.sql").read_text())
    db.executescript(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;")
    db.close()
    machine = SimulatedTime(MONDAY + 100 * HOUR)
    machine.sync()
    with opened(path, clock=Clock("ntp", machine)) as outbox:
        entries = list(identities(outbox).values())
    before = [e for e in entries if e.quality == TimeQuality.NTP]
    assert {(e.time_ms, e.uncertainty_ms) for e in before} == {(MONDAY, 16)}
    unknown = [e for e in entries if e.quality == TimeQuality.UNTRUSTED]
    assert len(before) + len(unknown) == len(entries) == 15
    for entry in unknown:
        assert entry.time_ms - entry.uncertainty_ms <= EARLIEST_MS
        assert machine.true_ms <= entry.time_ms + entry.uncertainty_ms < machine.true_ms + 2 * entry.uncertainty_ms
