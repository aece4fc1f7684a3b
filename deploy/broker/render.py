"""The files of a working Mosquitto: configuration, access list, certificates."""

from __future__ import annotations

import ipaddress
import os
import pwd
import re
import shutil
import string
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Final

from deploy.errors import DeployError
from deploy.language import Text
from deploy.pki import files
from deploy.pki.authority import BROKER, current_files, service_name
from gateway.contract.batches import MAX_MESSAGE_BYTES
from gateway.contract.topics import ROOT, Lane

PORT: Final = 8883
"""Registered with IANA for MQTT over TLS."""

_PACKET_OVERHEAD_BYTES: Final = 4096
"""Room for the fixed header, a topic of this contract and MQTT 5 properties."""

_QUEUED_BYTES: Final = 256 * 1024 * 1024
"""For each client, thus for an ingest that is away or slow: a thousand of the largest messages."""

_USER: Final = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


class _Template(string.Template):
    delimiter = "@"  # a dollar begins topics, $SYS and $share


def render_broker(
    directory: Path,
    *,
    pki_directory: Path,
    port: int = PORT,
    host: str | None = None,
    services: Sequence[str] = ("ingest",),
    user: str = "mosquitto",
    data: Path | None = None,
    seen_as: Path | None = None,
) -> Path:
    """Write `mosquitto.conf`, `acl` and `tls/` into directory and return the path of `mosquitto.conf`.

    Nothing of the authority but its certificate and revocation list is copied: the broker never sees `ca.key`. Write
    again, and restart the broker, after every `revoke` and after a new certificate for the broker or for a service;
    a new station needs neither.

    host: the address to listen on (all of them when None). services: names given to `issue_service` that may read all
    posts and write receipts. user: whom Mosquitto becomes when root starts it; when root calls this, that user is
    given the files. data: where Mosquitto keeps its state (`data` in directory when None), made if it is not there.
    seen_as: where the broker finds `directory`, when that is another path (a container); `data` is then a path there
    too and is not made.
    Raises DeployError when a setting makes no sense or the authority lacks the broker's certificate; OSError.
    """
    listener = str(_check_port(port)) if host is None else f"{_check_port(port)} {_check_address(host)}"
    users = [service_name(service) for service in services]
    seen = seen_as or directory.absolute()
    data = (data or seen / "data") if seen_as else (data or directory / "data").absolute()
    settings = {
        "listener": listener,
        "seen_as": _one_line(seen),
        "data": _one_line(data),
        "user": _check_user(user),
        "root": ROOT,
        "lanes": "\n".join(f"pattern write {ROOT}/%u/up/{lane.slug}" for lane in Lane),
        "queued_bytes": str(_QUEUED_BYTES),
        "message_bytes": str(MAX_MESSAGE_BYTES),
        "packet_bytes": str(MAX_MESSAGE_BYTES + _PACKET_OVERHEAD_BYTES),
    }
    certificate, key = current_files(pki_directory, BROKER)
    tls = directory / "tls"
    files.make_directory(tls)
    configuration = directory / "mosquitto.conf"
    contents = {
        tls / "ca.crt": (pki_directory / "ca.crt").read_bytes(),
        tls / "crl.pem": (pki_directory / "crl.pem").read_bytes(),
        tls / "broker.crt": certificate.read_bytes(),
        tls / "broker.key": key.read_bytes(),
        directory / "acl": (_fill("acl.conf", settings) + "".join(map(_service_rules, users))).encode(),
        configuration: _fill("mosquitto.conf", settings).encode(),
    }
    for path, content in contents.items():
        files.write(path, content, files.PRIVATE)
    if seen_as is None:
        files.make_directory(data)
        contents[data] = b""
    _give(user, [directory, tls, *contents])
    return configuration


def _service_rules(user: str) -> str:
    written = "".join(f"topic write {ROOT}/+/{topic}\n" for topic in ("receipt", "command", "media"))
    return f"\nuser {user}\ntopic read {ROOT}/+/up/+\ntopic read {ROOT}/+/state\n{written}"


def _fill(template: str, settings: dict[str, str]) -> str:
    text = resources.files("deploy.broker").joinpath(template).read_text(encoding="utf-8")
    return _Template(text).substitute(settings)


def _give(user: str, paths: Sequence[Path]) -> None:
    """Mosquitto gives up root before it reads its key, so the files must be its user's."""
    if os.geteuid() != 0:
        return
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return  # the user of a container, which this machine does not know
    for path in paths:
        shutil.chown(path, entry.pw_uid, entry.pw_gid)


def _check_port(port: int) -> int:
    if not 1 <= port <= 65535:
        raise DeployError(
            Text(
                f"{port} no es un puerto TCP (de 1 a 65535; MQTT con TLS usa el {PORT})",
                f"{port} is not a TCP port (1 to 65535; MQTT over TLS is {PORT})",
            )
        )
    return port


def _check_address(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        raise DeployError(
            Text(
                f"{host!r} no es una dirección IP de este equipo en la que se pueda escuchar, como 0.0.0.0",
                f"{host!r} is not an IP address of this machine to listen on, such as 0.0.0.0",
            )
        ) from None


def _check_user(user: str) -> str:
    if not _USER.fullmatch(user):
        raise DeployError(
            Text(
                f"{user!r} no es un usuario con el que pueda correr Mosquitto",
                f"{user!r} is not a user name for Mosquitto to run as",
            )
        )
    return user


def _one_line(path: Path) -> str:
    text = str(path)
    if not text.isprintable() or text != text.strip():
        raise DeployError(
            Text(
                f"{text!r} no cabe en la configuración de Mosquitto: elija una ruta sencilla",
                f"{text!r} cannot be written into Mosquitto's configuration: choose a plain path",
            )
        )
    return text
