"""What a technician gets wrong about a sensor is told in Spanish, at its line, with what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.settings.file import load_settings
from deploy.settings.problems import SettingsFileError
from gateway.settings import GatewaySettings

_MODBUS = """[[sources]]
driver = "modbus_rtu"
name = "muelle"
port = "/dev/ttyUSB0"
[[sources.devices]]
unit = 1
name = "nivel"
[[sources.devices.registers]]
address = 0
quantity = "water_level_metres"
{}
"""
_RADIO = """[[sources]]
driver = "rak_rui3"
name = "radio"
port = "/dev/ttyUSB0"
band = "au915"
frequency_hz = {}
spreading_factor = 7
[[sources.devices]]
id = "{}"
name = "nivel"
payload = {}
"""
_CAYENNE = '{ codec = "cayenne_lpp" }'
_CHIRPSTACK = """[[sources]]
driver = "chirpstack_v4"
name = "red"
application_id = "{}"
broker = {{ host = "{}" }}
devices = [{{ id = "a84041ffff1a2b3c", name = "n", payload = {{ codec = "cayenne_lpp" }} }}]
"""
_UUID = "17c82e96-be03-4f38-aef3-f83d48582d97"


def told(tmp_path: Path, text: str) -> str:
    file = tmp_path / "gateway.toml"
    file.write_text(text)
    with pytest.raises(SettingsFileError) as refused:
        load_settings(file, GatewaySettings)
    (problem,) = refused.value.problems
    return problem("es")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (_MODBUS.format('unit = "milimetros"'), ("línea 11: ", "no se conoce la unidad 'milimetros'", "mm")),
        (_MODBUS.format('unit = "mV"'), ("línea 11: ", "'mV' no se puede pasar a m")),
        (_MODBUS.format("scale = 0,1"), ("línea 11: ", "punto, no coma: 0.1")),
        (_MODBUS.format("absent = 65535"), ("línea 11: ", "debe ser una lista", "[65535]")),
        (_MODBUS.replace("water_level_metres", "nivel_agua").format(""), ("línea 10: ", "no es una magnitud")),
        (_RADIO.format("916.8", "0a", _CAYENNE), ("línea 6: ", "en hertz", "916_800_000")),
        (_RADIO.format("916_800_000", "0x0a", _CAYENNE), ("línea 9: ", "sin 0x")),
        (
            _RADIO.format("916_800_000", "0a", '{ codec = "layout", layout = "elsis" }'),
            ("ningún layout se llama 'elsis'; parecidos: elsys",),
        ),
        (
            _RADIO.format(
                "916_800_000", "0a", '{ codec = "layout", layout = "elsys", map = { x = "distance_metres" } }'
            ),
            ("el layout no tiene el campo x",),
        ),
        (_CHIRPSTACK.format(_UUID, "tcp://127.0.0.1:1884"), ("línea 5: ", 'host = "127.0.0.1"; el puerto va aparte')),
        (_CHIRPSTACK.format("sensores", "localhost"), ("línea 4: ", "es un UUID", _UUID)),
    ],
)
def test_a_mistake_is_told_in_spanish_at_its_line(tmp_path: Path, text: str, says: tuple[str, ...]) -> None:
    words = told(tmp_path, text)
    assert "en inglés" not in words
    for part in says:
        assert part in words


def test_a_layout_s_own_file_is_told_in_spanish_too(tmp_path: Path) -> None:
    layout = tmp_path / "mio.toml"
    layout.write_text('[[fields]]\nquantity = "nivel"\n[[fields]]\nbits = 99\nquantity = "distance_metres"\n')
    words = told(tmp_path, _RADIO.format("916_800_000", "0a", f'{{ codec = "layout", layout = "{layout}" }}'))
    assert f"{layout}: fields.0.quantity: 'nivel' no es una magnitud del catálogo" in words
    assert "fields.1.bits: debe ser como mucho 64" in words
