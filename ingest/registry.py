"""The registry file (TOML): which territories there are, and which stations speak from each.

A point's territory and station come from here, never from the sender's word. The file is looked at again when it has
changed, so that a new post is let in without a restart.

    [[territories]]
    name = "yaguas"
    title = "Parque Nacional Yaguas"

    [[stations]]
    name = "boca-yaguas"
    territory = "yaguas"
    title = "Puesto Boca Yaguas"

    [[stations.sensors]]
    name = "audio-01"
    title = "Quebrada Hipona"
"""

from __future__ import annotations

import logging
import re
import threading
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from firmware_bridge.readings import MAX_NAME_BYTES
from gateway.contract.topics import STATION_NAME
from ingest.errors import IngestError
from ingest.schema import HEADQUARTERS

logger = logging.getLogger(__name__)

MAX_FILE_BYTES: Final = 4 * 1024 * 1024
LOOK_EVERY_S: Final = 1.0

_Name = Annotated[
    str,
    Field(
        pattern=f"^{STATION_NAME.pattern}$",
        description="1 to 32 of a-z, 0-9 and inner hyphens.",
        examples=["boca-yaguas"],
    ),
]
_Title = Annotated[
    str, Field(min_length=1, max_length=120, description="What people call it.", examples=["Puesto Boca Yaguas"])
]


class RegistryError(IngestError):
    """A registry file that cannot be used: what is wrong, in which line, and what to do."""


class Territory(BaseModel):
    """Land whose people decide who sees what from it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: _Name
    title: _Title


class RegisteredSensor(BaseModel):
    """A sensor that a station is expected to have."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[
        str, Field(min_length=1, max_length=MAX_NAME_BYTES, description="Its name in the gateway's configuration.")
    ]
    title: _Title


class RegisteredStation(BaseModel):
    """A control post whose messages are taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: _Name
    territory: Annotated[str, Field(description="The name of one of the territories.")]
    title: _Title
    sensors: Annotated[tuple[RegisteredSensor, ...], Field(description="Sensors it is expected to have.")] = ()


class RegistryFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    territories: Annotated[tuple[Territory, ...], Field(description="Every territory.")] = ()
    stations: Annotated[tuple[RegisteredStation, ...], Field(description="Every station.")] = ()

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        territories = [territory.name for territory in self.territories]
        _no_twins("territory", territories)
        _no_twins("station", [station.name for station in self.stations])
        for station in self.stations:
            if station.territory not in territories:
                raise ValueError(
                    f"station {station.name!r} names the territory {station.territory!r}, which is not in the file"
                )
            if station.name == HEADQUARTERS:
                raise ValueError(f"no station may be called {HEADQUARTERS!r}: that is what ingest calls itself")
            _no_twins(f"sensor of station {station.name!r}", [sensor.name for sensor in station.sensors])
        return self


def read_registry(path: Path) -> RegistryFile:
    """The file's content. Raises RegistryError naming the file, the line as nearly as it can, and the fault."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise RegistryError(f"the registry {path} cannot be read: {error.strerror}. It lists the stations.") from error
    if len(raw) > MAX_FILE_BYTES:
        raise RegistryError(f"the registry {path} is larger than {MAX_FILE_BYTES} bytes: is it the right file?")
    try:
        text = raw.decode()
        return RegistryFile.model_validate(tomllib.loads(text))
    except UnicodeDecodeError as error:
        raise RegistryError(f"the registry {path} is not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise RegistryError(f"the registry {path} is not TOML: {error}") from error
    except ValidationError as error:
        faults = [_fault(text, fault["loc"], fault["msg"]) for fault in error.errors(include_url=False)[:10]]
        raise RegistryError(f"the registry {path}: " + "; ".join(faults)) from error


class Registry:
    """The registry in use. Thread-safe; looks at the file's stamp at most once in LOOK_EVERY_S, and when
    a station is not known.

    A new file that is bad is reported once (WARNING) and the last good one stays in use.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._look_at = 0.0
        self._file: RegistryFile | None = None
        self._territories: Mapping[str, str] = {}

    def load(self) -> None:
        """Read the file now. Raises RegistryError. Call it at the start; later changes are found by themselves."""
        with self._lock:
            self._read(self._stamp_now())

    def territory_of(self, station: str) -> str | None:
        """The territory that a station speaks from; None for a station that is not registered."""
        self._look()
        if station not in self._territories:
            self._look(at_once=True)  # it may have been added a moment ago, and its message driven again
        return self._territories.get(station)

    def stations(self) -> Sequence[RegisteredStation]:
        """Every registered station, in the file's order."""
        return self._current().stations

    def territories(self) -> Sequence[Territory]:
        """Every territory, in the file's order."""
        return self._current().territories

    def _current(self) -> RegistryFile:
        self._look()
        return self._file or RegistryFile()

    def _look(self, *, at_once: bool = False) -> None:
        """Read the file again if it has changed; at_once: though it was looked at a moment ago.

        Raises RegistryError only when no good one was ever read.
        """
        with self._lock:
            if self._file is not None and self._clock() < self._look_at and not at_once:
                return
            stamp = self._stamp_now()
            if self._file is not None and stamp == self._stamp:
                self._look_at = self._clock() + LOOK_EVERY_S
                return
            try:
                self._read(stamp)
            except RegistryError as error:
                if self._file is None:
                    raise
                logger.warning("%s. The last good registry stays in use.", error)
                self._stamp = stamp
                self._look_at = self._clock() + LOOK_EVERY_S
            else:
                logger.info("registry %s: %d stations", self._path, len(self._territories))

    def _read(self, stamp: tuple[int, int, int] | None) -> None:
        self._file = read_registry(self._path)
        self._territories = {station.name: station.territory for station in self._file.stations}
        self._stamp = stamp  # taken before the file was read: a change in between is found at the next look
        self._look_at = self._clock() + LOOK_EVERY_S

    def _stamp_now(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def _no_twins(what: str, names: Sequence[str]) -> None:
    twins = [name for name, count in Counter(names).items() if count > 1]
    if twins:
        raise ValueError(f"two of the same name: {what} {', '.join(map(repr, twins))}")


_PLAIN: Final = {
    "Extra inputs are not permitted": "no such setting",
    "Field required": "missing",
    "String should match pattern": "must be 1 to 32 of a-z, 0-9 and inner hyphens",
}


def _fault(text: str, loc: tuple[int | str, ...], message: str) -> str:
    """One fault in words: the line of the innermost table or key that it names, the key, and what is wrong with it."""
    message = message.removeprefix("Value error, ")
    for theirs, ours in _PLAIN.items():
        message = ours if message.startswith(theirs) else message
    lines = text.splitlines()
    at, header, key = 0, "", ""
    for part in loc:
        if isinstance(part, str):
            header, key = f"{header}.{part}" if header else part, part
            ends = (i for i in range(at + 1, len(lines)) if lines[i].lstrip().startswith("["))
            table = range(at, next(ends, len(lines)))
            found = next((i for i in table if re.match(rf"\s*{re.escape(part)}\s*=", lines[i])), None)
            at = found if found is not None else at
        else:
            heads = [i for i in range(at, len(lines)) if re.match(rf"\s*\[\[\s*{re.escape(header)}\s*\]\]", lines[i])]
            at = heads[part] if part < len(heads) else at
    return f"line {at + 1}, {key}: {message}" if loc else message
