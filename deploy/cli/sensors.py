"""vigia sensors ...: devices at a post."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from deploy.cli.running import set_up_logging, stop_event
from deploy.errors import DeployError
from deploy.settings_file import load_settings

app = typer.Typer(no_args_is_help=True, help="Sensors: for now, simulated ones.")


@app.command()
def simulate(
    scenario: Annotated[str, typer.Argument(help="chainsaw, boat_passing, rain, day_at_a_post, or a TOML file.")],
    settings: Annotated[
        Path, typer.Option("--for", help="The gateway's settings file: its port, devices and keys are played.")
    ],
    source: Annotated[str | None, typer.Option(help="Which [[sources]] by name, if there are several.")] = None,
    speed: Annotated[float, typer.Option(help="Scenario seconds in a real second.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Chance of the play; the same seed plays the same.")] = 0,
    rate: Annotated[float | None, typer.Option(help="Frames per scenario second, instead of the scenario's.")] = None,
    longest_s: Annotated[float | None, typer.Option(help="End after this many real seconds.")] = None,
    report: Annotated[Path | None, typer.Option(help="Keep what was sent in this JSON file.")] = None,
    log_level: Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = "INFO",
) -> None:
    """Play sensors on a serial line that is made for it: a symbolic link where the gateway's settings expect the port.

    Nothing in the gateway knows that they are simulated: they speak the frames of real ones, with the same keys.
    """
    from firmware_bridge.simulator.run import SimulatedDevice, run_simulator
    from gateway.settings import GatewaySettings

    set_up_logging(log_level)
    gateway = load_settings(settings, GatewaySettings)
    sources = [s.model_dump() for s in gateway.sources if s.driver == "vigia_sensor" and source in (None, s.name)]
    if len(sources) != 1:
        names = ", ".join(s.name for s in gateway.sources) or "none"
        raise DeployError(f"{settings} has {len(sources)} sources to play: say which with --source (it has: {names})")
    devices = [SimulatedDevice(device["id"], _key(device)) for device in sources[0]["devices"]]
    link = Path(sources[0]["port"])
    made = run_simulator(
        scenario,
        link,
        devices,
        state_path=link.with_name(link.name + ".counters"),
        stop=stop_event(),
        speed=speed,
        seed=seed,
        frames_per_second=rate,
        longest_s=longest_s,
        report_path=report,
    )
    typer.echo(f"{made.sent} frames sent on {link}, {made.dropped} dropped because nobody read")


def _key(device: dict[str, object]) -> bytes:
    key = device.get("key")
    text = key.get_secret_value() if isinstance(key, SecretStr) else Path(str(device.get("key_file"))).read_text()
    return bytes.fromhex(text.strip())
