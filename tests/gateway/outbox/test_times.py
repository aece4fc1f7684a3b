"""What the outbox keeps of boots, so that entries get their times: through restarts, damage, rot and an old file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gateway.clock.boots import EARLIEST_MS
from gateway.clock.clock import Clock
from gateway.contract.entries import Entry, TimeQuality
from gateway.contract.rows import MAX_TIME_MS
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Accepted, Outbox
from gateway.outbox.store import APPLICATION_ID
from tests.gateway.outbox.boxes import MONDAY, abandon, box, identities, number_of, opened, parcels, reading
from tests.support.simulated_time import SimulatedTime

DATA = Path(__file__).parent / "data"
HOUR = 3_600_000


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
