"""What goes into a certificate and a revocation list (X.509, RFC 5280). Pure: no file is read or written here."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFETIME: Final = dt.timedelta(days=20 * 365)
LIFETIME: Final = dt.timedelta(days=5 * 365)
"""Of every other certificate. Posts are days of river apart: renewing one is a journey."""

NOT_BEFORE: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
"""Start of every certificate and revocation list. A Raspberry Pi has no clock battery and may wake in 1970, or in
1999 behind an old GPS receiver. It must be able to connect then too: the time reaches it over that very link."""


class Role(StrEnum):
    """What a certificate may be used for; kept in it as its organizational unit."""

    STATION = "station"
    SERVICE = "service"
    SERVER = "server"


_USAGE: Final = {
    Role.STATION: ExtendedKeyUsageOID.CLIENT_AUTH,
    Role.SERVICE: ExtendedKeyUsageOID.CLIENT_AUTH,
    Role.SERVER: ExtendedKeyUsageOID.SERVER_AUTH,
}


@dataclass(frozen=True)
class Issued:
    """A certificate that the authority has issued.

    name: its common name, which the broker takes as the user. serial: 159 random bits. not_after: UTC.
    revoked_at: UTC, None while it is not revoked. hosts: for a server, the DNS names and addresses it answers to.
    """

    name: str
    role: Role
    serial: int
    not_after: dt.datetime
    revoked_at: dt.datetime | None = None
    hosts: tuple[str, ...] = ()

    def valid(self, at: dt.datetime) -> bool:
        """Whether the broker accepts it at that time."""
        return self.revoked_at is None and at < self.not_after


def new_key() -> ec.EllipticCurvePrivateKey:
    """A private key on P-256: a handshake of a few hundred bytes and milliseconds on the smallest Pi."""
    return ec.generate_private_key(ec.SECP256R1())


def authority_certificate(key: ec.EllipticCurvePrivateKey, name: str, not_after: dt.datetime) -> x509.Certificate:
    """A self-signed certificate that may sign certificates and revocation lists, and no further authority."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        _begin(subject, subject, key.public_key(), not_after)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def leaf_certificate(
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    public_key: ec.EllipticCurvePublicKey,
    *,
    name: str,
    role: Role,
    not_after: dt.datetime,
    hosts: Sequence[str] = (),
) -> x509.Certificate:
    """A certificate for one use: to be a client (stations, services) or a server (with its hosts), never both."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, role.value),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    builder = (
        _begin(subject, authority.subject, public_key, not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([_USAGE[role]]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([_host(h) for h in hosts]), critical=False)
    return builder.sign(authority_key, hashes.SHA256())


def revocation_list(
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    revoked: Mapping[int, dt.datetime],
    number: int,
) -> x509.CertificateRevocationList:
    """The list of revoked serials, good for as long as the authority is.

    OpenSSL refuses every client once a list has passed its next update: a short one would cut off all posts because
    somebody at headquarters forgot to sign it again.
    """
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.subject)
        .last_update(NOT_BEFORE)
        .next_update(authority.not_valid_after_utc)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
    )
    for serial, when in sorted(revoked.items()):
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(authority_key, hashes.SHA256())


def describe(certificate: x509.Certificate, revoked: Mapping[int, dt.datetime]) -> Issued:
    """What a certificate of ours says. Raises ValueError when it is not one of ours."""
    subject = certificate.subject
    units = subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(units) != 1 or len(names) != 1:
        raise ValueError(f"the subject {subject.rfc4514_string()!r} is not one that this authority gives")
    try:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        hosts: tuple[str, ...] = ()
    else:
        hosts = tuple(str(name.value) for name in alternative)
    return Issued(
        name=str(names[0].value),
        role=Role(str(units[0].value)),
        serial=certificate.serial_number,
        not_after=certificate.not_valid_after_utc,
        revoked_at=revoked.get(certificate.serial_number),
        hosts=hosts,
    )


def _begin(
    subject: x509.Name, issuer: x509.Name, public_key: CertificateIssuerPublicKeyTypes, not_after: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
