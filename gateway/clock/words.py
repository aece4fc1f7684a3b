"""The state of the clock in words, for the post's page and its health."""

from __future__ import annotations

from typing import NamedTuple

from gateway.contract.entries import TimeQuality

_UNITS = ((86_400_000, "d", "días", "days"), (3_600_000, "h", "h", "h"), (60_000, "min", "min", "min"))


class ClockState(NamedTuple):
    """quality: who vouches for the time now. uncertainty_ms: its bound, 0 when UNTRUSTED. trusted_ago_ms: how long ago
    a source was last believed in this boot, None for never. in_doubt: sources contradicted each other within the hour.
    """

    quality: TimeQuality
    uncertainty_ms: int
    trusted_ago_ms: int | None
    in_doubt: bool

    @property
    def es(self) -> str:
        """In Spanish, such as "GPS, ±1 s"."""
        ago, bound = _span(self.trusted_ago_ms, "es"), _seconds(self.uncertainty_ms).replace(".", ",")
        words = {
            TimeQuality.GPS: f"GPS, ±{bound}",
            TimeQuality.NTP: f"hora de la red, ±{bound}",
            TimeQuality.RECOVERED: f"sin GPS ni red desde hace {ago}; sigue contando solo, ±{bound}",
            TimeQuality.SYSTEM: "la del equipo: la configuración manda creerle",
            TimeQuality.UNTRUSTED: f"sin hora confiable desde hace {ago}" if ago else _NEVER["es"],
        }[self.quality]
        return words + "; dos fuentes de hora no coinciden" * self.in_doubt

    @property
    def en(self) -> str:
        """In English, such as "GPS, ±1 s"."""
        ago, bound = _span(self.trusted_ago_ms, "en"), _seconds(self.uncertainty_ms)
        words = {
            TimeQuality.GPS: f"GPS, ±{bound}",
            TimeQuality.NTP: f"network time, ±{bound}",
            TimeQuality.RECOVERED: f"no GPS or network for {ago}; counting on, ±{bound}",
            TimeQuality.SYSTEM: "the machine's: the settings say to believe it",
            TimeQuality.UNTRUSTED: f"no trusted time for {ago}" if ago else _NEVER["en"],
        }[self.quality]
        return words + "; two sources of time disagree" * self.in_doubt


_NEVER = {"es": "sin hora confiable desde el arranque", "en": "no trusted time since the start"}


def _seconds(bound_ms: int) -> str:
    seconds = bound_ms / 1000
    return f"{seconds:.1f} s" if seconds < 0.95 else f"{seconds:.0f} s" if seconds < 600 else _span(bound_ms, "en")


def _span(ms: int | None, language: str) -> str:
    if ms is None:
        return ""
    for unit_ms, short, es, en in _UNITS:
        if ms >= 2 * unit_ms:
            return f"{ms // unit_ms} {short if short != 'd' else es if language == 'es' else en}"
    return f"{ms // 1000} s"
