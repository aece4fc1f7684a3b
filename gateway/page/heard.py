"""What was heard or seen lately: what nobody was warned of yet, and the last detections, alike ones in one line."""

from __future__ import annotations

from typing import Final, NamedTuple

from firmware_bridge.readings import LABELS, Kind
from gateway.page import phrases, pictograms
from gateway.page.languages import Language
from gateway.place.place import Place
from gateway.rules.book import BOATS
from gateway.rules.facts import Incident
from gateway.watch.words import BoardState, DetectionWord

LATELY_MS: Final = 15 * 60_000
"""A motor that was heard by one sensor is no passage yet, and will be one within this if it comes near."""
_STILL_MS: Final = 2 * 60_000
_ALIKE_MS: Final = 30 * 60_000
_MOST_HEARD: Final = 12
_MATTERS: Final = frozenset((*BOATS, *(label.name for label in LABELS.values() if label.alert)))
_BOAT: Final = "boat"


class UntoldRow(NamedTuple):
    """Something that matters, at one sensor, of which no incident tells. words: since when."""

    sensor: str
    pictogram: str
    title: str
    place: str
    words: str


class HeardRow(NamedTuple):
    """Detections of one label at one sensor, on one line. when: of the last, with how many there are."""

    pictogram: str
    title: str
    place: str
    when: str


def untold_rows(state: BoardState, place: Place, say: Language) -> list[UntoldRow]:
    """What was heard or seen in the last quarter of an hour and matters, without an incident; the last first."""
    told = _told(state)
    found: dict[tuple[str, str], list[DetectionWord]] = {}
    for word in state.detections:  # newest first
        if not (word.is_alert or word.label in _MATTERS) or state.made_ms - word.heard_ms > LATELY_MS:
            continue
        until_ms = told.get((word.sensor, _class_of(word.label)))
        if until_ms is None or word.heard_ms > until_ms:
            found.setdefault((word.sensor, word.label), []).append(word)
    return [
        UntoldRow(
            sensor,
            pictograms.of_label(label),
            say.label(label),
            place.title(sensor),
            _since(state.made_ms, words, say),
        )
        for (sensor, label), words in found.items()
    ]


def heard_rows(state: BoardState, place: Place, say: Language) -> list[HeardRow]:
    """The last detections, newest first; those that are alike and follow each other within half an hour are one."""
    rows: list[list[DetectionWord]] = []
    open_of: dict[tuple[str, str], list[DetectionWord]] = {}
    for word in state.detections:
        alike = open_of.get((word.sensor, word.label))
        if alike is not None and abs(alike[-1].heard_ms - word.heard_ms) <= _ALIKE_MS:
            alike.append(word)
            continue
        rows.append([word])
        open_of[word.sensor, word.label] = rows[-1]
    return [
        HeardRow(
            pictograms.of_label(row[0].label),
            say.label(row[0].label),
            place.title(row[0].sensor),
            _when(row, state, say),
        )
        for row in rows[:_MOST_HEARD]
    ]


def _told(state: BoardState) -> dict[tuple[str, str], float]:
    """Sensor and class of label to the time until which incidents tell of it: for ever while one is open, and while it
    is held back, since a person or the rain said so."""
    told: dict[tuple[str, str], float] = {}
    for change in state.incidents:
        incident = change.incident
        until_ms = float("inf") if incident.state != "closed" else incident.last_ms
        for sensor in incident.sensors:
            key = (sensor, _class_of(_label_of(incident)))
            told[key] = max(until_ms, told.get(key, 0.0))
    return told


def _label_of(incident: Incident) -> str:
    return _BOAT if incident.passage is not None else incident.label


def _class_of(label: str) -> str:
    """A motor and the boat that it is of are told as one."""
    return _BOAT if label in BOATS else label


def _since(now_ms: int, words: list[DetectionWord], say: Language) -> str:
    last_ms, first_ms = words[0].heard_ms, min(word.heard_ms for word in words)
    is_seen = words[0].kind == Kind.CAMERA_DETECTION.slug
    if now_ms - last_ms > _STILL_MS:
        ago = phrases.ago(say, (now_ms - last_ms) / 1000)
        return (
            say("se vio %(ago)s (aún sin aviso)", ago=ago)
            if is_seen
            else say("se oyó %(ago)s (aún sin aviso)", ago=ago)
        )
    ago = phrases.ago(say, (now_ms - first_ms) / 1000)
    return (
        say("se ve desde %(ago)s (aún sin aviso)", ago=ago)
        if is_seen
        else say("se oye desde %(ago)s (aún sin aviso)", ago=ago)
    )


def _when(row: list[DetectionWord], state: BoardState, say: Language) -> str:
    last = phrases.at(say, row[0].heard_ms, state.made_ms)
    if len(row) == 1:
        return last
    return say("%(n)s veces, la última %(hour)s", n=len(row), hour=last)
