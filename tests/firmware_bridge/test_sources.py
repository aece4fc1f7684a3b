"""Any driver in the folder can be configured and opened, and none can be brought down by bytes."""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Final, Literal, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from deploy.sensors.cards import SECTIONS, card, sections
from firmware_bridge import drivers, sources
from firmware_bridge.delivery import Delivery
from firmware_bridge.readings import DEVICE_QUANTITIES, MAX_NAME_BYTES, BridgeError, Kind, make_reading
from tests.support.golden import Golden, outcome

ALL = sorted(sources.DRIVERS)
EXTRA_MODULES: Final = ("pymodbus", "quickjs", "_quickjs", "PIL")
REASON: Final = re.compile(r"[a-z][a-z0-9_]*")
SETTINGS: TypeAdapter[sources.SourceSettings] = TypeAdapter(sources.SourceSettings)


def sample(driver: str) -> sources.SourceSettings:
    return SETTINGS.validate_python(tomllib.loads(sources.DRIVERS[driver].SAMPLE))


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model and the models of its fields."""
    yield model
    for field in model.model_fields.values():
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from models(inner)


def test_every_file_is_a_driver() -> None:
    files = {path.stem for path in Path(drivers.__path__[0]).glob("*.py")} - {"__init__"}
    assert set(ALL) == files
    assert ALL


def module_of(driver: str) -> ModuleType:
    return importlib.import_module(f"tests.firmware_bridge.drivers.test_{driver}")


def spoilt(chunks: tuple[bytes, ...], chance: Random) -> Iterator[list[bytes]]:
    """Golden bytes as a bad line brings them: cut short, cut anywhere, bits changed, bytes lost, twice, in disorder."""
    whole = b"".join(chunks)
    times = 60 if len(whole) < 2_000 else 6
    for end in {chance.randrange(len(whole)) for _ in range(times)}:
        yield [whole[:end]]
        yield [whole[:end], whole[end:], *chunks]
    for _ in range(3 * times):
        changed = bytearray(whole)
        for _ in range(chance.choice((1, 1, 1, 2, 8))):
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        yield [bytes(changed)]
        lost = chance.randrange(len(whole))
        yield [whole[:lost] + whole[lost + chance.randrange(1, 9) :]]
    yield [*chunks, *chunks]
    yield list(reversed(chunks))


def check_sound(delivery: Delivery, driver: str) -> None:
    """What every delivery keeps, whatever it was made of."""
    told = delivery.readings or delivery.rejected or delivery.texts or delivery.replay
    assert told or delivery.gps_utc_ms is not None, "an empty delivery"
    for reading in delivery.readings:
        values = reading.values()
        assert set(values) <= sources.DRIVERS[driver].QUANTITIES, f"{driver} tells what it does not declare: {values}"
        again = make_reading(Kind(reading.kind), reading.sensor, values, label=reading.label)
        assert (again.codes, again.steps) == (reading.codes, reading.steps)
        assert reading.age_ms >= 0
    for item in delivery.rejected:
        assert REASON.fullmatch(item.reason), item.reason
        assert len(item.reason) <= MAX_NAME_BYTES
        assert item.count > 0
    assert len({item.reason for item in delivery.rejected}) == len(delivery.rejected), "one item a reason"


@pytest.mark.parametrize("driver", ALL)
class TestEveryDriver:
    def test_name_is_maker_and_model(self, driver: str) -> None:
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", driver)

    def test_header_is_complete(self, driver: str) -> None:
        header = importlib.import_module(f"{drivers.__name__}.{driver}").__doc__ or ""
        told = sections(header)
        for section in SECTIONS:
            assert told.get(section), section
        assert card(driver).title

    def test_settings_are_described(self, driver: str) -> None:
        top = sources.DRIVERS[driver].Settings
        for model in models(top):
            for name, field in model.model_fields.items():
                assert field.description, f"{model.__name__}.{name}"
        named = top.model_fields["driver"].annotation
        assert get_origin(named) is Literal
        assert get_args(named) == (driver,)

    def test_sample_is_valid_and_opens_without_io(self, driver: str) -> None:
        settings = sample(driver)
        source = sources.open_source(settings, {})
        assert source.name == settings.name
        assert source.state

    def test_only_quantities_of_devices_are_declared(self, driver: str) -> None:
        assert sources.DRIVERS[driver].QUANTITIES <= DEVICE_QUANTITIES

    @pytest.mark.expects_warnings  # of key files that are not there
    def test_random_bytes_are_reasons(self, driver: str) -> None:
        decoder = sources.DRIVERS[driver].new_decoder(sample(driver), {})
        chance = Random(7)

        @given(st.lists(st.binary(max_size=300), max_size=20))
        def feed(chunks: list[bytes]) -> None:
            for chunk in (*chunks, chance.randbytes(5000)):
                delivery = decoder.feed(chunk)
                if delivery is not None:
                    assert not delivery.readings
                    assert delivery.rejected
                    check_sound(delivery, driver)

        feed()

    def test_its_test_has_an_accepted_and_a_rejected_frame(self, driver: str) -> None:
        accepted, rejected = module_of(driver).ACCEPTED, module_of(driver).REJECTED
        for golden in (accepted, rejected):
            assert isinstance(golden, Golden)
            assert len(golden.provenance) > 10, "say where the bytes are from"
            assert golden.settings.driver == driver
        told = outcome(accepted.settings, accepted.chunks)
        assert bool(told.readings) == accepted.stands_alone
        for delivery in told.deliveries:
            check_sound(delivery, driver)
        refused = outcome(rejected.settings, rejected.chunks)
        assert not refused.readings
        assert refused.reasons

    def test_spoilt_frames_are_true_or_reasons(self, driver: str) -> None:
        accepted = module_of(driver).ACCEPTED
        for chunks in spoilt(accepted.chunks, Random(7)):
            for delivery in outcome(accepted.settings, chunks).deliveries:
                check_sound(delivery, driver)


def test_drivers_are_imported_without_what_only_some_posts_need() -> None:
    """Neither the packages of the extras nor any thread or process: each is asked for where it is used."""
    script = f"""
import importlib.abc, sys, tomllib
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in {EXTRA_MODULES!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
from firmware_bridge.sources import DRIVERS
for name, driver in DRIVERS.items():
    driver.Settings.model_validate(tomllib.loads(driver.SAMPLE))
print(len(DRIVERS))
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (told.stderr, told.stdout) == ("", f"{len(ALL)}\n")


@pytest.mark.parametrize("driver", [name for name in ALL if any(extra.purpose == "" for extra in card(name).extras)])
def test_a_driver_that_cannot_do_without_its_extra_names_it(driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (needed,) = [extra for extra in card(driver).extras if extra.purpose == ""]
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == needed.module else real(name, *a))
    with pytest.raises(BridgeError, match=rf"pip install 'vigia\[{needed.name}\]'"):
        sources.open_source(sample(driver), {})


def test_a_gateway_imports_the_drivers_that_it_needs_and_no_others(tmp_path: Path) -> None:
    settings = tmp_path / "gateway.toml"
    settings.write_text("[[sources]]\n" + sources.DRIVERS["vigia_sensor"].SAMPLE.replace("[[", "[[sources."))
    script = f"""
import sys
from pathlib import Path
from deploy.settings.file import load_settings
from gateway.app import Gateway
from gateway.settings import GatewaySettings
Gateway(load_settings(Path({str(settings)!r}), GatewaySettings))
print([name for name in sys.modules if name.startswith("firmware_bridge.drivers.")])
print([name for name in {EXTRA_MODULES!r} if name in sys.modules])
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout == "['firmware_bridge.drivers.vigia_sensor']\n[]\n"


def test_an_unknown_driver_is_named() -> None:
    with pytest.raises(ValidationError, match="driver"):
        SETTINGS.validate_python({"driver": "no_such", "name": "x"})


@pytest.mark.expects_warnings
def test_a_source_of_a_missing_port_stops_promptly(tmp_path: Path) -> None:
    settings = SETTINGS.validate_python(
        {
            "driver": "vigia_sensor",
            "name": "radio",
            "port": str(tmp_path / "none"),
            "devices": [{"id": "00000001", "name": "a", "key": "00" * 16}],
        }
    )
    stop = threading.Event()
    source = sources.open_source(settings, {})
    thread = threading.Thread(target=source.run, args=(lambda delivery: None, stop))
    thread.start()
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
