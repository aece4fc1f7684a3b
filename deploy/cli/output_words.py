"""Why an output of warnings did not warn, in Spanish: the outputs say it in English, as the log has it."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Final

from deploy.language import Text

_PIP: Final = f"{sys.prefix}/bin/pip install".replace("\\", "\\\\")
_Table = Sequence[tuple[re.Pattern[str], str]]


def _table(*pairs: tuple[str, str]) -> _Table:
    return [(re.compile(english, re.DOTALL | re.IGNORECASE), spanish) for english, spanish in pairs]


_FAULTS: Final = _table(
    (r"gpiozero is not installed.*", f"falta gpiozero; instálela: {_PIP} 'vigia[gpio]'"),
    (r"apprise is not installed.*", f"falta apprise; instálela: {_PIP} 'vigia[notify]'"),
    (r"GPIO (?P<n>\d+) cannot be used \((?P<why>.*)\): is this .*", r"el pin \g<n> no se puede usar: \g<why>"),
    (r"(?P<host>\S+) does not take it \((?P<why>.*)\)", r"\g<host> no lo recibe: \g<why>"),
    (
        r"(\S+) answers (\d+); see its address and secret in the settings",
        r"\1 contesta \2: revise su dirección (url) y su clave (secret_file) en [[warnings]]",
    ),
    (r"its secret (\S+) is empty", r"el archivo de su clave, \1, está vacío"),
    (r"its secret (?P<file>\S+) cannot be read \((?P<why>.*)\)", r"no se puede leer su clave, \g<file>: \g<why>"),
    (r"(?P<file>\S+) cannot be read \((?P<why>.*)\)", r"no se puede leer \g<file>: \g<why>"),
    (
        r"(\S+) holds passwords and others can read it: chmod 600 \S+",
        r"\1 tiene contraseñas y otros pueden leerlo: chmod 600 \1",
    ),
    (r"(\S+) names no service", r"\1 no nombra ningún servicio: ponga una dirección por línea"),
    (r"no output is called (.+); known: (.*)", r"ninguna salida se llama \1; las hay: \2"),
)
_WHYS: Final = _table(
    (
        r".*unable to load any default pin factory.*",
        f"este equipo no es una Raspberry Pi, o le falta lgpio: {_PIP} 'vigia[gpio]'",
    ),
    (
        r".*already in use by.*|.*GPIO busy.*",
        "ya lo usa otra salida u otro programa; elija otro pin, o detenga ese programa",
    ),
    (
        r".*(?:permission denied|can not open gpiochip|not permitted).*",
        "falta el permiso; en un puesto, agregue el usuario del servicio al grupo gpio: sudo usermod -aG gpio vigia",
    ),
    (r".*no such file or directory.*", "no existe"),
    (r".*connection refused.*", "nadie contesta en ese puerto: ¿está prendido?, ¿está bien su url?"),
    (r".*(?:timed out|no route to host|network is unreachable).*", "no contesta: ¿hay red hasta allí?"),
    (r".*(?:name or service not known|name resolution|getaddrinfo).*", "no se encuentra ese nombre: ¿hay red?, ¿url?"),
    (r".*certificate.*", "su certificado no es de confianza, o el reloj de este equipo está mal"),
)
"""What the libraries and the system say within brackets."""
_LINES: Final = _table(
    (r"line (\d+): apprise knows no service of this URL", r"línea \1: apprise no conoce ese servicio"),
    (
        r"line (\d+): the service did not take it; is there a link to it\?",
        r"línea \1: el servicio no lo recibió; ¿hay conexión?",
    ),
)
"""Of a file of services, each that did not take it."""


def output_words(error: Exception) -> Text:
    """An OutputError or UnknownOutputError; in English too where we have no Spanish for it."""
    english = str(error)
    for pattern, spanish in _FAULTS:
        if found := pattern.fullmatch(english):
            why = found.groupdict().get("why")
            said = found.expand(spanish)
            return Text(said.replace(why, _translated(why, _WHYS)) if why else said, english)
    said = english
    for pattern, spanish in _LINES:
        said = pattern.sub(spanish, said)
    return Text(said, english)


def _translated(english: str, table: _Table) -> str:
    return next((spanish for pattern, spanish in table if pattern.fullmatch(english)), english)
