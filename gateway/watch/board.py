"""What a post knows now, for whoever shows it: thread-safe, versioned, so that only what is new need be sent.

The watch writes (`hear`, `change`, `read_text`, `tell_post`, `tick`); any thread reads. Versions ascend by one with
each change that can be seen, and begin at a random number at each start of the gateway: a page that was open before it
is not mistaken for one that knows this board.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from firmware_bridge.readings import QUANTITY_BY_CODE, Kind
from firmware_bridge.sources import RadioText
from gateway.rules.book import SILENCE
from gateway.rules.facts import DETECTIONS, NOT_SENSORS, Change, Fact
from gateway.watch.words import (
    BoardChanges,
    BoardState,
    DetectionWord,
    PatrolWord,
    PostWord,
    SensorCard,
    SensorWord,
    TextWord,
)

MAX_DETECTIONS: Final = 100
MAX_TEXTS: Final = 20
MAX_INCIDENTS: Final = 500
POST_EVERY_S: Final = 30.0
MAX_SENSORS: Final = 1000
"""Sensors beyond this are not shown: the names on the air are not ours to bound otherwise."""
_SILENT_TIMES: Final = 3
_DAY_MS: Final = 86_400_000
_SLUGS: Final = {int(kind): kind.slug for kind in Kind}


def _machine_wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Board:
    """See the module. sensors: what is known of them beforehand; others join when they are heard. wall_ms: Unix time
    as the post knows it, as in what it is told: the machine's own clock may be wrong where a GPS is believed."""

    def __init__(self, sensors: Iterable[SensorCard] = (), *, wall_ms: Callable[[], int] = _machine_wall_ms) -> None:
        self._wall_ms = wall_ms
        self._news = threading.Condition()  # guards all that follows
        self._first = self._version = secrets.randbelow(2**32) + 1 << 20  # below 2**53: JavaScript counts no further
        self._steady_ms = 0
        self._deaf_since_ms, self._deaf_ms = -1, 0
        self._sensors: dict[str, tuple[int, SensorWord]] = {}  # each with the version of its last change
        for card in sensors:
            word = SensorWord(card.name, card.title or card.name, card.groups, expected_s=card.expected_s)
            self._sensors[card.name] = (self._first, word)
        self._incidents: dict[int, tuple[int, Change]] = {}
        self._gone: deque[tuple[int, int]] = deque(maxlen=MAX_INCIDENTS)
        self._detections: deque[tuple[int, DetectionWord]] = deque(maxlen=MAX_DETECTIONS)
        self._texts: deque[tuple[int, TextWord]] = deque(maxlen=MAX_TEXTS)
        self._silent: set[str] = set()  # as the rules say
        self._patrols: dict[str, PatrolWord] = {}
        self._patrols_version = self._first
        self._post: PostWord | None = None
        self._post_version = self._first
        self._post_told_at = 0.0
        self._numbers = 0

    # for whoever shows it

    def snapshot(self) -> BoardState:
        """All of it, now."""
        with self._news:
            return self._state()

    def wait_changes(self, after_version: int, timeout_s: float) -> BoardChanges | None:
        """What is new since a version, as soon as there is something; None when the time is up first. A version that is
        not of this start of the gateway (such as 0) gets all of it at once."""
        with self._news:
            if self._first <= after_version <= self._version and not self._news.wait_for(
                lambda: self._version > after_version, timeout_s
            ):
                return None
            return self._changes(after_version)

    def incident(self, number: int) -> Change | None:
        """One incident that it shows, with its last step."""
        with self._news:
            held = self._incidents.get(number)
            return held[1] if held is not None else None

    def unheard(self) -> tuple[str, ...]:
        """Sensors that it was told of beforehand and has not heard, by name."""
        with self._news:
            return tuple(sorted(name for name, (_, word) in self._sensors.items() if word.heard_steady_ms is None))

    def patrols_out(self) -> tuple[PatrolWord, ...]:
        """Who is out."""
        with self._news:
            return tuple(self._patrols.values())

    # for the watch

    def was_deaf(self, since_steady_ms: int, until_steady_ms: int) -> None:
        """The post was off meanwhile and heard nobody, which makes no sensor silent."""
        with self._news:
            self._deaf_since_ms, self._deaf_ms = since_steady_ms, max(0, until_steady_ms - since_steady_ms)

    def hear(self, fact: Fact, *, is_alert: bool = False) -> None:
        """A reading was heard, or a person did something."""
        reading = fact.reading
        with self._news:
            self._steady_ms = max(self._steady_ms, fact.steady_ms)
            if reading.kind == Kind.PATROL:
                self._patrol(fact)
            elif reading.kind not in NOT_SENSORS:
                self._sensor(fact)
                if reading.kind in DETECTIONS:
                    self._detection(fact, is_alert)

    def change(self, change: Change) -> None:
        """An incident took a step."""
        with self._news:
            version = self._bump()
            self._incidents[change.incident.number] = (version, change)
            if change.incident.label == SILENCE:
                is_over = change.incident.state == "closed"
                (self._silent.difference_update if is_over else self._silent.update)(change.incident.sensors)
            while len(self._incidents) > MAX_INCIDENTS:
                self._drop(min(self._incidents, key=self._matters), version)

    def read_text(self, source: str, text: RadioText, wall_ms: int) -> None:
        """A person wrote on a radio."""
        with self._news:
            self._numbers += 1
            heard_ms = wall_ms - round(text.age_s * 1000)
            word = TextWord(self._numbers, heard_ms, source, text.sender, text.text, text.channel, text.is_known)
            self._texts.append((self._bump(), word))

    def tell_post(self, post: PostWord) -> None:
        """How the post itself fares. Only what a person would call news makes a new version, or that it is a while."""
        with self._news:
            now = time.monotonic()
            is_news = _essence(post) != _essence(self._post) or now - self._post_told_at >= POST_EVERY_S
            self._post = post
            if is_news:
                self._post_told_at = now
                self._post_version = self._bump()

    def tick(self, steady_ms: int) -> None:
        """Time has passed: sensors fall silent, patrols are overdue, incidents are of yesterday."""
        with self._news:
            self._steady_ms = max(self._steady_ms, steady_ms)
            for name, (_, word) in self._sensors.items():
                if word.is_silent != self._is_silent(word):
                    silent = msgspec.structs.replace(word, is_silent=not word.is_silent)
                    self._sensors[name] = (self._bump(), silent)
            if over := [name for name, patrol in self._patrols.items() if patrol.until_steady_ms <= self._steady_ms]:
                for name in over:
                    del self._patrols[name]
                self._patrols_version = self._bump()
            old = [
                number
                for number, (_, change) in self._incidents.items()
                if not self._is_open(number) and self._steady_ms - change.incident.last_steady_ms > _DAY_MS
            ]
            if old:
                version = self._bump()
                for number in old:
                    self._drop(number, version)

    # with the lock held

    def _bump(self) -> int:
        self._version += 1
        self._news.notify_all()
        return self._version

    def _is_open(self, number: int) -> bool:
        return self._incidents[number][1].incident.state != "closed"

    def _matters(self, number: int) -> tuple[bool, bool, int]:
        """The least goes first: what is closed, what rings nobody, what is old."""
        incident = self._incidents[number][1].incident
        rings = incident.level == "alert" and incident.state == "open" and not incident.suppressed_by
        return incident.state != "closed", rings, number

    def _drop(self, number: int, version: int) -> None:
        del self._incidents[number]
        self._gone.append((version, number))

    def _is_silent(self, word: SensorWord) -> bool:
        if word.name in self._silent:
            return True
        if word.expected_s is None or word.heard_steady_ms is None:
            return False
        deaf_ms = self._deaf_ms if word.heard_steady_ms <= self._deaf_since_ms else 0
        return self._steady_ms - word.heard_steady_ms - deaf_ms > word.expected_s * 1000 * _SILENT_TIMES

    def _sensor(self, fact: Fact) -> None:
        reading = fact.reading
        held = self._sensors.get(reading.sensor)
        if held is None and len(self._sensors) >= MAX_SENSORS:
            return
        word = held[1] if held is not None else SensorWord(reading.sensor, reading.sensor)
        self._silent.discard(reading.sensor)
        values = reading.values()
        self._sensors[reading.sensor] = (
            self._bump(),
            SensorWord(
                name=word.name,
                title=word.title,
                groups=word.groups,
                kind=_SLUGS.get(reading.kind, str(reading.kind)),
                label=reading.label,
                values=values,
                note=reading.note,
                heard_ms=fact.wall_ms - reading.age_ms,
                late_s=reading.age_ms / 1000,
                quality=fact.quality,
                heard_steady_ms=fact.steady_ms,
                battery_ratio=values.get("battery_ratio", word.battery_ratio),
                battery_volts=values.get("battery_volts", word.battery_volts),
                rssi_dbm=values.get("rssi_dbm", word.rssi_dbm),
                expected_s=word.expected_s,
            ),
        )

    def _detection(self, fact: Fact, is_alert: bool) -> None:
        reading = fact.reading
        self._numbers += 1
        word = DetectionWord(
            self._numbers,
            reading.sensor,
            _SLUGS[reading.kind],
            reading.label,
            reading.values(),
            fact.wall_ms - reading.age_ms,
            fact.quality,
            reading.note,
            is_alert,
        )
        self._detections.append((self._version, word))

    def _patrol(self, fact: Fact) -> None:
        reading = fact.reading
        if reading.label == "out":
            away_ms = 0
            for code, steps in zip(reading.codes, reading.steps, strict=True):
                if QUANTITY_BY_CODE[code].name == "duration_seconds":
                    away_ms = round(QUANTITY_BY_CODE[code].from_steps(steps) * 1000)
            self._patrols[reading.sensor] = PatrolWord(
                reading.sensor, fact.wall_ms, fact.wall_ms + away_ms, fact.steady_ms + away_ms, reading.note
            )
        elif self._patrols.pop(reading.sensor, None) is None:
            return
        self._patrols_version = self._bump()

    def _aged(self, word: SensorWord) -> SensorWord:
        if word.heard_steady_ms is None:
            return word
        return msgspec.structs.replace(word, age_s=max(0, self._steady_ms - word.heard_steady_ms) / 1000)

    def _state(self) -> BoardState:
        return BoardState(
            version=self._version,
            made_ms=self._wall_ms(),
            incidents=tuple(change for _, (_, change) in sorted(self._incidents.items(), reverse=True)),
            sensors=tuple(self._aged(word) for _, (_, word) in sorted(self._sensors.items())),
            detections=tuple(word for _, word in reversed(self._detections)),
            patrols_out=tuple(self._patrols.values()),
            texts=tuple(word for _, word in reversed(self._texts)),
            post=self._post,
            steady_ms=self._steady_ms,
        )

    def _changes(self, after: int) -> BoardChanges:
        state = self._state()
        if not self._first <= after <= self._version:
            return BoardChanges(
                state.version,
                state.made_ms,
                True,
                state.incidents,
                (),
                state.sensors,
                state.detections,
                state.patrols_out,
                state.texts,
                state.post,
                state.steady_ms,
            )
        return BoardChanges(
            version=state.version,
            made_ms=state.made_ms,
            is_whole=False,
            incidents=tuple(one for one in state.incidents if self._incidents[one.incident.number][0] > after),
            gone=tuple(number for version, number in self._gone if version > after),
            sensors=tuple(word for word in state.sensors if self._sensors[word.name][0] > after),
            detections=tuple(word for version, word in reversed(self._detections) if version > after),
            patrols_out=state.patrols_out if self._patrols_version > after else None,
            texts=tuple(word for version, word in reversed(self._texts) if version > after),
            post=self._post if self._post_version > after else None,
            steady_ms=state.steady_ms,
        )


def _essence(post: PostWord | None) -> object:
    """Of how the post fares, what a person would call news."""
    if post is None:
        return None
    return (
        post.clock.quality,
        post.link.link,
        post.link.trouble,
        post.outbox.by_lane,
        post.outbox.trouble,
        post.outputs,
        post.troubles,
        [(source.name, source.standing) for source in post.sources],
    )
