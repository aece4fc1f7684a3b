"""The file of what outputs have been told to give and have not given: whole on disk, or as it was before."""

from __future__ import annotations

import errno
import logging
import os
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import msgspec

from gateway.clock.moments import Moment
from gateway.clock.steady import Steady, SteadyPoint
from gateway.contract.entries import TimeQuality
from gateway.rules.facts import Change, Incident, Step
from gateway.warning.notice import Notice

log = logging.getLogger(__name__)

MAX_BYTES: Final = 4 << 20
"""Far beyond what the outputs' queues hold; nothing larger is written or read."""
_MOST_NUMBERS: Final = 1000
"""Of the incidents that one warning stands for: the latest."""
_MOST_SENSORS: Final = 64

_Name = Annotated[str, msgspec.Meta(max_length=40)]
_Whole = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]


class Untold(NamedTuple):
    """A warning that an output has not given."""

    output: str
    notice: Notice


class _Line(msgspec.Struct, frozen=True):
    """waited_ms: since when people should have known, when this was written. numbers: none in files of before 2027,
    which knew only the incident's own."""

    output: _Name
    step: Step
    incident: Incident
    waited_ms: _Whole
    more: _Whole = 0
    numbers: tuple[int, ...] | None = None


class _Content(msgspec.Struct, frozen=True):
    """boot, boot_ms: this boot, and ms since it, when this was written. wall_ms, quality: the time then."""

    boot: str
    boot_ms: _Whole
    untold: list[_Line]
    wall_ms: int = 0
    quality: TimeQuality = TimeQuality.UNTRUSTED


class UntoldFile:
    """One file: eight hexadecimal digits of the CRC-32 of all that follows, a line feed, JSON. boot: the present one
    (`Clock.boot_id`)."""

    def __init__(self, path: Path, boot: str, now: Callable[[], Moment]) -> None:
        self._path = path
        self._boot = boot
        self._now = now

    def write(self, untold: Sequence[Untold]) -> None:
        """Put these on disk for certain, in place of those before. Raises OSError."""
        if not untold:
            self._path.unlink(missing_ok=True)  # if the power goes before this is certain, they are given twice
            return
        body = self._encoded(untold)
        unfinished = self._path.with_name(self._path.name + ".part")
        with unfinished.open("wb") as file:
            file.write(b"%08x\n%b" % (zlib.crc32(body), body))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def read(self) -> list[Untold]:
        """What is there, due as long ago as surely went by: after a reboot by the wall clock only if it was trusted on
        both sides. A file that cannot be read is set aside, and said."""
        try:
            with self._path.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
            content = _decoded(raw)
        except FileNotFoundError:
            return []
        except (OSError, ValueError, RecursionError) as error:  # msgspec's and Unicode's errors are ValueErrors
            self._set_aside(error)
            return []
        moment = Moment(content.boot_ms, content.wall_ms, content.quality, 0)
        since_ms = Steady(SteadyPoint(0, content.boot, moment), self._boot).at(self._now())
        now = time.monotonic()
        return [
            Untold(
                line.output,
                Notice(
                    Change(line.step, line.incident),
                    now - (line.waited_ms + since_ms) / 1000,
                    line.more,
                    frozenset(line.numbers if line.numbers is not None else (line.incident.number,)),
                ),
            )
            for line in content.untold
        ]

    def _encoded(self, untold: Sequence[Untold]) -> bytes:
        now, moment = time.monotonic(), self._now()
        lines = [
            _Line(
                name,
                notice.change.step,
                msgspec.structs.replace(
                    notice.change.incident, notes=(), sensors=notice.change.incident.sensors[:_MOST_SENSORS]
                ),
                round(max(0.0, now - notice.due_at) * 1000),
                notice.more,
                tuple(sorted(notice.numbers)[-_MOST_NUMBERS:]),
            )
            for name, notice in untold
            if notice.change is not None
        ]
        body = msgspec.json.encode(_Content(self._boot, moment.boot_ms, lines, moment.wall_ms, moment.quality))
        if len(body) + 9 > MAX_BYTES:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        return body

    def _set_aside(self, error: Exception) -> None:
        aside = self._path.with_name(self._path.name + ".damaged")
        log.warning("%s: warnings that nobody was given cannot be read (%s): set aside as %s", self._path, error, aside)
        try:
            self._path.replace(aside)
        except OSError as why:
            log.debug("%s stays where it is: %s", self._path, why)


def _decoded(raw: bytes) -> _Content:
    """Raises ValueError."""
    if len(raw) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES} bytes")
    if not raw.startswith(b"{"):  # as files did before there was a checksum
        told, _, raw = raw.partition(b"\n")
        if told != b"%08x" % zlib.crc32(raw):
            raise ValueError("its checksum does not match")
    return msgspec.json.decode(raw, type=_Content)
