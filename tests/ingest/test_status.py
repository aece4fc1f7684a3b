"""What the API is told of the posts' links: each post's own word, as far as it can be true."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from gateway.contract.states import StationState
from ingest.api.status import StationLink
from ingest.journal.journal import Journal
from ingest.settings import BrokerSettings
from ingest.status import ServiceStatus
from ingest.subscriber.subscriber import Subscriber
from tests.ingest.messages import NOON_MS


@pytest.mark.parametrize(
    ("state", "link"),
    [
        (StationState("a", "up", since_ms=NOON_MS), StationLink("up", NOON_MS)),
        (StationState("a", "down"), StationLink("down")),  # a last will
        (
            StationState("a", "down", since_ms=NOON_MS, reason="window_over", next_ms=NOON_MS + 1),
            StationLink("down", NOON_MS, reason="window_over", next_ms=NOON_MS + 1),
        ),
        (StationState("a", "down", reason="budget_spent"), StationLink("down", reason="budget_spent")),
        (StationState("a", "up", reason="stopped", next_ms=NOON_MS), StationLink("up")),  # open is not closed
        (StationState("a", "down", since_ms=-5, reason="x", next_ms=2**52), StationLink("down", reason="x")),
    ],
)
def test_a_link_is_what_the_post_says(tmp_path: Path, state: StationState, link: StationLink) -> None:
    subscriber = Subscriber(BrokerSettings(tls=False), Journal(tmp_path / "journal.db"), keep_days=1, news=lambda: None)
    subscriber.states["a"] = state
    status = ServiceStatus(subscriber, [], Counter(), Counter())
    assert status.station_links() == {"a": link}
