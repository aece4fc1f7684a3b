"""A frame told twice is taken once, also after a restart; a counter that begins anew is not taken for a copy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.delivery import ReplayState
from firmware_bridge.lorawan.uplink_guard import BEGINS_ANEW_AFTER_S, MAX_RECENT, UplinkGuard

EUI = "0101010101010101"
T = 1_700_000_000.0


def after_restart(guard: UplinkGuard, stored: dict[str, ReplayState]) -> UplinkGuard:
    stored |= guard.take_replay()
    return UplinkGuard(stored)


def test_a_frame_is_taken_once_also_after_a_restart() -> None:
    stored: dict[str, ReplayState] = {}
    guard = UplinkGuard({})
    assert guard.admit(EUI, "00189440", 0, T) == ""
    assert guard.admit(EUI, "00189440", 0, T) == "duplicate"
    assert guard.admit(EUI, "00189440", 2, T + 1) == ""
    guard = after_restart(guard, stored)
    assert guard.admit(EUI, "00189440", 2, T + 1) == "duplicate"
    assert guard.admit(EUI, "00189440", 1, T + 2) == ""  # late
    assert guard.admit(EUI, "00189440", 1, T + 2) == "duplicate"
    assert guard.admit(EUI, "00189440", 100, T + 3) == ""
    assert guard.admit(EUI, "00189440", 2, T + 1) == "replayed"


def test_states_fit_and_cannot_be_taken_for_a_device_of_ours() -> None:
    guard = UplinkGuard({})
    guard.admit("f" * 16, "ffffffff", 0xFFFF_FFFF, 2**40)
    guard.admit("dev1", "a session", 0, None)
    states = guard.take_replay()
    assert len(states) == 2
    for key, state in states.items():
        assert len(key) == 17
        assert int(key, 16) >= 2**64
        assert all(0 <= number < 2**63 for number in state)
    assert not guard.take_replay()


def test_a_join_begins_anew() -> None:
    guard = UplinkGuard({})
    for counter in range(50):
        assert guard.admit(EUI, "a", counter, T + counter) == ""
    guard.joined(EUI, "b", "join-1", T + 60)
    assert guard.admit(EUI, "b", 0, T + 61) == ""
    assert guard.admit(EUI, "a", 49, T + 49) == "duplicate"  # told again of the session before
    assert guard.admit(EUI, "b", 0, T + 61) == "duplicate"
    assert guard.admit(EUI, "c", 0, T + 62) == ""  # the join itself was missed


def test_a_join_with_the_same_address_begins_anew_once() -> None:
    stored: dict[str, ReplayState] = {}
    guard = UplinkGuard({})
    for counter in range(5):
        guard.admit(EUI, "a", counter, T)
    guard.joined(EUI, "a", "join-1", T)
    assert guard.admit(EUI, "a", 0, T) == ""
    guard = after_restart(guard, stored)
    guard.joined(EUI, "a", "join-1", T)  # the broker tells it again
    assert guard.admit(EUI, "a", 0, T) == "duplicate"
    guard.joined(EUI, "a", "join-0", T - 100)  # an older one, from a broker that went back in time
    assert guard.admit(EUI, "a", 0, T) == "duplicate"


def test_an_abp_device_that_restarts_is_heard_again() -> None:
    guard = UplinkGuard({})
    for counter in range(100):
        guard.admit(EUI, "a", counter, T + counter)
    later = T + 99 + BEGINS_ANEW_AFTER_S + 1
    assert guard.admit(EUI, "a", 0, later - 2) == "replayed"  # too soon: may be a copy
    assert guard.admit(EUI, "a", 0, later) == ""
    assert guard.admit(EUI, "a", 1, later) == ""
    assert guard.admit(EUI, "a", 1, later) == "duplicate"
    guard.reset(EUI, later)  # the server says so itself
    assert guard.admit(EUI, "a", 0, later) == ""


@pytest.mark.parametrize("counter", [-1, 2**32, 10**30])
def test_an_impossible_counter(counter: int) -> None:
    assert UplinkGuard({}).admit(EUI, "a", counter, T) == "bad_counter"


def test_events_are_told_once() -> None:
    guard = UplinkGuard({})
    assert guard.is_new("up 1")
    assert not guard.is_new("up 1")
    assert guard.is_new("status 1")
    assert guard.is_new("")
    assert guard.is_new("")
    for number in range(MAX_RECENT):
        guard.is_new(str(number))
    assert guard.is_new("up 1")  # forgotten: memory is bounded
    stored: dict[str, ReplayState] = {}
    assert guard.is_another("status", EUI, "x")
    guard = after_restart(guard, stored)
    assert not guard.is_another("status", EUI, "x")
    assert guard.is_another("location", EUI, "x")
    assert guard.is_another("status", EUI, "y")


@given(
    st.dictionaries(st.text(max_size=20), st.tuples(st.integers(), st.integers()), max_size=5),
    st.tuples(st.integers(), st.integers()),
)
def test_stored_states_of_any_kind_do_no_harm(other: dict[str, ReplayState], state: ReplayState) -> None:
    guard = UplinkGuard(other | {"1" + EUI: state, "2" + EUI: state})
    guard.admit(EUI, "a", 7, T)
    assert guard.admit(EUI, "a", 7, T) == "duplicate"


@given(st.lists(st.tuples(st.integers(0, 200), st.booleans()), max_size=100))
def test_nothing_is_taken_twice_within_a_minute(frames: list[tuple[int, bool]]) -> None:
    guard = UplinkGuard({})
    stored: dict[str, ReplayState] = {}
    taken = []
    for counter, restart in frames:
        if restart:
            guard = after_restart(guard, stored)
        if not guard.admit(EUI, "a", counter, T):
            taken.append(counter)
    assert len(taken) == len(set(taken))
    assert not frames or taken
