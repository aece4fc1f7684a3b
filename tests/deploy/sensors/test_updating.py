"""New firmware by the command: the sensor is the C program on a tty."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner, Result

from deploy.cli.main import app
from deploy.errors import DeployError
from firmware_bridge.update.image import encode_image, sign_image
from tests.firmware_bridge.update.lines import DEVICE, KEY, Line, Sensor
from tests.support.device_host import vigia_host as vigia_host

MAKER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def vigia(*words: object) -> Result:
    return CliRunner().invoke(app, ["sensors", "update", *map(str, words)])


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(
        f'[outbox]\npath = "{tmp_path}/outbox.db"\n[[sources]]\ndriver = "vigia_sensor"\nname = "radio"\n'
        f'port = "{tmp_path}/gateway-end"\n'
        f'devices = [{{ id = "{DEVICE}", name = "rio-arriba", key = "{KEY.hex()}" }}]\n'
    )
    return path


@pytest.mark.slow
def test_a_sensor_gets_its_new_firmware(vigia_host: Path, tmp_path: Path, settings: Path) -> None:
    image, maker = tmp_path / "firmware.vgf", tmp_path / "maker.pub"
    image.write_bytes(encode_image(sign_image(Random(7).randbytes(5_000), "vigia-host", "1.2.0", MAKER)))
    key = MAKER.public_key().public_bytes_raw().hex()
    maker.write_text(f"{key}\n")
    words = (image, "--for", settings, "--device", "rio-arriba", "--maker", maker)
    with Line(tmp_path) as line, Sensor(vigia_host, line, tmp_path / "memory", "--maker", key) as sensor:
        told = vigia(*words)
        assert told.exit_code == 0, told.output
        lines = told.output.splitlines()
        assert lines[-1] == "rio-arriba corre ahora 1.2.0"
        assert any(line.startswith("Enviando: 5") for line in lines)  # some half-way
        assert len(sensor.program) == 5_000
        assert (tmp_path / "downlink.counters").exists()
        again = vigia(*words, "--lang", "en")
        assert again.output.splitlines()[-1] == "rio-arriba runs 1.2.0 already"


def test_what_cannot_be_is_said_before_anything_is_sent(tmp_path: Path, settings: Path) -> None:
    image = tmp_path / "firmware.vgf"
    told = vigia(image, "--for", settings, "--device", "no-such")
    assert isinstance(told.exception, DeployError)
    assert f"no tiene un sensor 'no-such' que hable nuestras tramas; tiene: rio-arriba ({DEVICE})" in str(
        told.exception
    )
    told = vigia(image, "--for", settings, "--device", DEVICE)
    assert isinstance(told.exception, DeployError)
    assert f"rio-arriba: no se puede leer {image}; revise el nombre" in str(told.exception)
    told = vigia(image, "--for", settings, "--device", DEVICE, "--lang", "en")
    assert "firmware.vgf cannot be read" in str(told.exception)
    image.write_bytes(b"not an image")
    (tmp_path / "maker.pub").write_text("abcd")
    told = vigia(image, "--for", settings, "--device", DEVICE, "--maker", tmp_path / "maker.pub")
    assert isinstance(told.exception, DeployError)
    assert "no es la clave de un fabricante: son 64 cifras hexadecimales" in str(told.exception)
