"""vigia demo: the whole path on this machine, parts killed on the way, and the proof."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from deploy.cli.running import stop_event

_QUICK_S: Final = 8.0


def demo(
    directory: Annotated[
        Path | None,
        typer.Option(help="A new directory for everything; by default run/demo-<time>.", show_default=False),
    ] = None,
    seconds: Annotated[float, typer.Option(min=5, max=3600, help="Length of the play, without start and proof.")] = 40,
    seed: Annotated[int, typer.Option(help="Chance of the sensors' play; the same seed plays the same.")] = 7,
    keep: Annotated[bool, typer.Option("--keep", help="Stay up after the proof, until Ctrl-C.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="A short play, for the tests.")] = False,
) -> None:
    """Tres puestos simulados y la sede en este equipo; se corta un enlace y se matan un gateway y el broker.

    Three simulated posts and headquarters on this machine; a link is cut, a gateway and the broker are killed.

    Ends by asking InfluxDB itself: everything that the posts accepted is stored, once. Exit code 1 if it is not.
    """
    from rich.console import Console

    from deploy.demo.run import run_demo

    stop = stop_event()
    signal.signal(signal.SIGHUP, lambda *_: stop.set())  # the terminal is gone: end what was started all the same
    raise typer.Exit(
        run_demo(
            directory or Path("run") / time.strftime("demo-%Y%m%d-%H%M%S"),
            seconds=_QUICK_S if quick else seconds,
            seed=seed,
            keep=keep,
            stop=stop,
            console=Console(),
        )
    )
