"""An incident in one line, for a siren's log, a radio, the title of a page: Spanish first, English second."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from firmware_bridge.readings import LABELS
from gateway.place.place import Place
from gateway.rules.book import LATE, SILENCE, STORM
from gateway.rules.facts import Change, Incident, Passage, Step

MAX_BYTES: Final = 200
"""What a Meshtastic text holds with room to spare."""
_LAST_MS: Final = 4_102_444_800_000


def words(change: Change, lang: str, place: Place, zone: dt.tzinfo | None = None) -> str:
    """One line of at most MAX_BYTES in UTF-8, in Spanish unless lang is "en". zone: of the post, for hours of arrival;
    None where the clock cannot be believed: minutes are told in place of hours."""
    english = lang == "en"
    step, incident = change
    line = _capital(_what(incident, english, place, zone))
    if step is Step.CLOSED and incident.label == SILENCE and incident.rule != STORM:
        line = f"{place_words(incident.sensors, place, english)} {'is heard again' if english else 'se oye otra vez'}"
    elif step is Step.GROWN:
        line = f"{'Goes on' if english else 'Sigue'}: {line}"
    elif step is Step.CLOSED:
        line = f"{'Over' if english else 'Terminó'}: {line}"
    elif step is Step.ACKNOWLEDGED:
        note = f" ({incident.note})" if incident.note else ""
        line = f"{'Seen to' if english else 'Atendido'}: {line}{note}"
    elif step is Step.HELD_BACK:
        why = incident.suppressed_by
        if why == LATE:
            why = "came late" if english else "llegó tarde"
        line = f"{'No warning' if english else 'Sin aviso'} ({why}): {line}"
    return _cut(line)


def label_words(label: str, english: bool) -> str:
    """What people call a label."""
    if label == SILENCE:
        return "No signal" if english else "Sin señal"
    known = LABELS.get(label)
    if known is None:
        return label
    return (known.title_en if english else known.title_es).partition(" (")[0]


def place_words(sensors: Sequence[str], place: Place, english: bool) -> str:
    """Where: one sensor by its title, several of one group by the group's name, others as "A, B y 2 más"."""
    if len(sensors) > 1:
        groups = {placed.groups[0] if placed.groups else "" for s in sensors if (placed := place.sensors.get(s))}
        if len(groups) == 1 and all(sensor in place.sensors for sensor in sensors) and (group := groups.pop()):
            return group
    titles = [place.title(sensor) for sensor in sensors]
    if len(titles) > 3:
        return f"{', '.join(titles[:2])} {'and' if english else 'y'} {len(titles) - 2} {'more' if english else 'más'}"
    return " y ".join(titles) if len(titles) == 2 and not english else ", ".join(titles)


def duration_words(seconds: float) -> str:
    """How long, short: 40 s, 4 min, 2 h."""
    if seconds < 60:
        return f"{max(0.0, seconds):.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def _what(incident: Incident, english: bool, place: Place, zone: dt.tzinfo | None) -> str:
    label = label_words(incident.label, english)
    where = place_words(incident.sensors, place, english)
    lasting = (incident.last_steady_ms - incident.first_steady_ms) / 1000
    over = f" {'in' if english else 'en'} {duration_words(lasting)}" if lasting >= 1 else ""
    if incident.rule == STORM:
        return f"{label}: {incident.count} {'warnings' if english else 'avisos'}{over} ({where})"
    if incident.label == SILENCE:
        since = _hour(incident.last_ms, zone)
        since = f" {'since' if english else 'desde las'} {since}" if since else ""
        return f"{'No signal from' if english else 'Sin señal de'} {where}{since}"
    if incident.passage is not None:
        return f"{label} {_passage(incident, incident.passage, english, place, zone)}"
    times = f", {incident.count} {'times' if english else 'veces'}{over}" if incident.count > 1 else ""
    return f"{label} {'at' if english else 'en'} {where}{times}" if where else f"{label}{times}"


def _passage(incident: Incident, passage: Passage, english: bool, place: Place, zone: dt.tzinfo | None) -> str:
    if english:
        way = "upstream" if passage.direction == "upstream" else "downstream"
    else:
        way = "río arriba" if passage.direction == "upstream" else "río abajo"
    if len(place.rivers) > 1:
        way = f"{'on' if english else 'por'} {passage.river} {way}"
    said = f"{way}, {passage.speed_metres_per_second * 3.6:.0f} km/h"
    arrivals = dict(reversed(passage.arrivals))
    if not arrivals:
        return said
    name = "" if "" in arrivals else passage.arrivals[0][0]
    if english:
        where = f"at {place.title(name)}" if name else "at the post"
    else:
        where = f"llega a {place.title(name)}" if name else "llega al puesto"
    hour = _hour(arrivals[name], zone)
    if not hour:
        hour = f"{'in' if english else 'en'} {duration_words((arrivals[name] - incident.last_ms) / 1000)}"
    return f"{said}, {where} {hour}"


def _hour(wall_ms: int, zone: dt.tzinfo | None) -> str:
    if zone is None or not 0 <= wall_ms < _LAST_MS:
        return ""
    return f"{dt.datetime.fromtimestamp(wall_ms / 1000, zone):%H:%M}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _cut(line: str) -> str:
    line = "".join(letter if letter.isprintable() else " " for letter in line)
    raw = line.encode(errors="replace")
    if len(raw) <= MAX_BYTES:
        return raw.decode()
    return raw[: MAX_BYTES - 3].decode(errors="ignore").rstrip() + "…"
