"""The files that settings name, on this machine: what `vigia gateway check` and `vigia ingest check` warn of."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.doctor.certificates import Files, certificate_check
from deploy.doctor.codec_files import codec_checks
from deploy.doctor.device_keys import key_checks
from deploy.doctor.extras import extra_checks
from deploy.doctor.findings import Check, Finding, Mark
from deploy.doctor.folders import folder_checks
from deploy.doctor.serial_ports import port_checks

if TYPE_CHECKING:
    from gateway.settings import GatewaySettings
    from ingest.settings import IngestSettings


_OF_PLACES: Final = frozenset(
    {
        "port_missing",
        "port_no_path",
        "port_of_windows",
        "port_is_directory",
        "port_not_serial",
        "port_twice",
        "folder_tilde",
        "folder_relative",
        "folder_is_file",
        "folder_missing",
    }
)
"""What settings may be wrong in; who may use a port now is the doctor's."""


def at_post(settings: GatewaySettings, settings_file: Path) -> list[Finding]:
    """What is not well with a post's certificate, its sensors' keys, decoders, ports and directories; settings_file is
    where they were read."""
    uplink = settings.uplink
    files = Files(uplink.ca_file, uplink.cert_file, uplink.key_file)
    certificate = [certificate_check(files, settings.station.name)] if uplink.tls else []
    sensors = [*key_checks(settings.sources, settings_file), *codec_checks(settings.sources, settings_file)]
    places = [*port_checks(settings.sources), *folder_checks(settings.sources)]
    unfit = [finding for finding in _troubles(places) if finding.code in _OF_PLACES]
    needs = [finding for finding in _troubles(extra_checks(settings, settings_file)) if finding.code != "pin_missing"]
    return [*_troubles([*sensors, *certificate]), *unfit, *needs]


def at_headquarters(settings: IngestSettings) -> list[Finding]:
    """What is not well with ingest's certificate."""
    broker = settings.broker
    files = Files(broker.ca_file, broker.cert_file, broker.key_file)
    return _troubles([certificate_check(files, f"service.{broker.client_id}")] if broker.tls else [])


def _troubles(checks: Iterable[Check]) -> list[Finding]:
    return [finding for check in checks for finding in check.look() if finding.mark is not Mark.OK]
