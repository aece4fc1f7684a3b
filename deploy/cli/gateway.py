"""vigia gateway ...: the daemon at a post."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from deploy.cli.checked import say, tell_doubts, tell_files, tell_paths, tell_rules
from deploy.cli.doctor import Lang, Language
from deploy.cli.outputs import try_outputs
from deploy.cli.replay import replay
from deploy.language import Text
from deploy.settings.file import load_settings
from deploy.settings.text import gateway_text

app = typer.Typer(
    no_args_is_help=True,
    help="El programa del puesto: oye a los sensores, guarda, avisa, envía. / The daemon at a post.",
)

SettingsPath = Annotated[Path, typer.Argument(help="El archivo de ajustes, como /etc/vigia/gateway.toml.")]
_GOOD_PIN: Final = 6
LogLevel = Annotated[str, typer.Option(help="Cuánto dice el registro: DEBUG, INFO, WARNING o ERROR.")]


@app.command()
def run(file: SettingsPath, log_level: LogLevel = "INFO", lang: Language = Lang.ES) -> None:
    """Trabajar hasta SIGTERM o Ctrl-C. / Run until SIGTERM or Ctrl-C."""
    from deploy.daemon import become

    become(file, log_level, lang.value)


@app.command()
def check(file: SettingsPath, lang: Language = Lang.ES) -> None:
    """Decir qué está mal en los ajustes, línea por línea, y en los archivos que nombran, y qué hace cada regla. No
    arranca nada.

    Say what is wrong with a settings file, line by line, and with the files that it names, and in words what each of
    its rules does; nothing is started.

    Exit code 1 when the file itself, its map or its rules are wrong. Files that are not on this machine are warnings.
    """
    from deploy.doctor.files import at_post
    from deploy.settings.doubts import doubts_of_map, doubts_of_radios
    from deploy.settings.post import doubts_of_link, doubts_of_post, doubts_of_sources, place_of_post, rules_of_post
    from gateway.rules.describe import describe
    from gateway.settings import GatewaySettings

    settings = load_settings(file, GatewaySettings, lang.value)
    absent = [path for path in (settings.place.map, settings.rules.path) if path is not None and not path.exists()]
    place = None if absent else place_of_post(settings, lang.value)
    book = None if absent else rules_of_post(settings, lang.value)
    name, count = settings.station.name, len(settings.sources)
    say(
        Text(
            f"{file} está en orden: puesto {name}, {count} {'fuente' if count == 1 else 'fuentes'}",
            f"{file} is in order: station {name}, {count} {'source' if count == 1 else 'sources'}",
        ),
        lang.value,
    )
    tell_paths(settings, lang.value)
    tell_doubts([*doubts_of_sources(settings), *doubts_of_link(settings), *doubts_of_radios(settings)], lang.value)
    if not settings.sources:
        say(
            Text(
                "Sin [[sources]] este puesto no oirá nada. `vigia gateway config` muestra cómo se escribe una.",
                "No [[sources]]: this post will hear nothing. `vigia gateway config` shows how one looks.",
            ),
            lang.value,
        )
    for path in absent:
        say(Text(f"{path} no está en este equipo", f"{path} is not on this machine"), lang.value)
    if book is not None and settings.rules.path is not None:
        tell_rules(settings.rules.path, describe(book, lang.value), lang.value)
    if place is not None:
        tell_doubts(doubts_of_map(settings, place), lang.value)
    if book is not None and place is not None and (settings.rules.path or settings.place.map):
        tell_doubts(doubts_of_post(settings, book, place), lang.value)
    tell_files(file, "post", at_post(settings, file), lang.value)


@app.command()
def pin(
    file: SettingsPath,
    from_stdin: Annotated[bool, typer.Option("--stdin", help="Leerlo de la primera línea de la entrada.")] = False,
    lang: Language = Lang.ES,
) -> None:
    """Poner el PIN para actuar en la página del puesto. A quien entró con el de antes se le pide otra vez.

    Set the PIN for acting on the post's page. Whoever was let in by an earlier one is asked again.
    """
    from gateway.page.errors import PinError
    from gateway.page.pin import LEAST_PIN, MOST_PIN, write_pin
    from gateway.settings import GatewaySettings

    settings = load_settings(file, GatewaySettings, lang.value)
    spanish = lang is Lang.ES
    if from_stdin:
        chosen = typer.get_text_stream("stdin").readline(MOST_PIN + 2).rstrip("\r\n")
    else:
        ask = f"PIN ({LEAST_PIN}-{MOST_PIN} {'cifras' if spanish else 'digits'})"
        chosen = typer.prompt(ask, hide_input=True, confirmation_prompt="Otra vez" if spanish else "Again")
    path = settings.page.pin_file or settings.outbox.path.parent / "page.pin"
    try:
        write_pin(path, chosen)
    except PinError as error:
        typer.echo(error.words(lang.value), err=True)
        raise typer.Exit(1) from None
    typer.echo(f"El PIN está puesto ({path})." if spanish else f"The PIN is set ({path}).")
    if len(chosen) < _GOOD_PIN:
        say(
            Text(
                f"Sirve, pero es corto: con {_GOOD_PIN} cifras o más cuesta adivinarlo.",
                f"It will do, but it is short: one of {_GOOD_PIN} digits or more is hard to guess.",
            ),
            lang.value,
        )


@app.command()
def config(lang: Language = Lang.ES) -> None:
    """Escribir todos los ajustes, con su valor y lo que quieren decir: así empieza un archivo de ajustes.

    Print every setting with its default and what it means: the beginning of a settings file.
    """
    typer.echo(gateway_text(lang.value), nl=False)


app.command()(replay)
app.command("test-outputs")(try_outputs)
