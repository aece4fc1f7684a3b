"""`vigia sensors ...`, as a technician and a developer use it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli.main import app
from deploy.errors import DeployError
from deploy.parts.services import Gateway, Sensors
from firmware_bridge.sources import DRIVERS
from tests.support.waiting import wait_until

GOLDEN = "05 01 61 15 10 04 a1 b2 c3 01 01 13 01 10 d6 ad 77 f9 ac 5f 50 35 d8 5d 27 3a 84 10 99 86 00"
KEY = "00112233445566778899aabbccddeeff"
SOURCE = f"""\
driver = "vigia_sensor"
name = "radio"
port = "/dev/none"
devices = [{{ id = "00a1b2c3", name = "rio-arriba", key = "{KEY}" }}]
"""
TOLD = """\
rio-arriba: Sonido detectado, Motosierra, hace 3 segundos
  Confianza            90 %
  Nivel sonoro         60.5 dB
  Duración             3.2 s
  Batería              3.98 V
  Señal (RSSI)         -97 dBm
  Señal a ruido (SNR)  5.25 dB
"""


def vigia(*words: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["sensors", *map(str, words)], input=stdin)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file with one source's table."""
    path = tmp_path / "source.toml"
    path.write_text(SOURCE)
    return path


def test_list_in_lines_and_json() -> None:
    lines = vigia("list").output.splitlines()
    assert [line.split("\t")[0] for line in lines] == sorted(DRIVERS)
    told = json.loads(vigia("list", "--json").output)
    assert {one["name"] for one in told} == set(DRIVERS)
    assert all(one["link"] and one["quantities"] for one in told)


@pytest.mark.parametrize(
    "words",
    [
        (GOLDEN,),
        tuple(GOLDEN.split()),
        (GOLDEN.replace(" ", ":").upper(),),
        (" ".join(f"0x{two}" for two in GOLDEN.split()),),
    ],
)
def test_hex_is_taken_however_it_is_grouped(source: Path, words: tuple[str, ...]) -> None:
    told = vigia("decode", "vigia_sensor", "--settings", source, *words)
    assert (told.exit_code, told.output) == (0, TOLD)


def test_bytes_come_from_standard_input_and_from_files(source: Path, tmp_path: Path) -> None:
    told = vigia("decode", "vigia_sensor", "--settings", source, "-", stdin=GOLDEN + "\n")
    assert (told.exit_code, told.output) == (0, TOLD)
    (tmp_path / "capture.bin").write_bytes(bytes.fromhex(GOLDEN))
    told = vigia("decode", "vigia_sensor", "--settings", source, "--file", tmp_path / "capture.bin")
    assert (told.exit_code, told.output) == (0, TOLD)


def test_a_gateways_settings_will_do_too(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    gps = 'driver = "nmea_gps"\nname = "gps"\nport = "/dev/other"\n'
    file.write_text(f"[[sources]]\n{SOURCE}\n[[sources]]\n{gps}")
    assert vigia("decode", "vigia_sensor", "--settings", file, GOLDEN).output == TOLD
    told = vigia("decode", "nmea_gps", "--settings", file, "--source", "radio", "00")
    assert isinstance(told.exception, DeployError)
    assert (
        "no hay ninguna fuente de nombre 'radio' del driver nmea_gps. Tiene: radio (vigia_sensor), gps (nmea_gps)"
        in str(told.exception)
    )


def test_what_is_discarded_has_its_reason_and_nothing_else_is_exit_code_1(source: Path) -> None:
    spoilt = GOLDEN.replace("a1 b2", "a1 b3")
    told = vigia("decode", "vigia_sensor", "--settings", source, spoilt)
    assert told.exit_code == 1
    assert told.output.startswith("Descartado: bad_crc 1")
    told = vigia("decode", "vigia_sensor", "--settings", source, spoilt, GOLDEN, "--lang", "en")
    assert told.exit_code == 0
    assert "Acoustic detection, Chainsaw, 3 seconds ago" in told.output
    assert "Discarded: bad_crc 1" in told.output
    told = vigia("decode", "vigia_sensor", "--settings", source, "0501")
    assert (told.exit_code, told.output) == (1, "Nada todavía: es el comienzo de algo que sigue\n")


def test_text_lines_and_messages(tmp_path: Path) -> None:
    lines = ("$GPRMC,083559.00,A,4717.11437,N,00833.91522,E,0.004,77.52,091224,,,A*53", "hello")
    told = vigia("decode", "nmea_gps", "--text", *lines)
    assert "Hora del GPS: 2024-12-09 08:35:59 UTC" in told.output
    assert "Descartado: other_text 1" in told.output
    assert vigia("decode", "nmea_gps", "--text", "-", stdin="\n".join(lines)).output == told.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nmea_gps", "--text"), "diga qué descifrar"),
        (("nmea_gps", "--text", "--lang", "en"), "say what is to be decoded"),
        (("nmea_gps", "zz"), "'z' no es una cifra hexadecimal"),
        (("nmea_gps", "zz", "--lang", "en"), "'z' is no hex digit"),
        (("nmea_gps", "123"), "un byte tiene dos, falta una"),
        (("no_such", "00"), "no hay un driver 'no_such'"),
        (("chirpstack", "00", "--lang", "en"), "there is no driver 'chirpstack'; chirpstack_v4? There are: "),
        (("rak3172", "00"), "¿Quiso decir rak_rui3? Los que hay: "),
        (("seed_lora_e5", "00"), "¿Quiso decir seeed_lora_e5? "),
        (("nmea_gps", "--file", "/no/such/file"), "/no/such/file: no existe"),
    ],
)
def test_mistakes_are_sentences(words: tuple[str, ...], said: str) -> None:
    told = vigia("decode", *words)
    assert isinstance(told.exception, DeployError)
    assert said in str(told.exception)


def test_wrong_settings_are_told_by_their_place(tmp_path: Path) -> None:
    file = tmp_path / "source.toml"
    file.write_text('driver = "vigia_sensor"\nname = "radio"\nport = ""\ndevices = [{ id = "5" }]\n')
    told = vigia("decode", "vigia_sensor", "--settings", file, "00")
    assert isinstance(told.exception, DeployError)
    assert "port: no debe estar vacío" in str(told.exception)
    assert "devices.0.id: no tiene la forma correcta" in str(told.exception)
    told = vigia("decode", "vigia_sensor", "--settings", file, "00", "--lang", "en")
    assert "port: must not be empty" in str(told.exception)


def test_watch_wants_one_line(tmp_path: Path) -> None:
    for words in ((), ("/dev/ttyUSB0",), ("/dev/ttyUSB0", "--for", "x.toml", "--driver", "nmea_gps")):
        told = vigia("watch", *words)
        assert isinstance(told.exception, DeployError)
        assert "diga qué mirar: un puerto y su driver" in str(told.exception)
    told = vigia("watch", "/dev/ttyUSB0", "--driver", "semtech_udp")
    assert "semtech_udp no escucha un puerto serie" in str(told.exception)


def test_what_a_device_says_cannot_steer_the_terminal() -> None:
    told = vigia("decode", "chirpstack_v4", "--text", "\x1b[2Jx")
    assert told.output == "Descartado: bad_topic 1 ([2Jx)\n"


SIMULATED = """\
[[sources]]
driver = "vigia_sensor"
name = "radio"
port = "{place}/tty"
[[sources.devices]]
id = "00a1b2c3"
name = "rio-arriba"
key_file = "{place}/key"
[[sources]]
driver = "nmea_gps"
name = "gps"
port = "/dev/none"
"""


def test_simulating_says_what_lacks_and_whether_anybody_read(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(SIMULATED.format(place=tmp_path))
    words = ("simulate", "chainsaw", "--for", file, "--speed", "60", "--longest-s", "0.2", "--rate", "5")
    assert f"la clave de rio-arriba {tmp_path}/key: no existe" in str(vigia(*words).exception)
    (tmp_path / "key").write_text("no key")
    assert "la clave de rio-arriba: " in str(vigia(*words).exception)
    (tmp_path / "key").write_text(KEY)
    told = vigia(*words, "--source", "gps")
    assert isinstance(told.exception, DeployError)
    assert "no tiene una fuente 'gps' con sensores vigia_sensor; tiene: radio" in str(told.exception)
    assert "bytes quedaron sin leer" in vigia(*words).output
    assert vigia(*words, "--log-level", "LOUD").exit_code == 2


@pytest.mark.slow
def test_watch_shows_what_comes_and_lets_the_gateway_have_its_port(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path / "puesto", "puesto", 9, ["norte", "sur"])
    sensors = Sensors(gateway, "day_at_a_post", speed=1, seed=1, rate=20, longest_s=60)
    sensors.start()
    command = [sys.executable, "-m", "deploy.cli", "sensors", "watch", "--for", str(gateway.settings)]
    try:
        watching = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert watching.stdout is not None
        first = [watching.stdout.readline() for _ in range(5)]
        watching.send_signal(signal.SIGINT)
        rest, errors = watching.communicate(timeout=10)
        assert (watching.returncode, errors) == (0, "")
        assert any("norte: " in line or "sur: " in line for line in first)
        assert {"norte", "sur"} & {line.partition(": ")[0] for line in rest.splitlines()}, "the account at the end"
        gateway.start()
        wait_until("it hears", lambda: gateway.counted().accepted > 0)
        refused = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert refused.returncode == 1
        assert f"El gateway está escuchando {tmp_path}/puesto/tty (proceso {gateway.pid})" in refused.stderr
        assert "sudo systemctl stop vigia-gateway" in refused.stderr
    finally:
        gateway.stop()
        sensors.stop()


@pytest.mark.slow
def test_watch_on_a_terminal_renews_its_screen(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path / "puesto", "puesto", 9, ["norte"])
    sensors = Sensors(gateway, "day_at_a_post", speed=1, seed=1, rate=20, longest_s=60)
    sensors.start()
    command = [sys.executable, "-m", "deploy.cli", "sensors", "watch", "--for", str(gateway.settings)]
    master, slave = os.openpty()
    try:
        environment = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
        watching = subprocess.Popen([*command, "--longest-s", "2"], stdout=slave, stderr=slave, env=environment)
        os.close(slave)
        seen = b""
        while watching.poll() is None or b"norte: " not in seen:
            try:
                seen += os.read(master, 65536)
            except OSError:  # the other side has closed it
                break
        assert watching.wait(10) == 0
        text = seen.decode()
        assert "Última lectura" in text
        assert "norte" in text
    finally:
        os.close(master)
        sensors.stop()


def test_new_refuses_a_name_that_is_none() -> None:
    told = vigia("new", "Not-A-Name")
    assert isinstance(told.exception, DeployError)
    assert "is no name for a driver" in str(told.exception)
