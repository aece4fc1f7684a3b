"""What is known of the machine's boots, and what that says of a moment in one of them. Pure.

Boots follow each other; within one, the time since boot counts on, at most `moments.DRIFT_PPM` wrong. So a moment that
nobody vouched for lies between the bounds that trusted moments of its boot set, or, if its boot had none, between what
was known before the boot and what became known after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from gateway.clock.moments import Anchor, FrozenTime, Moment, drift_ms, rounded_up
from gateway.contract.entries import TimeQuality
from gateway.contract.rows import MAX_TIME_MS

EARLIEST_MS: Final = 1_735_689_600_000
"""2025-01-01: no post ran before."""
_SAVED_EVERY_MS: Final = 300_000
_JUMP_MS: Final = 2_000


class Boot(NamedTuple):
    """number: ascending. name: the kernel's. not_before_ms: the machine came up no earlier, Unix time. seen_ms: it ran
    at least so long. wall_offset_ms: what its wall clock last said, Unix time minus time since boot. first, last: the
    first and the latest trusted moment of it, or both None."""

    number: int
    name: str
    not_before_ms: int = EARLIEST_MS
    seen_ms: int = 0
    wall_offset_ms: int | None = None
    first: Anchor | None = None
    last: Anchor | None = None

    def starts_before_ms(self) -> int | None:
        """When it had come up at the latest, Unix time, as far as it tells itself."""
        bounds = self.bounds_at(0)
        return None if bounds is None else bounds[1]

    def ends_after_ms(self) -> int:
        """Until when it ran at least, Unix time."""
        bounds = self.bounds_at(self.seen_ms)
        return bounds[0] if bounds is not None else self.not_before_ms + self.seen_ms - drift_ms(self.seen_ms)

    def bounds_at(self, boot_ms: int) -> tuple[int, int] | None:
        """Between which Unix times a moment lies, by the trusted moments of this boot; None without any."""
        if self.first is None or self.last is None:
            return None
        (low, high), (other_low, other_high) = self.first.bounds_at(boot_ms), self.last.bounds_at(boot_ms)
        if other_low > high or low > other_high:  # they contradict each other: both may be right
            return min(low, other_low), max(high, other_high)
        return max(low, other_low), min(high, other_high)


class Boots:
    """The boots that entries wait from, and the present one. earlier: as they were kept, oldest first; if the last of
    them has the present boot's name, the program was only started again. For one thread at a time."""

    def __init__(self, earlier: Iterable[Boot], name: str) -> None:
        self._earlier = list(earlier)
        if self._earlier and self._earlier[-1].name == name:
            self.present = self._earlier.pop()
        elif self._earlier:
            last = self._earlier[-1]
            self.present = Boot(last.number + 1, name, max(EARLIEST_MS, last.ends_after_ms()))
        else:
            self.present = Boot(1, name)
        self._saved_ms: int | None = None
        self.is_news = True  # what would be missed if the power went now

    def join(self, kept: Iterable[Boot]) -> None:
        """A file can be used again that was not read at the start: the boots kept there were before those known."""
        mine = [*self._earlier, self.present]
        names = {boot.name for boot in mine}
        strangers = [boot for boot in kept if boot.name not in names]
        if not strangers:
            return
        for boot in mine:
            last = strangers[-1]
            not_before_ms = max(boot.not_before_ms, last.ends_after_ms())
            strangers.append(boot._replace(number=last.number + 1, not_before_ms=not_before_ms))
        *self._earlier, self.present = strangers

    def keep(self, names: Iterable[str]) -> list[Boot]:
        """Forget the boots before the oldest of some names; all that are left, oldest first."""
        wanted = set(names)
        while self._earlier and self._earlier[0].name not in wanted:
            self._earlier.pop(0)
        return [*self._earlier, self.present]

    def note(self, now: Moment) -> None:
        """This is what the clock says now."""
        boot, offset_ms = self.present, now.wall_ms - now.boot_ms
        first, last = boot.first, boot.last
        # What is counted on from a trusted moment says nothing new.
        if now.is_trusted and (first is None or now.quality is not TimeQuality.RECOVERED):
            last = Anchor(now.boot_ms, now.wall_ms, now.uncertainty_ms)
            first = first or last
            self.is_news = self.is_news or boot.first is None
        was_ms = boot.wall_offset_ms
        self.is_news = self.is_news or was_ms is None or abs(offset_ms - was_ms) > _JUMP_MS
        if self._saved_ms is None:
            self._saved_ms = now.boot_ms
        self.present = boot._replace(
            seen_ms=max(boot.seen_ms, now.boot_ms), wall_offset_ms=offset_ms, first=first, last=last
        )

    def is_due(self) -> bool:
        """Whether the present boot should be kept again with what is written anyway: every five minutes, for the sake
        of the card."""
        return self.is_news or self._saved_ms is None or self.present.seen_ms - self._saved_ms >= _SAVED_EVERY_MS

    def saved(self) -> None:
        """The present boot is on disk as it is now."""
        self.is_news = False
        self._saved_ms = self.present.seen_ms

    def freeze(self, boot_ms: int, wall_ms: int, name: str) -> FrozenTime:
        """The time for ever of a moment that nobody vouched for, boot_ms after the boot of a name, when the wall clock
        said wall_ms. RECOVERED if the boot has a trusted moment. Else UNTRUSTED: what the wall clock said, if that can
        be, else the middle of the bounds; one offset for all of a boot, so that distances stay. With no later bound
        the uncertainty is MAX_TIME_MS. The true time is within the uncertainty of the time, always."""
        boot = self._boot(name)
        bounds = boot.bounds_at(boot_ms)
        if bounds is not None:
            low, high = bounds
            return _within((low + high) // 2, low, high, TimeQuality.RECOVERED)
        offset_ms = wall_ms - boot_ms if boot.wall_offset_ms is None else boot.wall_offset_ms
        start_ms, end_ms = boot.not_before_ms, self._ended_before_ms(boot)
        drift = drift_ms(boot_ms)
        if end_ms is None:
            time_ms = boot_ms + max(start_ms, offset_ms)
            return _within(time_ms, -MAX_TIME_MS, MAX_TIME_MS, TimeQuality.UNTRUSTED)
        left_ms = max(0, boot.seen_ms - boot_ms)
        latest_start_ms = end_ms - left_ms - boot_ms
        low, high = start_ms + boot_ms - drift, end_ms - left_ms + drift_ms(left_ms)
        if low > high:  # what was trusted before or after was wrong
            start_ms, low = EARLIEST_MS, min(EARLIEST_MS + boot_ms - drift, high)
        if not start_ms <= offset_ms <= latest_start_ms:
            offset_ms = (start_ms + latest_start_ms) // 2
        return _within(boot_ms + offset_ms, low, high, TimeQuality.UNTRUSTED)

    def _boot(self, name: str) -> Boot:
        for boot in (self.present, *self._earlier):
            if boot.name == name:
                return boot
        return Boot(0, name)  # its row was lost, or is from before boots were kept: earlier than the present, no more

    def _ended_before_ms(self, boot: Boot) -> int | None:
        """When a boot without a trusted moment was over at the latest, Unix time; None if nothing tells."""
        if boot.name == self.present.name:
            return None
        later = [other for other in (*self._earlier, self.present) if boot.number and other.number > boot.number]
        ran_ms = 0
        for other in later or [self.present]:
            start_ms = other.starts_before_ms()
            if start_ms is not None:
                return start_ms - ran_ms
            ran_ms += other.seen_ms - drift_ms(other.seen_ms)
        return None


def _within(time_ms: int, low_ms: int, high_ms: int, quality: TimeQuality) -> FrozenTime:
    """A time with the bound that holds all from low_ms to high_ms. One that no message could carry is believed by
    nobody: it is told as the nearest that can travel."""
    if not 0 <= time_ms <= MAX_TIME_MS:
        return FrozenTime(min(max(0, time_ms), MAX_TIME_MS), TimeQuality.UNTRUSTED, MAX_TIME_MS)
    bound_ms = rounded_up(max(time_ms - low_ms, high_ms - time_ms))
    return FrozenTime(time_ms, quality, min(bound_ms, MAX_TIME_MS))
