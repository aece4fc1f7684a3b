"""A subscriber of the test's own, in a thread, on a real journal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingest.journal.journal import Journal
from ingest.settings import BrokerSettings
from ingest.subscriber.subscriber import Subscriber
from tests.support.waiting import wait_until

StartSubscriber = Callable[..., "Running"]


class Running:
    """A running subscriber and its journal. `stop` may be called before the end of the test."""

    def __init__(self, path: Path, port: int, **settings: object) -> None:
        self.journal = Journal(path)
        self.journal.open()
        broker = BrokerSettings.model_validate({"host": "127.0.0.1", "port": port, "tls": False, **settings})
        self.subscriber = Subscriber(broker, self.journal, keep_days=30, news=lambda: None, seed=1)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.subscriber.run, args=(self._stop,), name="subscriber")
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10.0)
        assert not self._thread.is_alive()
        self.journal.close()

    def wait_connected(self) -> None:
        wait_until("it is subscribed", lambda: self.subscriber.connected)

    def accounts(self) -> dict[str, int]:
        """Messages received, and what became of them: the sum must come out."""
        counts = self.subscriber.counts.copy()
        fates = ("journaled_messages", "duplicate_messages", "refused_messages")
        assert counts["received_messages"] == sum(counts[fate] for fate in fates)
        return {name: counts[name] for name in ("received_messages", *fates)}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartSubscriber]:
    """Starts a subscriber at a broker's port; further arguments are [broker] settings. Stopped after the test."""
    started: list[Running] = []

    def begin(port: int, *, journal: str = "journal.db", **settings: object) -> Running:
        running = Running(tmp_path / journal, port, **settings)
        started.append(running)
        return running

    yield begin
    for running in started:
        running.stop()
