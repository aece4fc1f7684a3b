"""Everything to look at, at a post."""

from __future__ import annotations

from pathlib import Path

from deploy.doctor.broker import AT_POST, broker_check
from deploy.doctor.budget import budget_checks
from deploy.doctor.certificates import Files, certificate_check
from deploy.doctor.clock import clock_check
from deploy.doctor.codec_files import codec_checks
from deploy.doctor.configuration import THEME, look_at_settings
from deploy.doctor.device_keys import key_checks
from deploy.doctor.disk import disk_check
from deploy.doctor.examine import examine
from deploy.doctor.extras import extra_checks
from deploy.doctor.findings import Check, Finding, Text, Told, attention, counted, ok
from deploy.doctor.folders import folder_checks
from deploy.doctor.from_afar import THEME as FROM_AFAR
from deploy.doctor.from_afar import look_from_afar
from deploy.doctor.outbox import outbox_checks
from deploy.doctor.outputs import outputs_check
from deploy.doctor.rules import rules_checks
from deploy.doctor.serial_ports import port_checks
from deploy.doctor.service import service_check
from deploy.doctor.sources import running_state, sources_check
from gateway.hearing import configured_sensors
from gateway.settings import GatewaySettings


def examine_post(path: Path) -> list[Told]:
    """Every finding at the post whose settings file this is."""
    looked = look_at_settings(path, GatewaySettings)
    settings, sound = looked.settings, looked.sound
    if settings is None:
        return [*looked.faults, *examine([clock_check(at_post=True), disk_check(path.parent)])]
    well = [] if looked.faults else [_settings(settings, path)]
    afar: list[Finding] = []
    if not looked.faults:
        settings, afar = look_from_afar(settings)  # from here on as the gateway runs
    uplink = settings.uplink
    files = Files(uplink.ca_file, uplink.cert_file, uplink.key_file) if uplink.tls else None
    kept = settings.outbox.path
    state = running_state(kept) if sound("outbox") else None
    checks = [
        *([Check(THEME, lambda: well)] if well else []),
        *([Check(FROM_AFAR, lambda: afar)] if afar else []),
        clock_check(at_post=True, system_trusted=settings.clock.trust == "system"),
        *port_checks(settings.sources),
        *folder_checks(settings.sources, absence_is_told=state is not None),
        *key_checks(settings.sources, path),
        *codec_checks(settings.sources, path),
    ]
    if sound("outbox"):
        checks.insert(1, service_check("vigia-gateway", Text("oye ni se envía nada", "heard or sent"), kept))
        checks.append(sources_check(settings.sources, state))
        max_bytes = settings.outbox.max_megabytes * 1024 * 1024
        checks += [disk_check(kept.parent), *outbox_checks(kept, max_bytes, settings.sources, state)]
    if sound("outbox", "uplink", "rules"):
        checks += budget_checks(kept, uplink.budget_bytes, settings.rules.zone)
    if sound("warnings") and state is not None:
        checks.append(outputs_check(settings.warnings, state))
    if sound("place", "rules", "lanes"):
        checks += rules_checks(settings)
    if sound("warnings", "page", "outbox", "sources"):
        checks += extra_checks(settings, path)
    if sound("uplink", "station") and files:
        checks.append(certificate_check(files, settings.station.name))
    if sound("uplink"):
        checks.append(broker_check(AT_POST, uplink.host, uplink.port, files))
    return [*looked.faults, *examine(checks)]


def _settings(settings: GatewaySettings, path: Path) -> Finding:
    if not settings.sources:
        return attention(
            "no_sources",
            f"La configuración sirve, pero el puesto {settings.station.name} no escucha nada",
            f"The settings are in order, but the post {settings.station.name} listens to nothing",
            str(path),
            todo=Text(
                "Agregue [[sources]]: vigia gateway config muestra cómo", "Add [[sources]]: see vigia gateway config"
            ),
        )
    sensors = counted(len(configured_sensors(settings.sources)), Text("sensor", "sensor"), Text("sensores", "sensors"))
    return ok(
        "settings",
        f"La configuración está en orden: puesto {settings.station.name}, {sensors.es}",
        f"The settings are in order: post {settings.station.name}, {sensors.en}",
        str(path),
    )
