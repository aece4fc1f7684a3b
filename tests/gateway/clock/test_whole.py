"""Promise 3 whole: for any boots, power cuts, jumps of the wall clock and syncs, no entry is ever stamped outside its
bounds, no time that was given out ever changes, and bounds are narrow where a trusted time is known on both sides.

A real outbox on real SQLite; simulated are the machine's clocks alone (`tests.support.simulated_time`).
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from gateway.clock.boots import EARLIEST_MS
from gateway.clock.clock import Clock
from gateway.contract.entries import Entry, TimeQuality
from gateway.contract.ranges import RangeSet
from gateway.contract.rows import MAX_TIME_MS
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Accepted
from tests.gateway.outbox.boxes import abandon, box, number_of, parcels, reading
from tests.support.simulated_time import SimulatedTime

MONDAY = 1_763_829_000_000
SECOND = 1_000
DAY = 86_400_000
UNSAVED = 300_000
"""What is known of a boot may be so much older on disk than in memory."""
SLACK = 2 * 32_768
"""Twice the widest bound of a source that is believed."""

walls = st.one_of(st.integers(0, 10**6), st.integers(MONDAY - 400 * DAY, MONDAY + 400 * DAY), st.just(MAX_TIME_MS + 9))
spans = st.one_of(
    st.integers(1, 5 * SECOND), st.integers(1, 3_600 * SECOND), st.integers(1, 2 * DAY), st.integers(DAY, 20 * DAY)
)


class Heard(NamedTuple):
    """What is true of a reading. boot: which one it came in. trusted_before_ms: when somebody was last believed before
    that boot, if ever."""

    true_ms: int
    boot: int
    trusted_before_ms: int | None


class Post(RuleBasedStateMachine):
    """A post and the truth."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.machine = SimulatedTime(MONDAY, wall_ms=0)
        self.heard: dict[int, Heard] = {}
        self.sent: dict[int, Entry] = {}
        self.boot = 1
        self.trusted: dict[int, list[int]] = {}  # by boot: when a source was believed and that was put on disk
        self.trusted_before_ms: int | None = None
        self.garbled = 0
        self.start()

    def start(self) -> None:
        self.clock = Clock("ntp", self.machine)
        self.outbox = box(self.directory / "o.db", clock=self.clock)
        self.outbox.open()

    def commit(self) -> None:
        self.outbox.commit()
        if self.clock.now().quality not in (TimeQuality.UNTRUSTED, TimeQuality.RECOVERED):
            self.trusted.setdefault(self.boot, []).append(self.machine.true_ms)

    # what happens

    @rule(ms=spans)
    def time_passes(self, ms: int) -> None:
        self.machine.pass_ms(ms)

    @rule(ppm=st.integers(-99, 99))
    def it_warms_or_cools(self, ppm: int) -> None:
        self.machine.drift_ppm = ppm

    @rule(wall_ms=walls)
    def the_wall_clock_jumps(self, wall_ms: int) -> None:
        self.machine.set_wall(wall_ms)

    @rule(error_ms=st.integers(0, 5_000), share=st.floats(-1, 1))
    def ntp_syncs(self, error_ms: int, share: float) -> None:
        self.machine.sync(off_ms=round(share * (390 + error_ms)), error_ms=error_ms)

    @rule()
    def ntp_is_lost(self) -> None:
        self.machine.lose_ntp()

    @rule(late_ms=st.integers(0, 990), jitter_ms=st.lists(st.integers(0, 990), min_size=1, max_size=5))
    def a_gps_speaks(self, late_ms: int, jitter_ms: list[int]) -> None:
        for more_ms in jitter_ms:
            self.machine.pass_ms(SECOND)
            self.clock.hear_gps(self.machine.true_ms - min(990, late_ms + more_ms))

    @rule(days=st.integers(-9000, 9000).filter(bool))
    def a_line_of_the_gps_is_garbled(self, days: int) -> None:
        self.garbled += 1
        self.clock.hear_gps(self.machine.true_ms + days * DAY + self.garbled * 10 * SECOND)

    @rule(lane=st.sampled_from([Lane.ALERT, Lane.READING]), age_ms=st.sampled_from([0, 0, 0, 700, 50_000, DAY]))
    def a_reading_comes(self, lane: Lane, age_ms: int) -> None:
        number = len(self.heard)
        self.heard[number] = Heard(self.machine.true_ms - age_ms, self.boot, self.trusted_before_ms)
        one = msgspec.structs.replace(reading(number), age_ms=age_ms)
        self.outbox.accept([Accepted(lane, self.clock.now(), one)])
        if lane is Lane.ALERT:
            self.commit()

    @rule()
    def a_second_goes_by(self) -> None:
        self.machine.pass_ms(SECOND)
        self.commit()

    @rule(lane=st.sampled_from([Lane.ALERT, Lane.READING]), limit=st.integers(1, 5), receipted=st.booleans())
    def entries_are_sent(self, lane: Lane, limit: int, receipted: bool) -> None:
        parcel = self.outbox.take(lane, limit=limit)
        if parcel is None:
            return
        for entry in parcel.entries:
            self.check(entry)
        if receipted:
            self.outbox.forget({parcel.epoch: RangeSet.of(entry.sequence for entry in parcel.entries)})

    @rule(clean=st.booleans())
    def the_program_starts_anew(self, clean: bool) -> None:
        if clean:
            self.commit()
            self.outbox.close()
        else:
            abandon(self.outbox)
        self.start()

    @rule(off_ms=st.one_of(st.just(0), spans), wall_ms=walls, boot_ms=st.integers(5_000, 60_000))
    def the_power_goes(self, off_ms: int, wall_ms: int, boot_ms: int) -> None:
        abandon(self.outbox)
        self.trusted_before_ms = max((times[-1] for times in self.trusted.values()), default=None)
        self.machine.reboot(off_ms=off_ms, wall_ms=wall_ms, boot_ms=boot_ms)
        self.boot += 1
        self.start()

    @rule(ms=spans, off_ms=spans)
    def a_boot_goes_by_without_time(self, ms: int, off_ms: int) -> None:
        self.the_power_goes(off_ms, 0, 10_000)
        self.a_reading_comes(Lane.READING, 0)
        self.machine.pass_ms(ms)
        self.commit()

    @rule(ms=spans)
    def a_boot_begins_with_a_trusted_time(self, ms: int) -> None:
        self.the_power_goes(ms, 0, 10_000)
        self.machine.sync()
        self.commit()

    # what holds

    def check(self, entry: Entry) -> None:
        number = number_of(entry)
        heard = self.heard[number]
        if number in self.sent:
            assert self.sent[number] == entry, "a time that was given out has changed"
            return
        self.sent[number] = entry
        assert 0 <= entry.time_ms <= MAX_TIME_MS
        assert abs(entry.time_ms - heard.true_ms) <= entry.uncertainty_ms <= MAX_TIME_MS
        in_boot = self.trusted.get(heard.boot)
        after = [times[0] for boot, times in self.trusted.items() if boot > heard.boot]
        if in_boot is not None and entry.quality == TimeQuality.RECOVERED:
            distance = min(abs(heard.true_ms - in_boot[0]), abs(heard.true_ms - in_boot[-1]))
            assert entry.uncertainty_ms <= 2 * (distance // 9_000 + SLACK)
        elif in_boot is None and entry.quality == TimeQuality.UNTRUSTED and after:
            before = EARLIEST_MS if heard.trusted_before_ms is None else heard.trusted_before_ms
            room = after[0] - min(before, heard.true_ms)
            assert entry.uncertainty_ms <= 2 * (room + room // 5_000 + UNSAVED + SLACK)

    @invariant()
    def the_clock_keeps_its_word(self) -> None:
        moment = self.clock.now()
        if moment.is_trusted:
            assert abs(moment.wall_ms - self.machine.true_ms) <= moment.uncertainty_ms

    @invariant()
    def sources_that_are_true_contradict_nobody(self) -> None:
        assert ("clock", "clock_disagreement") not in self.outbox.tallies()

    @precondition(lambda self: len(self.heard) > len(self.sent))
    @rule()
    def all_is_looked_at(self) -> None:
        self.commit()
        for lane in Lane:
            for parcel in parcels(self.outbox, lane):
                for entry in parcel.entries:
                    self.check(entry)

    def teardown(self) -> None:
        self.outbox.close()
        shutil.rmtree(self.directory)


@pytest.mark.slow
def test_no_entry_is_ever_stamped_outside_its_bounds() -> None:
    run_state_machine_as_test(Post, settings=settings(max_examples=60, stateful_step_count=50, deadline=None))
