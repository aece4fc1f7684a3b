"""Each sensor as a technician and a ranger read it: silent ones first."""

from __future__ import annotations

from typing import Final, NamedTuple

from firmware_bridge.readings import KINDS, QUANTITIES, Kind
from gateway.page import phrases, pictograms
from gateway.page.languages import Language
from gateway.watch.words import BoardState, SensorWord

_LOW_BATTERY: Final = 0.2
_UNITS: Final = {"Cel": "°C", "deg": "°", "dB[mW]": "dBm", "By": "B"}
_BY_SLUG: Final = {kind.slug: kind for kind in Kind}
_NOT_SAID: Final = frozenset(
    {
        "battery_ratio",
        "battery_volts",
        "rssi_dbm",
        "snr_decibels",
        "latitude_degrees",
        "longitude_degrees",
        "picture_number",
    }
)
"""Told elsewhere in the row, or nothing to a ranger."""
_MOST_VALUES: Final = 4
_LATE_S: Final = 300.0
_DECIMALS: Final = {"water_level_metres": 2, "distance_metres": 2, "battery_volts": 2, "solar_volts": 2}
"""Those of which more than the first decimal says something: a river rises by centimetres."""


class SensorRow(NamedTuple):
    """state: silent, low (battery), never, well."""

    name: str
    title: str
    state: str
    state_words: str
    pictogram: str
    said: str
    values: str
    when: str
    battery_pictogram: str
    battery: str
    signal_pictogram: str
    signal: str


def sensor_rows(state: BoardState, say: Language) -> list[SensorRow]:
    """One for each, the silent first, then those with a low battery, those never heard, the others by title."""
    order = {"silent": 0, "low": 1, "never": 2, "well": 3}
    rows = [_row(word, state, say) for word in state.sensors]
    rows.sort(key=lambda row: (order[row.state], row.title.casefold()))
    return rows


def state_of(word: SensorWord) -> str:
    """silent, low, never, well."""
    if word.is_silent:
        return "silent"
    if word.battery_ratio is not None and word.battery_ratio < _LOW_BATTERY:
        return "low"
    return "never" if word.age_s is None else "well"


def _row(word: SensorWord, state: BoardState, say: Language) -> SensorRow:
    is_in = state_of(word)
    words = {
        "silent": say("Callado: revise batería y antena"),
        "low": say("Batería baja: limpie el panel o cambie la batería"),
        "never": say("Nunca se oyó: revise que esté prendido, y su número y clave en la configuración"),
        "well": say("Bien"),
    }
    said = ""
    if word.label:
        said = say.label(word.label)
    elif word.kind in _BY_SLUG:
        spec = KINDS[_BY_SLUG[word.kind]]
        said = say(spec.title_es)
        if said == spec.title_es and say.code.startswith("en"):
            said = spec.title_en
    when = ""
    if word.age_s is not None and word.heard_ms is not None:
        when = f"{phrases.ago(say, word.age_s + word.late_s)} · {phrases.at(say, word.heard_ms, state.made_ms)}"
        if word.late_s > _LATE_S:
            when += " · " + say("llegó %(ago)s", ago=phrases.ago(say, word.age_s))
    battery, battery_pictogram = "", ""
    if word.battery_ratio is not None:
        battery, battery_pictogram = phrases.percent(say, word.battery_ratio), pictograms.of_battery(word.battery_ratio)
    elif word.battery_volts is not None:
        battery, battery_pictogram = f"{phrases.number(say, word.battery_volts, 1)} V", "battery2"
    signal, signal_pictogram = "", ""
    if word.rssi_dbm is not None:
        signal_pictogram = pictograms.of_signal(word.rssi_dbm)
        signal = {
            "signal0": say("señal muy débil"),
            "signal1": say("señal débil"),
            "signal2": say("señal buena"),
            "signal3": say("señal muy buena"),
        }[signal_pictogram]
    return SensorRow(
        word.name,
        word.title,
        is_in,
        words[is_in],
        pictograms.of_label(word.label) if word.label else "sensor",
        said,
        _values(word, say),
        when,
        battery_pictogram,
        battery,
        signal_pictogram,
        signal,
    )


def _values(word: SensorWord, say: Language) -> str:
    told = []
    for name, value in word.values.items():
        quantity = QUANTITIES.get(name)
        if quantity is None or name in _NOT_SAID:
            continue
        title = say(quantity.title_es)
        if title == quantity.title_es and say.code.startswith("en"):
            title = quantity.title_en
        if name.endswith("_ratio"):
            told.append(f"{title} {phrases.percent(say, value)}")
            continue
        unit = _UNITS.get(quantity.unit, quantity.unit)
        number = phrases.number(say, value, _DECIMALS.get(name, min(quantity.decimals, 1)))
        told.append(f"{title} {number}" if unit == "1" else f"{title} {number} {unit}")
    return " · ".join(told[:_MOST_VALUES])
