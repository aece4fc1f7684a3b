"""What a post's settings need beside their files: a PIN for the page, libraries for outputs and pictures."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deploy.doctor.findings import Check, Finding, Text, attention, ok, wrong

if TYPE_CHECKING:
    from gateway.settings import GatewaySettings

_OUTPUTS: Final = Text("Salidas de aviso", "Outputs")
_PAGE: Final = Text("Página", "Page")
_PICTURES: Final = Text("Fotos", "Pictures")
_LIBRARY_OF: Final = {"siren": ("gpiozero", "gpio"), "lamp": ("gpiozero", "gpio"), "apprise": ("apprise", "notify")}
_PICTURE_DRIVERS: Final = frozenset({"camera_folder", "serial_camera"})


def extra_checks(settings: GatewaySettings, settings_file: Path) -> list[Check]:
    """Whether people can act on the page, and whether each output and camera has what it needs."""
    checks = [
        Check(_OUTPUTS, lambda: list(_outputs(settings))),
        Check(_PICTURES, lambda: list(_pictures(settings))),
    ]
    if settings.page.enabled and "pin" in (settings.page.acting, settings.page.reading):
        checks.append(Check(_PAGE, lambda: [_pin(settings, settings_file)]))
    return checks


def _outputs(settings: GatewaySettings) -> Iterator[Finding]:
    pins: dict[int, str] = {}
    for output in settings.warnings:
        name = output.name
        library, extra = _LIBRARY_OF.get(output.output, ("", ""))
        if library and importlib.util.find_spec(library) is None:
            es, en = f"{name} no puede avisar: falta {library}", f"{name} cannot warn: {library} is missing"
            yield _missing(es, en, name, extra)
        pin = getattr(output, "pin", None)
        if pin is None:
            continue
        if pin in pins:
            yield wrong(
                "pin_twice",
                f"{name} y {pins[pin]} usan el mismo pin {pin}: solo una de las dos funcionará",
                f"{name} and {pins[pin]} use the same pin {pin}: only one of them will work",
                name,
                todo=Text("Conecte una a otro pin, y póngalo en pin", "Wire one to another pin, and say it in pin"),
            )
        pins.setdefault(pin, name)


def _pictures(settings: GatewaySettings) -> Iterator[Finding]:
    if importlib.util.find_spec("PIL") is not None:
        return
    for source in settings.sources:
        if source.driver in _PICTURE_DRIVERS:
            es, en = (
                f"{source.name}: no habrá fotos pequeñas: falta Pillow",
                f"{source.name}: no thumbnails without Pillow",
            )
            yield _missing(es, en, source.name, "pictures")


def _missing(es: str, en: str, where: str, extra: str) -> Finding:
    pip = f"{sys.prefix}/bin/pip install 'vigia[{extra}]'"
    return wrong("library_missing", es, en, where, todo=Text(f"Instálela: {pip}", f"Install it: {pip}"))


def _pin(settings: GatewaySettings, settings_file: Path) -> Finding:
    file = settings.page.pin_file or settings.outbox.path.parent / "page.pin"
    try:
        is_there = file.exists()
    except PermissionError:
        is_there = True  # for others than us
    if is_there:
        return ok("pin_set", "Hay PIN para dar Enterado", "There is a PIN for acknowledging", str(file))
    command = f"sudo vigia gateway pin {settings_file}"
    return attention(
        "pin_missing",
        "La página no tiene PIN: nadie puede dar Enterado ni anotar patrullas",
        "The page has no PIN: nobody can acknowledge or note patrols",
        str(file),
        todo=Text(command, command),
    )
