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

app = typer.Typer(
    no_args_is_help=True,
    help="Sensores: cuáles se pueden oír, qué dicen, uno nuevo, simulados. / Sensors, real and simulated.",
)

SourceName = Annotated[str | None, typer.Option(help="Cuál de los [[sources]], por su nombre, si hay varios.")]


class LogLevel(StrEnum):
    """How much is told."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


@app.command("list")
def list_drivers(
    json: Annotated[bool, typer.Option("--json", help="Para programas: un documento JSON.")] = False,
    lang: Language = Lang.ES,
) -> None:
    """Todos los drivers: qué oyen, por dónde, qué miden, y si está instalado lo que necesitan.

    Every driver: what it hears, its link and quantities, and whether what it needs is installed.

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
    driver: Annotated[str, typer.Argument(help="El nombre de un driver: vea vigia sensors list.")],
    lang: Language = Lang.ES,
) -> None:
    """Escribir los ajustes de un driver, con lo que quieren decir, para ponerlos al final de los del gateway.

    Print a driver's settings as a block to put at the end of the gateway's settings, each with what it means.
    """
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
    driver: Annotated[str, typer.Argument(help="El nombre de un driver: vea vigia sensors list.")],
    what: Annotated[
        list[str] | None, typer.Argument(help="Bytes en hexadecimal, agrupados como quiera; - los lee de la entrada.")
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(help="Los ajustes del gateway, por sus sensores y claves; sin ellos, la muestra del driver."),
    ] = None,
    source: SourceName = None,
    text: Annotated[
        bool,
        typer.Option(
            "--text", help="Texto en lugar de hexadecimal: cada palabra, una línea o un mensaje `topic payload`."
        ),
    ] = False,
    file: Annotated[Path | None, typer.Option(help="Un archivo que se descifra, como una foto.")] = None,
    lang: Language = Lang.ES,
) -> None:
    """Decir qué quieren decir unos bytes: lecturas con sus unidades, y qué se descartó y por qué.

    Say what bytes mean: readings with units, and what was discarded and why. Exit code 1 without any reading.
    """
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
    port: Annotated[str | None, typer.Argument(help="Un puerto serie, con --driver.")] = None,
    driver: Annotated[str | None, typer.Option(help="Quién habla allí, según la muestra del driver.")] = None,
    baud: Annotated[int | None, typer.Option(help="Velocidad de la línea, si no es la de siempre del driver.")] = None,
    settings: Annotated[
        Path | None, typer.Option("--for", help="Los ajustes del gateway, por su puerto, sensores y claves.")
    ] = None,
    source: SourceName = None,
    lang: Language = Lang.ES,
    longest_s: Annotated[float | None, typer.Option(help="Acabar a los tantos segundos.")] = None,
) -> None:
    """Oír en lugar del gateway y mostrar lo que llega: lo último de cada sensor, su señal y batería, lo que se descarta
    y qué hacer, y quién se oye sin estar en los ajustes. El gateway debe estar detenido; no se guarda nada.

    Listen in place of the gateway and show what comes: each sensor's last reading, signal and battery, what is
    discarded and what to do, who is heard and not in the settings. The gateway must be stopped; nothing is stored.
    """
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
    image: Annotated[Path, typer.Argument(help="El firmware firmado por el fabricante.")],
    settings: Annotated[Path, typer.Option("--for", help="Los ajustes del gateway, por su puerto y su clave.")],
    device: Annotated[str, typer.Option(help="El nombre o el id del sensor.")],
    maker: Annotated[
        Path | None,
        typer.Option(
            help="La clave pública del fabricante, 64 cifras hexadecimales en un archivo, para revisar antes."
        ),
    ] = None,
    counters: Annotated[
        Path | None,
        typer.Option(help="El archivo de cuentas de lo dicho a sensores; junto al buzón de salida, si no se dice."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="También una versión más vieja, o la misma otra vez.")] = False,
    lang: Language = Lang.ES,
) -> None:
    """Poner firmware nuevo a un sensor que habla nuestras tramas, por su línea. El gateway debe estar detenido. Si algo
    lo corta, el sensor guarda lo que tiene, y la misma orden sigue desde ahí.

    Bring new firmware to a sensor that speaks our own frames, over its line. The gateway must be stopped.

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
    scenario: Annotated[str, typer.Argument(help="chainsaw, boat_passing, rain, day_at_a_post, o un archivo TOML.")],
    settings: Annotated[
        Path, typer.Option("--for", help="Los ajustes del gateway: se simulan su puerto, sensores y claves.")
    ],
    source: SourceName = None,
    speed: Annotated[
        float, typer.Option(help="Segundos de la escena en uno de verdad; los botes también van más rápido.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="El azar de la escena; la misma semilla da lo mismo.")] = 0,
    rate: Annotated[float | None, typer.Option(help="Tramas por segundo de la escena, en lugar de las suyas.")] = None,
    longest_s: Annotated[float | None, typer.Option(help="Acabar a los tantos segundos de verdad.")] = None,
    report: Annotated[Path | None, typer.Option(help="Guardar lo enviado en este archivo JSON.")] = None,
    log_level: Annotated[LogLevel, typer.Option(help="Cuánto se dice.")] = LogLevel.INFO,
    lang: Language = Lang.ES,
) -> None:
    """Simular sensores en una línea serie hecha para eso, donde los ajustes del gateway esperan su puerto.

    Play sensors on a serial line that is made for it: a symbolic link where the gateway's settings expect the port.

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
