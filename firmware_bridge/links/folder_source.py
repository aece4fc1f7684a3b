"""A source of files: watches a directory, takes each content once for ever, delivers what a clerk makes of it."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from typing import BinaryIO, Final

from msgspec import structs

from firmware_bridge.delivery import Deliver, Delivery, ReplayState, SourceStanding, Tally
from firmware_bridge.links.folder import Folder, Found, shown
from firmware_bridge.links.folder_settings import FolderSettings
from firmware_bridge.links.ledger import GRACE_S, Ledger, LedgerError, Line, replay_key
from firmware_bridge.media.bundles import Bundle, Clerk, Item
from firmware_bridge.readings import Attachment, Reading, Rejected

log = logging.getLogger(__name__)

_CHUNK_BYTES: Final = 256 * 1024
_TRIES: Final = 5
_STEP_S: Final = 0.2


class _StoppedError(Exception):
    """It is time to stop, in the middle of a large file."""


class FolderSource:
    """A `Source`. `step` may be called by another source's loop in place of `run`."""

    def __init__(self, settings: FolderSettings, clerk: Clerk, mark: int) -> None:
        self._settings = settings
        self._clerk = clerk
        self._folder = Folder(settings.directory, settings.max_depth, settings.aside_directory)
        self._ledger = Ledger(settings.ledger, mark)
        self._done: set[int] = set()
        self._held: dict[str, Found] = {}  # of files that the clerk has, by their SHA-256
        self._marks: dict[str, bytes] = {}  # of those of them that have one: see `Clerk.mark`
        self._ready: list[tuple[float, Bundle]] = []  # what is to be entered, and since when
        self._failed: dict[int, int] = {}
        self._to_remove: deque[tuple[float, Found]] = deque()
        self._to_put_aside: deque[tuple[float, Found]] = deque()  # no use as they are, and since when that is known
        self._tally = Tally()
        self._too_deep = 0  # files that were told of, so that each is told once
        self._noted: list[Line] = []  # files that give no bundle but are done with
        self._state = f"{settings.directory} has not been looked at yet"
        self._standing = SourceStanding.STARTING
        self._next_scan = 0.0

    @property
    def name(self) -> str:
        """Its name in the settings."""
        return self._settings.name

    @property
    def state(self) -> str:
        """What it is doing now, in words."""
        return self._state

    @property
    def standing(self) -> SourceStanding:
        """See `Source.standing`."""
        return self._standing

    def run(self, deliver: Deliver, stop: threading.Event) -> None:
        """See `Source.run`."""
        try:
            while not stop.is_set():
                self.step(deliver, stop)
                stop.wait(min(_STEP_S, self._settings.poll_s))
        finally:
            self.close()

    def has_content(self, sha256: bytes) -> bool:
        """Whether a content was taken in before, or waits to be. Raises OSError when that cannot be told."""
        try:
            self._ledger.open(time.monotonic())
            return sha256.hex() in self._held or self._ledger.has_content(sha256)
        except LedgerError as error:
            raise OSError(str(error)) from error

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()

    def step(self, deliver: Deliver, stop: threading.Event) -> None:
        """Look, when that is due, and deliver what is ready. Raises only what `deliver` does."""
        clock_s = time.monotonic()
        try:
            self._ledger.open(clock_s)
            if clock_s >= self._next_scan:
                more = self._look(clock_s, stop)
                self._next_scan = time.monotonic() + (0.0 if more else self._settings.poll_s)
            self._deliver_ready(deliver)
            self._put_aside_old(time.monotonic())
            self._remove_old(clock_s)
        except LedgerError as error:
            self._say(str(error), logging.WARNING, SourceStanding.DISK_TROUBLE)
        except _StoppedError:
            return

    # in

    def _look(self, clock_s: float, stop: threading.Event) -> bool:
        """Take what has settled; whether there is more than is taken at once."""
        try:
            found = self._folder.scan(clock_s, self._done)
        except OSError as error:
            words = f"{self._folder.directory} cannot be read ({error.strerror}); is the card in?"
            self._say(words, logging.INFO, SourceStanding.FOLDER_AWAY)
            return False
        if self._folder.too_deep > self._too_deep:
            self._tally.add("too_deep", str(self._folder.directory), self._folder.too_deep - self._too_deep)
        self._too_deep = self._folder.too_deep
        for one in found:
            if stop.is_set():
                raise _StoppedError
            if one.settled_s < self._settings.settle_s:
                continue
            if len(self._held) + len(self._noted) >= self._settings.most_at_once:
                return True  # after these are safe
            self._take(one, stop)
        waiting = self._clerk.waiting()
        rest = f", {waiting} wait for others of their event" if waiting else ""
        self._say(f"{self._folder.directory}: {len(self._done)} files done with{rest}", logging.DEBUG)
        return False

    def _take(self, one: Found, stop: threading.Event) -> None:
        look = one.look
        taken = self._ledger.has_file(one.name, one.size_bytes, one.modified_ns, one.changed_ns)
        if taken is not None:
            self._done.add(look)
            if taken and not self._settings.keep_originals:
                self._to_remove.append((time.monotonic(), one))
            elif not taken and self._is_plainly_no_use(one):  # the gateway stopped before it was put aside
                self._to_put_aside.append((time.monotonic(), one))
        elif one.path.suffix.lower() not in self._clerk.suffixes:
            self._refuse(one, "other_suffix")
        elif one.size_bytes > self._clerk.max_bytes:
            self._refuse(one, "too_large")
            self._to_put_aside.append((time.monotonic(), one))
        else:
            try:
                self._read(one, look, stop)
            except OSError as error:  # gone meanwhile, or a card that fails
                log.debug("%s: %s: %s", self.name, shown(one.name), error)
                self._failed[look] = self._failed.get(look, 0) + 1
                if self._failed[look] >= _TRIES:
                    del self._failed[look]
                    self._done.add(look)  # not entered: tried again when the gateway starts
                    self._tally.add("unreadable", f"{shown(one.name)}: {error.strerror}")

    def _read(self, one: Found, look: int, stop: threading.Event) -> None:
        with _opened(one) as file:
            if not _is_still(file.fileno(), one):
                return
            if one.settled_s < self._settings.incomplete_s and not self._clerk.is_whole(file, one.size_bytes):
                return
            digest = _digest(file, stop)
            if not _is_still(file.fileno(), one):
                return
            if digest.hex() in self._held or self._ledger.has_content(digest):
                self._refuse(one, "known_file")
                return
            mark = self._clerk.mark(file)
            if mark is not None:
                if mark in self._marks.values():
                    return  # looked at again when it is known whether the other is of use
                if self._ledger.has_content(mark):
                    self._refuse(one, "known_file")
                    return
            name = shown(one.name)
            folder = name.split("/", 1)[0] if "/" in name else ""
            item = Item(str(one.path), name, folder, one.size_bytes, digest.hex(), one.modified_ns / 1e9)
            self._clerk.take(item, file, time.time(), time.monotonic())
        self._held[item.sha256] = one
        if mark is not None:
            self._marks[item.sha256] = mark
        self._done.add(look)
        self._failed.pop(look, None)

    def _refuse(self, one: Found, reason: str) -> None:
        """Count it and note it by its name and look."""
        self._done.add(one.look)
        self._tally.add(reason, shown(one.name))
        log.debug("%s: %s: %s", self.name, reason, shown(one.name))
        self._noted.append(_line(one, None, taken=False))

    # out

    def _deliver_ready(self, deliver: Deliver) -> None:
        clock_s = time.monotonic()
        self._ready += [(clock_s, bundle) for bundle in self._clerk.due(clock_s)]
        if not self._ready and not self._noted and not self._tally.items():
            return
        lines = [line for _, bundle in self._ready for item in bundle.items for line in self._lines(item, bundle)]
        number = self._ledger.enter(lines + self._noted, clock_s)
        readings: list[Reading] = []
        attachments: dict[int, list[Attachment]] = {}
        for since_s, bundle in self._ready:
            self._count(bundle.rejected)
            if bundle.reading is not None:
                attachments[len(readings)] = list(bundle.attachments)
                waited_ms = round((clock_s - since_s) * 1000)
                readings.append(structs.replace(bundle.reading, age_ms=bundle.reading.age_ms + waited_ms))
        rejected, self._tally = self._tally.items(), Tally()
        bundles = [bundle for _, bundle in self._ready]
        self._ready, self._noted = [], []
        deliver(Delivery(self.name, readings, rejected, {replay_key(self.name): (number, 0)}, attachments))
        for bundle in bundles:
            for item in bundle.items:
                one = self._held.pop(item.sha256)
                self._marks.pop(item.sha256, None)
                if bundle.reading is None:
                    self._to_put_aside.append((clock_s, one))
                elif not self._settings.keep_originals:
                    self._to_remove.append((clock_s, one))

    def _lines(self, item: Item, bundle: Bundle) -> Iterable[Line]:
        """A file by its content and, when a detection has it, by its mark: what is broken may still come whole."""
        one, taken = self._held[item.sha256], bundle.reading is not None
        yield _line(one, bytes.fromhex(item.sha256), taken=taken)
        mark = self._marks.get(item.sha256)
        if taken and mark is not None:
            yield _line(one, mark, taken=taken)

    def _count(self, rejected: Iterable[Rejected]) -> None:
        for one in rejected:
            log.debug("%s: %s: %s", self.name, one.reason, one.detail)
        self._tally.extend(rejected)

    def _is_plainly_no_use(self, one: Found) -> bool:
        """Whether a file that no detection has is too large or lacks its end; a copy of what is known does not."""
        if one.path.suffix.lower() not in self._clerk.suffixes:
            return False
        if one.size_bytes > self._clerk.max_bytes:
            return True
        try:
            with _opened(one) as file:
                return not self._clerk.is_whole(file, one.size_bytes)
        except OSError as error:  # gone meanwhile
            log.debug("%s: %s: %s", self.name, shown(one.name), error)
            return False

    def _put_aside_old(self, clock_s: float) -> None:
        """Files that were no use and have not changed for long; one that has changed is looked at again where it is."""
        while self._to_put_aside and clock_s - self._to_put_aside[0][0] >= self._settings.aside_after_s:
            _, one = self._to_put_aside.popleft()
            self._put_aside(one)

    def _put_aside(self, one: Found) -> None:
        """Move a file that is no use to the directory for such, unless it has changed; it is never deleted."""
        aside = self._settings.aside_directory
        if aside is None:
            return
        try:
            status = one.path.lstat()
            if (status.st_size, status.st_mtime_ns, status.st_ctime_ns) != (
                one.size_bytes,
                one.modified_ns,
                one.changed_ns,
            ):
                return
            aside.mkdir(parents=True, exist_ok=True)
            target = aside / one.path.name
            if target.exists():
                target = aside / f"{time.time_ns():x}-{one.path.name}"
            shutil.move(one.path, target)
        except OSError as error:
            log.debug("%s: %s stays where it is: %s", self.name, shown(one.name), error)

    def _remove_old(self, clock_s: float) -> None:
        """Originals that were taken in so long ago that they are safe, and have not changed since."""
        while self._to_remove and clock_s - self._to_remove[0][0] >= GRACE_S:
            _, one = self._to_remove.popleft()
            try:
                status = one.path.lstat()
                if (status.st_size, status.st_mtime_ns) == (one.size_bytes, one.modified_ns):
                    one.path.unlink()
            except OSError as error:
                log.debug("%s: %s is not removed: %s", self.name, shown(one.name), error)

    def _say(self, words: str, level: int, standing: SourceStanding = SourceStanding.WELL) -> None:
        if words != self._state:
            log.log(level, "%s: %s", self.name, words)
        self._state = words
        self._standing = standing


def _opened(one: Found) -> BinaryIO:
    """A file, opened to be read. Raises OSError, for a link too."""
    descriptor = os.open(one.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    return os.fdopen(descriptor, "rb")


def _is_still(descriptor: int, one: Found) -> bool:
    """Whether an open file is as it was found."""
    status = os.fstat(descriptor)
    return (status.st_size, status.st_mtime_ns) == (one.size_bytes, one.modified_ns)


def _line(one: Found, digest: bytes | None, *, taken: bool) -> Line:
    return Line(one.name, one.size_bytes, one.modified_ns, one.changed_ns, digest, taken)


def _digest(file: BinaryIO, stop: threading.Event) -> bytes:
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        if stop.is_set():
            raise _StoppedError
        digest.update(chunk)
    return digest.digest()


def mark_of(name: str, replay: Mapping[str, ReplayState]) -> int:
    """The highest number of the source of that name that the outbox has."""
    return replay.get(replay_key(name), (0, 0))[0]
