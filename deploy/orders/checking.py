"""What is wrong with an order before it is signed: a post is days away, and its refusal comes days later.

Looked at with the registry of headquarters and what the post itself looks with. What only the post knows (its sources,
its map, the rest of its settings) is left to it.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Iterator, Mapping
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import ValidationError

from deploy.language import Text
from deploy.settings.faults import Fault, explain
from deploy.settings.file import load_settings
from deploy.settings.problems import SettingsFileError

if TYPE_CHECKING:
    from gateway.contract.commands import Setting

MOST_HOURS: Final = 90 * 24 - 1
"""No post obeys an order that is good for longer than 90 days (`gateway.contract.commands.MAX_LIFE_MS`)."""
LEAST_HOURS: Final = 0.01
_MOST_LETTERS: Final = 240
_MOST_BYTES: Final = 242
"""What `gateway.contract.commands.SayToSensor` takes."""
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})*")


class Post(NamedTuple):
    """A post as the registry has it. sensors: the names of those that are told there, perhaps none."""

    name: str
    sensors: tuple[str, ...] = ()


class Weight(IntEnum):
    """How much is wrong with an order."""

    DOUBT = 1  # only the post can tell
    FAULT = 2  # a post of this version, as the registry has it, would refuse it
    IMPOSSIBLE = 3  # it cannot be written down as an order


class Remark(NamedTuple):
    """One thing about an order."""

    words: Text
    weight: Weight = Weight.FAULT


def at_station(registry: Path, station: str) -> tuple[Post | None, list[Remark]]:
    """The post as the registry has it, or what is wrong with its name, or with the registry."""
    from deploy.settings.registry import load_registry

    try:
        stations = {one.name: one for one in load_registry(registry).stations}
    except SettingsFileError as error:
        if error.missing:
            words = Text(
                f"no hay registro de puestos en {registry}: diga dónde está con --registry, o dé la orden sin él con"
                " --force",
                f"there is no registry of posts at {registry}: say where it is with --registry, or give the order"
                " without it with --force",
            )
            return None, [Remark(words)]
        problems = [Text(f"{registry}: {one('es')}", f"{registry}: {one('en')}") for one in error.problems]
        return None, [Remark(words) for words in problems]
    if station in stations:
        return Post(station, tuple(sensor.name for sensor in stations[station].sensors)), []
    meant = meant_of(station, stations)
    return None, [
        Remark(
            Text(
                f"el registro no tiene un puesto {station!r}{meant.es}",
                f"the registry has no post {station!r}{meant.en}",
            )
        )
    ]


def sensor_remarks(post: Post | None, name: str, *, must_be_listed: bool = False) -> Iterator[Remark]:
    """Whether a post has a sensor of this name. A registry that lists none of its sensors cannot tell. What is not like
    any of them may be a source of the post, such as its radio, unless it must be listed."""
    if post is None or not post.sensors or name in post.sensors:
        return
    meant = meant_of(name, post.sensors)
    words = Text(
        f"el registro no tiene un sensor {name!r} en {post.name}{meant.es}",
        f"the registry has no sensor {name!r} at {post.name}{meant.en}",
    )
    yield Remark(words, Weight.FAULT if must_be_listed or close(name, post.sensors) else Weight.DOUBT)


def rules_remarks(post: Post | None, file: Path) -> Iterator[Remark]:
    """What is wrong with a rules file, line by line, and with the sensors that it names."""
    from gateway.rules.book import RuleBook

    try:
        book = load_settings(file, RuleBook)
    except SettingsFileError as error:
        for problem in error.problems:
            yield Remark(Text(f"{file}: {problem('es')}", f"{file}: {problem('en')}"))
        return
    if not book.rules:
        yield Remark(
            Text(
                f"{file} no tiene ninguna regla: nadie sería avisado. Sin archivo, el puesto usa las suyas",
                f"{file} has no rule: nobody would be warned. Without a file the post takes its own",
            )
        )
    for name in sorted({sensor for one in (*book.rules, *book.suppressions) for sensor in one.sensors}):
        for remark in sensor_remarks(post, name):
            yield remark._replace(words=Text(f"{file}: {remark.words.es}", f"{file}: {remark.words.en}"))


def settings_remarks(changes: Mapping[str, Setting]) -> Iterator[Remark]:
    """What no post would take of changed settings, whatever the rest of its file says."""
    for name, value in changes.items():
        faults = list(_setting_faults(name, value))
        yield from (Remark(Text(f"{name}: {words.es}", f"{name}: {words.en}")) for words in faults)


def picture_remarks(sha256: str) -> Iterator[Remark]:
    """Whether it is the hash of a file."""
    if not _SHA256.fullmatch(sha256):
        yield Remark(
            Text(
                f"{sha256!r} no es el código de una foto o un audio: son 64 cifras hexadecimales, no {len(sha256)}",
                f"{sha256!r} is not the hash of a picture or clip: it has 64 hex digits, these are {len(sha256)}",
            ),
            Weight.IMPOSSIBLE,
        )


def saying_remarks(text: str, payload: str) -> Iterator[Remark]:
    """Whether there is one thing to say, of a length that goes into an order."""
    if bool(text) == bool(payload):
        yield Remark(
            Text("diga qué: --text con palabras, o --hex con bytes; uno de los dos", "say either --text or --hex"),
            Weight.IMPOSSIBLE,
        )
    if len(text) > _MOST_LETTERS:
        yield Remark(
            Text(
                f"el texto tiene {len(text)} letras; caben {_MOST_LETTERS}",
                f"the text has {len(text)} letters; {_MOST_LETTERS} fit",
            ),
            Weight.IMPOSSIBLE,
        )
    if not _HEX.fullmatch(payload) or len(payload) > 2 * _MOST_BYTES:
        yield Remark(
            Text(
                f"--hex son bytes en cifras hexadecimales, dos por byte, a lo más {_MOST_BYTES} bytes, como 01a0ff",
                f"--hex takes bytes as hex digits, two each, at most {_MOST_BYTES} bytes, such as 01a0ff",
            ),
            Weight.IMPOSSIBLE,
        )


def image_remarks(image: Path, content: bytes) -> Iterator[Remark]:
    """Whether it is a firmware image, whole."""
    from firmware_bridge.update.errors import UpdateError
    from firmware_bridge.update.image import decode_image

    try:
        decode_image(content)
    except UpdateError as error:
        yield Remark(
            Text(
                f"{image} no es un firmware firmado, o llegó dañado: cópielo otra vez; en inglés: {error.detail}",
                f"{image}: {error.detail}",
            )
        )


def hours_remarks(hours: float) -> Iterator[Remark]:
    """Whether the order is good for a time that a post accepts."""
    if not (math.isfinite(hours) and LEAST_HOURS <= hours <= MOST_HOURS):
        yield Remark(
            Text(
                f"--hours {hours:g}: la orden nacería vencida, o valdría demasiado; de {LEAST_HOURS:g} a {MOST_HOURS}"
                " horas",
                f"--hours {hours:g}: it would be expired at once, or good for too long; {LEAST_HOURS:g} to {MOST_HOURS}"
                " hours",
            ),
            Weight.IMPOSSIBLE,
        )


def clock_remarks(now_ms: int) -> Iterator[Remark]:
    """Whether this machine knows what time it is: an order of 1970 is expired at every post."""
    from gateway.clock.boots import EARLIEST_MS

    if now_ms < EARLIEST_MS:
        yield Remark(
            Text(
                "el reloj de este equipo está atrasado por años: la orden llegaría vencida. Póngalo en hora",
                "this machine's clock is years behind: the order would come expired. Set it",
            )
        )


def _setting_faults(name: str, value: Setting) -> Iterator[Text]:
    from gateway.settings import GatewaySettings

    place = tuple(name.split("."))
    if len(place) < (3 if place[0] == "sources" else 2):
        yield Text(
            "escriba SECCIÓN.AJUSTE, como health.every_s, o sources.FUENTE.AJUSTE",
            "write SECTION.SETTING, such as health.every_s, or sources.SOURCE.SETTING",
        )
        return
    if place[0] == "sources":
        return
    table: dict[str, object] = {place[-1]: value}
    for part in reversed(place[1:-1]):
        table = {part: table}
    faults = []
    try:
        GatewaySettings.model_validate({place[0]: table})
    except ValidationError as error:
        faults = [words for fault in explain(error, GatewaySettings) if (words := _words(fault, place, value))]
    yield from faults
    if not faults and value is not None and _only_at_the_post(place):
        yield Text(
            "desde lejos no se cambia, para no dejar el puesto sin aviso o sin dueño: hay que ir",
            "is not changed from afar, so that no post is left without warnings or owner: somebody must go there",
        )


def _words(fault: Fault, place: tuple[str, ...], value: Setting) -> Text | None:
    """What to say of a fault of settings in which a single one is written; None for what the rest of the post's file
    may put right, and for the value of one that is taken back."""
    if fault.kind == "extra_forbidden":
        return fault.words
    if fault.place[: len(place)] == place:
        return fault.words if value is not None else None
    if fault.place != place[: len(fault.place)] or fault.kind == "value_error":
        return None
    if fault.kind == "list_type":
        return Text("dentro de una lista no se cambia nada desde lejos: hay que ir", "is not changed from afar")
    return fault.words


def _only_at_the_post(place: tuple[str, ...]) -> bool:
    """Whether a post refuses even the order to leave this setting as it is."""
    from gateway.commands.errors import OrderError
    from gateway.commands.overlay import changed
    from gateway.settings import GatewaySettings

    section, setting = place[:2]
    own = GatewaySettings()
    try:
        changed(own, {f"{section}.{setting}": getattr(getattr(own, section), setting)})
    except OrderError:
        return True
    return False


def close(name: str, known: Collection[str]) -> str:
    """The known name that may be meant; "" for none."""
    return next(iter(difflib.get_close_matches(name.lower(), known, n=1)), "")


def meant_of(name: str, known: Collection[str]) -> Text:
    """The end of a sentence about an unknown name: which may be meant, or which there are."""
    if near := close(name, known):
        return Text(f"; ¿quiso decir {near}?", f"; do you mean {near}?")
    listed = ", ".join(sorted(known)[:20]) + (", ..." if len(known) > 20 else "")
    return Text(f"; tiene: {listed or 'ninguno'}", f"; it has: {listed or 'none'}")
