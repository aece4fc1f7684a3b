"""A link that does not come is tried ever later, and said once."""

from __future__ import annotations

import logging
import time

import pytest

from firmware_bridge.links.link_standing import LinkStanding, LinkState

log = logging.getLogger(__name__)


def standing() -> LinkStanding:
    made = LinkStanding("line", log, lambda: f"it is {made.state.value}: {made.trouble}", lambda: 1.0, 10.0)
    return made


@pytest.mark.expects_warnings
def test_back_off_doubles_to_the_longest_until_the_link_has_proved_itself(caplog: pytest.LogCaptureFixture) -> None:
    link = standing()
    waits = []
    for _ in range(9):
        now = time.monotonic()
        link.failed("none")
        waits.append(link.next_try - now)
    assert waits == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10, 10], abs=0.05)
    assert [record.getMessage() for record in caplog.records] == ["line: it is waiting_for_port: none"]
    link.opened()
    link.read(b"")
    link.lost("gone")
    assert link.next_try - time.monotonic() > 9  # it was open, and said nothing
    link.opened()
    link.read(b"x")
    link.lost("gone")
    assert link.next_try - time.monotonic() < 0.3
    assert link.state is LinkState.LOST
