"""What a line is doing is told in Spanish, as the links and modems themselves say it."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

import pytest

from deploy.sensors.line_words import line_words
from firmware_bridge.links import serial_link, tcp_link, udp_link
from firmware_bridge.links.modem_session import Phase
from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.links.tcp_link import TcpLink
from firmware_bridge.links.udp_link import UdpLink
from firmware_bridge.meshtastic.decoder import MeshDecoder
from firmware_bridge.meshtastic.session import MeshSession
from tests.firmware_bridge.links.test_udp_link import free_udp_port
from tests.support.serial_lines import TtyPair

TITLE = "RN2483 at 916.8 MHz, SF10, 125 kHz"


@pytest.mark.expects_warnings  # of the port that is not there
def test_a_serial_port(tmp_path: Path) -> None:
    link = SerialLink(str(tmp_path / "tty"), 9600)
    assert line_words(link.words, "es") == f"{tmp_path}/tty todavía no se abre"
    link.read(0.0)
    assert line_words(link.words, "es").endswith(" todavía no se abre: no hay tal puerto; ¿está enchufado el aparato?")
    tty = TtyPair(tmp_path / "tty")
    link.read(0.0)
    assert line_words(link.words, "es") == f"{tmp_path}/tty está abierto a 9600 baudios"
    assert line_words(link.words, "en") == f"{tmp_path}/tty is open at 9600 baud"
    tty.unplug()
    link.read(0.01)
    assert line_words(link.words, "es") == f"se perdió {tmp_path}/tty: el aparato ya no está"
    link.close()


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.EBUSY, errno.ENOTTY, errno.EIO])
def test_why_a_serial_port_cannot_be_opened(number: int) -> None:
    said = serial_link._plain(OSError(number, "x"), "it cannot be opened")
    spanish = line_words(f"/dev/ttyS0 is not open yet: {said}", "es").removeprefix("/dev/ttyS0 todavía no se abre: ")
    assert spanish != said


@pytest.mark.expects_warnings  # of the host that refuses
def test_a_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = f"127.0.0.1:{server.getsockname()[1]}"
        link = TcpLink("127.0.0.1", server.getsockname()[1])
        link.read(1.0)
        link.read(1.0)
        assert line_words(link.words, "es") == f"{place} está conectado"
        link.close()
    for number in (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.ECONNRESET):
        said = tcp_link._plain(number)
        told = line_words(f"{place} is not connected yet: {said}", "es")
        assert told.startswith(f"{place} todavía no se conecta: ")
        assert said not in told


def test_a_udp_port() -> None:
    port = free_udp_port()
    link = UdpLink("127.0.0.1", port, name="x", max_bytes=1000)
    assert line_words(link.words, "es") == f"el puerto UDP {port} de 127.0.0.1 no está abierto"
    link.read(0.0)
    assert line_words(link.words, "es") == f"se escucha en el puerto UDP {port} de 127.0.0.1"
    link.close()
    for number in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES):
        said = udp_link._plain(OSError(number, "x"))
        told = line_words(f"UDP port 80 of 10.0.0.1 is not open: {said}", "es")
        assert told.startswith("el puerto UDP 80 de 10.0.0.1 no está abierto: ")
        assert said not in told


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.TROUBLE])
def test_a_modem(phase: Phase) -> None:
    assert TITLE in line_words(f"the {TITLE} {phase.value}", "es")
    assert "the " not in line_words(f"the {TITLE} {phase.value}", "es")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            f"the {TITLE} is being set up: radio set sf sf10 (3 of 9)",
            f"se configura: {TITLE}: radio set sf sf10 (3 de 9)",
        ),
        (
            f"the {TITLE} does not answer 'sys get ver'; are port and speed right?",
            f"{TITLE}: no contesta a «sys get ver»; ¿son el puerto y la velocidad correctos?",
        ),
        (
            "/dev/x is open at 9600 baud; not read: nivel (no_answer)",
            "/dev/x está abierto a 9600 baudios; sin leer: nivel (no_answer)",
        ),
        ("something new", "something new"),
    ],
)
def test_what_is_there(said: str, told: str) -> None:
    assert line_words(said, "es") == told


def test_a_radio_of_a_mesh() -> None:
    session = MeshSession("malla", MeshDecoder("malla", []), [], 3)
    assert line_words(session.words, "es") == "la radio no está conectada"
    session.opened(0.0)
    assert line_words(session.words, "es") == "se pregunta a la radio lo que sabe"
