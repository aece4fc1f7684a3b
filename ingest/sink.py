"""The InfluxDB sink: journal messages to points.

Writing a message again changes nothing in the database (`ingest.schema`), so the runner that reads the journal may
hand the same messages over as often as it must.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from itertools import compress
from operator import and_
from typing import Final

import msgspec

from gateway.contract.batches import decode_groups, decode_head, station_digest
from gateway.contract.entries import Group, TimeQuality
from gateway.contract.rows import MAX_TIME_MS
from gateway.contract.topics import ContractError
from ingest.clock import HeadquartersClock
from ingest.influx.policy import BATCH_LINES, write_all
from ingest.influx.settings import BELIEVE_DAYS_BACK
from ingest.influx.writer import PointWriter
from ingest.journal.series import Series, SeriesBook, named, series_of_each
from ingest.line_protocol import group_lines, tally_lines
from ingest.messages import DeadLetter, JournalMessage
from ingest.registry import Registry

_DAY_MS: Final = 24 * 3600 * 1000
_AHEAD_MS: Final = _DAY_MS
"""How far in the future an entry's time may lie when its message comes: a clock may be set to the wrong time zone."""


class InfluxSink:
    """Writes the fresh entries of messages to one bucket. For one thread at a time.

    believe_days_back: entries that are older than this, or more than a day ahead, both when their message came and now,
    are not written: InfluxDB opens a shard for each week that a time falls into, and some thousands of them cripple it
    for everybody. Both are asked, since headquarters' own clock may have been wrong when a message came. While `clock`
    says that it is plainly wrong now, the sink waits. An entry whose post did not know the time at all, and whose
    bounds reach to its arrival, is written at its arrival, with bounds as wide as that: an alert of a new post must be
    seen. series: open; entries of series that it refuses are not written.
    """

    name: Final = "influxdb"

    def __init__(
        self,
        writer: PointWriter,
        bucket: str,
        registry: Registry,
        *,
        believe_days_back: int = BELIEVE_DAYS_BACK,
        clock: HeadquartersClock | None = None,
        series: SeriesBook | None = None,
    ) -> None:
        self._writer = writer
        self._bucket = bucket
        self._registry = registry
        self._clock = clock if clock is not None else HeadquartersClock()
        self._back_ms = believe_days_back * _DAY_MS
        self._series = series

    def write(self, messages: Sequence[JournalMessage]) -> list[DeadLetter]:
        """Store them, many to a request, and return what can never be stored as it is.

        Raises RetryLater when the database is away or headquarters' clock wrong, sqlite3.Error when the disk does not
        take the names of new series: nothing is decided then, call again with the same messages.
        """
        now_ms = self._clock.require()
        dead: list[DeadLetter] = []
        waiting: list[str] = []
        origins: list[tuple[int, JournalMessage]] = []  # how many lines of `waiting` come from which message
        for message in messages:
            try:
                lines, left_out = self._lines(message, now_ms)
            except ContractError as error:
                dead.append(self._dead(message, error.reason, error.detail))
                continue
            dead += (self._dead(message, reason, detail) for reason, detail in left_out)
            if lines:
                waiting += lines
                origins.append((len(lines), message))
            if len(waiting) >= BATCH_LINES:
                self._flush(waiting, origins, dead)
                waiting, origins = [], []
        self._flush(waiting, origins, dead)
        return dead

    def write_tallies(self, counters: Mapping[tuple[str, str], int], time_ns: int) -> None:
        """Store what headquarters itself discarded, by (stage, reason). Raises RetryLater or Refused."""
        if counters:
            self._clock.require()
            self._writer.write(self._bucket, "\n".join(tally_lines(counters, time_ns)).encode())

    def close(self) -> None:
        """Let the writer's connections go."""
        self._writer.close()

    def _lines(self, message: JournalMessage, now_ms: int) -> tuple[list[str], list[tuple[str, str]]]:
        """The points of a message's fresh entries that may be stored, and why others are left out: reasons and details.
        Raises ContractError."""
        registered = self._registry.territory_of(message.station)
        territory = message.territory or registered
        if registered is None or territory is None:
            raise ContractError(
                "unknown_station", f"{message.station!r} is not in the registry; add it and drive this message again"
            )
        head = decode_head(message.payload)
        if head.station_digest != station_digest(message.station):
            raise ContractError("wrong_station", f"a message of another station on the topic of {message.station!r}")
        all_fresh = message.fresh == head.ranges
        came = range(message.received_ms - self._back_ms, message.received_ms + _AHEAD_MS + 1)
        present = range(now_ms - self._back_ms, now_ms + _AHEAD_MS + 1)
        lines: list[str] = []
        strange: list[int] = []
        too_many: set[Series] = set()
        for told in decode_groups(message.payload, head):
            group = _placed(told, message.received_ms, came)
            made = group_lines(group, territory=territory, station=message.station, epoch=head.epoch)
            refused = self._series.refused(message.station, group) if self._series is not None else frozenset()
            if all_fresh and not refused and min(group.times_ms) in came and max(group.times_ms) in came:
                lines += made
                continue
            fresh = [all_fresh or sequence in message.fresh for sequence in group.sequences]
            if refused:
                too_many |= refused
                fresh = [new and one not in refused for new, one in zip(fresh, series_of_each(group), strict=True)]
            believed = [time_ms in came or time_ms in present for time_ms in group.times_ms]
            lines += compress(made, map(and_, fresh, believed))
            strange += (ms for ms, new, good in zip(group.times_ms, fresh, believed, strict=True) if new and not good)
        left_out = [("implausible_time", self._strange(strange))] if strange else []
        return lines, left_out + ([("too_many_series", _too_many(message.station, too_many))] if too_many else [])

    def _strange(self, times_ms: list[int]) -> str:
        first, last = (time.strftime("%Y-%m-%d", time.gmtime(ms / 1000)) for ms in (min(times_ms), max(times_ms)))
        return (
            f"entries not written: {len(times_ms)}, of {first} to {last}, more than {self._back_ms // _DAY_MS} days"
            " before the message came, and before now, or a day after; if they are right, raise [influx]"
            " believe_days_back, restart, and drive this message again. If the clock of headquarters was wrong, set it,"
            " and drive this message again"
        )

    def _flush(self, lines: list[str], origins: list[tuple[int, JournalMessage]], dead: list[DeadLetter]) -> None:
        if self._series is not None:
            self._series.keep()  # before they are: what a database has is known, whatever dies
        refused: dict[str, tuple[str, str]] = {}
        write_all(
            self._writer, self._bucket, lines, lambda line, reason, detail: refused.update({line: (reason, detail)})
        )
        if not refused:
            return
        at = 0
        for count, message in origins:
            for line in lines[at : at + count]:
                if line in refused:
                    reason, detail = refused.pop(line)
                    dead.append(self._dead(message, reason, detail, line.encode()))
            at += count

    def _dead(self, message: JournalMessage, reason: str, detail: str, payload: bytes | None = None) -> DeadLetter:
        return DeadLetter(
            self.name, reason, detail, message.topic, message.payload if payload is None else payload, message.id
        )


def _placed(group: Group, received_ms: int, came: range) -> Group:
    """The entries of a group. Those of a time that nobody vouches for, and that cannot be, are put at the arrival of
    their message if that lies within their bounds. The journal keeps the arrival: the point is the same each time,
    unless the message is taken anew, by another process that shares the load or because the journal has forgotten it.
    """
    strangers = [
        at
        for at, (time_ms, quality) in enumerate(zip(group.times_ms, group.qualities, strict=True))
        if quality == TimeQuality.UNTRUSTED and time_ms not in came
    ]
    times_ms, bounds_ms = list(group.times_ms), list(group.uncertainties_ms)
    for at in strangers:
        off_ms = abs(received_ms - times_ms[at])
        if off_ms <= bounds_ms[at]:
            times_ms[at], bounds_ms[at] = received_ms, min(MAX_TIME_MS, bounds_ms[at] + off_ms)
    return msgspec.structs.replace(group, times_ms=times_ms, uncertainties_ms=bounds_ms) if strangers else group


def _too_many(station: str, series: Collection[Series]) -> str:
    return (
        f"{station!r} has as many series (sensor, kind and label) as a station may have; not written: {len(series)}"
        f" more, such as {named(series)}. If it really has so many, raise [influx] series_per_station, restart, and"
        " drive this message again; if not, see what makes names at that post"
    )
