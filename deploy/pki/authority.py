"""A certificate authority in a directory: issue, revoke, list, bundle.

    ca.crt, ca.key          the authority. Whoever has ca.key can be any post: it stays on an encrypted disk
    crl.pem                 the revocation list, which the broker reads
    issued/<serial>.crt     every certificate ever issued: the register
    current/<name>.crt|key  the latest of each name

A name is the certificate's common name, and the broker takes it as the user. A station's is the station's name; ours
are `service.<what>`, with a dot, which no station name has: no station can be enrolled as a service.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.errors import DeployError
from deploy.language import Text
from deploy.pki import certificates, files
from deploy.pki.certificates import Issued, Role
from gateway.contract.topics import ContractError, check_station
from ingest.schema import HEADQUARTERS

BROKER: Final = "service.broker"
"""Common name of the broker's own certificate. Clients look at its hosts, not at this."""

_HOST: Final = re.compile(r"(?=.{1,253}$)(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_CLOCK_FLOOR: Final = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


def create_authority(directory: Path, name: str = "Vigia") -> None:
    """Make an authority, with an empty revocation list, in a new or empty directory. Raises DeployError, OSError."""
    if not 1 <= len(name) <= 64 or not name.isprintable():
        raise DeployError(
            Text(
                f"{name!r} no sirve de nombre para una autoridad: de 1 a 64 letras",
                f"{name!r} is not a name for an authority: give 1 to 64 printable characters",
            )
        )
    now = _now()
    files.make_directory(directory)
    with files.locked(directory):
        if (directory / "ca.crt").exists():
            raise DeployError(
                Text(
                    f"{directory} ya tiene una autoridad. Otra dejaría fuera a todos los puestos: elija otro lugar",
                    f"{directory} already holds an authority. A new one would shut out every post enrolled with it: "
                    "choose another directory",
                )
            )
        if (directory / "ca.key").exists() and _key_was_used(directory):
            raise DeployError(
                Text(
                    f"{directory} tiene certificados dados y ca.key, pero no ca.crt: recupérelo de una copia",
                    f"{directory} holds issued certificates and ca.key but no ca.crt: restore it from a copy",
                )
            )
        key = certificates.new_key()
        certificate = certificates.authority_certificate(key, name, now + certificates.AUTHORITY_LIFETIME)
        for folder in ("issued", "current"):
            files.make_directory(directory / folder)
        files.write(directory / "ca.key", _key_pem(key), files.PRIVATE)
        crl = certificates.revocation_list(certificate, key, {}, number=1)
        files.write(directory / "crl.pem", crl.public_bytes(serialization.Encoding.PEM), files.PUBLIC)
        files.write(directory / "ca.crt", _pem(certificate), files.PUBLIC)  # last: with it the authority is there


def issue_server(directory: Path, names: Sequence[str], *, replace: bool = False) -> Issued:
    """The broker's certificate, for every DNS name and address by which posts reach it. Raises DeployError, OSError."""
    if not names:
        raise DeployError(
            Text(
                "diga con qué nombres y direcciones llegan los puestos al broker, como hub.example.org 10.1.0.5",
                "say by which DNS names and addresses posts reach the broker, such as hub.example.org 10.1.0.5",
            )
        )
    hosts = tuple(dict.fromkeys(_check_host(name) for name in names))
    return _issue(directory, BROKER, Role.SERVER, replace=replace, hosts=hosts)


def issue_station(directory: Path, station: str, *, replace: bool = False) -> Issued:
    """A post's certificate. Its name is the station's. Raises DeployError, OSError."""
    if station == HEADQUARTERS:
        raise DeployError(
            Text(
                f"ningún puesto puede llamarse {HEADQUARTERS!r}: así se llama ingest a sí mismo",
                f"no station may be called {HEADQUARTERS!r}: that is what ingest calls itself",
            )
        )
    return _issue(directory, _check_name(station), Role.STATION, replace=replace)


def issue_service(directory: Path, service: str, *, replace: bool = False) -> Issued:
    """The certificate of one process at headquarters: `ingest` becomes `service.ingest`. Two processes need two,
    because the broker ties a session to the name. Raises DeployError, OSError."""
    return _issue(directory, service_name(service), Role.SERVICE, replace=replace)


def service_name(service: str) -> str:
    """The common name, and so the broker's user, of a service. Raises DeployError."""
    name = f"service.{_check_name(service)}"
    if name == BROKER:
        raise DeployError(
            Text(
                "ese nombre es el del broker: elija otro para un servicio",
                "that name is the broker's own: choose another for a service",
            )
        )
    return name


def revoke(directory: Path, name: str) -> list[Issued]:
    """Put every certificate of that name that is not revoked yet on the list (`crl.pem`); returns them as they are now.

    The broker refuses them once it has the new list and has started again. Raises DeployError, OSError.
    """
    authority, key = _open(directory)
    with files.locked(directory):
        crl = _read_crl(directory)
        revoked = _revoked(crl)
        register = _register(directory, revoked)
        named = [issued for issued in register if issued.name == name]
        if not named:
            names = sorted({issued.name for issued in register})
            full = f"service.{name}"
            meant = Text(f"; ¿quiso decir {full}?", f"; do you mean {full}?") if full in names else Text("", "")
            known = ", ".join(names)
            raise DeployError(
                Text(
                    f"aquí no se dio ningún certificado con el nombre {name!r}{meant.es}. Los hay de:"
                    f" {known or 'nadie todavía'}",
                    f"no certificate of the name {name!r} was issued here{meant.en}. Names: {known or 'none yet'}",
                )
            )
        new = [issued for issued in named if issued.revoked_at is None]
        if not new:
            raise DeployError(
                Text(
                    f"todos los certificados de {name!r} están anulados ya",
                    f"every certificate of {name!r} is revoked already",
                )
            )
        now = _now()
        revoked |= {issued.serial: now for issued in new}
        number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        signed = certificates.revocation_list(authority, key, revoked, number + 1)
        files.write(directory / "crl.pem", signed.public_bytes(serialization.Encoding.PEM), files.PUBLIC)
        return [issued for issued in _register(directory, revoked) if issued.serial in {n.serial for n in new}]


def issued(directory: Path) -> list[Issued]:
    """Every certificate ever issued here, by name, the latest first. Raises DeployError, OSError."""
    _read_certificate(directory / "ca.crt", directory)
    return _register(directory, _revoked(_read_crl(directory)))


def issued_name(directory: Path, name: str) -> str:
    """The name as it stands in the certificate: `ingest` is `service.ingest` when only that was issued, and a name that
    nobody was given stays as it is. Raises DeployError, OSError."""
    names = {one.name for one in issued(directory)}
    return f"service.{name}" if name not in names and f"service.{name}" in names else name


def current_files(directory: Path, name: str) -> tuple[Path, Path]:
    """Certificate and key of a name, which the authority vouches for today.

    Raises DeployError when there is none, or it is revoked or has expired.
    """
    certificate_path, key_path = _current(directory, name)
    if not certificate_path.exists():
        known = ", ".join(sorted({one.name for one in issued(directory)}))
        raise DeployError(
            Text(
                f"{directory} no tiene un certificado con el nombre {name!r}. Los hay de: {known or 'nadie todavía'}",
                f"{directory} has no certificate of the name {name!r}. Names: {known or 'none yet'}",
            )
        )
    described = certificates.describe(_read_certificate(certificate_path, directory), _revoked(_read_crl(directory)))
    if not described.valid(_now()):
        last = f"{described.not_after:%Y-%m-%d}"
        why = (
            Text("está anulado", "is revoked")
            if described.revoked_at
            else Text(f"venció el {last}", f"ended on {last}")
        )
        raise DeployError(
            Text(
                f"el certificado de {name!r} {why.es}: haga uno nuevo",
                f"the certificate of {name!r} {why.en}: issue a new one",
            )
        )
    return certificate_path, key_path


def _issue(directory: Path, name: str, role: Role, *, replace: bool, hosts: tuple[str, ...] = ()) -> Issued:
    authority, authority_key = _open(directory)
    not_after = min(_now() + certificates.LIFETIME, authority.not_valid_after_utc)
    certificate_path, key_path = _current(directory, name)
    with files.locked(directory):
        revoked = _revoked(_read_crl(directory))
        if certificate_path.exists():
            there = certificates.describe(_read_certificate(certificate_path, directory), revoked)
            if there.revoked_at is None and not replace:
                last = f"{there.not_after:%Y-%m-%d}"
                raise DeployError(
                    Text(
                        f"{name} ya tiene un certificado, que vale hasta el {last}: {certificate_path}. Para hacer"
                        " otro, --replace; para que el de antes no valga, anúlelo primero (revoke)",
                        f"{name} has a certificate, good until {last}: {certificate_path}. To make another say"
                        " --replace; to shut the old one out, revoke it first",
                    )
                )
            # Between here and the end there is a key and no certificate, which counts as nothing issued.
            certificate_path.unlink()
        key = certificates.new_key()
        certificate = certificates.leaf_certificate(
            authority, authority_key, key.public_key(), name=name, role=role, not_after=not_after, hosts=hosts
        )
        # The register first: what is not in it could never be revoked.
        files.write(directory / "issued" / f"{certificate.serial_number:040x}.crt", _pem(certificate), files.PUBLIC)
        files.write(key_path, _key_pem(key), files.PRIVATE)
        files.write(certificate_path, _pem(certificate), files.PUBLIC)
        return certificates.describe(certificate, revoked)


def _register(directory: Path, revoked: dict[int, dt.datetime]) -> list[Issued]:
    found = [
        certificates.describe(_read_certificate(path, directory), revoked)
        for path in (directory / "issued").glob("*.crt")
        if not path.name.startswith(".")
    ]
    return sorted(found, key=lambda one: (one.name, -one.not_after.timestamp(), one.serial))


def _open(directory: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate = _read_certificate(directory / "ca.crt", directory)
    path = directory / "ca.key"
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        raise DeployError(
            Text(
                f"falta {path}: con esta copia de la autoridad no se puede dar ni anular certificados",
                f"{path} is missing: this is a copy of an authority that cannot issue or revoke",
            )
        ) from None
    except (ValueError, TypeError) as error:
        raise DeployError(
            Text(
                f"{path} no es una clave privada: recupérela de una copia",
                f"{path} is not a private key: restore it from a copy ({error})",
            )
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise DeployError(
            Text(
                f"{path} no es la clave del ca.crt que está al lado: recupere los dos de una misma copia",
                f"{path} is not the key of ca.crt beside it: restore both from one copy",
            )
        )
    return certificate, key


def _read_certificate(path: Path, directory: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise DeployError(
            Text(
                f"{directory} no es una autoridad (falta {path}). Para hacerla: vigia pki init {directory}",
                f"{directory} is not an authority ({path} is missing): vigia pki init {directory}",
            )
        ) from None
    except ValueError as error:
        raise DeployError(
            Text(
                f"{path} no es un certificado: recupérelo de una copia",
                f"{path} is not a certificate: restore it from a copy ({error})",
            )
        ) from error


def _read_crl(directory: Path) -> x509.CertificateRevocationList:
    path = directory / "crl.pem"
    try:
        return x509.load_pem_x509_crl(path.read_bytes())
    except (FileNotFoundError, ValueError) as error:
        # Never made anew in silence: an empty list would let every revoked post in again.
        raise DeployError(
            Text(
                f"{path} falta o está dañado: recupérelo de una copia, pues dice a quién no se deja entrar",
                f"{path} is missing or damaged: restore it from a copy, it says who is shut out",
            )
        ) from error


def _revoked(crl: x509.CertificateRevocationList) -> dict[int, dt.datetime]:
    return {entry.serial_number: entry.revocation_date_utc for entry in crl}


def _key_was_used(directory: Path) -> bool:
    return any((directory / "issued").glob("*.crt"))


def _current(directory: Path, name: str) -> tuple[Path, Path]:
    return directory / "current" / f"{name}.crt", directory / "current" / f"{name}.key"


def _check_name(name: str) -> str:
    try:
        return check_station(name)
    except ContractError as error:
        raise DeployError(
            Text(
                f"{name!r} no sirve de nombre: de 1 a 32 letras a-z sin tilde, números y guiones, sin guion al borde",
                error.detail,
            )
        ) from error


def _check_host(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        if not _HOST.fullmatch(host.lower()) or host.replace(".", "").isdigit():
            raise DeployError(
                Text(
                    f"{host!r} no es un nombre DNS ni una dirección IP",
                    f"{host!r} is neither a DNS name nor an IP address",
                )
            ) from None
        return host.lower()


def _now() -> dt.datetime:
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    if now < _CLOCK_FLOOR:
        raise DeployError(
            Text(
                f"el reloj de este equipo dice {now:%Y-%m-%d}: póngalo en hora, o todo vencerá antes de tiempo",
                f"this computer's clock says {now:%Y-%m-%d}: set it, or what is issued ends too early",
            )
        )
    return now


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
