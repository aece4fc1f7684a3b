"""Why an order still waits, as far as headquarters knows: the post is away, or hears it and does not answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from deploy.language import Language, Text
from deploy.orders.answers import answer_words, state_words

if TYPE_CHECKING:
    from ingest.commands.book import Given, Hearing

SEVERAL: Final = 2
"""Sends without an answer from which on it is no longer a matter of seconds."""
_AT_ONCE_MS: Final = 60_000


def when(unix_ms: int) -> str:
    """A Unix time, for people, by the clock of this machine."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(unix_ms / 1000))


def times(count: int) -> Text:
    """So often."""
    return Text("una vez", "once") if count == 1 else Text(f"{count} veces", f"{count} times")


def told(one: Given, hearing: Hearing | None, now_ms: int, language: Language) -> tuple[str, str]:
    """Its state, and the post's answer or why there is none, for a list."""
    state = one.state(now_ms)
    if state in ("queued", "sent"):
        return state_words(state, language), why(one, hearing, now_ms)(language)
    if state == "superseded":
        state, note = (
            Text(f"reemplazada por {one.note}", f"superseded by {one.note}")(language),
            _reached(one)(language),
        )
        return state, note
    if state == "withdrawn":
        return state_words(state, language), _reached(one)(language)
    return state_words(state, language), answer_words(one.note or "", language)


def why(one: Given, hearing: Hearing | None, now_ms: int) -> Text:
    """Why an order without an answer waits."""
    is_new = now_ms - one.issued_ms < _AT_ONCE_MS
    if hearing is None:
        if is_new:
            return Text("ingest la ve en unos segundos", "ingest sees it in some seconds")
        return Text(
            "ingest no la ha visto: ¿está en marcha vigia-ingest, y es este libro su [commands] path?",
            "ingest has not seen it: does vigia-ingest run, and is this book its [commands] path?",
        )
    if not hearing.listens:
        away = silence(hearing)
        if not one.sends:
            return away
        return Text(f"{away.es}; se envió {times(one.sends).es}", f"{away.en}; it was sent {times(one.sends).en}")
    if not one.sends:
        if one.series:
            return Text("espera la respuesta a la parte anterior", "waits for the answer to the part before")
        if is_new:
            return Text("sale en seguida", "it goes at once")
        return Text(
            "espera su turno; si sigue así, ¿está en marcha vigia-ingest?",
            "waits its turn; if so for long, is ingest up?",
        )
    if one.sends < SEVERAL:
        return Text("el puesto escucha; falta su respuesta", "the post listens; its answer is awaited")
    hint = _hint(one)
    last = when(one.sent_ms or 0)
    return Text(
        f"enviada {times(one.sends).es} sin respuesta (la última, {last}), y el puesto escucha: {hint.es}",
        f"sent {times(one.sends).en} without an answer (last {last}), and the post listens: {hint.en}",
    )


def silence(hearing: Hearing) -> Text:
    """Of a post that is not there to hear orders."""
    from gateway.contract.states import STOPPED

    if hearing.reason and hearing.next_ms is not None:
        return Text(
            f"el puesto cerró su enlace y lo abre {when(hearing.next_ms)}",
            f"the post closed its link and opens it {when(hearing.next_ms)}",
        )
    if hearing.reason == STOPPED:
        return Text(
            "el gateway del puesto está parado o arranca de nuevo", "the post's gateway is stopped or starts anew"
        )
    if hearing.reason:
        return Text("el puesto cerró su enlace", "the post closed its link")
    if hearing.heard_ms is None:
        return Text("de ese puesto no se oyó nada todavía", "nothing was heard of that post yet")
    return Text(f"puesto sin señal desde {when(hearing.heard_ms)}", f"post silent since {when(hearing.heard_ms)}")


def _hint(one: Given) -> Text:
    """What may be wrong at a post that hears an order and says nothing: it never answers what it does not believe."""
    from gateway.contract.commands import PutFirmware, SayToSensor, SendMedia

    command = one.command()
    if command is None or command.despite_clock or isinstance(command.order, (SendMedia, SayToSensor, PutFirmware)):
        return Text(
            "¿está headquarters.pub de esta clave en el puesto, en [commands] key_file?",
            "has the post headquarters.pub of this key, in [commands] key_file?",
        )
    return Text(
        "puede que el puesto no sepa la hora; dela otra vez con --any-time",
        "the post may not know what time it is; give it again with --any-time",
    )


def _reached(one: Given) -> Text:
    if not one.sends:
        return Text("no se llegó a enviar", "it was never sent")
    return Text(
        f"se envió {times(one.sends).es} antes: puede que el puesto la haya recibido",
        f"it was sent {times(one.sends).en} before: it may have reached the post",
    )
