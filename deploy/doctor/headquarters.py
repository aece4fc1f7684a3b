"""Everything to look at, at headquarters."""

from __future__ import annotations

from pathlib import Path

from deploy.doctor.broker import AT_HEADQUARTERS, broker_check
from deploy.doctor.certificates import Files, certificate_check
from deploy.doctor.clock import clock_check
from deploy.doctor.configuration import THEME, look_at_settings
from deploy.doctor.disk import disk_check
from deploy.doctor.examine import examine
from deploy.doctor.findings import Check, Finding, Text, Told, counted, ok, wrong
from deploy.doctor.influx import influx_check
from deploy.doctor.ingest_api import api_check
from deploy.doctor.journal import journal_checks
from deploy.doctor.links import links_check
from deploy.doctor.orders import on_trial, orders_checks
from deploy.doctor.service import service_check
from deploy.settings.problems import SettingsFileError
from deploy.settings.registry import load_registry
from ingest.settings import IngestSettings


def examine_headquarters(path: Path) -> list[Told]:
    """Every finding at the headquarters whose settings file this is."""
    looked = look_at_settings(path, IngestSettings)
    settings, sound = looked.settings, looked.sound
    if settings is None:
        return [*looked.faults, *examine([clock_check(), disk_check(path.parent)])]
    broker, kept = settings.broker, settings.journal.path
    files = Files(broker.ca_file, broker.cert_file, broker.key_file) if broker.tls else None
    checks = [clock_check()]
    if not looked.faults:
        well = ok("settings", "La configuración está en orden", "The settings are in order", str(path))
        checks.insert(0, Check(THEME, lambda: [well]))
    stations = None
    if sound("registry"):
        stations, registry = _registry(settings.registry.path)
        checks.append(Check(Text("Registro", "Registry"), lambda: registry))
    if sound("journal"):
        checks.append(service_check("vigia-ingest", Text("recibe ni se guarda nada", "taken or stored"), kept))
        checks += [disk_check(kept.parent), *journal_checks(kept, stations)]
    if sound("broker"):
        if files:
            checks.append(certificate_check(files, f"service.{broker.client_id}"))
        checks.append(broker_check(AT_HEADQUARTERS, broker.host, broker.port, files))
    if sound("influx"):
        checks.append(influx_check(settings.influx))
    if sound("api") and settings.api.port:
        book = settings.commands.path if sound("commands") else None
        checks += [api_check(settings.api), links_check(settings.api, lambda: on_trial(book))]
    if sound("commands"):
        checks += orders_checks(settings.commands.path)
    return [*looked.faults, *examine(checks)]


def _registry(path: Path) -> tuple[dict[str, str] | None, list[Finding]]:
    try:
        registry = load_registry(path)
    except SettingsFileError as error:
        mend = Text(f"Corrija el archivo: sudo nano {path}", f"Mend the file: sudo nano {path}")
        return None, [
            wrong(
                "registry_wrong",
                f"El registro de puestos no sirve: {problem('es')}",
                f"The registry cannot be used: {problem('en')}",
                str(path),
                todo=mend,
            )
            for problem in error.problems
        ]
    stations = {station.name: station.title for station in registry.stations}
    if not stations:
        return stations, [
            wrong(
                "registry_empty",
                "El registro no tiene ningún puesto: se rechaza todo lo que llega",
                "The registry has no station: all that comes is refused",
                str(path),
                todo=Text("Agregue [[territories]] y [[stations]]", "Add [[territories]] and [[stations]]"),
            )
        ]
    many = counted(len(stations), Text("puesto", "station"), Text("puestos", "stations"))
    return stations, [ok("registry", f"El registro tiene {many.es}", f"The registry has {many.en}", str(path))]
