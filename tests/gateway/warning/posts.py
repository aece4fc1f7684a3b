"""Outputs for tests: run each in a thread of its own, with what they count."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from gateway.place.place import Place
from gateway.rules.words import words
from gateway.speakers import Speakers
from gateway.warning.settings import WarningSettings
from gateway.warning.warnings import Warnings
from gateway.watch.words import OutputWord

LIMA = ZoneInfo("America/Lima")


class Post:
    """Outputs of these settings. counts: what they discarded."""

    def __init__(
        self,
        settings: Sequence[dict[str, object]],
        speakers: Speakers | None = None,
        is_time_known: Callable[[], bool] = lambda: True,
    ) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.warnings = Warnings(
            TypeAdapter(list[WarningSettings]).validate_python(list(settings)),
            station="puesto-1",
            words=lambda change, lang: words(change, lang, Place()),
            zone=LIMA,
            speakers=speakers or Speakers(),
            count=self.counts.update,
            is_time_known=is_time_known,
        )

    def state(self, name: str) -> OutputWord:
        return next(state for state in self.warnings.states() if state.name == name)

    @contextmanager
    def running(self) -> Iterator[Post]:
        """Its outputs run."""
        stop = threading.Event()
        threads = [threading.Thread(target=desk.run, args=(stop,), name=desk.name) for desk in self.warnings.desks]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            stop.set()
            for thread in threads:
                thread.join(10.0)


@contextmanager
def running(
    *settings: dict[str, object],
    speakers: Speakers | None = None,
    is_time_known: Callable[[], bool] = lambda: True,
) -> Iterator[Post]:
    """A post whose outputs run."""
    with Post(settings, speakers, is_time_known).running() as post:
        yield post
