"""What time it is, who says so, and how far that can be believed.

A Pi has no clock battery: after a boot its wall clock may be minutes or years off until something sets it. So a moment
keeps the time since boot, which only counts up, beside the wall time and who vouches for it. Decision 0004 says why the
sources are weighed as they are. All times are UTC: a Unix time knows no zone and no daylight saving.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from typing import Final, Literal, NamedTuple

from gateway.clock.machine import LinuxTime, MachineTime
from gateway.clock.moments import Anchor, Moment, drift_ms, rounded_up
from gateway.clock.words import ClockState
from gateway.contract.entries import TimeQuality

log = logging.getLogger(__name__)

GPS_FRESH_MS: Final = 60_000
GPS_UNCERTAINTY_MS: Final = 1024
"""A receiver tells the time of a fix up to a second after it, and its line takes a while."""
GPS_WORDS: Final = 3
"""So many words must agree: a checksum of eight bits lets a garbled line through now and then."""
_GPS_HEARD: Final = 16
NTP_UNTOLD_MS: Final = 400
"""Added to the error that the kernel tells: systemd-timesyncd tells it 0 while it still slews up to 0.4 s, and a
satellite's way there may be 0.3 s longer than the way back."""
HOLDOVER_MS: Final = 7 * 24 * 3_600_000
"""So long a time that was trusted is counted on; later, what comes in waits for a better word until it is sent."""
DOUBT_MS: Final = 3_600_000
"""So long two words that contradicted each other are both within the bounds."""
_JUMP_MS: Final = 2_000
_SLEW: Final = 8
"""No daemon slews faster than an eighth of the time that passes."""


class _Word(NamedTuple):
    """What a source says at boot_ms: Unix time minus time since boot, and how far off that may be."""

    offset_ms: int
    uncertainty_ms: int
    quality: TimeQuality
    boot_ms: int

    def bound_at(self, boot_ms: int) -> int:
        """How far off it may be at another time of this boot."""
        return self.uncertainty_ms + drift_ms(boot_ms - self.boot_ms)


def _both(held: _Word, word: _Word) -> _Word:
    """What holds the bounds of both, as of the second."""
    bound_ms = held.bound_at(word.boot_ms)
    low_ms = min(held.offset_ms - bound_ms, word.offset_ms - word.uncertainty_ms)
    high_ms = max(held.offset_ms + bound_ms, word.offset_ms + word.uncertainty_ms)
    return word._replace(offset_ms=(low_ms + high_ms) // 2, uncertainty_ms=(high_ms - low_ms + 1) // 2)


class Clock:
    """The machine's clocks. trust: "ntp" believes the kernel while it is disciplined and a GPS that was heard within
    the last minute, the better of the two, and after that counts on; "system" believes the wall clock always (a machine
    whose clock someone else keeps right). May be called from any thread."""

    def __init__(self, trust: Literal["ntp", "system"], machine: MachineTime | None = None) -> None:
        self._trust = trust
        self._machine = machine if machine is not None else LinuxTime()
        self._lock = threading.Lock()
        self._heard: deque[tuple[int, int]] = deque(maxlen=_GPS_HEARD)  # boot_ms and offset of each word of a GPS
        self._gps: _Word | None = None
        self._held: _Word | None = None  # what is counted on from
        self._trusted_ms: int | None = None  # since boot, when a source was last believed
        self._doubt_until_ms: int | None = None
        self._sources_agree = True
        self._wall_was: tuple[int, int] | None = None  # boot_ms and offset of the wall clock, when it was last read
        self._counts: Counter[str] = Counter()

    def boot_id(self) -> str:
        """The name of this boot of the machine."""
        return self._machine.boot_id()

    def hear_gps(self, utc_ms: int) -> None:
        """A GPS says that it is this Unix time now."""
        with self._lock:
            boot_ms, _ = self._machine.read()
            offset_ms = utc_ms - boot_ms
            heard = self._heard
            heard.append((boot_ms, offset_ms))
            while boot_ms - heard[0][0] > GPS_FRESH_MS:
                heard.popleft()
            # A line and its reader can only be late: of those that agree, the highest is the truest.
            best = max((sum(0 <= top - other <= GPS_UNCERTAINTY_MS for _, other in heard), top) for _, top in heard)
            if best[0] >= GPS_WORDS:
                self._gps = _Word(best[1], GPS_UNCERTAINTY_MS, TimeQuality.GPS, boot_ms)
                if abs(offset_ms - best[1]) > 2 * GPS_UNCERTAINTY_MS:
                    self._counts["gps_outlier"] += 1

    def hold(self, anchor: Anchor) -> None:
        """A trusted moment of this boot, from before a restart of the program: count on from it."""
        with self._lock:
            if self._held is None:
                self._trusted_ms = anchor.boot_ms
                offset_ms = anchor.time_ms - anchor.boot_ms
                self._held = _Word(offset_ms, anchor.uncertainty_ms, TimeQuality.RECOVERED, anchor.boot_ms)

    def now(self) -> Moment:
        """This moment."""
        with self._lock:
            boot_ms, wall_ms = self._machine.read()
            self._look_for_jump(boot_ms, wall_ms - boot_ms)
            if self._trust == "system":
                return Moment(boot_ms, wall_ms, TimeQuality.SYSTEM, 0)
            word = self._fresh(boot_ms, wall_ms)
            if word is not None:
                self._trusted_ms = boot_ms
                word = self._weighed(word)
            elif (held := self._held) is not None and boot_ms - held.boot_ms <= HOLDOVER_MS:
                bound_ms = rounded_up(held.bound_at(boot_ms))
                word = _Word(held.offset_ms, bound_ms, TimeQuality.RECOVERED, boot_ms)
            else:
                return Moment(boot_ms, wall_ms, TimeQuality.UNTRUSTED, 0)
            return Moment(boot_ms, boot_ms + word.offset_ms, word.quality, word.uncertainty_ms)

    def state(self) -> ClockState:
        """How the clock is, for people."""
        moment = self.now()
        with self._lock:
            trusted_ms = self._trusted_ms
            return ClockState(
                moment.quality,
                moment.uncertainty_ms,
                None if trusted_ms is None else max(0, moment.boot_ms - trusted_ms),
                self._in_doubt(moment.boot_ms),
            )

    def take_counts(self) -> dict[str, int]:
        """What happened since this was last asked, by name: clock_jump (the wall clock was set), clock_disagreement
        (two sources, or a source and what it said before, cannot both be right), gps_outlier (a word of a GPS that its
        others contradict)."""
        if not self._counts:
            return {}
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return dict(counts)

    def _fresh(self, boot_ms: int, wall_ms: int) -> _Word | None:
        """The better of what the kernel and a GPS say now; both within the bounds when they contradict each other."""
        error_ms = self._machine.ntp_error_ms()
        ntp = None
        if error_ms is not None:
            ntp = _Word(wall_ms - boot_ms, rounded_up(error_ms + NTP_UNTOLD_MS), TimeQuality.NTP, boot_ms)
        gps = self._gps
        if gps is not None and boot_ms - gps.boot_ms > GPS_FRESH_MS:
            gps = self._gps = None
        if ntp is None or gps is None:
            return ntp or gps
        gps = gps._replace(boot_ms=boot_ms)
        apart_ms = abs(ntp.offset_ms - gps.offset_ms)
        if apart_ms <= ntp.uncertainty_ms + gps.uncertainty_ms:
            self._sources_agree = True
            return ntp if ntp.uncertainty_ms <= gps.uncertainty_ms else gps
        if self._sources_agree:
            self._sources_agree = False
            self._contradiction("the network's time and the GPS", apart_ms)
        self._doubt_until_ms = boot_ms + DOUBT_MS
        return gps._replace(uncertainty_ms=rounded_up(apart_ms + ntp.uncertainty_ms))

    def _weighed(self, word: _Word) -> _Word:
        """A fresh word, with the bounds that what was trusted before leaves it."""
        held, boot_ms = self._held, word.boot_ms
        if held is None:
            self._held = word
            return word
        apart_ms, bound_ms = abs(word.offset_ms - held.offset_ms), held.bound_at(boot_ms)
        if apart_ms > word.uncertainty_ms + bound_ms:
            self._contradiction(f"{word.quality.name} and what was trusted before", apart_ms)
            self._doubt_until_ms = boot_ms + DOUBT_MS
        if self._in_doubt(boot_ms):
            if apart_ms + word.uncertainty_ms > bound_ms:
                held = self._held = _both(held, word)
                apart_ms, bound_ms = abs(word.offset_ms - held.offset_ms), held.uncertainty_ms
            return word._replace(uncertainty_ms=max(word.uncertainty_ms, rounded_up(apart_ms + bound_ms)))
        self._doubt_until_ms = None
        if word.uncertainty_ms <= bound_ms:
            self._held = word
        return word

    def _in_doubt(self, boot_ms: int) -> bool:
        return self._doubt_until_ms is not None and boot_ms < self._doubt_until_ms

    def _contradiction(self, who: str, apart_ms: int) -> None:
        self._counts["clock_disagreement"] += 1
        log.warning(
            "%s contradict each other by %.1f s. Until they have agreed for an hour, times are marked with bounds that"
            " hold both. Look at the GPS and at who gives the time in the network",
            who,
            apart_ms / 1000,
        )

    def _look_for_jump(self, boot_ms: int, offset_ms: int) -> None:
        was, self._wall_was = self._wall_was, (boot_ms, offset_ms)
        if was is None:
            return
        jump_ms = offset_ms - was[1]
        if abs(jump_ms) > _JUMP_MS + (boot_ms - was[0]) // _SLEW:
            self._counts["clock_jump"] += 1
            log.info("the wall clock was set by %+.1f s", jump_ms / 1000)
