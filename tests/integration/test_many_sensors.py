"""A post with a device of every driver at once: what each says goes through its real line (a tty, a UDP socket, a TCP
connection, a directory, a broker), a real gateway, broker and ingest, into InfluxDB, and comes out as it was said."""

from __future__ import annotations

import hashlib
import io
import json
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from firmware_bridge.readings import THUMBNAIL_BYTES
from firmware_bridge.sources import DRIVERS
from tests.support.device_host import vigia_host as vigia_host
from tests.support.field.played import Media, Played, Stored
from tests.support.field.post import Field
from tests.support.field.simulated import Said, played, said
from tests.support.landscape import DATABASE, Landscape
from tests.support.waiting import wait_until

POST = "puesto-a"
SIMULATED = ("norte", "sur", "rio")
"""Our own sensors as the simulator plays them, on the post's first line."""
NOT_VALUES = {"time", "sequence", "time_uncertainty_seconds", "label", "sensor", "station", "territory", "time_quality"}
SEED, RATE = 1, 20.0
CLOCK_TOLERANCE_S = 20.0
"""A device tells how old its news is; what lies between that and its arrival is the machine's slowness."""


@pytest.fixture
def field(tmp_path: Path, vigia_host: Path) -> Iterator[Field]:
    made = Field(tmp_path / "campo", vigia_host)
    yield made
    made.close()


def test_every_driver_has_a_device_that_proves_it(tmp_path: Path) -> None:
    """A driver that is added needs one in tests/support/field, listed in post.py."""
    field = Field(tmp_path, tmp_path / "no-program")
    try:
        assert {device.driver for device in field.devices} == set(DRIVERS)
        for device in field.devices:
            (source,) = tomllib.loads(device.settings)["sources"]
            assert DRIVERS[device.driver].Settings.model_validate(source).driver == device.driver
            assert device.stored, f"{device.driver} proves nothing"
        sensors = [(point.sensor, point.measurement) for device in field.devices for point in device.stored]
        assert len(set(sensors)) == len(sensors), "two devices would prove each other"
    finally:
        field.close()


@pytest.mark.slow
def test_what_a_device_of_each_driver_says_is_in_influxdb(tmp_path: Path, field: Field) -> None:
    landscape = Landscape(tmp_path, (POST,), sources=field.sources)
    gateway = landscape.gateways[POST]
    try:
        field.open()
        landscape.start()
        landscape.play(rate=RATE, seconds=5, seed=SEED)
        field.speak()
        for device in field.devices:
            for point in device.stored:
                wait_until(
                    f"{point.sensor} ({device.driver}) is in InfluxDB; {gateway.tallies()}\n{gateway.log_end()}",
                    lambda point=point: bool(points(landscape, point)),  # type: ignore[misc]  # bound now
                    timeout_s=30,
                    every_s=0.2,
                )
                check(points(landscape, point), point, device)
            for media in device.media:
                check_media(gateway.directory / "media", media)
        (simulator,) = landscape.sensors
        wait_until("the play is over", lambda: not simulator.running)
        landscape.wait_until_sent()
        sent = played(simulator.report, SIMULATED, "day_at_a_post", seed=SEED, rate=RATE)
        assert sent.total() >= 50
        assert of_simulator(landscape) == sent
        assert landscape.prove() >= sum(len(device.stored) for device in field.devices)
    finally:
        landscape.stop()


def of_simulator(landscape: Landscape) -> Counter[Said]:
    """What is stored of the simulator's sensors."""
    return Counter(
        said(sensor, measurement, point.get("label", ""), values_of(point))
        for sensor in SIMULATED
        for measurement in ("acoustic_detection", "camera_detection", "environment", "device_status", "position")
        for point in points(landscape, Stored(sensor, measurement, {}))
    )


def values_of(point: dict[str, Any]) -> dict[str, float]:
    """The quantities of a point."""
    return {name: value for name, value in point.items() if name not in NOT_VALUES}


def points(landscape: Landscape, wanted: Stored) -> list[dict[str, Any]]:
    """A sensor's points of one measurement: tags and fields by name, without those that it has not."""
    if DATABASE not in str(landscape.influx.query("", "SHOW DATABASES")):
        return []  # ingest makes the database when it writes for the first time
    query = f"SELECT * FROM {wanted.measurement} WHERE sensor = '{wanted.sensor}' AND station = '{POST}'"
    return [
        {name: value for name, value in zip(series["columns"], row, strict=True) if value is not None}
        for series in landscape.influx.query(DATABASE, query)
        for row in series["values"]
    ]


def check(found: list[dict[str, Any]], wanted: Stored, device: Played) -> None:
    """The first point has what was said, all of it and nothing else."""
    point = found[0]
    assert values_of(point) == {name: pytest.approx(value) for name, value in wanted.values.items()}, wanted.sensor
    assert point.get("label", "") == wanted.label, wanted.sensor
    if wanted.age_s is not None:
        told_at_s = device.spoke_at_s - wanted.age_s
        assert point["time"] / 1e9 == pytest.approx(told_at_s, abs=CLOCK_TOLERANCE_S), wanted.sensor


def check_media(store: Path, media: Media) -> None:
    """The post has the file under the hash of its content, with a card and, of a picture, a thumbnail."""
    name = hashlib.sha256(media.content).hexdigest()
    folder = store / name[:2]
    assert (folder / f"{name}{media.suffix}").read_bytes() == media.content
    assert json.loads((folder / f"{name}.json").read_text())["sensor"] == media.sensor
    thumbnail = folder / f"{name}.thumb.jpg"
    assert thumbnail.exists() == media.thumbnail
    if media.thumbnail:
        small = thumbnail.read_bytes()
        assert len(small) <= THUMBNAIL_BYTES
        Image.open(io.BytesIO(small)).load()
