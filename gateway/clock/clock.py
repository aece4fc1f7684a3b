"""When a thing was heard, and how far that time can be believed.

A Pi has no clock battery: after a boot its wall clock may be minutes or years off until something sets it. So a moment
keeps the time since boot, which only counts up, beside the wall time and who vouches for it.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from gateway.clock.machine import boot_ms as _boot_ms
from gateway.clock.machine import kernel_error_ms
from gateway.clock.machine import wall_ms as _wall_ms
from gateway.clock.moments import FrozenTime, Moment
from gateway.contract.entries import TimeQuality
from gateway.contract.rows import MAX_TIME_MS

GPS_FRESH_MS: Final = 60_000
GPS_UNCERTAINTY_MS: Final = 1024
"""A receiver tells the time of a fix up to a second after it, and its line takes a while."""


class _GpsTime(NamedTuple):
    """offset_ms: Unix time minus time since boot. found_ms, heard_ms: since boot, when that and when any was heard."""

    offset_ms: int
    found_ms: int
    heard_ms: int


class Clock:
    """The machine's clocks. trust: "ntp" believes the wall clock while the kernel says that it is disciplined, and
    otherwise a GPS that was heard within the last minute; "system" believes the wall clock always (a machine whose
    clock someone else keeps right)."""

    def __init__(self, trust: Literal["ntp", "system"]) -> None:
        self._trust = trust
        self._gps: _GpsTime | None = None

    def hear_gps(self, utc_ms: int) -> None:
        """A GPS says that it is this Unix time now. From any thread."""
        boot_ms = _boot_ms()
        heard = _GpsTime(utc_ms - boot_ms, boot_ms, boot_ms)
        held = self._gps
        # A line and its reader can only be late, so the highest offset of a minute is the truest.
        if held is not None and held.offset_ms > heard.offset_ms and boot_ms - held.found_ms <= GPS_FRESH_MS:
            heard = held._replace(heard_ms=boot_ms)
        self._gps = heard

    def now(self) -> Moment:
        """This moment."""
        boot_ms = _boot_ms()
        wall_ms = _wall_ms()
        if self._trust == "system":
            return Moment(boot_ms, wall_ms, TimeQuality.SYSTEM, 0)
        error_ms = kernel_error_ms()
        if error_ms is None:
            gps = self._gps
            if gps is not None and boot_ms - gps.heard_ms <= GPS_FRESH_MS:
                return Moment(boot_ms, boot_ms + gps.offset_ms, TimeQuality.GPS, GPS_UNCERTAINTY_MS)
            return Moment(boot_ms, wall_ms, TimeQuality.UNTRUSTED, 0)
        # Rounded up to a power of two: the bound stays true, and a column of bounds costs next to nothing to send.
        return Moment(boot_ms, wall_ms, TimeQuality.NTP, 1 << error_ms.bit_length() if error_ms else 0)


def freeze(then: Moment, same_boot: bool, now: Moment) -> FrozenTime:
    """The best time for what was noted `then`, as known `now`. A trusted time stands. An untrusted one of this
    boot is reckoned back from a trusted now by the time since boot. Any other keeps its wall time, marked UNTRUSTED; so
    does one that no message could carry, at the bound (1970 or 2248)."""
    if then.quality is not TimeQuality.UNTRUSTED:
        frozen = FrozenTime(then.wall_ms, then.quality, then.uncertainty_ms)
    elif same_boot and now.quality is not TimeQuality.UNTRUSTED:
        frozen = FrozenTime(now.wall_ms - (now.boot_ms - then.boot_ms), TimeQuality.RECOVERED, now.uncertainty_ms)
    else:
        frozen = FrozenTime(then.wall_ms, TimeQuality.UNTRUSTED, 0)
    if 0 <= frozen.time_ms <= MAX_TIME_MS:
        return frozen
    # A clock that far off is believed by nobody, whatever it says of itself.
    return FrozenTime(min(max(0, frozen.time_ms), MAX_TIME_MS), TimeQuality.UNTRUSTED, 0)
