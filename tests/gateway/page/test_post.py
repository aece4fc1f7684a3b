"""A whole gateway with its page: from the last byte on the serial line to the phone, and over a kill of the gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.parts.processes import free_port
from deploy.parts.services import Gateway
from firmware_bridge.readings import Kind
from gateway.page.pin import write_pin
from gateway.watch.history_file import read_facts
from tests.bench.devices import Line, detections, devices_of, line_for
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


class Station:
    """A gateway whose uplink finds nobody, a serial line to it, and its page."""

    def __init__(self, directory: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        sensors = ["quebrada-norte", "rio-medio"]
        self.gateway = Gateway(directory, "puesto-yaguas", free_port(), sensors, page_port=port)
        write_pin(directory / "page.pin", "2468")
        self.line: Line = line_for(self.gateway)
        self.devices = devices_of(self.gateway)

    def hear(self, label: str) -> None:
        """The first sensor says something."""
        self.line.say(detections(self.devices[:1], 1, label)[0])

    def listens(self) -> bool:
        return "is open at" in self.gateway.log.read_text()

    def knows_of_a_patrol(self) -> bool:
        facts = read_facts(self.gateway.directory / "history.db")
        return any(fact.reading.kind == Kind.PATROL for fact in facts)

    def answers(self) -> bool:
        try:
            return httpx.get(self.url, timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def text(self, path: str = "/") -> str:
        return httpx.get(self.url + path, timeout=10).text


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    made = Station(tmp_path / "post")
    made.line.start()
    made.gateway.start()
    try:
        wait_until("the page is served", made.answers)
        wait_until("the line is open", made.listens)
        yield made
    finally:
        made.gateway.stop()
        made.line.stop()


def test_from_the_serial_line_to_the_phone(station: Station) -> None:
    assert "Todo tranquilo" in station.text()
    with httpx.stream("GET", f"{station.url}/noticias", timeout=30) as answer:
        lines = (json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: "))
        next(lines)
        station.hear("chainsaw")
        news = next(one for one in lines if one["alerts"])
    assert "incident" in news["kinds"]
    text = station.text()
    assert "Motosierra" in text
    assert "quebrada-norte" in text
    assert "Sin enlace" in text


def test_an_acknowledgement_and_the_phones_session_outlive_a_kill(station: Station) -> None:
    with httpx.Client(base_url=station.url, headers={"Origin": station.url}, timeout=20) as phone:
        station.hear("gunshot")
        wait_until("it is on the page", lambda: "Disparo" in phone.get("/").text)
        number = phone.get("/").text.partition('id="i')[2].partition('"')[0]
        fields = {"pin": "2468", "who": "Rosa", "note": "cazadores de la comunidad"}
        assert phone.post(f"/incidente/{number}/enterado", data=fields).status_code == 303
        said = "Rosa: cazadores de la comunidad"
        wait_until("it is acknowledged", lambda: said in phone.get("/").text)
        assert phone.post("/patrulla/sale", data={"name": "Yaguas 2", "hours": "4"}).status_code == 303
        wait_until("it is kept, at once", station.knows_of_a_patrol)

        station.gateway.kill()
        station.gateway.start()
        wait_until("the page is served again", station.answers)
        wait_until("it is still acknowledged", lambda: said in phone.get("/").text)
        assert "Yaguas 2" in phone.get("/patrulla").text
        assert phone.post("/patrulla/vuelve", data={"name": "Yaguas 2"}).status_code == 303
        wait_until("they are back", lambda: "Yaguas 2" not in phone.get("/").text)
