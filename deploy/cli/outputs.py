"""vigia gateway test-outputs: does each output warn?"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.checked import say
from deploy.cli.doctor import Lang, Language
from deploy.cli.output_words import output_words
from deploy.language import Text
from deploy.settings.file import load_settings


def try_outputs(
    file: Annotated[Path, typer.Argument(help="El archivo de ajustes, como /etc/vigia/gateway.toml.")],
    only: Annotated[str, typer.Option(help="El nombre de una salida; todas, si no se dice.")] = "",
    lang: Language = Lang.ES,
) -> None:
    """Probar cada salida de avisos: la sirena suena dos segundos, los mensajes dicen que son una prueba.

    Let each output of warnings warn as a test: the siren sounds for two seconds, messages say that they are a test.

    What the running gateway holds is tested on the post's page: radios, and sirens and lamps while it runs. Exit code 1
    when one fails.
    """
    from deploy.doctor.processes import lock_holder
    from gateway.rules.facts import Change
    from gateway.settings import GatewaySettings
    from gateway.speakers import Speakers
    from gateway.warning.errors import OutputError, UnknownOutputError
    from gateway.warning.settings import PinSettings, RadioSettings
    from gateway.warning.warnings import Warnings

    def no_words(change: Change, lang: str) -> str:
        return change.incident.label

    def no_count(counts: Mapping[tuple[str, str], int]) -> None:
        """What fails is told here."""

    settings = load_settings(file, GatewaySettings, lang.value)
    outputs = Warnings(
        settings.warnings,
        station=settings.station.name,
        words=no_words,
        zone=settings.rules.zone,
        speakers=Speakers(),
        count=no_count,
    )
    failed = False
    of_the_gateway = (RadioSettings, PinSettings) if lock_holder(settings.outbox.path) else RadioSettings
    held = {one.name for one in settings.warnings if isinstance(one, of_the_gateway)}
    for name in [only] if only else [one.name for one in settings.warnings]:
        if name in held:
            say(
                Text(f"{name}: pruébela en la página del puesto", f"{name}: test it on the post's page"),
                lang.value,
            )
            continue
        try:
            with warnings.catch_warnings():
                # gpiozero warns of each library that it does not find, and then fails, or finds one
                warnings.filterwarnings("ignore", module="gpiozero")
                outputs.try_once(name)
        except (OutputError, UnknownOutputError) as error:
            failed = True
            told = output_words(error)
            say(Text(f"{name}: FALLA: {told.es}", f"{name}: FAILS: {told.en}"), lang.value)
        else:
            say(Text(f"{name}: bien", f"{name}: well"), lang.value)
    if failed:
        raise typer.Exit(1)
