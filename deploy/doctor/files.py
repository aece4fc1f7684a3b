"""The files that settings name, on this machine: what `vigia gateway check` and `vigia ingest check` warn of."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.doctor.certificates import Files, certificate_check
from deploy.doctor.codec_files import codec_checks
from deploy.doctor.device_keys import key_checks
from deploy.doctor.findings import Check, Finding, Mark

if TYPE_CHECKING:
    from gateway.settings import GatewaySettings
    from ingest.settings import IngestSettings


def at_post(settings: GatewaySettings, settings_file: Path) -> list[Finding]:
    """What is not well with a post's certificate, its sensors' keys and decoders; settings_file is where they were
    read."""
    uplink = settings.uplink
    files = Files(uplink.ca_file, uplink.cert_file, uplink.key_file)
    certificate = [certificate_check(files, settings.station.name)] if uplink.tls else []
    sensors = [*key_checks(settings.sources, settings_file), *codec_checks(settings.sources, settings_file)]
    return _troubles([*sensors, *certificate])


def at_headquarters(settings: IngestSettings) -> list[Finding]:
    """What is not well with ingest's certificate."""
    broker = settings.broker
    files = Files(broker.ca_file, broker.cert_file, broker.key_file)
    return _troubles([certificate_check(files, f"service.{broker.client_id}")] if broker.tls else [])


def _troubles(checks: Iterable[Check]) -> list[Finding]:
    return [finding for check in checks for finding in check.look() if finding.mark is not Mark.OK]
