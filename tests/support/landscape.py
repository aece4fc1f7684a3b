"""A whole landscape on one machine: broker, InfluxDB, ingest, posts with sensors; and the count that must come out."""

from __future__ import annotations

import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

from deploy.parts.processes import Part
from deploy.parts.servers import InfluxDB, Mosquitto
from deploy.parts.services import Gateway, Ingest, Sensors, write_registry
from tests.support.waiting import wait_until

DATABASE = "vigia"


class Landscape:
    """Everything, each part in a directory of its own. Nothing runs before `start`. sources: further [[sources]] of
    every post."""

    def __init__(
        self, directory: Path, stations: tuple[str, ...], *, influx_url: str | None = None, sources: str = ""
    ) -> None:
        self.broker = Mosquitto(directory / "mosquitto")
        self.influx = InfluxDB(directory / "influxdb")
        registry = write_registry(directory / "registry.toml", {s: f"territorio-{s}" for s in stations})
        self.ingest = Ingest(directory / "ingest", self.broker.port, influx_url or self.influx.url, registry)
        self.gateways = {
            s: Gateway(
                directory / s, s, self.broker.port, ["norte", "sur", "rio"], receipt_timeout_s=1.0, sources=sources
            )
            for s in stations
        }
        self.sensors: list[Sensors] = []

    @property
    def parts(self) -> list[Part]:
        """All that can be killed."""
        return [self.broker, self.influx, self.ingest, *self.gateways.values()]

    def start(self) -> None:
        """Start all of it, servers first."""
        for part in self.parts:
            part.start()

    def play(self, *, rate: float, seconds: float, seed: int) -> None:
        """Sensors of every post send frames at a steady rate (each post, frames a second) for some seconds."""
        for number, gateway in enumerate(self.gateways.values()):
            sensors = Sensors(gateway, "day_at_a_post", speed=1, seed=seed + number, rate=rate, longest_s=seconds)
            sensors.start()
            self.sensors.append(sensors)

    def stop(self) -> None:
        """End whatever still runs."""
        for part in [*self.sensors, *reversed(self.parts)]:
            part.stop()

    def wait_until_sent(self, timeout_s: float = 90.0) -> None:
        """Until every outbox is empty and every message is in InfluxDB."""
        for gateway in self.gateways.values():
            wait_until(
                f"{gateway.name} has a receipt for everything; {gateway.counted()}\n{gateway.log_end()}",
                lambda gateway=gateway: gateway.counted().waiting == 0,  # type: ignore[misc]  # bound now
                timeout_s=timeout_s,
                every_s=0.2,
            )
        wait_until("ingest has written everything", lambda: self._is_written(), timeout_s=timeout_s, every_s=0.2)

    def _is_written(self) -> bool:
        return bool(self.ingest.get("/readyz")["ready"]) and not self.ingest.behind()

    def stored(self, station: str) -> Counter[int]:
        """How often each sequence number is stored for a station, over all measurements."""
        found: Counter[int] = Counter()
        for series in self.influx.query(DATABASE, f"SELECT sequence FROM /.*/ WHERE station = '{station}'"):
            found.update(int(sequence) for _, sequence in series["values"])
        return found

    def prove(self) -> int:
        """Every accepted entry is stored once: in number, and as unions of unbroken runs 1 to n, one an epoch, so that
        a loss and a double cannot hide each other. Returns how many there are."""
        return sum(self._prove(station, gateway) for station, gateway in self.gateways.items())

    def _prove(self, station: str, gateway: Gateway) -> int:
        for _ in range(50):  # gateways go on reporting on themselves: compare between two reports
            before = gateway.counted()
            stored = self.stored(station)
            if before == gateway.counted() and before.waiting == 0 and sum(stored.values()) == before.accepted:
                break
            time.sleep(0.2)
        assert before.evicted == 0
        assert sum(stored.values()) == before.accepted, f"{station}: {sum(stored.values())} stored of {before}"
        times = [stored[number] for number in range(1, max(stored, default=0) + 1)]
        assert all(a >= b for a, b in pairwise(times)), f"{station}: a gap, and a double that hides it"
        return before.accepted
