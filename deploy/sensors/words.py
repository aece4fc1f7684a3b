"""Readings and discards for a person: titles of the catalogue, units as they are written, in Spanish or English."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from deploy.doctor.findings import Language, Text, ages, sizes
from firmware_bridge.readings import KINDS, LABELS, QUANTITY_BY_CODE, Attachment, Kind, Quantity, Reading
from firmware_bridge.sources import Delivery

_UNITS: Final = {"1": "", "Cel": "°C", "dB[mW]": "dBm", "deg": "°", "lx": "lux", "By": "B"}
"""UCUM as people write it; all others are written so."""
_FLAG: Final = (Text("no", "no"), Text("sí", "yes"))


class Row(NamedTuple):
    """One value: its title, and the number with its unit."""

    title: str
    value: str


def value_words(quantity: Quantity, steps: int) -> str:
    """A value with its unit, at the quantity's resolution; a ratio in percent."""
    if quantity.name.endswith("_ratio"):
        return f"{100 * quantity.from_steps(steps):g} %"
    unit = _UNITS.get(quantity.unit, quantity.unit)
    number = f"{quantity.from_steps(steps):.{quantity.decimals}f}"
    return f"{number}{'' if unit == '°' or not unit else ' '}{unit}"


def title(quantity: Quantity, language: Language) -> str:
    """The quantity's name for a person."""
    return quantity.title_es if language == "es" else quantity.title_en


def head(reading: Reading, language: Language) -> str:
    """What it tells, without its values: sensor, kind, label, age."""
    kind = KINDS[Kind(reading.kind)]
    words = f"{reading.sensor}: {kind.title_es if language == 'es' else kind.title_en}"
    if reading.label:
        label = LABELS.get(reading.label)
        words += f", {reading.label if label is None else label.title_es if language == 'es' else label.title_en}"
    if reading.age_ms >= 1000:
        words += f", {age_words(reading.age_ms / 1000, language)}"
    return words


def rows(reading: Reading, language: Language) -> list[Row]:
    """Its values, in the order of the catalogue."""
    found = []
    for code, steps in zip(reading.codes, reading.steps, strict=True):
        quantity = QUANTITY_BY_CODE[code]
        value = _FLAG[bool(steps)](language) if quantity.name.endswith("_flag") else value_words(quantity, steps)
        found.append(Row(title(quantity, language), value))
    return found


def age_words(seconds: float, language: Language) -> str:
    """How long ago."""
    return f"hace {ages(seconds).es}" if language == "es" else f"{ages(seconds).en} ago"


def printable(text: str) -> str:
    """What a device said, on one line and without what would steer a terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()


def detail_words(detail: str, language: Language) -> str:
    """What a driver says beside a reason, on one line; in Spanish where it is a common one, else as it is."""
    said = printable(detail)
    if language == "es":
        for english, spanish in _DETAILS:
            said = english.sub(spanish, said)
    return said


_DETAILS: Final = tuple(
    (re.compile(english), spanish)
    for english, spanish in (
        (r"\bnothing maps (.+?) to a quantity$", r"nadie traduce \1 a una magnitud"),
        (r"\bnothing that maps to a quantity: empty$", "nada que se traduzca a una magnitud"),
        (r"\bnothing that maps to a quantity: ", "nada que se traduzca a una magnitud: "),
        (r"^a field is not there: (\d+) bytes$", r"falta un campo: son \1 bytes"),
        (r"^(\S+) is not there: (\d+) bytes$", r"falta \1: son \2 bytes"),
        (r"^a field is (\d+), not of (\[.*\])$", r"un campo es \1, no uno de \2"),
        (r"^(\S+) is (\d+), not of (\[.*\])$", r"\1 es \2, no uno de \3"),
        (r"^(\d+) bytes that are no frame$", r"\1 bytes que no son una trama"),
        (r"^unit (\d+), registers from (\d+) on$", r"equipo \1, registros desde \2"),
        (r"^unit (\d+)$", r"equipo \1 de la línea"),
        (r" is not in the settings$", " no está en la configuración"),
        (r"^device ([0-9a-f]+)", r"sensor \1"),
        (r"^a packet of (\d+) bytes from (\S+): ", r"un paquete de \1 bytes de \2: "),
        (r"^a packet of (\d+) bytes: ", r"un paquete de \1 bytes: "),
        (r"^the key of device (\w+) could not be read$", r"no se pudo leer la clave del sensor \1"),
        (r", counter (\d+)$", r", cuenta \1"),
        (r"\bsent (\d+) s in the future$", r"enviado \1 s en el futuro"),
        (r"\b(\d+) days old$", r"de hace \1 días"),
        (r"^without a label: ", "sin etiqueta: "),
        (r"^the device says that there was none$", "el aparato dice que no hubo nada"),
    )
)


def attachment_words(attachment: Attachment, language: Language) -> str:
    """A picture or a clip in one line."""
    text = Text("miniatura", "thumbnail")(language)
    small = f", {text} {sizes(len(attachment.thumbnail))}" if attachment.thumbnail else ""
    of = f", {attachment.number}/{attachment.of}" if attachment.of > 1 else ""
    notes = "".join(f", {name} {printable(value)}" for name, value in attachment.notes)
    return f"{attachment.media_type}, {sizes(attachment.size_bytes)}{of}{small}{notes}"


def delivery_lines(delivery: Delivery, language: Language) -> list[str]:
    """All that it gave but its discards, in plain lines: a line a reading, then its values."""
    lines = []
    for index, reading in enumerate(delivery.readings):
        lines.append(head(reading, language))
        lines += table_lines(rows(reading, language))
        lines += [f"  {attachment_words(one, language)}" for one in delivery.attachments.get(index, [])]
    return lines + other_lines(delivery, language)


def other_lines(delivery: Delivery, language: Language) -> list[str]:
    """What it gave beside readings and discards: texts of people, the time of a GPS."""
    lines = []
    for text in delivery.texts:
        where = f" #{text.channel}" if text.channel else ""
        lines.append(f"{text.sender}{where}: «{text.text}»")
    if delivery.gps_utc_ms is not None:
        told = datetime.fromtimestamp(delivery.gps_utc_ms / 1000, UTC)
        lines.append(f"{Text('Hora del GPS', 'Time of the GPS')(language)}: {told:%Y-%m-%d %H:%M:%S} UTC")
    return lines


def table_lines(told: Iterable[Row]) -> list[str]:
    """Values in two columns, the numbers under one another."""
    held = list(told)
    widest = max((len(row.title) for row in held), default=0)
    return [f"  {row.title:{widest}}  {row.value}" for row in held]
