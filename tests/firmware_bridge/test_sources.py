"""Any driver in the folder can be configured and opened, and none can be brought down by bytes."""

from __future__ import annotations

import importlib
import re
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Literal, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from firmware_bridge import drivers, sources
from firmware_bridge.readings import MAX_NAME_BYTES, QUANTITIES

ALL = sorted(sources.DRIVERS)
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


@pytest.mark.parametrize("driver", ALL)
class TestEveryDriver:
    def test_header_is_complete(self, driver: str) -> None:
        header = importlib.import_module(f"{drivers.__name__}.{driver}").__doc__ or ""
        for section in ("Device", "Specification", "Link", "Data layout", "Integrity"):
            assert re.search(rf"^{section}\s", header, re.MULTILINE), section

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

    def test_only_known_quantities_are_declared(self, driver: str) -> None:
        assert sources.DRIVERS[driver].QUANTITIES.issubset(QUANTITIES)

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
                    assert all(r.count > 0 and len(r.reason) <= MAX_NAME_BYTES for r in delivery.rejected)

        feed()


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
    thread.join(0.5)
    assert not thread.is_alive()
