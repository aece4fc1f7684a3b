"""How the post itself fares, in plain words, and what to do about it."""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.contract.topics import Lane
from gateway.page import phrases
from gateway.page.languages import Language
from gateway.uplink.uplink import LinkState
from gateway.watch.words import BoardState, OutputWord, PostWord, SourceWord

_LITTLE_ROOM_BYTES: Final = 500_000_000
_NO_ROOM_BYTES: Final = 100_000_000
_OLD_S: Final = 86_400.0


class PostRow(NamedTuple):
    """One part of the post. mood: well, care, bad. words: how it is. advice: what to do, "" for nothing. more: for the
    technician, with a table of names and values."""

    pictogram: str
    title: str
    mood: str
    words: str
    advice: str = ""
    more: str = ""
    table: tuple[tuple[str, str], ...] = ()


class OutputRow(NamedTuple):
    """A siren, a lamp, a radio, ...: what warns people. mood: also untried."""

    name: str
    pictogram: str
    kind: str
    mood: str
    words: str
    advice: str = ""
    more: str = ""


class PostView(NamedTuple):
    """rows: parts. outputs: what warns people."""

    rows: list[PostRow]
    outputs: list[OutputRow]


def post_view(state: BoardState, say: Language) -> PostView:
    """See the module."""
    post = state.post
    if post is None:
        row = PostRow("post", say("Puesto"), "care", say("El puesto recién despierta; espere un momento"))
        return PostView([row], [])
    rows = [_link(post, state, say), _outbox(post, say), _clock(post, state, say), _disk(post, say)]
    rows += [_source(one, say) for one in post.sources]
    rows += [
        PostRow(
            "warn",
            say("Problema"),
            "bad",
            say("Algo no trabaja bien: avise al técnico"),
            more=f"{one.part}: {one.words}",
        )
        for one in post.troubles
        if one.part not in ("uplink", "outbox") and not one.part.startswith("warning")
    ]
    return PostView(rows, [_output(one, state, say) for one in post.outputs])


def link_mood(post: PostWord | None) -> str:
    """well when headquarters is reached, or when the link is closed by plan; care while not, for the post works
    without, and when today's bytes are spent."""
    if post is None or _is_all_spent(post):
        return "care"
    return "well" if post.link.link is LinkState.UP or _is_shut(post) else "care"


def link_words(post: PostWord | None, say: Language) -> str:
    """For the head of each page."""
    if post is not None and post.link.link is LinkState.UP:
        return say("Con enlace")
    if post is not None and _is_all_spent(post):
        return say("Enlace gastado hoy")
    return say("Enlace cerrado") if post is not None and _is_shut(post) else say("Sin enlace")


def _link(post: PostWord, state: BoardState, say: Language) -> PostRow:
    link = post.link
    title, table = say("Enlace con la sede"), _traffic(post, say)
    spent, mood = _spent(post, say), "well"
    if spent:
        mood = "care"
    if link.link is LinkState.UP:
        words = say("Conectado, por algo urgente") if link.why_open == "alert" else say("Conectado")
        return PostRow("link", title, mood, words, spent, link.trouble, table)
    if _is_shut(post):
        words = say("Cerrado para no gastar; una alerta lo abre al instante")
        if link.next_window_s and not _is_all_spent(post):
            opens = phrases.moment(say, state.made_ms + round(link.next_window_s * 1000), state.made_ms)
            words = say("Cerrado para no gastar hasta %(moment)s; una alerta lo abre al instante", moment=opens)
        return PostRow("link", title, mood, words, spent, link.trouble, table)
    if link.link is LinkState.CONNECTING:
        return PostRow("link", title, "care", say("Conectando..."), more=link.trouble, table=table)
    return PostRow(
        "link",
        title,
        "care",
        say("Sin enlace. El puesto sigue oyendo, avisando y guardando todo"),
        say("Si dura más de lo normal, revise la antena satelital y su corriente"),
        link.trouble,
        table,
    )


def _is_shut(post: PostWord) -> bool:
    """By plan; a link that is meant to be always open is closed only while the post starts, or when today's bytes are
    spent."""
    return post.link.link is LinkState.CLOSED and (post.link.mode != "always" or _is_all_spent(post))


def _is_all_spent(post: PostWord) -> bool:
    return post.link.left_today.get("total") == 0


def _spent(post: PostWord, say: Language) -> str:
    """What waits until midnight because the bytes of today are spent, "" for nothing."""
    left = post.link.left_today
    told = []
    if left.get("alert") == 0:
        told.append(say("Las alertas esperan hasta la medianoche: ya se gastó lo permitido por hoy. Avise por radio"))
    if _is_all_spent(post):
        told.append(say("Ya se gastó todo lo permitido por hoy: lo que no es urgente espera hasta la medianoche"))
    else:
        waiting = {
            "detection": say("las detecciones"),
            "reading": say("las mediciones"),
            "health": say("el estado del puesto"),
            "media": say("las fotos y grabaciones"),
        }
        if names := [words for lane, words in waiting.items() if left.get(lane) == 0]:
            told.append(say("Hasta la medianoche esperan %(what)s: ya se gastó lo suyo de hoy", what=", ".join(names)))
    return ". ".join(told)


def _traffic(post: PostWord, say: Language) -> tuple[tuple[str, str], ...]:
    """Bytes of today by what they were for, and what is left of the budgets."""
    names = {
        "alert": say("Alertas"),
        "detection": say("Detecciones"),
        "reading": say("Mediciones"),
        "health": say("Estado del puesto"),
        "media": say("Fotos"),
        "link": say("Conexión"),
        "headers": say("Conexión"),
        "freight": say("Órdenes de la sede"),
        "total": say("En todo"),
    }
    link = post.link
    sums: dict[str, int] = {}
    for moved in (link.sent_today, link.received_today):
        for lane, count in moved.items():
            name = names.get(lane, lane)
            sums[name] = sums.get(name, 0) + count
    rows = [(say("Hoy: %(what)s", what=name), phrases.size(say, count)) for name, count in sums.items() if count]
    rows += [
        (say("Queda hoy: %(what)s", what=names.get(lane, lane)), phrases.size(say, max(0, count)))
        for lane, count in link.left_today.items()
    ]
    return tuple(rows)


def _outbox(post: PostWord, say: Language) -> PostRow:
    outbox = post.outbox
    count = outbox.entries
    if outbox.trouble:
        return PostRow(
            "outbox",
            say("Por enviar"),
            "bad",
            say("No se puede guardar bien"),
            say("Avise al técnico: la tarjeta de memoria puede estar fallando"),
            outbox.trouble,
        )
    if count == 0:
        return PostRow("outbox", say("Por enviar"), "well", say("Nada: la sede ya lo tiene todo"))
    words = say.many("%(n)s dato espera por la sede", "%(n)s datos esperan por la sede", count)
    alerts = outbox.by_lane.get(Lane.ALERT, 0)
    if alerts:
        words += ", " + say.many("%(n)s es urgente", "%(n)s son urgentes", alerts)
    more = say(
        "%(size)s; lo más antiguo es de %(ago)s",
        size=phrases.size(say, max(0, outbox.bytes)),
        ago=phrases.ago(say, outbox.oldest_age_s),
    )
    is_old = outbox.oldest_age_s > _OLD_S
    return PostRow("outbox", say("Por enviar"), "care" if is_old else "well", words, more=more)


def _clock(post: PostWord, state: BoardState, say: Language) -> PostRow:
    clock = post.clock
    hour = phrases.at(say, clock.wall_ms, state.made_ms)
    if clock.quality == "untrusted":
        return PostRow(
            "clock",
            say("Reloj"),
            "care",
            say("Dice %(hour)s, pero nadie lo confirma", hour=hour),
            say("Compare con su reloj. Se corrige solo al volver el enlace o el GPS"),
        )
    by = {
        "gps": say("por el GPS"),
        "ntp": say("por la red"),
        "recovered": say("por la red"),
        "system": say("por el propio equipo"),
    }.get(clock.quality, clock.quality)
    return PostRow("clock", say("Reloj"), "well", say("En hora (%(hour)s), %(by)s", hour=hour, by=by))


def _disk(post: PostWord, say: Language) -> PostRow:
    free = post.disk_free_bytes
    title = say("Memoria para guardar")
    if free is None:
        return PostRow("disk", title, "care", say("No se sabe cuánto queda"), say("Avise al técnico"))
    words = say("Quedan %(size)s", size=phrases.size(say, free))
    if free < _NO_ROOM_BYTES:
        return PostRow("disk", title, "bad", words, say("Casi lleno: avise al técnico hoy"))
    if free < _LITTLE_ROOM_BYTES:
        return PostRow("disk", title, "care", words, say("Queda poco: avise al técnico"))
    return PostRow("disk", title, "well", words)


def _source(one: SourceWord, say: Language) -> PostRow:
    """What the sensors come by: a port, a broker, a directory."""
    title = say("Fuente %(name)s", name=one.name)
    taken = (say("Lecturas desde que arrancó"), str(one.accepted))
    table = ((say("Clase"), one.driver), taken)
    advice = ""
    match one.standing:
        case "well":
            mood, words = "well", say("Trabaja bien")
            if not one.accepted:
                words = say("Escucha; todavía no se oyó nada")
        case "starting":
            mood, words = "care", say("Arrancando; espere un momento")
        case "not_reached" | "lost":
            mood = "bad"
            words = say("No se alcanza desde que arrancó") if one.standing == "not_reached" else say("Se perdió")
            advice = say("Revise que esté prendido y enchufado o en la red; si sigue, avise al técnico")
        case "silent":
            mood, words = "bad", say("Está, pero no contesta")
            advice = say("Revise su corriente y su cable; si sigue, avise al técnico")
        case "folder_away":
            mood, words = "bad", say("No se puede leer su carpeta")
            advice = say("¿Está puesta la tarjeta o el disco? Si lo está, avise al técnico")
        case "partly":
            mood, words = "care", say("Trabaja a medias: algo no contesta")
            advice = say("Revise la corriente y el cable de los aparatos que dice «Más»")
        case _:
            mood, words = "bad", say("No puede guardar lo que necesita")
            advice = say("Avise al técnico: la tarjeta de memoria puede estar fallando")
    return PostRow("sensor", title, mood, words, advice, one.words, table)


def _output(one: OutputWord, state: BoardState, say: Language) -> OutputRow:
    kinds = {
        "siren": ("siren", say("Sirena")),
        "lamp": ("day", say("Lámpara")),
        "radio": ("radio", say("Radio")),
        "webhook": ("link", say("Aviso por internet")),
        "apprise": ("voices", say("Mensajes")),
        "log": ("unknown", say("Registro")),
    }
    pictogram, kind = kinds.get(one.kind, ("siren", one.kind))
    if one.standing == "failing":
        words = say("No funciona: avise al técnico")
        return OutputRow(one.name, pictogram, kind, "bad", words, more=one.trouble)
    if one.standing == "giving":
        words = say("Está sonando") if one.kind == "siren" else say("Está encendida")
        return OutputRow(one.name, pictogram, kind, "well", words)
    if one.last_ms is None and one.kind == "log":  # nobody need hear it
        return OutputRow(one.name, pictogram, kind, "well", say("Anota cada aviso en el registro del puesto"))
    if one.last_ms is None:
        advice = {
            "siren": say("Toque «Probar» y fíjese que suene"),
            "lamp": say("Toque «Probar» y fíjese que se encienda"),
            "radio": say("Toque «Probar» y fíjese que llegue a las radios"),
        }.get(one.kind, say("Toque «Probar» y pregunte a quien debe recibirlo si le llegó"))
        return OutputRow(one.name, pictogram, kind, "untried", say("Sin probar desde que arrancó el puesto"), advice)
    words = say(
        "Funcionó por última vez %(ago)s (%(hour)s)",
        ago=phrases.ago(say, (state.made_ms - one.last_ms) / 1000),
        hour=phrases.at(say, one.last_ms, state.made_ms),
    )
    return OutputRow(one.name, pictogram, kind, "well", words)
