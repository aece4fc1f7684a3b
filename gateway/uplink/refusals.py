"""Why a connection was not made or ended, in words that say what to do. No MQTT here."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from pathlib import Path
from typing import Final, NamedTuple

from gateway.uplink.wire import Wire, wire_of

_MAX_FILE_BYTES: Final = 256 * 1024
_ALERT: Final = re.compile(r".*ALERT_(?P<name>\w+)")  # such as SSLV3_ALERT_CERTIFICATE_REVOKED: OpenSSL, sslerr.h
_ADVICE: Final = {
    "CERTIFICATE_REVOKED": "it was revoked; ask headquarters for another (vigia pki bundle)",
    "CERTIFICATE_EXPIRED": "it has ended, or a clock is wrong; look at the clock, ask headquarters for another",
    "UNKNOWN_CA": "another authority made it; ask headquarters for this post's bundle (vigia pki bundle)",
}


class Why(NamedTuple):
    """refused: trying again will not help until somebody mends something."""

    words: str
    refused: bool = False


class TellingContext(ssl.SSLContext):
    """Its sockets are TellingSockets. failed: what a connection had cost whose handshake failed."""

    failed: Wire | None = None


class TellingSocket(ssl.SSLSocket):
    """Keeps the error that ended it, in `fault`, and reads the other side's last word before it gives up.

    In TLS 1.3 a server looks at our certificate when our handshake is over already. Its alert then waits to be read
    while our first write fails, with an error that says nothing.
    """

    fault: OSError | None = None

    def do_handshake(self, block: bool = False) -> None:
        """As ssl's; one that fails closes the socket, which paho leaves open."""
        try:
            super().do_handshake(block)
        except OSError:
            if isinstance(self.context, TellingContext):
                self.context.failed = wire_of(self)
            self.close()
            raise

    def send(self, data: bytes | bytearray | memoryview, flags: int = 0) -> int:  # type: ignore[override]  # as paho calls
        """As ssl's."""
        try:
            return super().send(data, flags)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError) as error:
            self.fault = self.fault or error
            with contextlib.suppress(OSError):
                self.recv(1)
            raise

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """As ssl's."""
        try:
            return super().recv(buflen, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError as error:
            if self.fault is None or _alert(error):
                self.fault = error
            raise


def tls_context(ca: Path, certificate: Path, key: Path) -> TellingContext:
    """For a connection that shows our certificate. Raises OSError or ValueError; the words name the file."""
    for path in (ca, certificate, key):
        path.open("rb").close()  # raises with the path; ssl would not name it
    # Not create_default_context, which asks more of certificates with each Python: no post may lose its link by that.
    context = TellingContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(str(ca))
    context.load_cert_chain(certificate, key)
    context.sslsocket_class = TellingSocket
    return context


def explain(error: Exception) -> Why:
    """An error of connecting, or the one that ended a connection."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Why(f"who answers there does not prove to be our broker ({error.verify_message})", refused=True)
    if alert := _alert(error):
        said = alert.lower().replace("_", " ")
        advice = _ADVICE.get(alert, "vigia doctor says more")
        return Why(f"the broker does not take our certificate ({said}): {advice}", refused=True)
    if isinstance(error, TimeoutError):
        return Why("no answer in time")
    if isinstance(error, socket.gaierror):
        return Why(f"its name is not found ({error.strerror})")
    if isinstance(error, ssl.SSLEOFError | ConnectionResetError | BrokenPipeError):
        return Why("the connection broke")
    if isinstance(error, ssl.SSLError):
        return Why(f"no safe connection ({(error.reason or str(error)).lower().replace('_', ' ')})", refused=True)
    if isinstance(error, OSError) and error.filename is not None:
        return Why(f"{error.filename}: {error.strerror}", refused=True)
    return Why(str(error) or type(error).__name__)


def foreign_certificate(certificate: Path, station: str) -> str | None:
    """What is wrong when a certificate is not this station's, in a sentence; None when it is, or cannot be read (which
    connecting will tell)."""
    from cryptography import x509  # 2 MiB that a post need not hold: it is asked once, at the start
    from cryptography.x509.oid import NameOID

    try:
        with certificate.open("rb") as file:
            subject = x509.load_pem_x509_certificate(file.read(_MAX_FILE_BYTES)).subject
    except (OSError, ValueError):
        return None
    names = [str(attribute.value) for attribute in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names == [station]:
        return None
    owner = ", ".join(map(repr, names)) or "nobody"
    return f"the certificate {certificate} is that of {owner} and [station] name is {station!r}"


def _alert(error: Exception) -> str:
    """The name of the TLS alert (RFC 8446, section 6) that came; empty when none did."""
    found = _ALERT.fullmatch(error.reason or "") if isinstance(error, ssl.SSLError) else None
    return found["name"] if found else ""
