"""vigia sensors ...: which sensors can be heard, what they say, and simulated ones."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from deploy.cli.doctor import Lang, Language
from deploy.cli.running import set_up_logging, stop_event
from deploy.errors import DeployError
from deploy.language import Language as Tongue
from deploy.language import Text, system_words
from deploy.settings.file import load_settings

app = typer.Typer(no_args_is_help=True, help="Sensors: which can be heard, what they say, a new one, simulated ones.")

SourceName = Annotated[str | None, typer.Option(help="Which [[sources]] by name, if there are several.")]


class LogLevel(StrEnum):
    """How much is told."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


@app.command("list")
def list_drivers(
    json: Annotated[bool, typer.Option("--json", help="For programs: one JSON document.")] = False,
    lang: Language = Lang.ES,
) -> None:
    """Every driver: what it hears, its link and quantities, and whether what it needs is installed.

    On a terminal a table; otherwise one line each, separated by tabs.
    """
    from deploy.sensors.cards import cards
    from deploy.sensors.listing import as_json, as_lines, as_table

    console = Console()
    if json:
        typer.echo(as_json(cards()))
    elif console.is_terminal:
        console.print(as_table(cards(), lang.value))
    else:
        typer.echo("\n".join(as_lines(cards(), lang.value)))


@app.command()
def sample(
    driver: Annotated[str, typer.Argument(help="A driver's name: see vigia sensors list.")],
    lang: Language = Lang.ES,
) -> None:
    """Print a driver's settings as a block to put at the end of the gateway's settings, each with what it means."""
    from deploy.sensors.sample import source_block

    typer.echo(source_block(driver, lang.value), nl=False)


@app.command()
def new(name: Annotated[str, typer.Argument(help="<maker>_<model>, such as davis_vantage.")]) -> None:
    """Begin a driver for a sensor that there is none for: its file, its test and its page, from a working template."""
    from deploy.reference.generated import DRIVERS_PAGE, source_tree
    from deploy.sensors.beginning import begin_driver
    from deploy.sensors.cards import cards
    from deploy.sensors.listing import index_page

    root = source_tree("a new driver belongs")
    for path in begin_driver(root, name):
        typer.echo(path)
    (root / DRIVERS_PAGE).write_text(index_page(cards()))
    typer.echo(
        f"They hear the template's sensor, and pass: .venv/bin/python -m pytest tests/firmware_bridge -k {name}\n"
        "Now change the test to what your sensor says, then the driver; the comments tell what belongs where.\n"
        "At the end, `vigia generate` writes the list of drivers anew, whose lines are the drivers' own first ones."
    )


@app.command()
def decode(
    driver: Annotated[str, typer.Argument(help="A driver's name: see vigia sensors list.")],
    what: Annotated[
        list[str] | None, typer.Argument(help="Bytes in hex, grouped as you like; - reads them from standard input.")
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(help="The gateway's settings, for devices and keys; the driver's own sample if left out."),
    ] = None,
    source: SourceName = None,
    text: Annotated[
        bool, typer.Option("--text", help="Text in place of hex: each argument a line or a message `topic payload`.")
    ] = False,
    file: Annotated[Path | None, typer.Option(help="A file whose bytes are meant, such as a picture.")] = None,
    lang: Language = Lang.ES,
) -> None:
    """Say what bytes mean: readings with units, and what was discarded and why. Exit code 1 without any reading."""
    from deploy.sensors import decoding
    from deploy.sensors.chosen import sample_of, source_of
    from deploy.sensors.words import delivery_lines

    language: Tongue = lang.value
    chosen = source_of(settings, source, driver, language=language) if settings else sample_of(driver, language)
    if chosen.driver != driver:
        raise DeployError(_OTHER_DRIVER.filled(file=settings, there=chosen.driver, driver=driver)(language))
    if bool(what) == (file is not None):
        raise DeployError(_WHAT(language))
    if settings is None:
        logging.basicConfig(level=logging.ERROR)  # the sample's keys are not here: a frame of ours is told as no_key
    console = Console(highlight=False)
    told = decoding.Decoding(chosen)
    if file is not None:
        deliveries = told.feed_file(file, _content(file, language))
    else:
        deliveries = told.feed(_chunks(what or [], language, text=text))
    for delivery in deliveries:
        if console.is_terminal:
            for part in decoding.tables(delivery, language):
                console.print(part)
        else:
            for line in delivery_lines(delivery, language):
                typer.echo(line)
    if console.is_terminal:
        for words in decoding.closing_advice(told, language):
            console.print(words)
    else:
        for line in decoding.closing_lines(told, language):
            typer.echo(line)
    if not told.has_readings:
        raise typer.Exit(1)


def _chunks(words: list[str], language: Tongue, *, text: bool) -> Iterable[bytes]:
    from deploy.sensors.decoding import MAX_BYTES, bytes_of

    if text:
        return (line.rstrip("\r\n").encode() + b"\r\n" for line in (sys.stdin if words == ["-"] else words))
    return [bytes_of([sys.stdin.read(3 * MAX_BYTES)] if words == ["-"] else words, language)]


def _content(file: Path, language: Tongue) -> bytes:
    from deploy.sensors.decoding import MAX_BYTES

    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES)
    except OSError as error:
        raise DeployError(f"{file}: {system_words(error)(language)}") from error


_OTHER_DRIVER: Final = Text(
    "{file} es del driver {there}, no de {driver}", "{file} is of the driver {there}, not of {driver}"
)
_WHAT: Final = Text(
    "diga qué descifrar: bytes en hexadecimal, o --text y texto, o --file y un archivo",
    "say what is to be decoded: bytes in hex, or --text and text, or --file and a file",
)


@app.command()
def watch(
    port: Annotated[str | None, typer.Argument(help="A serial port, with --driver.")] = None,
    driver: Annotated[str | None, typer.Option(help="Who speaks there, by the driver's own sample settings.")] = None,
    baud: Annotated[int | None, typer.Option(help="Speed of the line, if it is not the driver's usual one.")] = None,
    settings: Annotated[
        Path | None, typer.Option("--for", help="The gateway's settings, for port, devices and keys.")
    ] = None,
    source: SourceName = None,
    lang: Language = Lang.ES,
    longest_s: Annotated[float | None, typer.Option(help="End after this many seconds.")] = None,
) -> None:
    """Listen in place of the gateway and show what comes: each sensor's last reading, signal and battery, what is
    discarded and what to do, who is heard and not in the settings. The gateway must be stopped; nothing is stored."""
    from deploy.sensors.chosen import on_port, source_of
    from deploy.sensors.watch_run import watch_in_lines, watch_on_terminal
    from deploy.sensors.watching import refuse_if_not_free

    logging.basicConfig(level=logging.ERROR)  # the screen tells how the line stands
    if settings is not None and port is None:
        chosen = source_of(settings, source, driver, language=lang.value)
    elif settings is None and port is not None and driver is not None:
        chosen = on_port(driver, port, baud, lang.value)
    else:
        raise DeployError(_WHICH_LINE(lang.value))
    refuse_if_not_free(chosen, settings, lang.value)
    console = Console(highlight=False)
    longest = float("inf") if longest_s is None else longest_s
    if console.is_terminal:
        watch_on_terminal(console, chosen, lang.value, stop_event(), longest)
    else:
        watch_in_lines(typer.echo, chosen, lang.value, stop_event(), longest)


_WHICH_LINE: Final = Text(
    "diga qué mirar: un puerto y su driver, como vigia sensors watch /dev/ttyUSB0 --driver rak_rui3; o --for y la"
    " configuración del gateway, como vigia sensors watch --for /etc/vigia/gateway.toml",
    "say what to watch: a port and its driver, such as vigia sensors watch /dev/ttyUSB0 --driver rak_rui3; or --for and"
    " the gateway's settings, such as vigia sensors watch --for /etc/vigia/gateway.toml",
)


@app.command()
def update(
    image: Annotated[Path, typer.Argument(help="The maker's signed image.")],
    settings: Annotated[Path, typer.Option("--for", help="The gateway's settings, for port and key.")],
    device: Annotated[str, typer.Option(help="The sensor's name or id.")],
    maker: Annotated[
        Path | None, typer.Option(help="The maker's public key, 64 hex digits in a file, to check the image first.")
    ] = None,
    counters: Annotated[
        Path | None, typer.Option(help="The post's file of downlink counters; beside the outbox if left out.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also an older version, or the same again.")] = False,
    lang: Language = Lang.ES,
) -> None:
    """Bring new firmware to a sensor that speaks our own frames, over its line. The gateway must be stopped.

    Whatever stops it, the sensor keeps what it has got, and the same command goes on from there.
    """
    from deploy.sensors.updating import bring, closing_words, find_target, read_maker
    from gateway.settings import GatewaySettings

    logging.basicConfig(level=logging.ERROR)
    gateway = load_settings(settings, GatewaySettings, lang.value)
    target = find_target(gateway.sources, device, settings, lang.value)
    report = bring(
        image,
        target,
        counters or gateway.outbox.path.with_name("downlink.counters"),
        Console(highlight=False),
        lang.value,
        maker=read_maker(maker, lang.value) if maker else None,
        force=force,
        stop=stop_event(),
    )
    typer.echo(closing_words(report, target, lang.value))


@app.command()
def simulate(
    scenario: Annotated[str, typer.Argument(help="chainsaw, boat_passing, rain, day_at_a_post, or a TOML file.")],
    settings: Annotated[
        Path, typer.Option("--for", help="The gateway's settings file: its port, devices and keys are played.")
    ],
    source: SourceName = None,
    speed: Annotated[float, typer.Option(help="Scenario seconds in a real second; boats go faster too.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Chance of the play; the same seed plays the same.")] = 0,
    rate: Annotated[float | None, typer.Option(help="Frames per scenario second, instead of the scenario's.")] = None,
    longest_s: Annotated[float | None, typer.Option(help="End after this many real seconds.")] = None,
    report: Annotated[Path | None, typer.Option(help="Keep what was sent in this JSON file.")] = None,
    log_level: Annotated[LogLevel, typer.Option(help="How much is told.")] = LogLevel.INFO,
    lang: Language = Lang.ES,
) -> None:
    """Play sensors on a serial line that is made for it: a symbolic link where the gateway's settings expect the port.

    Nothing in the gateway knows that they are simulated: they speak the frames of real ones, with the same keys.
    """
    from deploy.sensors.playing import check_scenario, line_to_play, opening_words, played_words
    from firmware_bridge.simulator.run import run_simulator
    from firmware_bridge.simulator.scenario import load_scenario
    from gateway.settings import GatewaySettings

    set_up_logging(log_level.value)
    check_scenario(scenario, lang.value)
    link, devices = line_to_play(
        load_settings(settings, GatewaySettings, lang.value).sources, source, settings, lang.value
    )
    typer.echo(opening_words(load_scenario(scenario), scenario, speed, lang.value))
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
    typer.echo(played_words(made, link, lang.value))
