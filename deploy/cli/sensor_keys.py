"""`vigia sensors key`: the key of a sensor that speaks our own frames, in a file, and its lines for the settings."""

from __future__ import annotations

import json
import os
import pwd
import secrets
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from deploy.cli.doctor import Lang, Language
from deploy.cli.plain import plain_errors
from deploy.doctor.findings import Text
from deploy.errors import DeployError

KEY_BYTES: Final = 16
"""AES-128."""
KEYS_FOLDER: Final = Path("/etc/vigia/keys")
SERVICE_USER: Final = "vigia"
"""Whom the gateway runs as: deploy/systemd/vigia.sysusers.conf."""
_ID_BYTES: Final = 4
_MOST_TYPED: Final = 1024


def key(
    name: Annotated[str, typer.Argument(help="El nombre del sensor en todo lo que se guarda, como rio-arriba.")],
    number: Annotated[
        str | None,
        typer.Option(
            "--id", metavar="ID", help="Su id, 8 cifras hexadecimales, como está impreso; uno nuevo, si no se dice."
        ),
    ] = None,
    ask: Annotated[
        bool, typer.Option("--ask", help="El sensor trae su clave: pedirla, en lugar de hacer una.")
    ] = False,
    folder: Annotated[Path, typer.Option(help="Dónde se guardan las claves.")] = KEYS_FOLDER,
    lang: Language = Lang.ES,
) -> None:
    """Hacer el archivo de clave de un sensor que habla nuestras tramas, y escribir sus líneas para los ajustes.

    Make the key file of a sensor that speaks our own frames, and print its lines for the gateway's settings.

    The key is 16 random bytes as 32 hex digits, in a file that the gateway's user alone may read. It is never shown.
    The lines go to standard output and what is to be done to standard error, so that a pipe takes the lines only.
    """
    with plain_errors(lang.value):
        device = (number or secrets.token_hex(_ID_BYTES)).lower()
        file = folder.absolute() / f"{device}.key"
        _check(device, name, file, lang)
        if file.exists():
            raise DeployError(_TAKEN(lang.value).format(file=file, id=device))
        written = _asked(lang) if ask else secrets.token_hex(KEY_BYTES)
        _keep(file, written)
    typer.echo(f'\n[[sources.devices]]\nid = "{device}"\nname = {_quoted(name)}\nkey_file = {_quoted(str(file))}')
    told = [_KEPT, *([_PASTE] if sys.stdout.isatty() else []), _RESTART, *([] if ask else [_TO_THE_SENSOR])]
    if (owner := _gateway_user()) and os.geteuid() not in (0, owner.pw_uid):
        told.append(_NOT_ITS_OWN)
    lines = [f"- {text(lang.value).format(file=file, id=device)}" for text in told]
    typer.echo("\n".join(["", *lines]), err=True)


def _check(device: str, name: str, file: Path, lang: Lang) -> None:
    """Raises DeployError for an id or a name that the settings would refuse."""
    from deploy.sensors.chosen import checked

    devices = [{"id": device, "name": name, "key_file": str(file)}]
    source = {"driver": "vigia_sensor", "name": "radio", "port": "/dev/null", "devices": devices}
    checked(source, Text("el sensor nuevo", "the new sensor"), lang.value)


def _asked(lang: Lang) -> str:
    """The key that somebody types, unseen, or that comes in a pipe. Raises DeployError, which does not quote it."""
    if sys.stdin.isatty():
        typed = str(typer.prompt(_PROMPT(lang.value), hide_input=True, err=True))
    else:
        typed = sys.stdin.read(_MOST_TYPED)
    try:
        raw = bytes.fromhex(typed)  # spaces between the digits are as they are printed
    except ValueError:
        raw = b""
    if len(raw) != KEY_BYTES:
        raise DeployError(_NO_KEY(lang.value))
    return raw.hex()


def _keep(file: Path, text: str) -> None:
    """On disk for the gateway's user alone (for ourselves, if we may not give it away). Raises OSError."""
    from deploy.pki import files

    missing = not file.parent.exists()
    files.make_directory(file.parent)
    files.write(file, text.encode() + b"\n", files.PRIVATE)
    if os.geteuid() == 0 and (owner := _gateway_user()):
        for path in (file, *([file.parent] if missing else [])):
            os.chown(path, owner.pw_uid, owner.pw_gid)


def _gateway_user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(SERVICE_USER)
    except KeyError:
        return None


def _quoted(text: str) -> str:
    """As TOML writes it: a basic string is a JSON string."""
    return json.dumps(text, ensure_ascii=False)


_PROMPT: Final = Text(
    "Clave del sensor, 32 cifras hexadecimales (no se ve al escribir)",
    "The sensor's key, 32 hex digits (not shown as you type)",
)
_NO_KEY: Final = Text(
    "eso no es una clave: son 32 cifras hexadecimales (0-9, a-f). No se guardó nada",
    "that is no key: a key is 32 hex digits (0-9, a-f). Nothing was kept",
)
_TAKEN: Final = Text(
    "{file} ya existe: el sensor {id} ya tiene clave. Con otra no se le oiría hasta ponerla también en el sensor. "
    "Si de verdad quiere otra, quite antes ese archivo",
    "{file} is there already: the sensor {id} has a key. With another it would not be heard until that is in the "
    "sensor too. If you do want another, move that file away first",
)
_KEPT: Final = Text(
    "La clave está en {file}. No la envíe por correo ni por chat.",
    "The key is in {file}. Do not send it by mail or chat.",
)
_PASTE: Final = Text(
    "Ponga las cuatro líneas de arriba en gateway.toml, debajo de los [[sources]] de su radio.",
    "Put the four lines above into gateway.toml, below the [[sources]] of its radio.",
)
_RESTART: Final = Text("Después: sudo systemctl restart vigia-gateway", "Then: sudo systemctl restart vigia-gateway")
_TO_THE_SENSOR: Final = Text(
    "El sensor necesita el mismo id ({id}) y la misma clave: sin eso no se le oye.",
    "The sensor needs the same id ({id}) and the same key: it is not heard without.",
)
_NOT_ITS_OWN: Final = Text(
    "El gateway no puede leerla todavía: sudo chown vigia {file}",
    "The gateway cannot read it yet: sudo chown vigia {file}",
)
