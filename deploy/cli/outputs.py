"""vigia gateway test-outputs: does each output warn?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.checked import say
from deploy.cli.doctor import Lang, Language
from deploy.language import Text
from deploy.settings.file import load_settings


def try_outputs(
    file: Annotated[Path, typer.Argument(help="The settings file, such as /etc/vigia/gateway.toml.")],
    only: Annotated[str, typer.Option(help="The name of one output; all of them if left out.")] = "",
    lang: Language = Lang.ES,
) -> None:
    """Let each output of warnings warn as a test: the siren sounds for two seconds, messages say that they are a test.

    Radios are tested on the post's page, by the gateway that runs: it has their ports. Exit code 1 when one fails.
    """
    from gateway.rules.facts import Change
    from gateway.settings import GatewaySettings
    from gateway.speakers import Speakers
    from gateway.warning.errors import OutputError, UnknownOutputError
    from gateway.warning.settings import RadioSettings
    from gateway.warning.warnings import Warnings

    def no_words(change: Change, lang: str) -> str:
        return change.incident.label

    def no_count(counts: Mapping[tuple[str, str], int]) -> None:
        """What fails is told here."""

    settings = load_settings(file, GatewaySettings, lang.value)
    warnings = Warnings(
        settings.warnings,
        station=settings.station.name,
        words=no_words,
        zone=settings.rules.zone,
        speakers=Speakers(),
        count=no_count,
    )
    failed = False
    radios = {one.name for one in settings.warnings if isinstance(one, RadioSettings)}
    for name in [only] if only else [one.name for one in settings.warnings]:
        if name in radios:
            say(
                Text(f"{name}: pruébela en la página del puesto", f"{name}: test it on the post's page"),
                lang.value,
            )
            continue
        try:
            warnings.try_once(name)
        except (OutputError, UnknownOutputError) as error:
            failed = True
            say(Text(f"{name}: FALLA: {error}", f"{name}: FAILS: {error}"), lang.value)
        else:
            say(Text(f"{name}: bien", f"{name}: well"), lang.value)
    if failed:
        raise typer.Exit(1)
