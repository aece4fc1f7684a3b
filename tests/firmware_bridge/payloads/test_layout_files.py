"""The layouts that come with Vigía, against what their makers and public decoders say that bytes mean."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from firmware_bridge.payloads.layout import LayoutDecoder
from firmware_bridge.payloads.layout_files import MAX_FILE_BYTES, load_layout, packaged_layouts, parse_layout
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.readings import QUANTITIES
from tests.firmware_bridge.payloads.golden_payloads import GOLDEN


@pytest.mark.parametrize(("name", "port", "payload", "expected"), GOLDEN, ids=[f"{g[0]}-{g[2][:12]}" for g in GOLDEN])
def test_golden_payload(name: str, port: int, payload: str, expected: dict[str, float]) -> None:
    decoder = LayoutDecoder(load_layout(name))
    (values,) = decoder.values(bytes.fromhex(payload), port)
    assert {field: values[field] for field in expected} == pytest.approx(expected, abs=1e-5)
    for item in decoder.decode(bytes.fromhex(payload), port):
        if isinstance(item, Decoded):
            assert "trailing_bytes" not in item.unknown
            for quantity, value in item.values.items():
                QUANTITIES[quantity].to_steps(value)


def test_values_are_in_the_units_of_the_catalogue() -> None:
    """Dragino, LHT65 user manual; Decentlab DL-CTD10 and DL-ATM41 from the vectors above."""
    (lht,) = LayoutDecoder(load_layout("dragino_lht65")).decode(bytes.fromhex("cbf60b0d0376010add7fff"), 2)
    assert isinstance(lht, Decoded)
    assert lht.values == pytest.approx({"battery_volts": 3.062, "temperature_celsius": 28.29, "humidity_ratio": 0.886})
    assert lht.unknown == ("probe_temperature",)
    (ctd,) = LayoutDecoder(load_layout("decentlab_ctd10")).decode(bytes.fromhex("0207d9000390888081006400000c60"), 1)
    assert isinstance(ctd, Decoded)
    assert ctd.values["water_level_metres"] == pytest.approx(4.232)
    assert ctd.values["water_temperature_celsius"] == pytest.approx(12.9)


@pytest.mark.parametrize("name", packaged_layouts())
class TestEveryLayout:
    def test_is_tried_on_a_golden_payload_and_names_its_source(self, name: str) -> None:
        layout = load_layout(name)
        assert layout.title
        assert layout.source
        assert name in {golden[0] for golden in GOLDEN}

    def test_cut_and_random_payloads_are_reasons(self, name: str) -> None:
        decoder = LayoutDecoder(load_layout(name))
        chance = Random(7)
        payloads = [bytes.fromhex(golden[2])[:cut] for golden in GOLDEN if golden[0] == name for cut in range(60)]
        for payload in (*payloads, *(chance.randbytes(chance.randrange(80)) for _ in range(300))):
            assert decoder.decode(payload, chance.choice([None, 2, 102, 103, 120, 127]))


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('fields = [{ bits = 16, quantity = "water_level_metres", unit = "mm" }]')
    (item,) = LayoutDecoder(load_layout(str(path))).decode(b"\x04\xd2", None)
    assert isinstance(item, Decoded)
    assert item.values == {"water_level_metres": 1.234}


def test_what_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no layout named 'dragino_lht6'.*dragino_lht65"):
        load_layout("dragino_lht6")
    with pytest.raises(ValueError, match=r"ends in \.toml"):
        load_layout("/etc/passwd")
    path = tmp_path / "big.toml"
    path.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(ValueError, match="larger than"):
        load_layout(str(path))
    path.write_bytes(b"\xff")
    with pytest.raises(ValueError, match="UTF-8"):
        load_layout(str(path))
    with pytest.raises(ValueError, match="mine is not TOML"):
        parse_layout("fields = [", "mine")
    with pytest.raises(ValueError, match=r"fields\.0\.bits: .*less than or equal to 64"):
        parse_layout("fields = [{ bits = 65, quantity = 'water_level_metres' }]", "mine")
