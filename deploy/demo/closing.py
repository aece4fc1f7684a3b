"""The last page: the proof, one detection in full, and where everything is."""

from __future__ import annotations

import datetime as dt
import shlex
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deploy.demo.figures import CHAINSAW_QUERY
from deploy.demo.proof import Proof
from deploy.demo.stage import DATABASE, Stage
from deploy.parts.processes import find_program

_COLUMNS: Final = (
    ("puesto", "post"),
    ("enviadas", "sent"),
    ("oídas", "heard"),
    ("propias", "own"),
    ("aceptadas", "accepted"),
    ("guardadas", "stored"),
    ("perdidas", "lost"),
    ("dobles", "double"),
)


def show_proof(console: Console, proof: Proof, dropped: dict[str, int]) -> None:
    """A row a post, the verdict in one line, and what differs. dropped: frames that found a post's line full."""
    _say(console, "\nLa prueba: lo que dicen los puestos, y lo que responde InfluxDB", "bold")
    _say(console, "The proof: what the posts say, and what InfluxDB answers", "dim")
    posts = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    for number, (es, en) in enumerate(_COLUMNS):
        posts.add_column(Text.assemble(es, "\n", (en, "dim")), justify="right" if number else "left", no_wrap=True)
    for verdict in proof.verdicts:
        of = verdict.account
        figures = (of.sent, of.heard, of.own, of.accepted, verdict.points, verdict.lost, verdict.double)
        posts.add_row(of.station, *map(str, figures), style="red" if verdict.faults else None)
    console.print(posts)
    accepted = sum(verdict.account.accepted for verdict in proof.verdicts)
    stored = sum(verdict.points for verdict in proof.verdicts)
    lost = sum(verdict.lost for verdict in proof.verdicts)
    double = sum(verdict.double for verdict in proof.verdicts)
    _say(console, f"aceptadas {accepted}, en InfluxDB {stored}, perdidas {lost}, dobles {double}")
    for verdict in proof.verdicts:
        of = verdict.account
        if missed := max(0, of.sent - of.heard):
            _say(console, f"  {of.station}: {missed} no oídas, con el gateway muerto (not heard: its gateway was dead)")
        if full := dropped.get(of.station, 0):
            _say(console, f"  {of.station}: {full} no cupieron en la línea (did not fit on the line: nobody read)")
    for fault in faults(proof):
        _say(console, f"  {fault}", "bold red")
    if proof.holds:
        words = f"PROVED: accepted {accepted} = stored {stored}, lost 0, double 0"
        _say(console, f"{words}  (todo lo aceptado está, una sola vez)", "bold green")
    else:
        _say(console, f"NOT PROVED: accepted {accepted}, stored {stored}, lost {lost}, double {double}", "bold red")


def faults(proof: Proof) -> list[str]:
    """What differs, post by post."""
    found = [f"{v.account.station}: {fault}" for v in proof.verdicts for fault in v.faults]
    return found + [
        f"{station}: {count} points of a station unknown here" for station, count in proof.strangers.items()
    ]


def show_detection(console: Console, row: dict[str, Any]) -> None:
    """A row of InfluxDB, column by column; absent values are left out."""
    told = {name: value for name, value in row.items() if value is not None}
    time_ns = told.pop("time")
    moment = dt.datetime.fromtimestamp(time_ns // 10**6 / 1000, dt.UTC)
    _say(console, "\nUna motosierra, como está en InfluxDB  /  a chainsaw, as InfluxDB has it:", "bold")
    _say(console, f"  time = {time_ns}  ({moment:%Y-%m-%d %H:%M:%S} UTC)")
    for name, value in told.items():
        _say(console, f"  {name} = {value}")


def show_places(console: Console, stage: Stage, *, up: bool) -> None:
    """Where everything is. up: whether it goes on running."""
    where, ingest, influx = stage.directory, stage.ingest, stage.influx
    curl = f"curl -sG {influx.url}/query --data-urlencode db={DATABASE} --data-urlencode "
    _say(console, "\nDónde está todo  /  where everything is:", "bold")
    lines = [
        ("directorio / directory", str(where)),
        (
            "cada puesto / each post",
            f"{where}/puesto-*/  (gateway.toml, outbox.db, gateway.log, sensors.log, sent.json)",
        ),
        ("ingest", f"{ingest.settings}, {ingest.directory / 'journal.db'}, {ingest.log}"),
        ("broker", f"{stage.broker.directory}/mosquitto.conf, port {stage.broker.port}"),
        ("InfluxDB", f"{influx.directory}/influxdb.conf, {influx.url}, database {DATABASE}"),
    ]
    if up:
        lines += [
            ("API", f"curl -s http://127.0.0.1:{ingest.api_port}/api/v1/stations"),
            ("preguntar / ask", curl + f'"q={CHAINSAW_QUERY}"'),
            ("", f"influx -port {influx.port} -database {DATABASE} -precision rfc3339"),
        ]
    else:
        again = f"{find_program('influxd', 'influxdb')} -config {shlex.quote(f'{influx.directory}/influxdb.conf')}"
        lines += [
            ("mirar otra vez / look again", f"{again} &"),
            ("", curl + f'"q={CHAINSAW_QUERY}"'),
            ("o quedarse / or stay up", "make demo KEEP=1"),
        ]
    for name, value in lines:
        _say(console, f"  {name + ':' if name else '':<28} {value}")


def _say(console: Console, words: str, style: str = "") -> None:
    console.print(Text(words, style), soft_wrap=True)
