"""One output with its own queue and thread: chooses, merges, waits, tries again, gives up, and says how it fares."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import msgspec

from gateway.rules.facts import Change, Incident
from gateway.supervision.backoff import Backoff
from gateway.warning.errors import OutputError, RefusedError
from gateway.warning.notice import Notice, test_words, whole_text
from gateway.warning.settings import OutputSettings
from gateway.watch.words import OutputWord

log = logging.getLogger(__name__)

_POLL_S: Final = 0.5
_HANGS_S: Final = 60.0
_RECALLED_WITHIN_S: Final = 30.0
"""So long what was kept over a restart waits for the rules to know again what has been seen to."""

Words = Callable[[Change, str], str]
"""An incident's step in words of a language, "es" or "en"."""
Count = Callable[[Mapping[tuple[str, str], int]], None]


class Output(Protocol):
    """By what people are warned. Called from one thread."""

    depth: int
    """How many warnings may wait; further ones are told in one. 1: always."""
    max_bytes: int
    """Longest text that it takes, in bytes."""
    lasts_s: float
    """How long a warning takes when all is well, seconds."""
    is_quieted: bool
    """Whether it tells no more of what was acknowledged: what waits is taken back, what sounds ends."""

    def open(self) -> None:
        """Get ready. Raises OutputError."""

    def warn(self, notice: Notice, text: str, is_over: Callable[[], bool]) -> None:
        """Warn. is_over: whether to end it early, asked as often as one likes. Raises OutputError."""

    def close(self) -> None:
        """Let go of what `open` took."""


def machine_wall_ms() -> int:
    """Unix time by the machine's own clock."""
    return time.time_ns() // 1_000_000


class Desk:
    """See the module. words: an incident in words. zone: of the post's hours. count: told of discards. wall_ms: Unix
    time as the post knows it. is_time_known: whether anybody vouches for that. moved: told when what is not given has
    become less."""

    def __init__(
        self,
        settings: OutputSettings,
        output: Output,
        words: Words,
        zone: ZoneInfo,
        count: Count,
        wall_ms: Callable[[], int] = machine_wall_ms,
        is_time_known: Callable[[], bool] = lambda: True,
        moved: Callable[[], None] = lambda: None,
    ) -> None:
        self._wall_ms = wall_ms
        self._is_time_known = is_time_known
        self._settings = settings
        self._output = output
        self._words = words
        self._zone = zone
        self._count = count
        self._moved = moved
        self._is_recalled: Callable[[], bool] = lambda: True
        self._is_seen_to: Callable[[int], bool] = lambda number: False
        self._recalled_by = 0.0
        self._news = threading.Condition()  # guards all that follows
        self._kept: list[Notice] = []  # from before the restart
        self._waiting: deque[Notice] = deque()
        self._not_before = 0.0
        self._giving: Notice | None = None  # without what was seen to meanwhile; None when that was all of it
        self._busy_since: float | None = None
        self._word = OutputWord(settings.name, str(getattr(settings, "output", "")))
        self._backoff = Backoff(random.Random())

    @property
    def name(self) -> str:
        """Its name in the settings."""
        return self._settings.name

    def offer(self, change: Change, age_s: float = 0.0, before: Incident | None = None) -> None:
        """Warn of this, which happened so long ago, if it is for this output. before: the incident as it stood when it
        was last told; whoever was told then is told again only if it has become an alert. Returns at once; a full queue
        tells several in one. What comes too late to warn of, such as a clip from a card, is counted as such: the output
        could not have given it."""
        if not self._is_for(change.incident):
            return
        if before is not None and before.level == change.incident.level and self._is_for(before):
            return
        if age_s > self._settings.too_late_s:
            self._give_up("warning_came_late", Notice(change, time.monotonic()))
        else:
            self._put(Notice(change, time.monotonic() - age_s, 0, frozenset((change.incident.number,))))

    def take_up(
        self, kept: Sequence[Notice], is_recalled: Callable[[], bool], is_seen_to: Callable[[int], bool]
    ) -> None:
        """Before `run`: warn of what was not given before the restart, but of nothing that has been seen to where the
        output can be quieted. is_recalled: whether is_seen_to, asked with an incident's number, knows it again."""
        self._is_recalled, self._is_seen_to = is_recalled, is_seen_to
        now = time.monotonic()
        self._recalled_by = now + _RECALLED_WITHIN_S
        # What sounded, or waited behind what sounded, was not late.
        self._kept = [
            msgspec.structs.replace(notice, due_at=min(now, notice.due_at + self._output.lasts_s))
            for notice in kept
            if notice.change is not None and self._is_about(notice.change.incident)
        ]

    def untold(self) -> list[Notice]:
        """What it has been told to give and has not given, oldest first. Tests are not worth keeping. From any
        thread."""
        with self._news:
            giving = [self._giving] if self._giving is not None else []
            return [one for one in (*self._kept, *giving, *self._waiting) if one.change is not None]

    def test(self) -> None:
        """Warn as a test, whatever the filters say, and at once."""
        with self._news:
            self._not_before = 0.0
        self._put(Notice(None, time.monotonic()))

    def acknowledged(self, number: int) -> None:
        """Somebody has seen to an incident: an output that can be quieted tells no more of it, and goes on with those
        that nobody has seen to."""
        if not self._output.is_quieted:
            return
        with self._news:
            self._seen_to(number)

    def state(self) -> OutputWord:
        """How it fares. From any thread."""
        with self._news:
            word = msgspec.structs.replace(self._word, waiting=len(self._waiting) + len(self._kept))
            busy_since = self._busy_since
        hangs_s = self._output.lasts_s + _HANGS_S
        if busy_since is not None and not word.trouble and time.monotonic() - busy_since > hangs_s:
            word = msgspec.structs.replace(word, trouble=f"has not come back for {hangs_s:.0f} s")
        if word.trouble:
            standing = "failing"
        elif busy_since is not None and self._output.is_quieted:
            standing = "giving"
        else:
            standing = "untried" if word.last_ms is None else "well"
        return msgspec.structs.replace(word, standing=standing)

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop."""
        try:
            if not self._open(stop):
                return
            while not stop.is_set():
                self._recall()
                if (notice := self._next()) is not None:
                    self._give(notice, stop)
        finally:
            self._output.close()

    def give(self, notice: Notice, is_over: Callable[[], bool]) -> None:
        """Warn in this thread, once, until it is over. Raises OutputError."""
        settings = self._settings
        words = self._words(notice.change, settings.lang) if notice.change is not None else test_words(settings.lang)
        text = whole_text(words, notice.more, settings.lang, self._output.max_bytes)
        self._output.warn(notice, text, is_over)

    def try_once(self) -> None:
        """Open the output, give a test warning in this thread, close it. Raises OutputError."""
        try:
            self._output.open()
            self.give(Notice(None, time.monotonic()), lambda: False)
        finally:
            self._output.close()

    # choosing

    def _is_for(self, incident: Incident) -> bool:
        hours = self._settings.hours
        # A siren that is for the night alone sounds by day too while nobody knows whether it is night.
        is_hour = not hours or not self._is_time_known() or is_within(hours, incident.last_ms, self._zone)
        return is_hour and self._is_about(incident)

    def _is_about(self, incident: Incident) -> bool:
        settings = self._settings
        return (
            incident.level in settings.levels
            and (not settings.labels or incident.label in settings.labels)
            and (not settings.rules or not {incident.rule, *incident.found_by}.isdisjoint(settings.rules))
        )

    def _put(self, notice: Notice) -> None:
        with self._news:
            # What the rules tell anew after the restart need not be told twice.
            self._kept = [one for one in self._kept if one.more or not one.is_of_what(notice)]
            self._waiting.append(notice)
            while len(self._waiting) > self._output.depth:
                self._merge()
            self._news.notify_all()

    def _merge(self) -> None:
        """Two of those that wait become one: the newest stays, but an alert before a notice, and any before a test."""
        goes = min(self._waiting, key=lambda notice: (notice.change is not None, notice.is_alert))
        self._waiting.remove(goes)
        self._waiting[-1] = self._waiting[-1].with_more(goes)

    def _seen_to(self, number: int) -> None:
        """`_news` is held."""
        left = [notice.without(number) for notice in self._waiting]
        self._waiting = deque(notice for notice in left if notice is not None)
        kept = [notice.without(number) for notice in self._kept]
        self._kept = [notice for notice in kept if notice is not None]
        self._giving = self._giving and self._giving.without(number)

    def _recall(self) -> None:
        """Let what was kept over the restart take its turn, once it is known what of it has been seen to."""
        with self._news:
            kept = self._kept
        if not kept or not (self._is_recalled() or time.monotonic() > self._recalled_by):
            return
        numbers = {number for notice in kept for number in notice.numbers} if self._output.is_quieted else ()
        seen_to = [number for number in numbers if self._is_seen_to(number)]
        with self._news:
            for number in seen_to:
                self._seen_to(number)
            self._waiting.extendleft(reversed(self._kept))
            self._kept = []
            while len(self._waiting) > self._output.depth:
                self._merge()
        self._moved()

    def _next(self) -> Notice | None:
        """The next to be given now; None when there is none within a while."""
        with self._news:
            now = time.monotonic()
            if not self._waiting or now < self._not_before:
                self._news.wait(_POLL_S if not self._waiting else min(_POLL_S, self._not_before - now))
                now = time.monotonic()
        self._let_go_of_late()
        with self._news:
            if not self._waiting or now < self._not_before:
                return None
            self._giving, self._busy_since = self._waiting.popleft(), now
            return self._giving

    def _let_go_of_late(self) -> None:
        now = time.monotonic()
        with self._news:
            late = [notice for notice in self._waiting if now - notice.due_at > self._settings.too_late_s]
            for notice in late:
                self._waiting.remove(notice)
        for notice in late:
            self._give_up("warning_too_late", notice)
        if late:
            self._moved()

    # giving

    def _open(self, stop: threading.Event) -> bool:
        while not stop.is_set():
            try:
                self._output.open()
            except OutputError as error:
                self._failed(error)
                stop.wait(self._backoff.next_s())
                self._recall()
                self._let_go_of_late()
            else:
                self._well()
                return True
        return False

    def _give(self, notice: Notice, stop: threading.Event) -> None:
        is_cut_short = False

        def is_over() -> bool:
            nonlocal is_cut_short
            is_cut_short = stop.is_set()
            return is_cut_short or self._is_all_seen_to()

        try:
            self.give(notice, is_over)
        except RefusedError as error:
            self._failed(error)
            self._give_up("warning_refused", notice)
        except OutputError as error:
            self._failed(error)
            with self._news:
                self._not_before = time.monotonic() + self._backoff.next_s()
                self._put_back()
        else:
            self._backoff.reset()
            self._well()
            if is_cut_short:  # a siren that has just begun goes on after the restart
                with self._news:
                    self._put_back()
                return
            now = time.monotonic()
            with self._news:
                # Whoever has seen to all of it has heard the siren: what comes next, or waits, is told at once.
                is_paused = notice.change is not None and self._giving is not None
                self._not_before = now + (self._settings.repeat_s if is_paused else 0.0)
                if self._output.is_quieted:  # what came while it sounded was not late
                    self._waiting = deque(msgspec.structs.replace(one, due_at=now) for one in self._waiting)
                last_ms = self._wall_ms()
                self._word = msgspec.structs.replace(self._word, last_ms=last_ms, sent=self._word.sent + 1)
        finally:
            with self._news:
                self._giving = self._busy_since = None
            self._moved()

    def _put_back(self) -> None:
        """`_news` is held."""
        if self._giving is not None:
            self._waiting.appendleft(self._giving)
            self._giving = None
        while len(self._waiting) > self._output.depth:
            self._merge()

    def _is_all_seen_to(self) -> bool:
        with self._news:
            return self._giving is None

    def _well(self) -> None:
        with self._news:
            was, self._word = self._word.trouble, msgspec.structs.replace(self._word, trouble="")
        if was:
            log.info("warnings by %s work again", self.name)

    def _failed(self, error: OutputError) -> None:
        words = str(error)
        with self._news:
            was = self._word.trouble
            self._word = msgspec.structs.replace(self._word, trouble=words, failed=self._word.failed + 1)
        self._count({(self._place, "warning_failed"): 1})
        log.log(logging.DEBUG if was else logging.WARNING, "warnings by %s fail: %s", self.name, words)

    def _give_up(self, reason: str, notice: Notice) -> None:
        count = 1 + notice.more
        with self._news:
            if reason == "warning_too_late":
                self._word = msgspec.structs.replace(self._word, too_late=self._word.too_late + count)
        self._count({(self._place, reason): count})
        log.debug("warnings by %s: %s: %d", self.name, reason, count)

    @property
    def _place(self) -> str:
        return f"warning {self.name}"


def is_within(hours: str, wall_ms: int, zone: ZoneInfo) -> bool:
    """Whether a time is within hours such as "21:00-05:30" (the first minute in, the last out); always for ""."""
    if not hours:
        return True
    then = datetime.fromtimestamp(wall_ms / 1000, zone)
    now = f"{then.hour:02}:{then.minute:02}"
    begin, _, end = hours.partition("-")
    return begin <= now < end if begin <= end else now >= begin or now < end
