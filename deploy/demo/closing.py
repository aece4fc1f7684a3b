"""The last page: the proof, one detection in full, and where everything is."""

from __future__ import annotations

import datetime as dt
import shlex
import sys
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deploy.demo.figures import CHAINSAW_QUERY
from deploy.demo.posts import POSTS
from deploy.demo.proof import Proof
from deploy.demo.stage import BOOK, DATABASE, KEY, PIN, REGISTRY, Stage
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
            es = f"{missed} no {'oída' if missed == 1 else 'oídas'}, con el gateway muerto"
            _say(console, f"  {of.station}: {es} (not heard: its gateway was dead)")
        if full := dropped.get(of.station, 0):
            es = f"{full} no {'cupo' if full == 1 else 'cupieron'} en la línea"
            _say(console, f"  {of.station}: {es} (did not fit on the line: nobody read)")
    for fault in faults(proof):
        _say(console, f"  {fault}", "bold red")
    if proof.holds:
        _say(console, f"PROVED: accepted {accepted} = stored {stored}, lost 0, double 0", "bold green")
        _say(console, "(todo lo aceptado está, una sola vez)", "green")
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
    """Where everything is: the directory once, the rest as seen from there. up: whether it goes on running."""
    where, ingest, influx, broker = stage.directory, stage.ingest, stage.influx, stage.broker

    def here(path: Path) -> str:
        return str(path.relative_to(where))

    _say(console, "\nDónde está todo  /  where everything is:", "bold")
    _verbatim(console, f"  cd {shlex.quote(str(where))}")
    places = Table.grid(padding=(0, 2))
    for place, holds in (
        ("puesto-*/", "gateway.toml, outbox.db, gateway.log, sensors.log, sent.json"),
        (f"{here(ingest.directory)}/", f"{ingest.settings.name}, journal.db, {ingest.log.name}"),
        (f"{here(broker.directory)}/", f"mosquitto.conf; port {broker.port}"),
        (f"{here(influx.directory)}/", f"influxdb.conf; {influx.url}, database {DATABASE}"),
    ):
        places.add_row(f"  {place}", Text(holds))
    console.print(places, highlight=False)
    ask = f'curl -sG {influx.url}/query --data-urlencode db={DATABASE} --data-urlencode "q={CHAINSAW_QUERY}"'
    if up:
        pages = [f"http://127.0.0.1:{staged.gateway.page_port}/  {staged.post.station}" for staged in stage.posts]
        _commands(console, f"las páginas de los puestos (PIN {PIN})  /  the posts' pages", *pages)
        _commands(console, "API", f"curl -s http://127.0.0.1:{ingest.api_port}/api/v1/stations")
        influx_shell = f"influx -port {influx.port} -database {DATABASE} -precision rfc3339"
        _commands(console, "dar una orden a un puesto, y ver qué pasó  /  give a post an order, and see", *_orders())
        _commands(console, "preguntar a InfluxDB  /  ask InfluxDB", ask, influx_shell)
        return
    settings = shlex.quote(here(influx.directory / "influxdb.conf"))
    again = f"{find_program('influxd', 'influxdb')} -config {settings} &"
    _commands(console, "mirar otra vez  /  look again", again, ask)
    _commands(console, "o quedarse  /  or stay up", "make demo KEEP=1")


def _orders() -> list[str]:
    """An order that every post of the demo carries out, and how to see its answer."""
    vigia = Path(sys.executable).with_name("vigia")
    commands = f"{shlex.quote(str(vigia)) if vigia.exists() else 'vigia'} commands"
    files = f"--key {KEY} --book {BOOK} --registry {REGISTRY}"
    return [f"{commands} settings {POSTS[0].station} health.every_s=2 {files}", f"{commands} list --book {BOOK}"]


def _commands(console: Console, title: str, *commands: str) -> None:
    _say(console, f"{title}:")
    for command in commands:
        _verbatim(console, f"  {command}")


def _say(console: Console, words: str, style: str = "") -> None:
    """A terminal gets whole words on each of its lines; a file gets the line as it is."""
    console.print(Text(words, style), soft_wrap=not console.is_terminal)


def _verbatim(console: Console, words: str) -> None:
    """To be copied: never broken by us."""
    console.print(Text(words), soft_wrap=True)
