"""The peer: thingsboard-gateway with its own serial connector, in a venv of its own.

Its paho fork overwrites `paho/mqtt`, so it must never share ours. It reads lines of text with the converter that it
ships, one value a line and nothing to decrypt or check, which is less than our gateway does for a frame; it keeps
them in its SQLite storage, the one that survives a restart as our outbox does. Counted is what that storage has
committed. It is connected to a real broker, as it does not begin to store before it is.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

from deploy.parts.processes import Part

VENV: Final = Path(__file__).resolve().parents[2] / ".venv-peer"
PACKAGE: Final = "thingsboard-gateway==3.8.5"
_INSTALL_TIMEOUT_S: Final = 300


class PeerMissingError(Exception):
    """The peer cannot be had here; the message says why."""


def peer_python() -> Path:
    """The interpreter of the peer's venv, made when it is not there. Raises PeerMissingError."""
    python = VENV / "bin" / "python"
    done = VENV / ".installed"
    if done.exists():
        return python
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE, "pyserial"]
    try:
        for command in ([sys.executable, "-m", "venv", str(VENV)], pip):
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError) as error:
        told = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        raise PeerMissingError(f"{PACKAGE} cannot be installed here: {told[-1] if told else error}") from error
    done.touch()
    return python


class Peer(Part):
    """thingsboard-gateway on one serial port."""

    def __init__(self, directory: Path, port: Path, broker_port: int) -> None:
        self._storage = directory / "data" / "data.db"
        config = directory / "config"
        config.mkdir(parents=True)
        (directory / "logs").mkdir()
        python = peer_python()
        _write_configuration(python, config, directory, port, broker_port)
        launch = (
            f"import os; os.chdir({str(directory)!r}); "
            "from thingsboard_gateway.gateway.tb_gateway_service import TBGatewayService; "
            f"TBGatewayService({str(config / 'tb_gateway.json')!r})"
        )
        super().__init__(
            "thingsboard-gateway",
            [str(python), "-c", launch],
            directory / "peer.log",
            ready=lambda: self._storage.exists(),
            timeout_s=30.0,
        )

    def stored(self) -> int:
        """How many readings its storage has committed, ever: what was sent on is deleted there."""
        try:
            with closing(sqlite3.connect(f"file:{self._storage}?mode=ro", uri=True, timeout=5)) as db:
                row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'messages'").fetchone()
        except sqlite3.OperationalError:
            return 0
        return int(row[0]) if row else 0


def _write_configuration(python: Path, config: Path, directory: Path, port: Path, broker_port: int) -> None:
    """The configuration that it comes with, where a benchmark needs nothing else; logs at INFO."""
    found = subprocess.run(
        [str(python), "-c", "import thingsboard_gateway as t; print(t.__path__[0])"],
        check=True, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    shipped = Path(found.stdout.strip()) / "config"
    general = json.loads((shipped / "tb_gateway.json").read_text())
    general["thingsboard"] |= {
        "host": "127.0.0.1",
        "port": broker_port,
        "remoteConfiguration": False,
        "security": {"type": "accessToken", "accessToken": "bench"},
    }
    general["storage"] |= {"type": "sqlite", "data_file_path": f"{directory}/data/"}
    general["connectors"] = [
        {"type": "serial", "name": "serial", "configuration": "serial.json", "class": "SerialConnector"}
    ]
    (config / "tb_gateway.json").write_text(json.dumps(general))
    device = {
        "name": "bench",
        "type": "default",
        "port": str(port),
        "baudrate": 115200,
        "converter": "SerialUplinkConverter",
        "telemetry": [{"type": "string", "key": "line"}],
    }
    (config / "serial.json").write_text(json.dumps({"name": "serial", "logLevel": "INFO", "devices": [device]}))
    (config / "logs.json").write_text((shipped / "logs.json").read_text())


def lines(count: int) -> list[bytes]:
    """So many readings as text: number, confidence, level, duration, battery; about as long as one of our frames."""
    return [b"%08d,93,%04.1f,12.0,370\n" % (n, 40 + (n % 80) / 2) for n in range(count)]
