"""What a technician sees of a `Watch`: a screen that renews itself on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Final

from rich.console import Group
from rich.table import Table
from rich.text import Text as RichText

from deploy.doctor.findings import Language, Text
from deploy.doctor.reasons import advice
from deploy.sensors.line_words import line_words
from deploy.sensors.watching import Heard, Watch
from deploy.sensors.words import detail_words, head, other_lines, rows, value_words
from firmware_bridge.readings import QUANTITIES, Reading
from firmware_bridge.sources import Delivery

_BARS: Final = "▂▄▆█"
_RSSI_STEPS_DBM: Final = (-118, -108, -95)
"""Between one bar and two, two and three, three and four; for LoRa, which hears down to some -125 dBm."""
_WEAK_SNR: Final = -7.5
"""In dB: SF7 ends here, and every other is not far from its end."""
_OLD_S: Final = 3600
_MOST_ROWS: Final = 12

_COLUMNS: Final = (
    Text("Sensor", "Sensor"),
    Text("Hace", "Ago"),
    Text("Señal", "Signal"),
    Text("Batería", "Battery"),
    Text("Última lectura", "Last reading"),
)
_SILENCE: Final = Text("Todavía no se oye nada que sirva.", "Nothing of use has been heard yet.")
_END: Final = Text("Ctrl-C para terminar", "Ctrl-C to end")
_UNHEARD: Final = Text("Están en la configuración y nunca se oyeron:", "In the settings, and never heard:")
_STRANGERS: Final = Text("Se oyen y no están en la configuración:", "Heard, and not in the settings:")
_UNMAPPED: Final = Text("Campos que nadie traduce a una magnitud:", "Fields that nothing maps to a quantity:")
_DISCARDED: Final = Text("Descartado", "Discarded")
_SHORT_AGES: Final = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def screen(watch: Watch, state: str, language: Language, now: float | None = None) -> Group:
    """Everything heard so far. state: see `Source.state`. now: monotonic, seconds."""
    at = time.monotonic() if now is None else now
    parts: list[RichText | Table] = [
        RichText.assemble((line_words(state, language), "bold"), f"   {_END(language)}", style="dim")
    ]
    sensors = watch.sensors()
    parts.append(_table(list(sensors.values()), at, language) if sensors else RichText(_SILENCE(language)))
    if unheard := watch.unheard():
        parts.append(RichText.assemble((_UNHEARD(language), "yellow"), f" {', '.join(unheard)}"))
    parts += [RichText(line) for line in watch.texts()]
    if strangers := watch.strangers():
        parts.append(RichText(_STRANGERS(language), "yellow"))
        parts += [RichText(f"  {line}") for line in _strangers(strangers, language)[:_MOST_ROWS]]
    if unmapped := watch.unmapped():
        listed = ", ".join(f"{name} × {count}" for name, count in unmapped.items())
        parts.append(RichText.assemble((_UNMAPPED(language), "yellow"), f" {listed}"))
    for reason, count, detail in watch.reasons()[:_MOST_ROWS]:
        told = advice(reason)
        words = RichText.assemble((f"{_DISCARDED(language)} {count}", "yellow"), f": {told.what(language)} ({reason})")
        if not told.harmless:
            words.append(f"\n  {told.todo(language)}", "cyan").append(
                f"  {detail_words(detail, language)}" if detail else "", "dim"
            )
        parts.append(words)
    return Group(*parts)


def lines_of(delivery: Delivery, language: Language, moment: datetime) -> list[str]:
    """One line for each thing that a delivery holds, with the time of day."""
    lines = [_line(reading, language) for reading in delivery.readings] + other_lines(delivery, language)
    lines += [
        f"{_DISCARDED(language)}: {item.reason} {item.count}"
        + (f" ({detail_words(item.detail, language)})" if item.detail else "")
        for item in delivery.rejected
    ]
    return [f"{moment:%H:%M:%S} {line}" for line in lines]


def closing_lines(watch: Watch, language: Language) -> list[str]:
    """What there is to say at the end: how much was heard, what was discarded and what to do about it."""
    lines = [f"{name}: {heard.times}" for name, heard in watch.sensors().items()] or [_SILENCE(language)]
    if unheard := watch.unheard():
        lines.append(f"{_UNHEARD(language)} {', '.join(unheard)}")
    for reason, count, _ in watch.reasons():
        told = advice(reason)
        lines.append(f"{_DISCARDED(language)} {count}: {told.what(language)} ({reason}). {told.todo(language)}")
    if strangers := watch.strangers():
        lines.append(_STRANGERS(language))
        lines += [f"  {line}" for line in _strangers(strangers, language)]
    if unmapped := watch.unmapped():
        lines.append(f"{_UNMAPPED(language)} {', '.join(f'{name} × {count}' for name, count in unmapped.items())}")
    return lines


def _strangers(strangers: dict[str, int], language: Language) -> list[str]:
    return [f"{detail_words(detail, language)} × {count}" for detail, count in strangers.items()]


def signal_bars(device: dict[str, float]) -> str:
    """One to four bars and the RSSI; "" when the receiver told none."""
    rssi = device.get("rssi_dbm")
    if rssi is None:
        return ""
    bars = 1 + sum(rssi > step for step in _RSSI_STEPS_DBM)
    if device.get("snr_decibels", 0.0) < _WEAK_SNR:
        bars = 1
    return f"{_BARS[:bars]:·<4} {rssi:.0f}"


def _table(heard: list[Heard], now: float, language: Language) -> Table:
    table = Table(*(column(language) for column in _COLUMNS), expand=True)
    for column, width in zip(table.columns, (None, 8, 9, 8, None), strict=True):
        column.no_wrap = width is not None
    for one in heard:
        age_s = now - one.at
        snr = f"\n{one.device['snr_decibels']:.1f} dB" if "snr_decibels" in one.device else ""
        table.add_row(
            RichText(f"{one.reading.sensor}\n× {one.times}"),
            RichText(_short_age(age_s), "red" if age_s > _OLD_S else ""),
            RichText(signal_bars(one.device) + snr),
            RichText(_battery(one.device)),
            RichText(_line(one.reading, language).partition(": ")[2]),
        )
    return table


def _line(reading: Reading, language: Language) -> str:
    values = ", ".join(f"{row.title} {row.value}" for row in rows(reading, language))
    return f"{head(reading, language)}; {values}"


def _battery(device: dict[str, float]) -> str:
    for name in ("battery_ratio", "battery_volts"):
        if name in device:
            quantity = QUANTITIES[name]
            return value_words(quantity, quantity.to_steps(device[name]))
    return ""


def _short_age(seconds: float) -> str:
    for size, unit in _SHORT_AGES:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return "0 s"
