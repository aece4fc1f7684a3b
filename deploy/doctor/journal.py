"""The journal at headquarters: sound, how far each sink is behind, what was refused, and who has been heard."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from deploy.doctor import sqlite_files
from deploy.doctor.findings import (
    Check,
    Finding,
    Text,
    ages,
    attention,
    counted,
    is_there,
    ok,
    wrong,
)
from deploy.doctor.soundness import WITHIN_S, Store, soundness, unreadable
from ingest.journal.database import APPLICATION_ID

_STORE: Final = Store(
    "journal",
    Text("diario", "journal"),
    APPLICATION_ID,
    Text(
        "Pare el servicio, mueva el archivo, su -wal y su -shm (guárdelos) y arranque: todo se reenvía",
        "Stop the service, move the file with its -wal and -shm aside (keep them), start: posts send again",
    ),
)
_LATE_S: Final = 600
_MANY: Final = 500
_MOST_COUNTED: Final = 50_000
_WAITING: Final = """
SELECT c.sink, m.station, count(*), min(m.received_ms) / 1000.0
FROM cursor c JOIN message m ON m.id > c.message_id LEFT JOIN place p ON p.sink = c.sink AND p.topic = m.topic
WHERE (p.message_id IS NULL OR m.id > p.message_id) AND c.message_id >= (SELECT max(id) FROM message) - 50000
GROUP BY c.sink, m.station
"""
"""Sink, station, messages that wait and when the first came (Unix time); not of a sink further behind than that."""
_PLACES_SINCE: Final = 4
"""The schema of the journal that knows how far a sink is in each topic."""
_SILENT_S: Final = 3 * 24 * 3600
_MOST_NAMES: Final = 8
_MOST_REASONS: Final = 6

_LETTERS: Final[Mapping[str, tuple[Text, Text]]] = {
    "unknown_station": (
        Text("de un puesto que no está en el registro", "from a station that is not in the registry"),
        Text(
            "Agregue el puesto al registro; después: vigia ingest redrive ARCHIVO --reason unknown_station",
            "Add the station to the registry; then: vigia ingest redrive FILE --reason unknown_station",
        ),
    ),
    "station_mismatch": (
        Text("de un puesto que habla en nombre de otro", "from a station that speaks for another"),
        Text(
            "Dos equipos comparten un certificado, o alguien engaña: vea cuál con vigia ingest dead-letters",
            "Two machines share a certificate, or somebody cheats: see which with vigia ingest dead-letters",
        ),
    ),
    "unknown_version": (
        Text("de una versión más nueva de Vigía", "from a later version of Vigía"),
        Text(
            "Actualice Vigía en la sede; después: vigia ingest redrive",
            "Update Vigía here; then: vigia ingest redrive",
        ),
    ),
    "field_type_conflict": (
        Text("que InfluxDB ya guarda con otro tipo", "that InfluxDB holds with another type already"),
        Text(
            "Otro programa escribe en esta base: use una base solo para Vigía",
            "Another program writes there: give Vigía its own bucket",
        ),
    ),
    "beyond_retention": (
        Text("más viejas de lo que InfluxDB conserva", "older than InfluxDB keeps"),
        Text(
            "Aumente la retención de la base; después: vigia ingest redrive",
            "Raise the retention; then: vigia ingest redrive",
        ),
    ),
    "implausible_time": (
        Text("con lecturas de una hora imposible", "with readings of a time that cannot be"),
        Text(
            "Vea el reloj del puesto. Si es cierta: suba [influx] believe_days_back; después: vigia ingest redrive",
            "See to its clock. If the times are right: raise [influx] believe_days_back; then: vigia ingest redrive",
        ),
    ),
    "too_many_series": (
        Text(
            "de un puesto con demasiados nombres de sensor o etiqueta", "of a station with too many sensors or labels"
        ),
        Text(
            "Vea cuáles: vigia ingest dead-letters. Si son de verdad: suba [influx] series_per_station y redrive",
            "See which: vigia ingest dead-letters. If they are true: raise [influx] series_per_station and redrive",
        ),
    ),
    "series_limit": (
        Text("por demasiadas series en InfluxDB", "because of too many series in InfluxDB"),
        Text(
            "Suba max-series-per-database y max-values-per-tag", "Raise max-series-per-database and max-values-per-tag"
        ),
    ),
    "too_many_refused": (
        Text("que estaban junto a muchas que InfluxDB rechazó", "that stood beside many that InfluxDB refused"),
        Text(
            "Corrija primero lo que InfluxDB rechaza; después: vigia ingest redrive ARCHIVO --reason too_many_refused",
            "Mend first what InfluxDB refuses; then: vigia ingest redrive FILE --reason too_many_refused",
        ),
    ),
}
_SAME: Final = {"wrong_station": "station_mismatch"}
_OTHER: Final = (
    Text("que no se pudieron entender o guardar", "that could not be understood or stored"),
    Text(
        "Véalos con vigia ingest dead-letters y avise a quien mantiene Vigía",
        "See vigia ingest dead-letters; tell the maintainer",
    ),
)


class Behind(NamedTuple):
    """messages: how many a sink has not stored yet. oldest_s: when the first of them came, Unix time. most_of: the
    station that sent most of them, and how many."""

    messages: int
    oldest_s: float
    most_of: tuple[str, int] = ("", 0)


def journal_checks(path: Path, stations: Mapping[str, str] | None) -> list[Check]:
    """stations: name to title of those in the registry; None when there is none to compare with."""
    theme = Text("Diario", "Journal")
    if (there := is_there(path)) is None:
        return [Check(theme, lambda: [unreadable(_STORE, path)])]
    if not there:
        return [
            Check(
                theme,
                lambda: [
                    attention(
                        "journal_missing",
                        "Todavía no hay diario: ingest nunca ha corrido aquí",
                        "There is no journal yet: ingest has never run here",
                        str(path),
                        todo=Text(
                            "Prenda el servicio; si ya corrió, revise [journal] path",
                            "Start it; or mend [journal] path",
                        ),
                    )
                ],
            )
        ]
    return [
        Check(theme, lambda: soundness(_STORE, path)),
        Check(theme, lambda: _behind(path)),
        Check(Text("Rechazados", "Dead letters"), lambda: _letters(path)),
        *([Check(Text("Puestos", "Stations"), lambda: _stations(path, stations))] if stations is not None else []),
    ]


def _behind(path: Path) -> list[Finding]:
    def question(rows: sqlite_files.Rows) -> dict[str, Behind]:
        newest = rows("SELECT coalesce(max(id), 0) FROM message")[0][0]
        found = {}
        for sink, done in rows("SELECT sink, message_id FROM cursor"):
            first = rows(f"SELECT received_ms FROM message WHERE id > {int(done)} ORDER BY id LIMIT 1")  # noqa: S608  a number
            found[sink] = Behind(max(0, newest - done), first[0][0] / 1000 if first else 0.0)
        if rows("PRAGMA user_version")[0][0] < _PLACES_SINCE:  # not started since the upgrade
            return found
        exact = {sink: Behind(0, 0.0) for sink, behind in found.items() if behind.messages <= _MOST_COUNTED}
        for sink, station, count, first_s in rows(_WAITING):
            if (so_far := exact.get(sink)) is not None:
                exact[sink] = Behind(
                    so_far.messages + count,
                    min(so_far.oldest_s or first_s, first_s),
                    max(so_far.most_of, (station, count), key=lambda of: of[1]),
                )
        return found | exact

    try:
        sinks = sqlite_files.ask(path, APPLICATION_ID, question, within_s=WITHIN_S)
    except (sqlite_files.TooSlowError, sqlite_files.DamagedError, OSError):
        return []  # the look at its soundness tells
    return [judge_behind(sink, behind, time.time()) for sink, behind in sorted(sinks.items())]


def judge_behind(sink: str, behind: Behind, now: float) -> Finding:
    """What to say of a sink at a Unix time, in seconds."""
    if not behind.messages:
        return ok("sink", f"Todo lo recibido está en {sink}", f"All that came is in {sink}", sink)
    age_s = now - behind.oldest_s
    old = ages(age_s)
    left = counted(behind.messages, Text("mensaje", "message is"), Text("mensajes", "messages are"))
    es = f"Por pasar a {sink}: {left.es}; lo más antiguo, de hace {old.es}"
    en = f"{left.en} still to go to {sink}; the oldest came {old.en} ago"
    station, count = behind.most_of
    if behind.messages >= _MANY and count > behind.messages / 2:
        es += f". De {station} son {count}: si no está mandando lo atrasado, vea qué le pasa a ese puesto"
        en += f". {count} are of {station}: if it is not catching up, see what is wrong there"
    if age_s < _LATE_S:
        return ok("sink_working", es, en, sink)
    return wrong(
        "sink_behind",
        es,
        en,
        sink,
        todo=Text(
            "La base no recibe o el servicio está apagado: vea InfluxDB y Servicio. El diario guarda todo",
            "The database takes nothing or the service is down: see InfluxDB and Service. The journal keeps all",
        ),
    )


def _letters(path: Path) -> list[Finding]:
    try:
        counts = sqlite_files.ask(
            path,
            APPLICATION_ID,
            lambda rows: rows("SELECT reason, count(*) FROM dead_letter GROUP BY reason ORDER BY 2 DESC"),
            within_s=WITHIN_S,
        )
    except (sqlite_files.TooSlowError, sqlite_files.DamagedError, OSError):
        return []  # the look at its soundness tells
    if not counts:
        return [ok("dead_letters", "Nada fue rechazado", "Nothing was refused")]
    findings = []
    for reason, count in counts[:_MOST_REASONS]:
        what, todo = _LETTERS.get(_SAME.get(str(reason), str(reason)), _OTHER)
        refused = counted(count, Text("mensaje rechazado", "message"), Text("mensajes rechazados", "messages"))
        findings.append(
            attention(
                f"dead_letters_{reason}",
                f"{refused.es}, {what.es} ({reason})",
                f"{refused.en} refused, {what.en} ({reason})",
                todo=todo,
            )
        )
    return findings


def _stations(path: Path, registered: Mapping[str, str]) -> list[Finding]:
    try:
        heard: dict[str, float] = dict(
            sqlite_files.ask(
                path,
                APPLICATION_ID,
                lambda rows: rows("SELECT station, max(touched_ms) / 1000.0 FROM seen GROUP BY station"),
                within_s=WITHIN_S,
            )
        )
    except (sqlite_files.TooSlowError, sqlite_files.DamagedError, OSError):
        return []  # the look at its soundness tells
    return judge_stations(registered, heard, time.time())


def judge_stations(registered: Mapping[str, str], heard: Mapping[str, float], now: float) -> list[Finding]:
    """heard: station to when something new last came from it (Unix time, seconds)."""
    findings = []
    if strangers := sorted(set(heard) - set(registered)):
        findings.append(
            attention(
                "stations_unregistered",
                f"Mandan datos y no están en el registro: {_names(strangers)}",
                f"They send and are not in the registry: {_names(strangers)}",
                todo=Text(
                    "Agréguelos al registro; después: vigia ingest redrive ARCHIVO --reason unknown_station",
                    "Add them to the registry; then: vigia ingest redrive FILE --reason unknown_station",
                ),
            )
        )
    if never := sorted(set(registered) - set(heard)):
        findings.append(
            attention(
                "stations_never_heard",
                f"Nunca se supo de: {_names(never)}",
                f"Never heard of: {_names(never)}",
                todo=Text(
                    "Si ya están instalados: en el puesto, vigia doctor; ¿el nombre es el mismo allá y aquí?",
                    "If they are installed: there, vigia doctor; is the name the same there and here?",
                ),
            )
        )
    silent = {name: now - at for name, at in heard.items() if name in registered and now - at > _SILENT_S}
    if silent:
        told = sorted(silent, key=lambda name: -silent[name])
        findings.append(
            attention(
                "stations_silent",
                f"Sin noticias: {_names([f'{name} ({ages(silent[name]).es})' for name in told])}",
                f"Silent: {_names([f'{name} ({ages(silent[name]).en})' for name in told])}",
                todo=Text("Llame al puesto: ¿hay luz y enlace?", "Call the post: is there power and a link?"),
            )
        )
    if not findings and registered:
        count = len(registered)
        es = "Se sabe del único puesto" if count == 1 else f"Se sabe de los {count} puestos"
        en = "The one station is heard" if count == 1 else f"All {count} stations are heard"
        findings.append(ok("stations", f"{es} del registro", en))
    return findings


def _names(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" (+{more})" if more > 0 else "")
