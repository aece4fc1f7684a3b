"""The result table: on the terminal as each benchmark ends, and as deploy/docs/benchmarks.md."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from rich.table import Table

from deploy.parts.processes import PartError, find_program
from tests.bench.harness import Result, console, machine

_LIBRARIES: Final = ("vigia", "paho-mqtt", "pyserial", "cryptography", "zstandard", "msgspec", "urllib3")

_HEAD: Final = """\
# Benchmarks

Written by `make bench`; do not edit. `make bench BENCH="backlog frames"` repeats some, `--profile` after them takes
profiles. Every timed figure is the median of several runs, and every comparison was made in the same run on the same
machine: believe the ratios more than the figures. "straddles": the runs fell on both sides of the target. Load is the
machine's one-minute load average before and after, the benchmark's own included; above 2 it was not alone.

"""


def show(name: str, result: Result) -> None:
    """One benchmark's lines on the terminal."""
    table = Table("what", "measured", "target", "against", "", title=f"{name}, {result.seconds:.0f} s", expand=True)
    for row in result.rows:
        table.add_row(row.what, row.measured, row.target, row.against, row.verdict)
    console.print(table)
    for line in result.profile:
        console.print(line, markup=False)


def write(path: Path, results: Mapping[str, Result]) -> None:
    """The whole table as Markdown."""
    lines = [_HEAD + f"Machine: {machine()}.", f"Versions: {_versions()}.", ""]
    lines += ["| what | measured | target | against | |", "|---|---|---|---|---|"]
    for result in results.values():
        lines += [
            f"| {row.what} | {row.measured} | {row.target} | {row.against} | {row.verdict} |" for row in result.rows
        ]
    for name, result in results.items():
        before, after = result.load
        lines += ["", f"## {name}", f"Measured {result.date} in {result.seconds:.0f} s; load {before} to {after}.", ""]
        lines += [f"- {limit}" for limit in result.limits]
        if result.profile:
            lines += ["", "```", *result.profile, "```"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def _versions() -> str:
    told = []
    for name in _LIBRARIES:
        try:
            told.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    for program, argument in (("mosquitto", "-h"), ("influxd", "version")):
        try:
            said = subprocess.run(
                [find_program(program, program), argument], capture_output=True, text=True, timeout=10, check=False
            ).stdout
        except (PartError, OSError):
            continue
        told.append(said.splitlines()[0].split(" (")[0].replace("version ", ""))
    return ", ".join(told)
