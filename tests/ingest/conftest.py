"""A registry and a database that the tests of ingest share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.parts.servers import InfluxDB
from ingest.influx.dialects import writer_for
from ingest.influx.settings import InfluxSettings
from ingest.registry import Registry
from ingest.sink import InfluxSink
from tests.support.failing_front import FailingFront

REGISTRY = """\
[[territories]]
name = "yaguas"
title = "Parque Nacional Yaguas"

[[territories]]
name = "ampiyacu"
title = "ACR Ampiyacu Apayacu"

[[stations]]
name = "boca-yaguas"
territory = "yaguas"
title = "Puesto Boca Yaguas"

[[stations.sensors]]
name = "clima-01"
title = "Estación del tiempo"

[[stations.sensors]]
name = "audio-09"
title = "Quebrada Hipona"

[[stations]]
name = "puesto-dos"
territory = "ampiyacu"
title = "Puesto Dos"
"""


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    path = tmp_path / "registry.toml"
    path.write_text(REGISTRY)
    made = Registry(path)
    made.load()
    return made


@pytest.fixture(scope="module")
def shared_influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    """One InfluxDB for the tests of a module, each of which takes a database of its own."""
    database = InfluxDB(tmp_path_factory.mktemp("influxdb"))
    database.start()
    yield database
    database.stop()


@pytest.fixture
def bucket(shared_influx: InfluxDB, request: pytest.FixtureRequest) -> str:
    """A database of the test's own."""
    name = "".join(c if c.isalnum() else "-" for c in request.node.name)[:60].strip("-")
    shared_influx.create(name)
    return name


@pytest.fixture
def front(shared_influx: InfluxDB) -> Iterator[FailingFront]:
    """Stands before the database and fails as it is told."""
    with FailingFront(shared_influx.port) as failing:
        yield failing


@pytest.fixture
def sink(front: FailingFront, registry: Registry, bucket: str) -> Iterator[InfluxSink]:
    """Writes through the front into the test's own database."""
    made = InfluxSink(writer_for(InfluxSettings(dialect="v1", url=front.url)), bucket, registry)
    yield made
    made.close()
