"""What headquarters changed at this post, beside its own file: the gateway runs with that, and so it is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from pydantic import SecretStr

from deploy.doctor.findings import AS_ROOT, Finding, Text, ages, attention, ok, unseen
from gateway.commands.errors import OrderError
from gateway.commands.office import directory_of
from gateway.commands.overlay import Trial, changed
from gateway.settings import GatewaySettings

THEME = Text("Cambios de la sede", "Changes from headquarters")


class FromAfar(NamedTuple):
    """settings: those that the gateway runs with. findings: what was changed, and what is being tried."""

    settings: GatewaySettings
    findings: list[Finding]


class _Kept(msgspec.Struct, frozen=True):
    """What this needs of the file that `gateway.commands.overlay` keeps."""

    changes: dict[str, Any] = {}
    trial: Trial | None = None


def look_from_afar(own: GatewaySettings) -> FromAfar:
    """own: the settings of the post's own file, in order. Nothing is touched: a trial's starts are counted there."""
    path = directory_of(own) / "headquarters.json"
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
        begun = path.stat().st_mtime
    except FileNotFoundError:
        return FromAfar(own, [])
    except OSError:
        words = Text("No se pudo ver si la sede cambió ajustes", "Whether headquarters changed settings is not seen")
        return FromAfar(own, [unseen("from_afar_unseen", words.es, words.en, str(path), todo=AS_ROOT)])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return FromAfar(own, [_not_used("lo que la sede cambió no se puede leer", "what it changed is damaged", path)])
    changes = kept.trial.changes if kept.trial is not None else kept.changes
    if not changes and kept.trial is None:
        return FromAfar(own, [])
    try:
        settings = changed(own, changes)
    except OrderError:
        return FromAfar(own, [_not_used("ya no va con su archivo", "it does not fit its file any more", path)])
    if kept.trial is None:
        told = _told(settings, changes)
        es, en = f"Cambiado desde la sede, no en el archivo: {told}", f"Changed from afar, not in the file: {told}"
        return FromAfar(settings, [ok("settings_from_afar", es, en, str(path))])
    return FromAfar(settings, [_tried(settings, kept.changes, kept.trial, begun, path)])


def _tried(settings: GatewaySettings, before: Mapping[str, Any], trial: Trial, begun: float, path: Path) -> Finding:
    trial_s = settings.commands.trial_s
    told = _told(settings, {name: value for name, value in trial.changes.items() if before.get(name) != value})
    undone = ", ".join(sorted(before.keys() - trial.changes.keys()))
    told = "; ".join(part for part in (told, f"{undone} = archivo" if undone else "") if part) or "-"
    orders, span = ", ".join(trial.ids), ages(trial_s)
    until = datetime.fromtimestamp(begun + trial_s).astimezone().strftime("%Y-%m-%d %H:%M")
    return attention(
        "settings_on_trial",
        f"Se prueba lo que la sede cambió: {told} (orden {orders})",
        f"What headquarters changed is being tried: {told} (order {orders})",
        str(path),
        todo=Text(
            f"Espere: si en {span.es} de enlace no se llega a la sede, vuelve solo a lo de antes (hacia {until}, o más"
            " si el enlace tiene horas)",
            f"Wait: if headquarters is not reached in {span.en} of link, it goes back by itself (about {until}, later"
            " where the link has hours)",
        ),
    )


def _not_used(es: str, en: str, path: Path) -> Finding:
    return attention(
        "from_afar_not_used",
        f"El gateway no usa los cambios de la sede: {es}",
        f"The gateway does not use headquarters' changes: {en}",
        str(path),
        todo=Text(
            "Avise a la sede: que dé otra vez sus órdenes", "Tell headquarters: its orders are to be given again"
        ),
    )


def _told(settings: GatewaySettings, changes: Mapping[str, Any]) -> str:
    return ", ".join(
        name if value is None or name == "rules.path" or _is_secret(settings, name) else f"{name}={value}"
        for name, value in changes.items()
    )


def _is_secret(settings: GatewaySettings, name: str) -> bool:
    first, *rest = name.split(".")
    found: Any = getattr(settings, first, None)
    if first == "sources" and rest:
        found = next((one for one in settings.sources if _part(one, "name") == rest[0]), None)
        rest = rest[1:]
    for part in rest:
        found = _part(found, part)
    return isinstance(found, SecretStr)


def _part(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)
