"""Our certificate: there, ours, of this authority, not ended, its key beside it and hidden."""

from __future__ import annotations

import datetime as dt
import stat
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from deploy.doctor.findings import AS_ROOT, Check, Finding, Text, attention, counted, ok, unseen, wrong
from deploy.language import system_words

SOON: Final = dt.timedelta(days=180)
_MAX_FILE_BYTES: Final = 256 * 1024


class Files(NamedTuple):
    """Where the authority's certificate, ours and our key are."""

    ca: Path
    certificate: Path
    key: Path


def certificate_check(files: Files, name: str) -> Check:
    """name: what its common name must be."""
    return Check(Text("Certificado", "Certificate"), lambda: look(files, name, dt.datetime.now(dt.UTC)))


def look(files: Files, name: str, now: dt.datetime) -> list[Finding]:
    """What is wrong with the three files at a time; one finding when nothing is."""
    findings: list[Finding] = []
    raw: list[bytes] = []
    for path in files:
        try:
            with path.open("rb") as file:
                raw.append(file.read(_MAX_FILE_BYTES))
        except PermissionError:
            return [
                unseen(
                    "certificate_unseen",
                    "No se pudo leer el certificado o su clave",
                    "The certificate or its key could not be read",
                    str(path),
                    todo=AS_ROOT,
                )
            ]
        except OSError as error:
            findings.append(
                wrong(
                    "certificate_missing",
                    f"Falta un archivo del certificado ({system_words(error).es})",
                    f"A file of the certificate is missing ({system_words(error).en})",
                    str(path),
                    todo=_reinstall(name),
                )
            )
    if findings:
        return findings
    try:
        authority, ours = (x509.load_pem_x509_certificate(each) for each in raw[:2])
        key = load_pem_private_key(raw[2], password=None)
    except (ValueError, TypeError) as error:
        return [
            wrong(
                "certificate_bad",
                f"El certificado o su clave no se entienden ({str(error).splitlines()[0]})",
                f"The certificate or its key cannot be understood ({str(error).splitlines()[0]})",
                str(files.certificate.parent),
                todo=_reinstall(name),
            )
        ]
    findings += _name(ours, name, files) + _dates(ours, authority, files, now, name)
    if key.public_key() != ours.public_key():
        findings.append(
            wrong(
                "certificate_key_mismatch",
                "La clave no es la de este certificado",
                "The key is not this certificate's",
                str(files.key),
                todo=_reinstall(name),
            )
        )
    try:
        ours.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        findings.append(
            wrong(
                "certificate_foreign",
                "El certificado es de otra autoridad que ca.crt",
                "The certificate is of another authority than ca.crt",
                str(files.certificate),
                todo=_reinstall(name),
            )
        )
    findings += _rights(files)
    if not findings:
        return [
            ok(
                "certificate",
                f"El certificado es de {name} y vale hasta el {ours.not_valid_after_utc:%Y-%m-%d}",
                f"The certificate is {name}'s, good until {ours.not_valid_after_utc:%Y-%m-%d}",
                str(files.certificate),
            )
        ]
    return findings


def _name(ours: x509.Certificate, name: str, files: Files) -> list[Finding]:
    names = [str(attribute.value) for attribute in ours.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names == [name]:
        return []
    found = ", ".join(names) or "-"
    return [
        wrong(
            "certificate_name",
            f"El certificado es de «{found}» y la configuración dice «{name}»",
            f"The certificate is {found!r}'s and the settings say {name!r}",
            str(files.certificate),
            todo=Text(
                "Corrija [station] name en la configuración, o instale el certificado de este puesto",
                "Mend [station] name in the settings, or install this post's certificate",
            ),
        )
    ]


def _dates(
    ours: x509.Certificate, authority: x509.Certificate, files: Files, now: dt.datetime, name: str
) -> list[Finding]:
    ended = [(c, p) for c, p in ((ours, files.certificate), (authority, files.ca)) if c.not_valid_after_utc <= now]
    if ended:
        (certificate, path) = ended[0]
        return [
            wrong(
                "certificate_ended",
                f"El certificado venció el {certificate.not_valid_after_utc:%Y-%m-%d}",
                f"The certificate ended on {certificate.not_valid_after_utc:%Y-%m-%d}",
                str(path),
                todo=Text(
                    f"¿El reloj está bien? Si sí: {_reinstall(name).es}",
                    f"Is the clock right? If so: {_reinstall(name).en}",
                ),
            )
        ]
    if ours.not_valid_after_utc - now < SOON:
        left = counted((ours.not_valid_after_utc - now).days, Text("día", "day"), Text("días", "days"))
        return [
            attention(
                "certificate_ends_soon",
                f"El certificado vence en {left.es}",
                f"The certificate ends in {left.en}",
                str(files.certificate),
                todo=_reinstall(name),
            )
        ]
    return []


def _rights(files: Files) -> list[Finding]:
    if not files.key.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        return []
    return [
        wrong(
            "certificate_key_open",
            "Cualquiera en este equipo puede leer la clave del certificado",
            "Anyone on this machine can read the certificate's key",
            str(files.key),
            todo=Text(
                f"sudo chown root:vigia {files.key}; sudo chmod 640 {files.key}",
                f"sudo chown root:vigia {files.key}; sudo chmod 640 {files.key}",
            ),
        )
    ]


def _reinstall(name: str) -> Text:
    return Text(
        f"Pida a la sede el paquete nuevo de {name} (vigia pki bundle) e instálelo en /etc/vigia",
        f"Ask headquarters for {name}'s new bundle (vigia pki bundle) and install it in /etc/vigia",
    )
