"""Which series each station has: what it may add is bounded, what it has it keeps.

A database gives memory to each series for ever, and one that is full of them takes new ones of nobody (InfluxDB 1.x:
`max-series-per-database`). Sensor names and labels are a station's own words, so that one broken or hostile post could
make a hundred thousand in a minute.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from firmware_bridge.readings import Kind
from gateway.contract.entries import Group, TimeQuality
from ingest.journal.database import connect, transaction

_KNOWN_QUALITIES: Final = frozenset(int(quality) for quality in TimeQuality)


class Series(NamedTuple):
    """One of a station's. quality: of the time, where it is one that we do not know, else 0: those that we know are
    few, and a sensor may go through all of them."""

    kind: int
    sensor: str
    label: str
    quality: int


class SeriesBook:
    """The series of every station, in the journal's file. For one thread. most: that a station may have; answers to
    commands, of which each has a series of its own, are bounded apart by as many."""

    def __init__(self, path: Path, most: int) -> None:
        self._path = path
        self._most = most
        self._db: sqlite3.Connection | None = None
        self._known: dict[str, set[Series]] = {}
        self._answers: dict[str, int] = {}
        self._new: list[tuple[str, Series]] = []

    def open(self) -> None:
        """Open and read. Raises JournalError or sqlite3.Error."""
        self._db = connect(self._path, "NORMAL")
        self._known.clear()
        self._answers.clear()
        self._new.clear()
        for station, *series in self._db.execute("SELECT station, kind, sensor, label, quality FROM series"):
            self._note(station, Series(*series))

    def close(self) -> None:
        """Close."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def refused(self, station: str, group: Group) -> frozenset[Series]:
        """Those series of a group that would be too many for the station; the others are its own from now on, on disk
        after `keep`."""
        strange = _series_of(group) - self._known.get(station, set())
        refused = []
        for series in sorted(strange):
            if self._count(station, series) >= self._most:
                refused.append(series)
            else:
                self._note(station, series)
                self._new.append((station, series))
        return frozenset(refused)

    def keep(self) -> None:
        """Write down what is new. Raises sqlite3.Error: then call it again later."""
        if not self._new:
            return
        if self._db is None:
            raise RuntimeError("the book of series is not open")
        with transaction(self._db):
            self._db.executemany(
                "INSERT OR IGNORE INTO series VALUES (?, ?, ?, ?, ?)",
                [(station, *series) for station, series in self._new],
            )
        self._new.clear()

    def _note(self, station: str, series: Series) -> None:
        self._known.setdefault(station, set()).add(series)
        if series.kind == Kind.COMMAND_ANSWER:
            self._answers[station] = self._answers.get(station, 0) + 1

    def _count(self, station: str, series: Series) -> int:
        answers = self._answers.get(station, 0)
        if series.kind == Kind.COMMAND_ANSWER:
            return answers
        return len(self._known.get(station, ())) - answers


def series_of_each(group: Group) -> list[Series]:
    """The series of each entry of a group."""
    kind = int(group.kind)
    return [
        Series(kind, sensor, label, 0 if quality in _KNOWN_QUALITIES else quality)
        for sensor, label, quality in zip(group.sensors, group.labels, group.qualities, strict=True)
    ]


def named(series: Iterable[Series]) -> str:
    """A few of them, for a person."""
    some = sorted(series)[:3]
    return ", ".join(f"{one.sensor!r} {one.label!r}" if one.label else repr(one.sensor) for one in some)


def _series_of(group: Group) -> set[Series]:
    kind = int(group.kind)
    keys = set(zip(group.sensors, group.labels, group.qualities, strict=True))  # few, of many entries
    return {
        Series(kind, sensor, label, 0 if quality in _KNOWN_QUALITIES else quality) for sensor, label, quality in keys
    }
