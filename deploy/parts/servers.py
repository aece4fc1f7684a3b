"""Mosquitto and InfluxDB 1.x from Debian, each in a directory and on a port of its own, on loopback."""

from __future__ import annotations

import http.client
import json
import os
import urllib.parse
from pathlib import Path
from typing import Any

from deploy.parts.processes import Part, PartError, answers, find_program, free_port

_MOSQUITTO_CONF = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {directory}/
autosave_interval 5
max_queued_messages 0
max_inflight_messages 0
{user}"""

_INFLUX_CONF = """\
reporting-disabled = true
bind-address = "127.0.0.1:{rpc_port}"
[meta]
  dir = "{directory}/meta"
  logging-enabled = false
[data]
  dir = "{directory}/data"
  wal-dir = "{directory}/wal"
  query-log-enabled = false
  max-values-per-tag = 0
  max-series-per-database = 0
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
"""


class Mosquitto(Part):
    """An MQTT broker that anyone on loopback may use. `extra` is appended to its configuration."""

    def __init__(self, directory: Path, *, port: int | None = None, extra: str = "") -> None:
        self.port = port or free_port()
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        conf = directory / "mosquitto.conf"
        conf.write_text(_MOSQUITTO_CONF.format(port=self.port, directory=directory, user=_user_line()) + extra)
        super().__init__(
            "mosquitto",
            [find_program("mosquitto", "mosquitto"), "-c", str(conf)],
            directory / "mosquitto.log",
            ready=lambda: answers(self.port),
        )

    def forget(self) -> None:
        """While stopped: delete what it kept on disk, as a broker that lost its memory."""
        (self.directory / "mosquitto.db").unlink(missing_ok=True)


class InfluxDB(Part):
    """InfluxDB 1.x. `query` asks it in InfluxQL, apart from every client that the product uses."""

    def __init__(self, directory: Path, *, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        conf = directory / "influxdb.conf"
        conf.write_text(_INFLUX_CONF.format(port=self.port, rpc_port=free_port(), directory=directory))
        super().__init__(
            "influxd",
            [find_program("influxd", "influxdb"), "-config", str(conf)],
            directory / "influxd.log",
            ready=lambda: answers(self.port) and self._pings(),
            timeout_s=60.0,
        )

    def _pings(self) -> bool:
        try:
            return self._ask("GET", "/ping")[0] == 204
        except OSError:
            return False

    def query(self, database: str, statement: str) -> list[dict[str, Any]]:
        """The series of every result: name, tags, columns, values. Times in nanoseconds. Raises PartError."""
        where = urllib.parse.urlencode({"db": database, "q": statement, "epoch": "ns"})
        status, body = self._ask("POST", f"/query?{where}")
        answer = json.loads(body)
        error = answer.get("error") or next((r["error"] for r in answer.get("results", ()) if "error" in r), None)
        if status != 200 or error:
            raise PartError(f"InfluxDB: {status} {error} for {statement}")
        return [series for result in answer["results"] for series in result.get("series", ())]

    def create(self, database: str) -> None:
        """Make a database, if it is not there."""
        self.query("", f'CREATE DATABASE "{database}"')

    def write(self, database: str, lines: str | bytes) -> None:
        """Bare line protocol, nanoseconds. Raises PartError when it is not taken whole."""
        body = lines.encode() if isinstance(lines, str) else lines
        status, answer = self._ask("POST", f"/write?{urllib.parse.urlencode({'db': database})}", body)
        if status != 204:
            raise PartError(f"InfluxDB: {status} {answer.decode(errors='replace')}")

    def _ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def _user_line() -> str:
    """Mosquitto started by root changes to a user that cannot write our directory, unless told to stay root."""
    return "user root\n" if os.geteuid() == 0 else ""
