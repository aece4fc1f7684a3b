"""Why a sensor did not get its new firmware, and what to do, for the technician beside it."""

from __future__ import annotations

import re
from typing import Final

from deploy.language import Text
from firmware_bridge.update.errors import UpdateError

_AGAIN: Final = "dé la misma orden para seguir donde quedó"
_SPANISH: Final = tuple(
    (reason, re.compile(english), spanish)
    for reason, english, spanish in (
        ("bad_image", r"(.+) cannot be read: .*", r"no se puede leer \1; revise el nombre y el permiso"),
        ("bad_image", r"(.+?): .*", r"\1 no es un firmware de Vigía, o llegó dañado; cópielo otra vez"),
        (
            "bad_signature",
            r"the image is not signed by .*",
            "no lo firmó el fabricante de esa clave (--maker); pídale otro, o revise cuál es la clave",
        ),
        ("bad_signature", r".*", "el sensor no conoce a quien firmó este firmware; pida otro a su fabricante"),
        (
            "wrong_model",
            r"the device is a '(.*)', the image is for a '(.*)'",
            r"el sensor es un \1 y este firmware es para un \2",
        ),
        ("wrong_model", r".*", "este firmware es para otro modelo"),
        (
            "older_version",
            r"the device runs (\S+), the image is (\S+): .*",
            r"el sensor ya corre \1 y este firmware es \2; si igual lo quiere, --force",
        ),
        ("older_version", r".*", "el sensor corre esta versión o una más nueva; si igual la quiere, --force"),
        (
            "too_large",
            r"(\d+) bytes, the device has room for (\d+)",
            r"no cabe: son \1 bytes y el sensor tiene lugar para \2",
        ),
        ("too_large", r".*", "no cabe en el sensor"),
        (
            "unknown_command",
            r".*",
            "el firmware que tiene es muy antiguo para cambiarlo por la línea; use el cable de programar",
        ),
        ("refused", r".*", "el sensor no acepta firmware nuevo; vea su propio manual"),
        (
            "bad_digest",
            r".*",
            "lo que el sensor guardó no es lo que se le mandó, dos veces: su memoria está gastada; cámbielo",
        ),
        (
            "not_booted",
            r"the device came back with (\S+): .*",
            r"el sensor volvió con \1: no aceptó el firmware al arrancar; pida otro a su fabricante",
        ),
        (
            "no_progress",
            r".*",
            "el sensor contesta una y otra vez que no puede; apáguelo, préndalo y pruebe otra vez",
        ),
        (
            "no_answer",
            r".*\((\S+) .*there is no such port.*",
            rf"no está el puerto \1: ¿está enchufado el cable? Después, {_AGAIN}",
        ),
        (
            "no_answer",
            r".*\((\S+) .*permission denied.*",
            rf"falta el permiso para \1: agregue su usuario a su grupo, por lo común dialout. Después, {_AGAIN}",
        ),
        (
            "no_answer",
            r".*\((\S+) .*another program has it open.*",
            rf"otro programa usa \1: ciérrelo. Después, {_AGAIN}",
        ),
        (
            "no_answer",
            r".*",
            f"el sensor no contesta: ¿está prendido, en esta línea, y su clave es la correcta? Después, {_AGAIN}",
        ),
        ("stopped", r".*", f"se detuvo a la mitad; {_AGAIN}"),
        ("too_long", r"(\d+) of (\d+) bytes .*", rf"el sensor tiene \1 de \2 bytes; {_AGAIN}"),
        (
            "counters",
            r"(.+) cannot be kept: .*",
            r"no se puede guardar en \1 la cuenta de lo que se le dice; revise el disco y el permiso",
        ),
        (
            "counters",
            r"(.+) does not hold counters; .*",
            r"\1 no tiene la cuenta de lo que se dice a los sensores; bórrelo y se hará otro",
        ),
        ("counters", r".*", "la clave de este sensor se usó hasta el final; póngale una nueva"),
    )
)


def refusal(error: UpdateError, name: str) -> Text:
    """name: the sensor's. In Spanish as in English where a reason is new."""
    for reason, english, spanish in _SPANISH:
        if reason == error.reason and (found := english.fullmatch(error.detail)):
            return Text(f"{name}: {found.expand(spanish)}", f"{name}: {error.detail}")
    return Text(f"{name}: {error}", f"{name}: {error}")
