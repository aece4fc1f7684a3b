"""The sources that run now, by name: who else wants to say something to a device or a radio finds them here."""

from __future__ import annotations

import threading
from typing import Protocol, TypeGuard

import msgspec

from firmware_bridge.readings import Downlink, DownlinkError
from firmware_bridge.sources import FirmwareCarrier, Source, SourceStanding, Speaker


class Speakers:
    """Safe to call from any thread. A source that is started anew takes the place of the one before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, Source] = {}

    def joined(self, source: Source) -> None:
        """A source is about to run."""
        with self._lock:
            self._running[source.name] = source

    def left(self, source: Source) -> None:
        """It has ended."""
        with self._lock:
            if self._running.get(source.name) is source:
                del self._running[source.name]

    def states(self) -> dict[str, str]:
        """What each source is doing now, in words, by name."""
        with self._lock:
            running = list(self._running.values())
        return {source.name: source.state for source in running}

    def standings(self) -> dict[str, tuple[SourceStanding, str]]:
        """How each source fares, and the same in words, by name."""
        with self._lock:
            running = list(self._running.values())
        return {source.name: (source.standing, source.state) for source in running}

    def say(self, name: str, downlink: Downlink) -> None:
        """Let a source say something; or, by the name or id of a device, the source that knows it: then the device of
        the downlink is that one. Raises DownlinkError: unknown_speaker (no source runs, or knows a device, of that
        name), cannot_speak (the source only listens), and those of the source."""
        with self._lock:
            running = dict(self._running)
        source = running.get(name)
        if source is not None:
            if not _speaks(source):
                raise DownlinkError("cannot_speak", f"source {name} only listens")
            source.say(downlink)
            return
        for source in running.values():
            if _speaks(source) and source.knows(name):
                source.say(msgspec.structs.replace(downlink, device=name))
                return
        raise DownlinkError("unknown_speaker", f"no source runs, or knows a device, of the name {name}")

    def update(self, name: str, image: bytes) -> str:
        """Let the source that knows a device of this name bring it a firmware image; what it came to, in words. Takes
        minutes. Raises DownlinkError: unknown_speaker, cannot_update (the source that knows it brings no firmware), and
        those of `FirmwareCarrier.update`."""
        with self._lock:
            running = list(self._running.values())
        for source in running:
            if _carries(source) and source.knows(name):
                return source.update(name, image)
        for source in running:
            if _speaks(source) and source.knows(name):
                raise DownlinkError("cannot_update", f"source {source.name} brings no firmware to {name}: use a cable")
        raise DownlinkError("unknown_speaker", f"no source runs that knows a sensor {name}")


class _CarryingSource(Source, FirmwareCarrier, Protocol):
    pass


class _SpeakingSource(Source, Speaker, Protocol):
    pass


def _carries(source: Source) -> TypeGuard[_CarryingSource]:
    return callable(getattr(source, "update", None)) and callable(getattr(source, "knows", None))


def _speaks(source: Source) -> TypeGuard[_SpeakingSource]:
    return callable(getattr(source, "say", None))
