"""What became of an order, in words: its state, and the post's own answer, which travels in English."""

from __future__ import annotations

import re
from typing import Final

from deploy.language import Language, Text

_STATES: Final = {
    "queued": Text("por enviar", "queued"),
    "sent": Text("enviada", "sent"),
    "expired": Text("venció sin respuesta", "expired, no answer"),
    "on_trial": Text("a prueba", "on trial"),
    "done": Text("hecha", "done"),
    "started": Text("empezada", "started"),
    "refused": Text("rechazada", "refused"),
    "failed": Text("falló", "failed"),
    "rolled_back": Text("deshecha por el puesto", "rolled back by the post"),
    "interrupted": Text("interrumpida", "interrupted"),
    "withdrawn": Text("retirada", "withdrawn"),
    "superseded": Text("reemplazada por otra", "superseded by another"),
}
_ANSWERS: Final = tuple(
    (re.compile(english), spanish)
    for english, spanish in (
        (r"it is sent as the link and the day's budget allow", "se envía según la conexión y el cupo del día"),
        (r"the rules of the post's own settings", "las reglas propias del puesto"),
        (r"new rules", "reglas nuevas"),
        (r"(\d+) of (\d+) bytes", r"\1 de \2 bytes"),
        (r"said, or queued for when the sensor listens", "dicho, o en espera de que el sensor escuche"),
        (r"the machine starts anew", "el equipo arranca de nuevo"),
        (r"the gateway starts anew", "el gateway arranca de nuevo"),
        (r"the gateway started anew in the middle of it", "el gateway se detuvo a la mitad"),
        (r"headquarters was reached under the new settings", "con lo nuevo se llegó a la sede"),
        (r"headquarters was not reached under the new settings", "con lo nuevo no se llegó a la sede"),
        (r"(\S+) runs (\S+) already", r"\1 ya tenía el \2"),
        (r"(\S+) runs (\S+) now; (\d+) blocks were sent", r"\1 corre ya el \2; se enviaron \3 bloques"),
        (r"started under the new settings", "arrancó con lo nuevo"),
        (
            r"(\d+) commands are being tried together; give this one again when (\S+) is done or rolled back",
            r"ya se prueban \1 órdenes juntas; dé esta otra vez cuando \2 esté hecha o deshecha",
        ),
        (
            r"there is no rule among them, .*",
            "no hay ninguna regla en el archivo, y nadie sería avisado: eso solo se cambia en el puesto",
        ),
        (
            r"(\S+): without any, nobody would be warned; .*",
            r"\1: sin ninguna, nadie sería avisado: eso solo se cambia en el puesto",
        ),
        (
            r"(\S+): (\S+) MB wait there for headquarters, .*",
            r"\1: allí esperan \2 MB por enviar, y lo que no quepa se perdería: dé más, o espere a que haya menos",
        ),
        (r"(\S+) is not changed from afar", r"\1 no se cambia desde lejos"),
        (r"(\S+): no such setting", r"\1: no existe ese ajuste"),
        (r"(\S+): this post has no source (.*)", r"\1: este puesto no tiene una fuente \2"),
        (r"(\S+): has characters that do not print", r"\1: tiene signos que no se pueden escribir"),
        (r"the whole image is not what its hash says; send it again", "el firmware llegó dañado: envíelo otra vez"),
        (r"image \S+ is not what its hash says any more; send it again", "el firmware se dañó allí: envíelo otra vez"),
        (r"no image \S+ is here; send it first \(put_firmware\)", "el firmware no está allí: envíelo otra vez"),
        (r"a piece at byte .*", "falta un pedazo anterior del firmware: envíelo otra vez"),
    )
)
_REASONS: Final = {
    "bad_command": "el sensor no entiende esa orden",
    "bad_digest": "la memoria del sensor está gastada: hay que cambiarlo",
    "bad_image": "ese firmware está dañado o no es de Vigía",
    "bad_port": "ese puerto no es para sensores: de 1 a 223",
    "bad_sha256": "ese no es el código de una foto",
    "bad_signature": "ese firmware no es del fabricante del sensor",
    "busy": "otro sensor de la misma línea está ocupado: más tarde",
    "cannot_speak": "por esa fuente solo se oye",
    "cannot_update": "a ese sensor no se le pone firmware por esa línea: hay que ir con un cable",
    "counters": "la cuenta de mensajes del sensor no se puede guardar, o se acabó",
    "empty": "ese equipo recibe bytes (--hex), no palabras",
    "no_answer": "el sensor no contesta: apagado, cable suelto o clave equivocada; dé la misma orden otra vez",
    "no_gateway": "falta decir en los ajustes del puesto qué nodo transmite",
    "no_key": "en el puesto no se puede leer la clave del sensor",
    "no_progress": "el sensor dejó de avanzar: dé la misma orden otra vez",
    "no_route": "ningún concentrador pide mensajes desde hace dos minutos",
    "no_text": "esa radio recibe palabras (--text)",
    "no_transmit": "esa fuente no transmite, o sus ajustes no dicen cómo",
    "not_booted": "el sensor no aceptó el arranque: hay que verlo de cerca",
    "not_connected": "la fuente no tiene conexión ahora",
    "not_kept": "el puesto ya no tiene esa foto",
    "older_version": "el sensor corre una versión más nueva",
    "queue_full": "ya esperan demasiados mensajes: más tarde",
    "radio_away": "la radio no responde",
    "stopped": "se detuvo a la mitad: dé la misma orden otra vez",
    "too_large": "no cabe en el sensor",
    "too_long": "no alcanzó el tiempo o es demasiado largo",
    "too_slow": "ese sensor está por radio: para firmware hay que ir con un cable",
    "unknown_device": "esa fuente no tiene un sensor de ese nombre",
    "unknown_speaker": "en ese puesto no hay sensor ni fuente de ese nombre, o su línea está detenida",
    "wrong_model": "ese firmware es para otro modelo",
}
"""Of what a source or a sensor would not do, by the reason with which its answer begins."""


def state_words(state: str, language: Language) -> str:
    """A state of `ingest.commands.book.Given`."""
    return _STATES.get(state, Text(state, state))(language)


def answer_words(note: str, language: Language) -> str:
    """The post's answer; as it came where we have no Spanish for it."""
    if language == "en":
        return note
    for english, spanish in _ANSWERS:
        if found := english.fullmatch(note):
            return found.expand(spanish)
    reason, _, _ = note.partition(":")
    return f"{reason}: {_REASONS[reason]}" if reason in _REASONS else note
