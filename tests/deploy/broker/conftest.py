"""A broker with two posts and two services enrolled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.parts.processes import Part, answers, find_program, free_port
from deploy.pki import authority
from gateway.contract import topics
from tests.deploy.broker.clients import Client, client
from tests.deploy.broker.hub import A, B, Hub


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    directory = tmp_path / "pki"
    authority.create_authority(directory)
    authority.issue_server(directory, ["localhost"])
    for station in (A, B):
        authority.issue_station(directory, station)
    for service in ("ingest", "ingest-2"):
        authority.issue_service(directory, service)
    return directory


@pytest.fixture
def hub(pki: Path, tmp_path: Path) -> Iterator[Hub]:
    port, directory = free_port(), tmp_path / "broker"
    part = Part(
        "mosquitto",
        [find_program("mosquitto", "mosquitto"), "-c", str(directory / "mosquitto.conf")],
        tmp_path / "mosquitto.log",
        ready=lambda: answers(port),
    )
    made = Hub(pki, directory, port, part)
    made.render()
    part.start()
    yield made
    part.stop()


@pytest.fixture
def ingest(hub: Hub) -> Iterator[Client]:
    """The ingest service, subscribed to all that posts send."""
    with client(hub.port, hub.pki, "service.ingest") as member:
        assert member.subscribe(topics.ALL_UP) == 1
        assert member.subscribe(topics.ALL_STATES) == 1
        yield member
