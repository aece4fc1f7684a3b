"""Our own services as subprocesses: a post (gateway and simulated sensors) and headquarters (ingest)."""

from __future__ import annotations

import hashlib
import http.client
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

from deploy.parts.processes import Part, answers, free_port

_VIGIA: Final = (sys.executable, "-m", "deploy.cli")

_GATEWAY_TOML: Final = """\
[station]
name = "{name}"
[outbox]
path = "{directory}/outbox.db"
commit_every_s = 0.2
[uplink]
host = "127.0.0.1"
port = {port}
tls = false
receipt_timeout_s = {receipt_timeout_s}
linger_detection_s = 0.1
linger_reading_s = 0.5
linger_health_s = 1.0
{uplink}
[clock]
trust = "system"
[health]
every_s = 5
[[sources]]
driver = "vigia_sensor"
name = "radio"
port = "{directory}/tty"
"""

_DEVICE_TOML: Final = """\
[[sources.devices]]
id = "{id}"
name = "{name}"
key = "{key}"
"""

_INGEST_TOML: Final = """\
[broker]
host = "127.0.0.1"
port = {broker_port}
tls = false
client_id = "{name}"
[journal]
path = "{directory}/journal.db"
[registry]
path = "{registry}"
[influx]
dialect = "v1"
url = "{influx_url}"
bucket = "{database}"
create_database = true
timeout_s = 5
[api]
port = {api_port}
"""


class Counted(NamedTuple):
    """What a post's outbox says of itself. accepted: ever, those that wait included. waiting: not yet receipted."""

    accepted: int
    waiting: int
    evicted: int


class Gateway(Part):
    """A gateway with its own outbox and settings. sensors: names; ids and keys are made from them. sources: further
    [[sources]], or other tables, of its settings. page_port: where it serves its page on loopback, None for none."""

    def __init__(
        self,
        directory: Path,
        name: str,
        broker_port: int,
        sensors: list[str],
        *,
        receipt_timeout_s: float = 3.0,
        uplink: str = "",
        sources: str = "",
        page_port: int | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.station = name
        self.page_port = page_port
        self.directory = directory
        self.settings = directory / "gateway.toml"
        text = _GATEWAY_TOML.format(
            name=name, directory=directory, port=broker_port, receipt_timeout_s=receipt_timeout_s, uplink=uplink
        )
        for sensor in sensors:
            secret = hashlib.sha256(f"{name} {sensor}".encode()).hexdigest()  # a demo's key: anyone can make it
            text += _DEVICE_TOML.format(id=secret[:8], name=sensor, key=secret[8:40])
        page = "" if "[page]" in sources else "[page]\nenabled = false\n"
        if page_port is not None:
            page = f'[page]\nhost = "127.0.0.1"\nport = {page_port}\n'
        self.settings.write_text(text + sources + page)
        super().__init__(
            f"gateway {name}",
            [*_VIGIA, "gateway", "run", str(self.settings)],
            directory / "gateway.log",
            ready=lambda: (directory / "outbox.db").exists(),
        )

    def counted(self) -> Counted:
        """What its outbox holds, read beside the running gateway."""
        tallies, waiting = self.tallies()
        accepted = sum(total for (place, _), total in tallies.items() if place == "accepted")
        evicted = sum(
            total for (place, name), total in tallies.items() if place == "outbox" and name.startswith("evicted")
        )
        return Counted(accepted, waiting, evicted)

    def tallies(self) -> tuple[dict[tuple[str, str], int], int]:
        """Every durable counter of its outbox by (place, name), and how many entries wait, of one moment."""
        path = self.directory / "outbox.db"
        if not path.exists():
            return {}, 0
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10, isolation_level=None)) as db:
            db.execute("BEGIN")  # both answers of one snapshot
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'tally'").fetchone():
                return {}, 0  # it is being made just now
            tallies = {(place, name): total for place, name, total in db.execute("SELECT * FROM tally")}
            return tallies, int(db.execute("SELECT count(*) FROM entry").fetchone()[0])


class Sensors(Part):
    """Simulated sensors of a gateway, playing a scenario."""

    def __init__(
        self, gateway: Gateway, scenario: str, *, speed: float, seed: int, rate: float | None, longest_s: float
    ) -> None:
        self.report = gateway.directory / "sent.json"
        command = [*_VIGIA, "sensors", "simulate", scenario, "--for", str(gateway.settings), "--source", "radio"]
        command += ["--speed", str(speed), "--seed", str(seed), "--longest-s", str(longest_s)]
        command += ["--report", str(self.report)] + (["--rate", str(rate)] if rate is not None else [])
        super().__init__(
            f"sensors {gateway.station}",
            command,
            gateway.directory / "sensors.log",
            ready=lambda: (gateway.directory / "tty").exists() or not self.running,
        )

    def sent(self) -> int:
        """Frames sent so far."""
        return int(json.loads(self.report.read_text())["sent"]) if self.report.exists() else 0


class Ingest(Part):
    """One ingest process with its own journal."""

    def __init__(
        self,
        directory: Path,
        broker_port: int,
        influx_url: str,
        registry: Path,
        *,
        name: str = "ingest",
        database: str = "vigia",
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.api_port = free_port()
        self.settings = directory / f"{name}.toml"
        self.settings.write_text(
            _INGEST_TOML.format(
                broker_port=broker_port,
                name=name,
                directory=directory,
                registry=registry,
                influx_url=influx_url,
                database=database,
                api_port=self.api_port,
            )
        )
        super().__init__(
            name,
            [*_VIGIA, "ingest", "run", str(self.settings)],
            directory / f"{name}.log",
            ready=lambda: answers(self.api_port),
            timeout_s=60.0,
        )

    def get(self, path: str) -> Any:
        """The JSON answer of its API."""
        connection = http.client.HTTPConnection("127.0.0.1", self.api_port, timeout=10)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def journaled(self) -> int:
        """How many messages its journal has taken, ever."""
        return self._ask("SELECT coalesce(max(id), 0) FROM message")

    def behind(self) -> int:
        """How many messages of its journal are not yet in InfluxDB."""
        return self._ask("SELECT coalesce(max(id), 0) - (SELECT coalesce(min(message_id), 0) FROM cursor) FROM message")

    def dead_letters(self) -> int:
        """How many dead letters there are."""
        return self._ask("SELECT count(*) FROM dead_letter")

    def _ask(self, statement: str) -> int:
        path = self.directory / "journal.db"
        if not path.exists():
            return 0
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
            return int(db.execute(statement).fetchone()[0])


def write_registry(path: Path, stations: dict[str, str]) -> Path:
    """A registry file of stations and their territories."""
    lines = []
    for territory in sorted(set(stations.values())):
        lines.append(f'[[territories]]\nname = "{territory}"\ntitle = "{territory}"\n')
    for station, territory in stations.items():
        lines.append(f'[[stations]]\nname = "{station}"\nterritory = "{territory}"\ntitle = "{station}"\n')
    path.write_text("\n".join(lines))
    return path
