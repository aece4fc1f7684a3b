"""What a source says of its line, in Spanish for who stands beside it."""

from __future__ import annotations

import re
from typing import Final

from deploy.language import Language

_SPANISH: Final = tuple(
    (re.compile(english), spanish)
    for english, spanish in (
        # ports and connections
        (r"^(\S+) is open at (\d+) baud", r"\1 está abierto a \2 baudios"),
        (r"^(\S+) is not open yet", r"\1 todavía no se abre"),
        (r"^(\S+) was lost", r"se perdió \1"),
        (r"^(\S+) is connected$", r"\1 está conectado"),
        (r"^(\S+) is not connected yet", r"\1 todavía no se conecta"),
        (r"^listening on UDP port (\d+) of (\S+)$", r"se escucha en el puerto UDP \1 de \2"),
        (r"^UDP port (\d+) of (\S+) is not open( yet)?", r"el puerto UDP \1 de \2 no está abierto"),
        (r": there is no such port; is the device plugged in\?", ": no hay tal puerto; ¿está enchufado el aparato?"),
        (
            r": permission denied; add the user to the group of the port, usually dialout",
            ": sin permiso; agregue su usuario al grupo del puerto, por lo común dialout",
        ),
        (r": permission denied; use a port above 1023$", ": sin permiso; use un puerto mayor que 1023"),
        (
            r": another program has it open; stop that one or name another port",
            ": otro programa lo usa; ciérrelo o diga otro puerto",
        ),
        (
            r": another program listens there; stop that one \(a network server\?\) or name another port$",
            ": otro programa escucha ahí (¿un servidor de red?); ciérrelo o diga otro puerto",
        ),
        (
            r": this machine has no such address; check it, or use 0\.0\.0\.0 for all$",
            ": este equipo no tiene esa dirección; revísela, o ponga 0.0.0.0 para todas",
        ),
        (r": it is not a serial port", ": no es un puerto serie"),
        (r": the device is gone", ": el aparato ya no está"),
        (r": it cannot be opened", ": no se puede abrir"),
        (
            r": it does not answer; is it switched on, and on this network\?$",
            ": no responde; ¿está prendido y en esta red?",
        ),
        (r": no such host is known; write its IP address$", ": no se conoce ese nombre; escriba su dirección IP"),
        (
            r": it refuses the connection; is its network API switched on, and the port right\?$",
            ": rechaza la conexión; ¿tiene activada la red, y es ese el puerto?",
        ),
        (
            r": there is no way to it; are both on the same network\?$",
            ": no hay camino hasta allá; ¿están los dos en la misma red?",
        ),
        (r": it does not answer any more$", ": ya no responde"),
        (r": the other side has (closed the connection|broken the connection off)$", ": el otro lado cortó"),
        # what is there
        (r"; not read: (.*)$", r"; sin leer: \1"),
        (r"; receives a picture: (\d+) of (\d+) bytes", r"; llega una foto: \1 de \2 bytes"),
        (r"^the radio listens$", "la radio escucha"),
        (
            r"^the radio does not answer; is it a Meshtastic radio, and its serial or network API switched on\?$",
            "la radio no contesta; ¿es Meshtastic, y tiene activado el puerto serie o la red?",
        ),
        (r"^the radio is asked for what it knows$", "se pregunta a la radio lo que sabe"),
        (r"^the radio is not connected$", "la radio no está conectada"),
        (r"^the (.+) is being set up: (.*) \((\d+) of (\d+)\)$", r"se configura: \1: \2 (\3 de \4)"),
        (r"^the (.+) is being set up$", r"se configura: \1"),
        (r"^the (.+) listens$", r"escucha: \1"),
        (r"^the (.+) starts$", r"arranca: \1"),
        (r"^the (.+) sends$", r"transmite: \1"),
        (r"^the (.+) is (asked|told) .*$", r"escucha: \1"),
        (r"^the (.+) is not connected$", r"sin conexión: \1"),
        (
            r"^the (.+) refused '(.*)' with '(.*)'; is the setting one that it knows\?$",
            r"\1: a «\2» contesta «\3»; ¿conoce ese ajuste?",
        ),
        (
            r"^the (.+) does not answer '(.*)'; are port and speed right\?$",
            r"\1: no contesta a «\2»; ¿son el puerto y la velocidad correctos?",
        ),
        (r"^the (.+) is always busy at '(.*)'$", r"\1: siempre ocupado al recibir «\2»"),
    )
)


def line_words(state: str, language: Language) -> str:
    """`Source.state` for a technician; what we have no Spanish for stays as it is."""
    if language == "es":
        for english, spanish in _SPANISH:
            state = english.sub(spanish, state)
    return state
