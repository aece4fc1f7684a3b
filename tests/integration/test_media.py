"""A picture reaches headquarters whole, whatever dies on the way; the rest waits until somebody asks for it."""

from __future__ import annotations

import http.client
import json
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.parts.relay import Relay
from deploy.parts.services import Gateway
from tests.support.landscape import Landscape
from tests.support.pictures import Card, noise
from tests.support.waiting import wait_until

POST = "puesto-a"
pytestmark = pytest.mark.slow


class Place:
    """A post with two cameras behind a link that can be cut, and headquarters."""

    def __init__(self, directory: Path, *, uplink: str = "") -> None:
        self.people = Card(directory / "camara-1", "camara-1", "person")
        self.animals = Card(directory / "camara-2", "camara-2", "tapir")
        sources = self.people.settings + self.animals.settings
        self.landscape = Landscape(directory, (POST,))
        self.relay = Relay(self.landscape.broker.port)
        self.gateway = Gateway(
            directory / POST,
            POST,
            self.relay.port,
            ["norte"],
            receipt_timeout_s=1.0,
            sources=sources,
            uplink=uplink,
        )
        self.landscape.gateways = {POST: self.gateway}

    def start(self) -> None:
        self.relay.start()
        self.landscape.start()

    def stop(self) -> None:
        self.landscape.stop()
        self.relay.stop()

    def get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.landscape.ingest.api_port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def listed(self) -> dict[str, dict[str, Any]]:
        """What headquarters lists, by hash."""
        status, body = self.get("/api/v1/media")
        assert status == 200, body
        return {file["sha256"]: file for file in json.loads(body)["files"]}

    def state(self, sha256: str) -> str:
        """How far headquarters is with a file; "" while its API is away."""
        try:
            return str(self.listed().get(sha256, {"state": ""})["state"])
        except OSError:
            return ""

    def wait_for(self, sha256: str, state: str, timeout_s: float = 60.0) -> None:
        wait_until(
            f"{sha256[:8]} is {state}; {self.state(sha256)}\n{self.gateway.log_end()}\n"
            f"{self.landscape.ingest.log_end()}",
            lambda: self.state(sha256) == state,
            timeout_s=timeout_s,
            every_s=0.1,
        )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.stop()


def test_a_person_is_sent_whole_and_a_tapir_by_its_thumbnail(place: Place) -> None:
    place.start()
    person, tapir = noise(600_000, 1), noise(400_000, 2)
    person_hash, tapir_hash = place.people.put("A.JPG", person), place.animals.put("B.JPG", tapir)
    place.wait_for(person_hash, "stored")
    place.wait_for(tapir_hash, "announced")
    assert place.get(f"/api/v1/media/{person_hash}") == (200, person)
    assert place.get(f"/api/v1/media/{tapir_hash}")[0] == 404
    for sha256 in (person_hash, tapir_hash):
        status, thumbnail = place.get(f"/api/v1/media/{sha256}/thumbnail")
        assert status == 200
        assert thumbnail[:3] == b"\xff\xd8\xff"
        assert len(thumbnail) <= 8000
    file = place.listed()[person_hash]
    assert (file["station"], file["territory"], file["sensor"], file["label"]) == (
        POST,
        f"territorio-{POST}",
        "camara-1",
        "person",
    )
    files = place.landscape.ingest.directory / "media" / "files" / person_hash[:2]
    assert (files / f"{person_hash}.jpg").read_bytes() == person
    assert json.loads((files / f"{person_hash}.{POST}.json").read_text())["label"] == "person"
    # The detection and its picture have one time.
    query = "SELECT * FROM camera_detection WHERE sensor = 'camara-1'"
    wait_until("the detection is stored", lambda: bool(place.landscape.influx.query("vigia", query)))
    (series,) = place.landscape.influx.query("vigia", query)
    assert series["values"][0][0] // 1_000_000 == _ms(file["time"])


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def test_three_megabytes_over_a_link_that_breaks_while_both_ends_are_killed(place: Place, seed: int) -> None:
    chance = random.Random(seed)
    place.start()
    picture = noise(3_000_000, 3)
    assert 2_500_000 < len(picture) < 4_000_000
    sha256 = place.people.put("GRANDE.JPG", picture)
    kills = 0
    while place.state(sha256) != "stored" and kills < 14:
        time.sleep(chance.uniform(0.05, 0.5))
        what = chance.choice(["link", "gateway", "ingest", "both", "broker"])
        if what == "link":
            place.relay.cut()
            time.sleep(chance.uniform(0.0, 0.3))
            place.relay.mend()
        victims = {
            "gateway": [place.gateway],
            "ingest": [place.landscape.ingest],
            "both": [place.gateway, place.landscape.ingest],
            "broker": [place.landscape.broker],
        }.get(what, [])
        for victim in victims:
            victim.kill()
        if what == "broker":
            place.landscape.broker.forget()
        for victim in victims:
            victim.start()
        kills += 1
    place.wait_for(sha256, "stored", timeout_s=120)
    assert place.get(f"/api/v1/media/{sha256}") == (200, picture)
    print(f"{kills} kills and cuts; {place.relay.bytes_up} bytes went up for {len(picture)}")


def test_what_headquarters_refuses_stays_at_the_post_and_the_next_one_goes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIA_INGEST__MEDIA__MAX_FILE_MEGABYTES", "1")
    place.start()
    large = place.people.put("GRANDE.JPG", noise(1_400_000, 4))
    place.wait_for(large, "refused")
    assert place.listed()[large]["reason"] == "too_large"
    small = place.people.put("CHICA.JPG", noise(100_000, 5))
    place.wait_for(small, "stored")
    wait_until("it is counted", lambda: place.gateway.tallies()[0].get(("media", "refused_too_large")) == 1)
    assert (place.gateway.directory / "media" / large[:2] / f"{large}.jpg").exists()
    assert "Traceback" not in place.gateway.log.read_text() + place.landscape.ingest.log.read_text()


def test_no_more_goes_in_a_day_than_the_budget_of_pictures(tmp_path: Path) -> None:
    place = Place(tmp_path, uplink="[uplink.budget_bytes]\nmedia = 60000")
    try:
        place.start()
        picture = place.people.put("GRANDE.JPG", noise(300_000, 6))
        wait_until("the budget is nearly spent", lambda: held(place, picture) > 45_000, timeout_s=30, every_s=0.1)
        reports = place.gateway.counted().accepted
        wait_until("the rest goes on", lambda: place.gateway.counted().accepted > reports, timeout_s=30, every_s=0.1)
        assert held(place, picture) < 60_000
        assert place.state(picture) == "partial"
    finally:
        place.stop()


def held(place: Place, sha256: str) -> float:
    """How many bytes of a file headquarters has."""
    file = place.listed().get(sha256, {"held_ratio": 0, "size_bytes": 0})
    return float(file["held_ratio"] * file["size_bytes"])


def test_a_picture_goes_whole_in_one_window_and_then_the_link_closes(tmp_path: Path) -> None:
    """Between a piece and the answer that lets the next one go, the link has nothing to do and must not close."""
    start = (datetime.now(UTC) - timedelta(minutes=5)).strftime("%H:%M")
    window = f'mode = "windows"\n[[uplink.windows]]\nstart = "{start}"\nminutes = 60'
    place = Place(tmp_path, uplink=window)
    try:
        picture = place.people.put("GRANDE.JPG", noise(1_000_000, 7))
        place.start()
        place.wait_for(picture, "stored")
        wait_until(
            "the link is closed",
            lambda: place.landscape.ingest.get("/api/v1/stations")["stations"][0]["link"] == "down",
            timeout_s=60,
            every_s=0.2,
        )
        assert place.gateway.log.read_text().count("link up") == 1
    finally:
        place.stop()
