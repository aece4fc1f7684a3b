"""No counter is admitted twice, within the window or beyond it, across restarts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.framing.replay_guard import WINDOW, ReplayGuard
from firmware_bridge.readings import BridgeError


def test_in_order_out_of_order_and_again() -> None:
    guard = ReplayGuard({})
    assert [guard.admit(1, n) for n in (5, 3, 5, 3, 4, 69, 5, 6, 6)] == [
        "",
        "",
        "duplicate",
        "duplicate",
        "",
        "",
        "replayed",
        "",
        "duplicate",
    ]
    assert guard.admit(2, 5) == ""
    assert guard.admit(1, 0) == "bad_counter"
    assert guard.state(3) == (0, 0)


@given(st.lists(st.one_of(st.integers(0, 300), st.integers(2**32 - 80, 2**32 - 1)), max_size=200), st.data())
def test_it_does_what_a_set_and_a_highest_would(counters: list[int], data: st.DataObject) -> None:
    """Against the obvious model, with restarts from the exported state anywhere."""
    guard = ReplayGuard({})
    seen: set[int] = set()
    for counter in counters:
        highest = max(seen, default=0)
        if counter == 0:
            expected = "bad_counter"
        elif counter <= highest - WINDOW:
            expected = "replayed"
        elif counter in seen:
            expected = "duplicate"
        else:
            expected = ""
            seen.add(counter)
        assert guard.admit(7, counter) == expected
        highest, bitmap = guard.state(7)
        assert highest == max(seen, default=0)
        assert 0 <= bitmap < 2**63  # fits a signed 64-bit column
        if data.draw(st.booleans()):
            guard = ReplayGuard({7: (highest, bitmap)})


@pytest.mark.parametrize("state", [(-1, 0), (2**32, 0), (1, -1), (1, 2**63)])
def test_a_state_that_cannot_be_is_refused(state: tuple[int, int]) -> None:
    with pytest.raises(BridgeError, match="not a replay state"):
        ReplayGuard({1: state})
