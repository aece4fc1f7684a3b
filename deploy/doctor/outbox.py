"""The outbox of a post: sound, how much waits and how long, what was lost for want of room."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from deploy.doctor import sqlite_files
from deploy.doctor.discards import discard_findings
from deploy.doctor.findings import (
    Check,
    Finding,
    Text,
    ages,
    attention,
    counted,
    is_there,
    number,
    ok,
    wrong,
)
from deploy.doctor.processes import holds, lock_holder
from deploy.doctor.soundness import WITHIN_S, Store, soundness, unreadable
from deploy.doctor.tallies import read_tallies
from firmware_bridge.sources import SourceSettings
from gateway.contract.topics import Lane
from gateway.outbox.store import APPLICATION_ID
from gateway.watch.state_file import GatewayState

_STORE: Final = Store(
    "outbox",
    Text("buzón de salida", "outbox"),
    APPLICATION_ID,
    Text(
        "Reinicie el servicio: aparta el archivo y salva lo que puede. Si se repite, cambie la tarjeta SD",
        "Restart the service: it sets the file aside and saves what it can. Again? Change the SD card",
    ),
)
_LONG_S: Final = 24 * 3600
_ALERT_LONG_S: Final = 15 * 60
_FULL_SHARE: Final = 0.8
_LANES: Final = {
    Lane.ALERT: (Text("alerta", "alert"), Text("alertas", "alerts")),
    Lane.DETECTION: (Text("detección", "detection"), Text("detecciones", "detections")),
    Lane.READING: (Text("medición", "measurement"), Text("mediciones", "measurements")),
    Lane.HEALTH: (Text("informe de estado", "health report"), Text("informes de estado", "health reports")),
    Lane.MEDIA: (Text("foto", "picture"), Text("fotos", "pictures")),
}


class Held(NamedTuple):
    """What waits: entries of each lane, and when the oldest of each was heard (Unix time, seconds). used: bytes."""

    lanes: dict[Lane, int]
    oldest: dict[Lane, float]
    used: int


def outbox_checks(
    path: Path, max_bytes: int, sources: Sequence[SourceSettings] = (), state: GatewayState | None = None
) -> list[Check]:
    """Soundness, what waits, what was lost and what was discarded: each apart, since a large file may be slow.
    state: what the running gateway says of its counters, None without any."""
    theme = Text("Buzón", "Outbox")
    if not (there := is_there(path)):
        return [Check(theme, lambda: _missing(path) if there is False else [unreadable(_STORE, path)])]
    return [
        Check(theme, lambda: soundness(_STORE, path)),
        Check(theme, lambda: _waiting(path, max_bytes)),
        Check(theme, lambda: _beside(path)),
        Check(Text("Descartes", "Discards"), lambda: _tallies(path, sources, state)),
    ]


def _missing(path: Path) -> list[Finding]:
    if lock_holder(path) is None:
        return [
            attention(
                "outbox_missing",
                "Todavía no hay buzón de salida: el gateway nunca ha corrido aquí",
                "There is no outbox yet: the gateway has never run here",
                str(path),
                todo=Text(
                    "Prenda el servicio; si ya corrió, revise [outbox] path", "Start the service; or mend [outbox] path"
                ),
            )
        ]
    return [_in_memory(path)]


def _waiting(path: Path, max_bytes: int) -> list[Finding]:
    def question(rows: sqlite_files.Rows) -> Held:
        lanes = {Lane(lane): count for lane, count in rows("SELECT lane, count(*) FROM entry GROUP BY lane")}
        oldest: dict[Lane, float] = {}
        for lane in lanes:
            ((at,),) = rows(
                f"SELECT coalesce(time_ms, wall_ms) FROM entry WHERE lane = {int(lane)}"  # noqa: S608  a number of ours
                " ORDER BY run, sequence LIMIT 1"
            )
            oldest[lane] = at / 1000
        page, count, free = (rows(f"PRAGMA {name}")[0][0] for name in ("page_size", "page_count", "freelist_count"))
        return Held(lanes, oldest, page * (count - free))

    try:
        held = sqlite_files.ask(path, APPLICATION_ID, question, within_s=WITHIN_S)
    except sqlite_files.TooSlowError:
        return [
            attention(
                "outbox_uncounted",
                "Hay tanto por enviar que no dio tiempo a contarlo",
                "So much waits to be sent that there was no time to count it",
                str(path),
                todo=Text("Revise el enlace con la sede", "Check the link to headquarters"),
            )
        ]
    except (sqlite_files.DamagedError, ValueError):
        return []  # the look at its soundness tells
    except OSError:
        return [unreadable(_STORE, path)]
    return judge_waiting(held, max_bytes, time.time(), str(path))


def judge_waiting(held: Held, max_bytes: int, now: float, where: str) -> list[Finding]:
    """What to say of what waits at a Unix time, in seconds."""
    if held.used > max_bytes * _FULL_SHARE:
        share = f"{100 * held.used / max_bytes:.0f} %"
        findings = [
            attention(
                "outbox_filling",
                f"El buzón de salida está lleno al {share}; cuando se llene, se borra primero lo menos urgente",
                f"The outbox is {share} full; when it is full, the least urgent goes first",
                where,
                todo=Text(
                    "Haga que haya enlace pronto, o suba [outbox] max_megabytes si el disco lo permite",
                    "Get a link soon, or raise [outbox] max_megabytes if the disk allows",
                ),
            )
        ]
    else:
        findings = []
    if not held.lanes:
        return [*findings, ok("outbox_empty", "No falta nada por enviar", "Nothing waits to be sent", where)]
    total = sum(held.lanes.values())
    each = [counted(count, *_LANES[lane]) for lane, count in sorted(held.lanes.items())]
    parts = Text(", ".join(part.es for part in each), ", ".join(part.en for part in each))
    age_s = max(now - at for at in held.oldest.values())
    old = ages(age_s)
    es = f"Por enviar: {number(total, 'es')} ({parts.es}); lo más antiguo, de hace {old.es}"
    en = f"Waiting to be sent: {number(total, 'en')} ({parts.en}); the oldest came {old.en} ago"
    alert_late = Lane.ALERT in held.oldest and now - held.oldest[Lane.ALERT] > _ALERT_LONG_S
    if alert_late or age_s > _LONG_S:
        todo = Text(
            "La sede no lo ha recibido: revise el enlace (abajo). Aquí queda guardado mientras tanto",
            "Headquarters has not got it: see to the link (below). It is kept here meanwhile",
        )
        return [*findings, attention("outbox_waiting_long", es, en, where, todo=todo)]
    return [*findings, ok("outbox_waiting", es, en, where)]


def _beside(path: Path) -> list[Finding]:
    """What the files beside the outbox tell of trouble."""
    findings = []
    runner = lock_holder(path)
    if runner is not None and holds(runner, path) is False:
        findings.append(_in_memory(path))
    set_aside = [p for p in path.parent.glob(f"{path.name}.damaged-*") if not p.name.endswith(("-wal", "-shm"))]
    if set_aside:
        apart = counted(len(set_aside), Text("archivo apartado", "file"), Text("archivos apartados", "files"))
        findings.append(
            attention(
                "outbox_set_aside",
                f"El buzón de salida se dañó antes: {apart.es}",
                f"The outbox was damaged before: {apart.en} set aside",
                str(set_aside[-1]),
                todo=Text(
                    "Cópielos a un USB para quien mantiene Vigía y bórrelos; si pasa otra vez, cambie la tarjeta SD",
                    "Copy them to a stick for the maintainer and delete them; if it happens again, change the SD card",
                ),
            )
        )
    if runner is not None and not path.with_name(path.name + ".ballast").exists():
        findings.append(
            attention(
                "outbox_no_reserve",
                "El disco se llenó y se usó la reserva del buzón de salida",
                "The disk was full and the outbox's reserve is used up",
                str(path.parent),
                todo=Text("Libere espacio en el disco", "Make room on the disk"),
            )
        )
    return findings


def _in_memory(path: Path) -> Finding:
    return wrong(
        "outbox_in_memory",
        "El gateway guarda solo en memoria: si se va la luz, se pierde",
        "The gateway keeps in memory only: if the power goes, it is lost",
        str(path),
        todo=Text(
            "Libere espacio en el disco o repárelo; el gateway vuelve al disco por sí solo",
            "Make room on the disk or mend it; the gateway goes back to the disk by itself",
        ),
    )


def _tallies(path: Path, sources: Sequence[SourceSettings], state: GatewayState | None) -> list[Finding]:
    totals = read_tallies(path)
    return [] if totals is None else discard_findings(totals, sources, state, time.monotonic())
