"""Runs benchmarks and writes the result table: `python -m tests.bench [NAME...] [--repeat N] [--profile]`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec

from deploy.parts.processes import PartError
from tests.bench import report
from tests.bench.backhaul import run as backhaul
from tests.bench.backlog import run as backlog
from tests.bench.footprint import run as footprint
from tests.bench.frames import run as frames
from tests.bench.harness import Benchmark, Options, Result, console
from tests.bench.latency import run as latency
from tests.bench.rules import run as rules
from tests.bench.serial_intake import run as serial
from tests.bench.upkeep import run as upkeep

ROOT: Final = Path(__file__).resolve().parents[2]
RESULTS: Final = ROOT / "run" / "bench.json"
TABLE: Final = ROOT / "deploy" / "docs" / "benchmarks.md"

BENCHMARKS: Final[dict[str, Benchmark]] = {
    "serial": serial,
    "backlog": backlog,
    "backhaul": backhaul,
    "frames": frames,
    "latency": latency,
    "footprint": footprint,
    "upkeep": upkeep,
    "rules": rules,
}
"""In the order of the table."""


def main() -> None:
    """See the module. Results of earlier runs stay in run/bench.json, so that one benchmark can be repeated alone."""
    parser = argparse.ArgumentParser(prog="make bench BENCH=...", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(BENCHMARKS)} (all if none)")
    parser.add_argument("--repeat", type=int, default=3, help="how often each part is measured; the median counts")
    parser.add_argument("--profile", action="store_true", help="take profiles beside (py-spy)")
    told = parser.parse_args()
    if unknown := set(told.names) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    options = Options(repeat=max(1, told.repeat), profile=told.profile)
    results = msgspec.json.decode(RESULTS.read_bytes(), type=dict[str, Result]) if RESULTS.exists() else {}
    failed: list[str] = []
    for name in told.names or BENCHMARKS:
        console.rule(name, align="left")
        try:
            result = measured(BENCHMARKS[name], options)
        except (PartError, TimeoutError) as fault:
            console.print(f"{name} could not be measured: {fault}")
            failed.append(name)
            continue
        results[name] = result
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(results)))
        report.show(name, result)
    ordered = {name: results[name] for name in BENCHMARKS if name in results}
    if missing := set(BENCHMARKS) - set(ordered):
        console.print(f"{TABLE.relative_to(ROOT)} stays as it was: {', '.join(sorted(missing))} not measured here yet")
    else:
        report.write(TABLE, ordered)
        console.print(f"written: {TABLE.relative_to(ROOT)}, {RESULTS.relative_to(ROOT)}")
    sys.exit(bool(failed))


def measured(benchmark: Benchmark, options: Options) -> Result:
    """One benchmark in a directory of its own, on the disk that the project is on."""
    (ROOT / "run").mkdir(exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="bench-", dir=ROOT / "run"))
    before, begun = os.getloadavg()[0], time.monotonic()
    try:
        result = benchmark(directory, options)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    result.seconds = round(time.monotonic() - begun, 1)
    result.load = (round(before, 2), round(os.getloadavg()[0], 2))
    result.date = time.strftime("%Y-%m-%d %H:%M")
    return result


if __name__ == "__main__":
    main()
