"""The way to the broker: its name, its port, a safe connection with our certificate. No MQTT is spoken: a second client
of our name would throw the first one out."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Final, NamedTuple

from deploy.doctor.certificates import Files
from deploy.doctor.findings import LINK_LIMIT_S, Check, Finding, Text, attention, ok, unseen, wrong
from deploy.language import system_words

_CONNECT_S: Final = 3.0
_REFUSAL_S: Final = 1.0
"""After a TLS 1.3 handshake a server that refuses our certificate says so a little later."""


class Side(NamedTuple):
    """Words of who asks. other: the one that is to answer. down: when nobody does. link: when there is no way."""

    other: Text
    down: Text
    link: Text


AT_POST: Final = Side(
    Text("La sede", "Headquarters"),
    Text("Avise a la sede; revise [uplink] port en la configuración", "Tell headquarters; check [uplink] port"),
    Text(
        "Revise el enlace: ¿la antena o el módem tienen luz? ¿otro equipo navega? Lo oído queda guardado aquí",
        "Check the link: do antenna and modem have power? does another machine get out? All is kept here meanwhile",
    ),
)
AT_HEADQUARTERS: Final = Side(
    Text("El broker", "The broker"),
    Text(
        "Préndalo: sudo systemctl restart mosquitto; revise [broker] port en la configuración",
        "Start it: sudo systemctl restart mosquitto; check [broker] port in the settings",
    ),
    Text("Revise [broker] host en la configuración y la red", "Check [broker] host in the settings and the network"),
)


def broker_check(side: Side, host: str, port: int, files: Files | None) -> Check:
    """files: None for a connection without encryption."""
    return Check(Text("Enlace", "Link"), lambda: [_look(side, host, port, files)], LINK_LIMIT_S)


def _look(side: Side, host: str, port: int, files: Files | None) -> Finding:
    where = f"{host}:{port}"
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4]
    except (OSError, UnicodeError):  # the latter for what can be no name at all
        return wrong(
            "broker_name",
            f"El nombre {host} no se encuentra: no hay red, o está mal escrito",
            f"The name {host} is not found: there is no network, or it is misspelt",
            where,
            todo=side.link,
        )
    started = time.monotonic()
    try:
        connection = socket.create_connection((host, port), timeout=_CONNECT_S)
    except ConnectionRefusedError:
        return wrong(
            "broker_refused",
            f"{side.other.es} no contesta: hay red, pero el broker está apagado o el puerto es otro",
            f"{side.other.en} does not answer: there is a network, but the broker is down or the port is another",
            where,
            todo=side.down,
        )
    except OSError:
        return wrong(
            "broker_unreachable",
            f"{side.other.es} no se alcanza: no hay enlace ahora",
            f"{side.other.en} cannot be reached: there is no link now",
            f"{where} ({address[0]})",
            todo=side.link,
        )
    took = f"({(time.monotonic() - started) * 1000:.0f} ms)"
    with connection:
        if files is None:
            return _open(side, host, where, took)
        return _handshake(side, connection, host, where, files, took)


def _open(side: Side, host: str, where: str, took: str) -> Finding:
    if host in ("localhost", "127.0.0.1", "::1"):
        return ok(
            "broker",
            f"{side.other.es} contesta {took}, sin cifrado en este mismo equipo",
            f"{side.other.en} answers {took}, unencrypted on this machine",
            where,
        )
    return attention(
        "broker_plain",
        f"{side.other.es} contesta {took}, pero sin cifrado: otros pueden leerlo todo y suplantarnos",
        f"{side.other.en} answers {took}, but unencrypted: others can read it all and pass for us",
        where,
        todo=Text(
            "Ponga tls = true e instale los certificados (vigia pki)",
            "Set tls = true, install certificates (vigia pki)",
        ),
    )


def _handshake(side: Side, connection: socket.socket, host: str, where: str, files: Files, took: str) -> Finding:
    try:
        context = ssl.create_default_context(cafile=str(files.ca))
        context.load_cert_chain(files.certificate, files.key)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        said = getattr(error, "strerror", None) or str(error)
        return unseen(
            "broker_no_certificate",
            f"{side.other.es} contesta {took}, pero no tenemos certificado que mostrar ({said})",
            f"{side.other.en} answers {took}, but we have no certificate to show ({said})",
            where,
            todo=Text("Arregle primero el certificado", "Mend the certificate first"),
        )
    try:
        with context.wrap_socket(connection, server_hostname=host) as safe:
            if _turned_away(safe):
                return _refused(side, where, "")
    except ssl.SSLCertVerificationError as error:
        why = _unverified(error.verify_message)
        return wrong(
            "broker_untrusted",
            f"Quien contesta no demuestra ser {side.other.es[:1].lower()}{side.other.es[1:]} ({why.es})",
            f"Who answers does not prove to be {side.other.en[:1].lower()}{side.other.en[1:]} ({why.en})",
            where,
            todo=Text(
                "Revise el reloj, el host de la configuración y ca.crt; si están bien, puede ser un impostor: avise",
                "Check the clock, the host in the settings and ca.crt; if they are right, it may be an impostor: tell",
            ),
        )
    except ssl.SSLError as error:
        reason = str(error.reason or error)
        if "ALERT" in reason:
            return _refused(side, where, reason)
        return wrong(
            "broker_no_tls",
            f"Quien contesta no habla cifrado ({reason.lower().replace('_', ' ')})",
            f"Who answers does not speak TLS ({reason.lower().replace('_', ' ')})",
            where,
            todo=Text(
                "Revise el puerto: 8883 con certificados, 1883 sin ellos",
                "Check the port: 8883 with certificates, 1883 without",
            ),
        )
    except OSError as error:
        return wrong(
            "broker_broke_off",
            f"La conexión se cortó ({system_words(error).es})",
            f"The connection broke off ({system_words(error).en})",
            where,
            todo=side.link,
        )
    return ok(
        "broker",
        f"{side.other.es} contesta {took} y acepta nuestro certificado",
        f"{side.other.en} answers {took} and takes our certificate",
        where,
    )


def _turned_away(safe: ssl.SSLSocket) -> bool:
    """Whether the other side hangs up on us instead of waiting for our first word. Raises ssl.SSLError when it says
    why."""
    safe.settimeout(_REFUSAL_S)
    try:
        return safe.recv(1) == b""
    except TimeoutError:
        return False


def _refused(side: Side, where: str, reason: str) -> Finding:
    said = f" ({reason.lower().replace('_', ' ')})" if reason else ""
    return wrong(
        "broker_refuses_certificate",
        f"{side.other.es} rechaza nuestro certificado{said}",
        f"{side.other.en} refuses our certificate{said}",
        where,
        todo=Text(
            "Puede estar revocado o vencido: haga o pida uno nuevo (vigia pki, vigia pki bundle)",
            "It may be revoked or have ended: make or ask for another (vigia pki, vigia pki bundle)",
        ),
    )


_UNVERIFIED: Final = {
    # how OpenSSL's message begins
    "certificate has expired": "su certificado venció",
    "certificate is not yet valid": "su certificado todavía no vale",
    "self-signed certificate": "su certificado no es de nuestra autoridad",
    "self signed certificate": "su certificado no es de nuestra autoridad",
    "unable to get local issuer certificate": "su certificado no es de nuestra autoridad",
    "unable to get issuer certificate": "su certificado no es de nuestra autoridad",
    "certificate signature failure": "la firma de su certificado no vale",
    "Hostname mismatch": "su certificado es de otro nombre",
    "IP address mismatch": "su certificado es de otra dirección",
    "certificate revoked": "su certificado fue anulado",
}


def _unverified(said: str) -> Text:
    """Why a certificate is not believed."""
    return Text(next((es for begins, es in _UNVERIFIED.items() if said.startswith(begins)), said), said)
