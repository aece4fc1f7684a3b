"""Every moment carries who vouches for it and how far it may be off, and the bound holds whatever the sources do."""

from __future__ import annotations

import itertools
import time

import pytest

from gateway.clock.clock import DOUBT_MS, HOLDOVER_MS, Clock
from gateway.clock.machine import LinuxTime, boot_id, kernel_error_ms
from gateway.clock.moments import Anchor, Moment
from gateway.contract.entries import TimeQuality
from tests.support.simulated_time import SimulatedTime

GPS, NTP, RECOVERED, SYSTEM, UNTRUSTED = (
    TimeQuality.GPS,
    TimeQuality.NTP,
    TimeQuality.RECOVERED,
    TimeQuality.SYSTEM,
    TimeQuality.UNTRUSTED,
)
MONDAY = 1_763_829_000_000
HOUR = 3_600_000
DAY = 24 * HOUR


def unset(drift_ppm: int = 0) -> tuple[SimulatedTime, Clock]:
    """A machine in 1970, and its clock."""
    machine = SimulatedTime(MONDAY, drift_ppm=drift_ppm, wall_ms=5_000)
    return machine, Clock("ntp", machine)


def hear(machine: SimulatedTime, clock: Clock, words: int = 3, *, late_ms: int = 300, wrong_ms: int = 0) -> None:
    """A GPS tells the time, once a second."""
    for _ in range(words):
        machine.pass_ms(1_000)
        clock.hear_gps(machine.true_ms - late_ms + wrong_ms)


def is_true(moment: Moment, machine: SimulatedTime) -> bool:
    return abs(moment.wall_ms - machine.true_ms) <= moment.uncertainty_ms


def test_the_kernel_tells_its_error_or_that_it_has_none() -> None:
    error_ms = kernel_error_ms()
    assert error_ms is None or 0 <= error_ms < 2**31


def test_the_real_clocks_count_up_and_agree_with_each_other() -> None:
    machine = LinuxTime()
    readings = [machine.read() for _ in range(1000)]
    assert all(a[0] <= b[0] for a, b in itertools.pairwise(readings))
    boot_ms, wall_ms = machine.read()
    assert abs(boot_ms - time.clock_gettime(time.CLOCK_BOOTTIME) * 1000) < 60_000
    assert abs(wall_ms - time.time() * 1000) < 60_000
    assert machine.boot_id() == boot_id()
    assert len(boot_id()) == 36


def test_the_operators_word_is_taken() -> None:
    moment = Clock("system").now()
    assert abs(moment.wall_ms - time.time() * 1000) < 60_000
    assert (moment.quality, moment.uncertainty_ms) == (SYSTEM, 0)


def test_ntp_is_believed_only_while_the_kernel_says_so() -> None:
    machine, clock = unset()
    assert (clock.now().quality, clock.now().wall_ms) == (UNTRUSTED, 5_000)
    machine.sync(off_ms=400)  # as systemd-timesyncd does: an error of 0, and still slewing
    moment = clock.now()
    assert (moment.quality, moment.uncertainty_ms) == (NTP, 512)
    assert is_true(moment, machine)
    machine.sync(off_ms=3_000, error_ms=3_100)
    assert clock.now().uncertainty_ms == 4096


def test_a_gps_is_believed_after_three_words_that_agree() -> None:
    machine, clock = unset()
    hear(machine, clock, 2)
    clock.hear_gps(machine.true_ms + DAY)  # a garbled line
    assert clock.now().quality is UNTRUSTED
    hear(machine, clock, 1)
    moment = clock.now()
    assert (moment.quality, moment.uncertainty_ms) == (GPS, 1024)
    assert is_true(moment, machine)
    clock.hear_gps(machine.true_ms - DAY)
    assert is_true(clock.now(), machine)
    assert clock.take_counts() == {"gps_outlier": 1}
    assert clock.take_counts() == {}


def test_of_what_a_gps_says_the_least_late_is_believed() -> None:
    machine, clock = unset()
    for late_ms in (9_000, 8_000, 7_000, 5_000, 700, 50, 900, 600):  # first what had piled up in the port
        hear(machine, clock, 1, late_ms=late_ms)
    assert clock.now().wall_ms == machine.true_ms - 50


def test_the_better_of_ntp_and_gps_is_believed() -> None:
    machine, clock = unset()
    hear(machine, clock)
    machine.sync(error_ms=3)
    assert clock.now().quality is NTP
    machine.sync(error_ms=9_000)
    assert clock.now().quality is GPS


@pytest.mark.parametrize("drift_ppm", [-99, 99])
def test_when_its_sources_fall_silent_it_counts_on_with_a_bound_that_grows(drift_ppm: int) -> None:
    machine, clock = unset(drift_ppm)
    machine.sync(off_ms=-480)
    assert clock.now().quality is NTP
    machine.lose_ntp()
    bounds = []
    for _ in range(7):
        moment = clock.now()
        assert moment.quality is RECOVERED
        assert is_true(moment, machine)
        bounds.append(moment.uncertainty_ms)
        machine.set_wall(0)  # whatever the wall clock does
        machine.pass_ms(DAY - 1_000)
    assert bounds == sorted(bounds)
    assert bounds[0] == 512
    assert bounds[-1] <= 2**16  # half a minute a few days later, rounded up
    machine.pass_ms(HOLDOVER_MS)
    assert clock.now().quality is UNTRUSTED
    assert clock.take_counts() == {"clock_jump": 6}


def test_a_restart_of_the_program_counts_on_from_what_was_kept() -> None:
    machine, _ = unset()
    clock = Clock("ntp", machine)
    clock.hold(Anchor(machine.read()[0] - HOUR, machine.true_ms - HOUR + 70, 512))
    moment = clock.now()
    assert (moment.quality, moment.uncertainty_ms) == (RECOVERED, 1024)
    assert is_true(moment, machine)


@pytest.mark.expects_warnings
@pytest.mark.parametrize("wrong_ms", [-DAY, DAY, 400 * DAY, 5_000])
def test_sources_that_contradict_each_other_are_both_within_the_bounds(wrong_ms: int) -> None:
    machine, clock = unset()
    machine.sync(off_ms=wrong_ms)
    hear(machine, clock)
    for _ in range(50):
        moment = clock.now()
        assert is_true(moment, machine)
        assert abs(moment.wall_ms - (machine.true_ms + wrong_ms)) <= moment.uncertainty_ms
        assert moment.uncertainty_ms <= 4 * abs(wrong_ms)  # jitter does not add up
        hear(machine, clock, 1, late_ms=50 + machine.true_ms // 1000 % 7 * 100)
    assert clock.take_counts()["clock_disagreement"] == 1
    assert clock.state().in_doubt
    machine.lose_ntp()  # and when one of them falls silent nobody knows yet which was right
    hear(machine, clock)
    assert clock.now().uncertainty_ms >= abs(wrong_ms)
    for _ in range(DOUBT_MS // 60_000 + 1):
        machine.pass_ms(57_000)
        hear(machine, clock)
        clock.now()
    assert (clock.now().quality, clock.now().uncertainty_ms) == (GPS, 1024)
    assert not clock.state().in_doubt


@pytest.mark.expects_warnings
@pytest.mark.parametrize("wrong_ms", [-DAY, DAY, 5_000])
def test_a_source_that_contradicts_what_it_said_is_believed_after_an_hour(wrong_ms: int) -> None:
    machine, clock = unset()
    machine.sync(off_ms=wrong_ms)
    clock.now()
    machine.pass_ms(HOUR)
    machine.sync()
    moment = clock.now()
    assert is_true(moment, machine)
    assert abs(moment.wall_ms - (machine.true_ms + wrong_ms)) <= moment.uncertainty_ms
    machine.lose_ntp()
    machine.pass_ms(60_000)
    counted_on = clock.now()
    assert counted_on.quality is RECOVERED
    assert is_true(counted_on, machine)
    assert counted_on.uncertainty_ms >= abs(wrong_ms) // 2
    machine.pass_ms(DOUBT_MS)
    machine.sync()
    assert (clock.now().quality, clock.now().uncertainty_ms) == (NTP, 512)
    assert clock.take_counts()["clock_disagreement"] == 1


def test_a_leap_second_contradicts_nobody() -> None:
    machine, clock = unset()
    machine.sync()
    clock.now()
    machine.sync(off_ms=-1_000)  # one of the two does not know of it yet
    hear(machine, clock)
    assert clock.now().uncertainty_ms <= 1024
    assert "clock_disagreement" not in clock.take_counts()


def test_jumps_of_the_wall_clock_are_counted() -> None:
    machine, clock = unset()
    clock.now()
    for wall_ms in (MONDAY, 0, MONDAY - 60_000, MONDAY - 59_000):
        machine.set_wall(wall_ms)
        machine.pass_ms(1_000)
        clock.now()
    assert clock.take_counts() == {"clock_jump": 3}


def test_its_state_is_told_in_words() -> None:
    machine, clock = unset()
    assert clock.state().es == "sin hora confiable desde el arranque"
    assert clock.state().en == "no trusted time since the start"
    hear(machine, clock)
    assert clock.state().es == clock.state().en == "GPS, ±1 s"
    machine.sync()
    assert clock.state().es == "hora de la red, ±0,5 s"
    machine.lose_ntp()
    machine.pass_ms(3 * HOUR)
    assert clock.state().es == "sin GPS ni red desde hace 3 h; sigue contando solo, ±2 s"
    assert clock.state().en == "no GPS or network for 3 h; counting on, ±2 s"
    machine.pass_ms(9 * DAY)
    assert clock.state().es == "sin hora confiable desde hace 9 días"
    assert clock.state().en == "no trusted time for 9 days"
    assert Clock("system", machine).state().es == "la del equipo: la configuración manda creerle"
