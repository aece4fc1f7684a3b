"""What a post heard: its history file, or facts as lines of JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from deploy.doctor.sqlite_files import DamagedError, Rows, TooSlowError, ask
from deploy.errors import DeployError
from deploy.language import Language, Text, system_words
from firmware_bridge.readings import Reading
from gateway.rules.facts import Fact, Incident
from gateway.watch.history_file import APPLICATION_ID

_CHUNK: Final = 5000
_LONGEST_S: Final = 600.0
_MAX_LINE_BYTES: Final = 64 * 1024

Progress = Callable[[int, int], None]
"""Told how many are read, of how many."""


class Past(NamedTuple):
    """facts: oldest first. incidents: each as it stood last; None where only facts are known. unread: facts that could
    not be read."""

    facts: list[Fact]
    incidents: list[Incident] | None
    unread: int


def read_past(path: Path, span_ms: int, progress: Progress, language: Language) -> Past:
    """The last span_ms of what was heard, by the post's steady time. Raises DeployError with words for a person."""
    try:
        with path.open("rb") as file:
            is_sqlite = file.read(16).startswith(b"SQLite format 3")
        if not is_sqlite:
            return _of_lines(path, span_ms, language)
        return ask(path, APPLICATION_ID, lambda rows: _of_history(rows, span_ms, progress), within_s=_LONGEST_S)
    except OSError as error:
        said = system_words(error)(language)
        words = Text(f"{path}: no se puede leer ({said})", f"{path}: cannot be read ({said})")
    except DamagedError as error:
        words = Text(f"{path} no es la historia de un puesto: {error}", f"{path} is not the history of a post: {error}")
    except TooSlowError:
        words = Text(f"{path}: la lectura tarda demasiado", f"{path}: reading it takes too long")
    raise DeployError(words(language))


def _of_history(rows: Rows, span_ms: int, progress: Progress) -> Past:
    decode = msgspec.msgpack.Decoder(Reading).decode
    decode_incident = msgspec.msgpack.Decoder(Incident).decode
    facts: list[Fact] = []
    unread = 0
    ((last_ms, low, high),) = rows("SELECT max(steady_ms), min(id), max(id) FROM fact")
    since_ms = (last_ms or 0) - span_ms
    at = (low or 0) - 1
    while high is not None and at < high:
        chunk = rows(
            f"SELECT id, steady_ms, wall_ms, quality, body FROM fact WHERE id > {at} ORDER BY id LIMIT {_CHUNK}"  # noqa: S608 - whole numbers of ours
        )
        for _, steady_ms, wall_ms, quality, body in chunk:
            if steady_ms >= since_ms:
                fact = _decoded(lambda body=body: decode(body), steady_ms, wall_ms, quality)  # type: ignore[misc]  # bound now
                if fact is None:
                    unread += 1
                else:
                    facts.append(fact)
        at = chunk[-1][0] if chunk else high
        progress(at - low + 1, high - low + 1)
    incidents: list[Incident] = []
    for (body,) in rows("SELECT body FROM incident ORDER BY number"):
        try:
            incidents.append(decode_incident(body))
        except msgspec.DecodeError:
            unread += 1
    return Past(facts, incidents, unread)


def _decoded(reading: Callable[[], Reading], steady_ms: Any, wall_ms: Any, quality: Any) -> Fact | None:
    try:
        return Fact(int(steady_ms), int(wall_ms), int(quality), reading())
    except (msgspec.DecodeError, ValueError, TypeError):
        return None


def _of_lines(path: Path, span_ms: int, language: Language) -> Past:
    decode = msgspec.json.Decoder(Fact).decode
    facts = []
    for number, line in _lines(path):
        if not line.strip():
            continue
        try:
            facts.append(decode(line))
        except msgspec.DecodeError as error:
            words = Text(
                f"{path}, línea {number}: no es un hecho [tiempo, hora, calidad, [lectura]]",
                f"{path}, line {number}: not a fact [steady, wall, quality, [reading]]: {error}",
            )
            raise DeployError(words(language)) from error
    facts.sort(key=lambda fact: fact.steady_ms)
    since_ms = facts[-1].steady_ms - span_ms if facts else 0
    return Past([fact for fact in facts if fact.steady_ms >= since_ms], None, 0)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(_MAX_LINE_BYTES):
            number += 1
            yield number, line
