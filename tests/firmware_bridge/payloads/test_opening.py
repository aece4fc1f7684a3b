"""Any codec from its settings; what is wrong with them is said, and a missing file is no reason to stop."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from firmware_bridge.payloads.javascript_engine import shared_engine
from firmware_bridge.payloads.layout_settings import Layout, LayoutField
from firmware_bridge.payloads.opening import open_payload
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.payloads.settings import (
    CayenneLppPayload,
    JavascriptPayload,
    LayoutPayload,
    PayloadSettings,
    VigiaPayload,
)
from firmware_bridge.payloads.targets import Target
from firmware_bridge.readings import Rejected

SETTINGS: TypeAdapter[PayloadSettings] = TypeAdapter(PayloadSettings)
HEARD = {"labels": {"1": "chainsaw"}}
KEY = "00112233445566778899aabbccddeeff"


def opened(payload: str, **settings: Any) -> Decoded | Rejected:
    (item,) = open_payload(SETTINGS.validate_python(settings)).decode(bytes.fromhex(payload), 2)
    return item


def values(payload: str, **settings: Any) -> dict[str, float]:
    item = opened(payload, **settings)
    assert isinstance(item, Decoded)
    return item.values


def test_every_codec(tmp_path: Path) -> None:
    path = tmp_path / "codec.js"
    path.write_text("function decodeUplink(input) { return { data: { temperature: input.bytes[0] } }; }")
    assert values("14", codec="javascript", file=path) == {"temperature_celsius": 20}
    shared_engine().close()
    gc.collect()
    assert values("01670110", codec="cayenne_lpp") == {"temperature_celsius": 27.2}
    assert values("01670110", codec="cayenne_lpp", map={"temperature_1": "water_temperature_celsius"}) == {
        "water_temperature_celsius": 27.2
    }
    assert values("01756403770200", codec="layout", layout="milesight_em300_em500")["water_level_metres"] == 0.02
    inline = {"fields": [{"bits": 16, "quantity": "water_level_metres", "unit": "mm"}]}
    assert values("04d2", codec="layout", layout=inline) == {"water_level_metres": 1.234}
    own = tmp_path / "own.toml"
    own.write_text('fields = [{ name = "deep", bits = 16, unit = "mm" }]')
    assert values("04d2", codec="layout", layout=str(own), map={"deep": "water_level_metres"}) == {
        "water_level_metres": 1.234
    }
    refused = opened("00", codec="vigia", id="00a1b2c3", key=KEY)
    assert isinstance(refused, Rejected)
    assert refused.reason == "too_short"


def test_fields_of_a_layout_stand_for_something_else() -> None:
    def told(payload: str, **fields: Any) -> dict[str, float]:
        return values(payload, codec="layout", layout="elsys", map=fields)

    pulses = {"quantity": "rainfall_millimetres", "scale": 0.2}
    assert told("0a000a", pulse1=pulses) == {"rainfall_millimetres": 2}
    assert told("0a000a", pulse1="rainfall_millimetres") == {"rainfall_millimetres": 10}
    level = {"quantity": "water_level_metres", "scale": 0.002, "offset": -1}
    assert told("0803e8", analog1=level) == {"water_level_metres": 1}
    assert told("0803e8", analog1="battery_volts") == {"battery_volts": 1}
    mount = {"quantity": "water_level_metres", "scale": -1, "offset": 8200}
    assert told("0e0514", distance=mount | {"unit": "mm"})["water_level_metres"] == pytest.approx(6.9)


@pytest.mark.expects_warnings
def test_a_layout_that_came_later_and_does_not_fit_the_map(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    own = tmp_path / "own.toml"
    settings = SETTINGS.validate_python({"codec": "layout", "layout": str(own), "map": {"deep": "water_level_metres"}})
    own.write_text('fields = [{ name = "deep", bits = 16, unit = "mV" }]')
    (refused,) = open_payload(settings).decode(b"\x04\xd2", 1)
    assert isinstance(refused, Rejected)
    assert refused.reason == "bad_map"
    assert "map.deep" in caplog.text


@pytest.mark.expects_warnings
@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"codec": "layout", "layout": "/nowhere/x.toml"}, "no_layout"),
        ({"codec": "javascript", "file": "/nowhere/x.js"}, "no_codec"),
        ({"codec": "vigia", "id": "00a1b2c3", "key_file": "/nowhere/x.key"}, "no_key"),
    ],
)
def test_a_missing_file_is_said_once_and_counted(
    settings: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    decoder = open_payload(SETTINGS.validate_python(settings))
    told = decoder.decode(b"\x01", 1) + decoder.decode(b"\x01", 1)
    assert [item.reason for item in told if isinstance(item, Rejected)] == [reason, reason]
    assert len(caplog.records) == 1
    assert "/nowhere/x" in caplog.text


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"codec": "morse"}, "codec"),
        ({"codec": "vigia", "id": "00a1b2c3"}, "either key or key_file"),
        ({"codec": "cayenne_lpp", "map": {"temprature_1": "temperature_celsius"}}, "'temprature_1' is no field"),
        ({"codec": "cayenne_lpp", "map": {"temperature_1": "temperature"}}, "near it: .*temperature_celsius"),
        ({"codec": "cayenne_lpp", "map": {"temperature_1": {}}}, "one thing"),
        ({"codec": "layout", "layout": "no_such"}, "no layout named"),
        ({"codec": "layout", "layout": {"fields": [{"bits": 99}]}}, r"layout\.table\.fields\.0\.bits"),
        ({"codec": "layout", "layout": "elsys", "map": {"teperature": "temperature_celsius"}}, "no field teperature"),
        ({"codec": "javascript", "file": "x.js", "time_limit_s": 60}, "less than or equal to 5"),
        (
            {"codec": "javascript", "file": "x.js", "map": {"label": HEARD}},
            "map.label has labels: say kind = acoustic_",
        ),
        (
            {"codec": "cayenne_lpp", "map": {"presence": HEARD}, "kind": "environment"},
            "map.presence has labels: say kind",
        ),
        ({"codec": "layout", "layout": "elsys", "map": {"motion": HEARD}}, "map.motion has labels: say kind"),
        (
            {"codec": "layout", "layout": "elsys", "map": {"analog1": "water_level_metres"}},
            "map.analog1: the layout's field is in mV: .* cannot be converted to m, .*; say scale or unit",
        ),
        (
            {"codec": "javascript", "file": "x.js", "map": {"a": {"quantity": "battery_volts", "unit": "Cel"}}},
            "cannot be converted to V",
        ),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        SETTINGS.validate_python(settings)


def test_a_bad_key_is_not_quoted() -> None:
    with pytest.raises(ValidationError) as refused:
        SETTINGS.validate_python({"codec": "vigia", "id": "00a1b2c3", "key": "5ec2e7"})
    assert "5ec2e7" not in str(refused.value)


def test_every_field_is_described() -> None:
    for model in (VigiaPayload, CayenneLppPayload, LayoutPayload, JavascriptPayload, Layout, LayoutField, Target):
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name}"
