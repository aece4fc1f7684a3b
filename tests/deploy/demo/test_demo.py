"""The demo as a newcomer runs it: a process of its own, here without a terminal."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import wait_until

COMMAND = (sys.executable, "-m", "deploy.cli", "demo", "--quick", "--directory")
CODE = str(Path(__file__).resolve().parents[3])


def those_of(directory: Path) -> set[int]:
    """Processes whose command line names something in a directory, the demo itself left out."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it ended while we looked
        if any(word.startswith(f"{directory}/".encode()) for word in command):
            found.add(int(entry.name))
    return found


@pytest.mark.slow
def test_it_proves_that_everything_accepted_is_stored_once(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    demo = subprocess.run([*COMMAND, str(directory)], capture_output=True, text=True, timeout=150)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    proved = re.search(r"^PROVED: accepted (\d+) = stored (\d+), lost 0, double 0", demo.stdout, re.MULTILINE)
    assert proved, demo.stdout
    assert proved[1] == proved[2]
    assert int(proved[1]) > 500
    for told in (
        "primera motosierra guardada en InfluxDB",
        "puesto-yaguas avisa sin enlace: Motosierra",
        "kill -9 al gateway de puesto-yaguas",
        "puesto-yaguas entregó lo que guardaba",
        "kill -9 al broker",
        "  label = chainsaw",
        "  station = puesto-yaguas",
        f"  cd {directory}\n",
        "-config influxdb/influxdb.conf &",
    ):
        assert told in demo.stdout
    assert demo.stdout.count(str(directory)) == 1
    assert "\x1b" not in demo.stdout
    assert demo.stderr == ""
    assert not those_of(directory)


@pytest.mark.slow
def test_an_order_as_its_closing_words_have_it_is_carried_out(tmp_path: Path) -> None:
    directory, out = tmp_path / "demo", tmp_path / "out"
    with (
        out.open("w") as told,
        subprocess.Popen([*COMMAND, str(directory), "--keep"], stdout=told, stderr=subprocess.STDOUT) as demo,
    ):
        try:
            wait_until("everything goes on", lambda: "Todo sigue en marcha" in out.read_text(), timeout_s=150)
            order, look = (line for line in out.read_text().splitlines() if re.match(r"  \S*vigia commands ", line))

            def say(line: str) -> str:
                words = [sys.executable, "-m", "deploy.cli", *shlex.split(line)[1:]]
                ran = subprocess.run(
                    words,
                    cwd=directory,
                    capture_output=True,
                    text=True,
                    timeout=60,
                    env={**os.environ, "PYTHONPATH": CODE},
                )
                assert ran.returncode == 0, ran.stdout + ran.stderr
                return ran.stdout

            assert "health.every_s=2" in say(order)
            wait_until("it is done", lambda: "\thecha\t" in say(look), timeout_s=60)
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(60)
    assert not those_of(directory)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopped_in_the_middle_it_ends_all_that_it_started(tmp_path: Path, number: signal.Signals) -> None:
    directory = tmp_path / "demo"
    with subprocess.Popen(
        [*COMMAND, str(directory)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        try:
            # Broker, InfluxDB, ingest, three gateways, three sensors.
            wait_until("everything runs", lambda: len(those_of(directory) - {demo.pid}) == 9, timeout_s=60)
            os.kill(demo.pid, number)
            out, errors = demo.communicate(timeout=60)
        finally:
            demo.kill()
    assert demo.returncode == 130, out + errors
    assert "Interrumpido" in out
    assert "PROVED" not in out
    assert errors == ""
    assert not those_of(directory)
    assert (directory / "puesto-yaguas" / "outbox.db").exists()  # what it left can be looked at


def test_it_says_what_is_missing_and_leaves_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    demo = subprocess.run(
        [*COMMAND, str(directory)], capture_output=True, text=True, timeout=60, env={"PATH": str(tmp_path)}
    )
    assert demo.returncode == 1
    assert "apt-get install --no-install-recommends" in demo.stderr
    assert "influxdb" in demo.stderr
    assert "Traceback" not in demo.stderr
    assert not directory.exists()
