"""Sirens and lamps on lines of gpiozero's mock factory."""

from __future__ import annotations

import sys
import time
import types
from collections.abc import Iterator

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory, MockPin

from gateway.warning.errors import OutputError, UnknownOutputError
from gateway.warning.pins import open_pin
from tests.gateway.warning.posts import Post, running
from tests.gateway.watch.facts_made import WALL_MS, raised
from tests.support.waiting import wait_until

SIREN = {"output": "siren", "name": "sirena", "pin": 17, "repeat_s": 0, "pattern": [0.1, 0.05]}


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    before = gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory = MockFactory()
    yield gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory.reset()
    gpiozero.Device.pin_factory = before


def pin(pins: MockFactory, number: int) -> MockPin:
    return pins.pin(number)


def test_it_sounds_in_its_pattern_and_ends(pins: MockFactory) -> None:
    with running(SIREN | {"seconds": 0.5}) as post:
        post.warnings.warn(raised(1))
        wait_until("success", lambda: post.state("sirena").sent == 1)
        states = [state.state for state in pin(pins, 17).states]
        assert states[:5] == [False, True, False, True, False]
        assert states[-1] is False
    assert post.state("sirena").last_ms is not None


def test_nothing_sounds_at_the_start_and_a_line_left_on_is_put_off(pins: MockFactory) -> None:
    line = pin(pins, 17)
    line.function = "output"
    line.state = True  # as a killed gateway left it
    with running(SIREN) as post:
        wait_until("off", lambda: line.state is False)
        assert post.state("sirena").sent == 0
    assert True not in [state.state for state in line.states][2:]


def test_an_acknowledgement_ends_it_and_the_next_incident_sounds_at_once(pins: MockFactory) -> None:
    with running(SIREN | {"seconds": 600, "repeat_s": 3600}) as post:
        post.warnings.warn(raised(1))
        wait_until("it sounds", lambda: pin(pins, 17).state is True)
        assert post.state("sirena").standing == "giving"
        post.warnings.acknowledged(1)
        wait_until("it ends", lambda: post.state("sirena").sent == 1)
        assert pin(pins, 17).state is False
        post.warnings.warn(raised(2))
        wait_until("it sounds again", lambda: pin(pins, 17).state is True)
        post.warnings.acknowledged(2)
        wait_until("it ends", lambda: post.state("sirena").sent == 2)
    assert not post.counts


def test_it_goes_on_while_one_that_rang_it_is_not_seen_to(pins: MockFactory) -> None:
    with running(SIREN | {"seconds": 600, "repeat_s": 3600}) as post:
        post.warnings.warn(raised(1))
        wait_until("it sounds", lambda: pin(pins, 17).state is True)
        for number in (2, 3):
            post.warnings.warn(raised(number))
        wait_until("they wait as one", lambda: post.state("sirena").waiting == 1)
        post.warnings.acknowledged(2)
        post.warnings.acknowledged(99)
        assert (post.state("sirena").sent, post.state("sirena").waiting) == (0, 1)
        post.warnings.acknowledged(1)
        wait_until("the other's turn", lambda: (post.state("sirena").sent, post.state("sirena").waiting) == (1, 0))
        wait_until("it sounds for it", lambda: pin(pins, 17).state is True)
        post.warnings.acknowledged(3)
        wait_until("it ends", lambda: post.state("sirena").sent == 2)
        assert pin(pins, 17).state is False
    assert not post.counts


def test_what_was_told_in_one_sounds_until_all_of_it_is_seen_to(pins: MockFactory) -> None:
    post = Post([SIREN | {"seconds": 600}])
    for number in (1, 2):
        post.warnings.warn(raised(number))
    with post.running():
        wait_until("it sounds", lambda: pin(pins, 17).state is True)
        post.warnings.acknowledged(2)
        changes = len(pin(pins, 17).states)
        wait_until("its pattern goes on", lambda: len(pin(pins, 17).states) > changes + 4)
        assert post.state("sirena").sent == 0
        post.warnings.acknowledged(1)
        wait_until("it ends", lambda: post.state("sirena").sent == 1)
    assert not post.counts


@pytest.mark.slow
def test_what_comes_while_it_sounds_is_not_late_for_it(pins: MockFactory) -> None:
    with running(SIREN | {"seconds": 1.5, "too_late_s": 1}) as post:
        post.warnings.warn(raised(1))
        wait_until("it sounds", lambda: pin(pins, 17).state is True)
        post.warnings.warn(raised(2))
        wait_until("both had their time", lambda: post.state("sirena").sent == 2)
    assert not post.counts


def test_a_lamp_that_shines_for_long_does_not_hang(pins: MockFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.warning.desk._HANGS_S", 0.1)
    with running(SIREN | {"output": "lamp", "name": "foco", "seconds": 600}) as post:
        post.warnings.warn(raised(1))
        wait_until("it shines for a while", lambda: len(pin(pins, 17).states) > 10)
        assert post.state("foco").trouble == ""


def test_an_output_is_untried_until_it_was_used(pins: MockFactory) -> None:
    with running(SIREN | {"seconds": 0.1}) as post:
        wait_until("its line is taken", lambda: pin(pins, 17).function == "output")
        assert post.state("sirena").standing == "untried"
        post.warnings.test("sirena")
        wait_until("it was tried", lambda: post.state("sirena").standing == "well")


def test_stopping_the_gateway_ends_it(pins: MockFactory) -> None:
    with running(SIREN | {"seconds": 600}) as post:
        post.warnings.warn(raised(1))
        wait_until("it sounds", lambda: pin(pins, 17).state is True)
        began = time.monotonic()
    assert time.monotonic() - began < 8.0
    assert pins.pins == {} or pin(pins, 17).state in (False, None)


def test_a_flood_sounds_once_more_and_says_how_many(pins: MockFactory) -> None:
    with running(SIREN | {"seconds": 0.3}) as post:
        began = time.monotonic()
        for number in range(1, 5001):
            post.warnings.warn(raised(number))
        assert time.monotonic() - began < 5.0
        assert post.state("sirena").waiting <= 1
        wait_until("all told", lambda: post.state("sirena").waiting == 0 and post.state("sirena").sent >= 2)
        assert post.state("sirena").sent <= 5


def test_the_repeat_time_is_kept_and_a_test_takes_no_alerts_place(pins: MockFactory) -> None:
    with running(SIREN | {"seconds": 0.1, "repeat_s": 3600}) as post:
        post.warnings.warn(raised(1))
        wait_until("first", lambda: post.state("sirena").sent == 1)
        post.warnings.warn(raised(2))
        wait_until("second waits", lambda: post.state("sirena").waiting == 1)
        assert post.state("sirena").sent == 1
        post.warnings.test("sirena")  # whoever presses the button hears what there is to hear
        wait_until("second", lambda: post.state("sirena").sent == 2)
        post.warnings.test("sirena")
        wait_until("test", lambda: post.state("sirena").sent == 3)


def test_only_what_it_is_for(pins: MockFactory) -> None:
    night_ms = WALL_MS - WALL_MS % 86_400_000 + 3 * 3_600_000  # 22:00 in Lima
    lamp = SIREN | {"output": "lamp", "name": "foco", "pin": 18, "hours": "21:00-05:30", "seconds": 0.1}
    siren = SIREN | {"hours": "05:30-21:00", "seconds": 0.1, "labels": ["gunshot", "chainsaw"], "rules": ["chainsaw"]}
    with running(lamp, siren) as post:
        post.warnings.warn(raised(1, last_ms=night_ms))
        wait_until("the lamp", lambda: post.state("foco").sent == 1)
        assert (post.state("sirena").sent, post.state("sirena").waiting) == (0, 0)
        day_ms = night_ms + 12 * 3_600_000
        post.warnings.warn(raised(2, last_ms=day_ms, level="notice"))
        post.warnings.warn(raised(3, last_ms=day_ms, label="boat"))
        post.warnings.warn(raised(4, last_ms=day_ms, rule="other"))
        assert (post.state("sirena").sent, post.state("sirena").waiting) == (0, 0)
        post.warnings.warn(raised(5, last_ms=day_ms))
        wait_until("the siren", lambda: post.state("sirena").sent == 1)
        assert post.state("foco").sent == 1
        with pytest.raises(UnknownOutputError, match="foco, sirena"):
            post.warnings.test("bocina")


def test_while_nobody_knows_the_hour_no_output_keeps_silent_for_its_hours(pins: MockFactory) -> None:
    with running(SIREN | {"hours": "21:00-05:30", "seconds": 0.1}, is_time_known=lambda: False) as post:
        post.warnings.warn(raised(1, last_ms=12 * 3_600_000))  # in 1970
        wait_until("the siren", lambda: post.state("sirena").sent == 1)


@pytest.mark.expects_warnings
def test_without_a_header_it_says_so_and_the_rest_goes_on(pins: MockFactory) -> None:
    gpiozero.Device.pin_factory = MockFactory()
    held = gpiozero.OutputDevice(17)
    with running(SIREN | {"seconds": 0.1}) as post:
        wait_until("trouble", lambda: "GPIO 17" in post.state("sirena").trouble)
        assert post.state("sirena").standing == "failing"
        post.warnings.warn(raised(1))
        held.close()
        wait_until("it works again", lambda: post.state("sirena").sent == 1)
        assert post.state("sirena").trouble == ""


class BusyError(Exception):
    """What lgpio raises is an Exception of no other kind."""


class BusyFactory(MockFactory):  # type: ignore[misc]  # gpiozero has no types
    """Lines that another program holds, as lgpio tells it."""

    def pin(self, name: object) -> MockPin:
        raise BusyError("GPIO busy")


def test_a_line_that_another_program_holds_is_told(pins: MockFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    lgpio = types.ModuleType("lgpio")
    lgpio.error = BusyError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lgpio", lgpio)
    gpiozero.Device.pin_factory = BusyFactory()
    with pytest.raises(OutputError, match=r"GPIO 17 cannot be used \(GPIO busy\)"):
        open_pin(17, active_high=True)
