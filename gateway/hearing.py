"""What each source does and has given since the gateway started, for the board and for `vigia doctor`."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence

from firmware_bridge.sources import Delivery, SourceSettings, SourceStanding
from gateway.speakers import Speakers
from gateway.watch.words import SourceWord


class Hearing:
    """Safe to call from any thread. speakers: the sources that run."""

    def __init__(self, sources: Sequence[SourceSettings], speakers: Speakers) -> None:
        self._drivers = {source.name: source.driver for source in sources}
        self._speakers = speakers
        self._lock = threading.Lock()
        self._accepted: Counter[str] = Counter()

    def heard(self, delivery: Delivery) -> None:
        """A source delivered this, and it was taken in."""
        if delivery.readings:
            with self._lock:
                self._accepted[delivery.source] += len(delivery.readings)

    def sources(self) -> tuple[SourceWord, ...]:
        """Each source of the settings, in their order. One that does not run now is starting."""
        with self._lock:
            accepted = self._accepted.copy()
        standings = self._speakers.standings()
        starting = (SourceStanding.STARTING, "")
        return tuple(
            SourceWord(name, driver, standing.value, words, accepted[name])
            for name, driver in self._drivers.items()
            for standing, words in (standings.get(name, starting),)
        )


def configured_sensors(sources: Iterable[SourceSettings]) -> list[str]:
    """The names of the sensors that the settings name: devices, recorders, the one of packets without a sender, a GPS,
    and of a source of files without recorders the one that all are entered under. Each once, in order."""
    names: dict[str, None] = {}
    for source in sources:
        own = [*getattr(source, "devices", ()), *getattr(source, "recorders", ())]
        if (default := getattr(source, "default", None)) is not None:
            own.append(default)
        names |= dict.fromkeys(one.name for one in own)
        if not getattr(source, "recorders", ()) and "sensor" in type(source).model_fields:
            names[getattr(source, "sensor", None) or source.name] = None
    return list(names)
