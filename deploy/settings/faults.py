"""What pydantic refuses, in plain words and by the place in the file. Nothing here quotes a value: it may be a key."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from deploy.language import Text
from deploy.settings.gateway_words import GATEWAY
from deploy.settings.ingest_words import INGEST
from deploy.settings.lines import Place
from deploy.settings.words import FAULTS, meaning, sentence
from firmware_bridge.sources import ByDriver

WRONG_SHAPES: Final = frozenset(("list_type", "dict_type", "model_type", "model_attributes_type"))

_NUMBER_FAULTS: Final = frozenset(
    ("int_type", "int_parsing", "int_from_float", "greater_than_equal", "less_than_equal", "float_type")
)
_DRIVER: Final = "driver"
_SOURCES: Final = "sources"
_OF_SOURCES: Final = {
    **{name: f"[[sources.{name}]]" for name in ("devices", "recorders", "gateways")},
    **{name: f"[sources.{name}]" for name in ("default", "broker", "transmit", "payload")},
    "driver": "[[sources]]",
}
"""What is written in a source, by what it is when it stands outside of one, as in the sample of a driver."""


class Fault(NamedTuple):
    """Where, pydantic's name for the kind of fault, and the words."""

    place: Place
    kind: str
    words: Text


class _Traced(NamedTuple):
    place: Place
    parent: type[BaseModel] | None
    description: str


def explain(error: ValidationError, model: type[BaseModel]) -> Iterator[Fault]:
    """Each fault; those of a source whose driver is not known are left out, since its driver would judge them."""
    items = error.errors(include_url=False, include_input=False)
    driverless = [i["loc"][:-1] for i in items if i["type"] == "literal_error" and i["loc"][-1:] == (_DRIVER,)]
    for item in items:
        loc = item["loc"]
        traced = _trace(model, loc)
        if any(loc[: len(of)] == of for of in driverless) and traced.place[-1:] != (_DRIVER,):
            continue
        kind = item["type"]
        if kind == "union_tag_invalid":
            traced = traced._replace(place=(*traced.place, _tag_of(item)))
        yield Fault(traced.place, kind, _words(item, traced))


def _words(item: Any, traced: _Traced) -> Text:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "extra_forbidden":
        return _suggestion(str(traced.place[-1]), traced.parent)
    name = str(traced.place[-1]) if traced.place else ""
    if name.endswith("_hz") and kind in _NUMBER_FAULTS:
        return FAULTS["hertz"]
    if kind == "list_type" and (of := _values_of(traced.parent, name)):
        return FAULTS[of]
    if kind == "missing":
        return _with_meaning(FAULTS["missing"], traced.description)
    if kind == "string_pattern_mismatch":
        return _with_meaning(FAULTS["form"], traced.description)
    if kind == "string_too_short" and context["min_length"] == 1:
        return FAULTS["empty"]
    if kind == "union_tag_invalid":
        name = "unknown_driver" if _tag_of(item) == _DRIVER else "unknown_tag"
        return FAULTS[name].filled(known=context["expected_tags"])
    if kind == "union_tag_not_found" and (tag := _tag_of(item)) != _DRIVER:
        return FAULTS["no_tag"].filled(tag=tag)
    if kind == "literal_error":
        spanish, english = context["expected"].replace(" or ", " o "), context["expected"]
        words, name = (
            (FAULTS["unknown_driver"], "known") if traced.place[-1:] == (_DRIVER,) else (FAULTS[kind], "expected")
        )
        return Text(words.filled(**{name: spanish}).es, words.filled(**{name: english}).en)
    if kind in FAULTS:
        return FAULTS[kind].filled(**context)
    said = re.sub(r"^(Value error|Assertion failed), ", "", item["msg"])
    return sentence(said[:1].lower() + said[1:] if re.match(r"[A-Z][a-z]* ", said) else said)


def _values_of(parent: type[BaseModel] | None, name: str) -> str:
    """For a list of plain values, the fault that shows one; "" for a list of tables."""
    field = parent.model_fields.get(name) if parent else None
    for member in _members(field.annotation) if field else ():
        # No driver may have been imported yet, and then a source has no members.
        of = next(iter(_members(get_args(member)[0])), None) if get_origin(member) is list else None
        if of in (int, float):
            return "list_of_numbers"
        if of is str:
            return "list_of_texts"
    return ""


def _tag_of(item: Any) -> str:
    """The name of the setting that tells one table of a union from another."""
    return str(item["ctx"]["discriminator"]).strip("'")


def _with_meaning(words: Text, description: str) -> Text:
    about = _first_sentence(description)
    if not about:
        return words
    spanish = spanish_of(description)
    return Text(f"{words.es} ({spanish})" if spanish else words.es, f"{words.en} ({about})")


def spanish_of(description: str) -> str:
    """What a setting is, by its English description, in a few Spanish words; "" where nobody wrote them."""
    known = meaning(_first_sentence(description))
    return known.es if known else _first_sentence(GATEWAY.get(description) or INGEST.get(description, ""))


def _first_sentence(words: str) -> str:
    return re.split(r"(?<=[\w\"])[.;] ", words)[0].rstrip(".")


def _suggestion(name: str, parent: type[BaseModel] | None) -> Text:
    known = list(parent.model_fields) if parent else []
    if name in _OF_SOURCES and _SOURCES in known:
        return FAULTS["of_a_source"].filled(table=_OF_SOURCES[name])
    close = difflib.get_close_matches(name.lower(), known, n=1)
    if close:
        return FAULTS["unknown_meant"].filled(close=close[0])
    return FAULTS["unknown_known"].filled(known=", ".join(known)) if known else FAULTS["unknown"]


def _trace(model: type[BaseModel], loc: Place) -> _Traced:
    """Follow a path of pydantic's through the model: names of drivers and of unions in it are no keys of the file."""
    node: Any = model
    place: list[str | int] = []
    parent: type[BaseModel] | None = None
    description = ""
    for part in loc:
        members = _members(node)
        if isinstance(part, int):
            place.append(part)
            node = next((get_args(m)[0] for m in members if get_origin(m) in (list, tuple)), None)
            continue
        models = [m for m in members if isinstance(m, type) and issubclass(m, BaseModel)]
        tagged = [m for m in models if _is_tag(m, part)]
        having = [m for m in models if part in m.model_fields]
        if (len(models) == 1 and not (tagged and not having)) or (having and not tagged):
            parent = having[0] if having else models[0]
            field = parent.model_fields.get(part)
            description = (field.description or "") if field else ""
            node = field.annotation if field else None
            place.append(part)
        elif tagged:
            node = tagged[0]
        elif not models and part != loc[-1]:
            node = None
    return _Traced(tuple(place), parent, description)


def _members(node: Any) -> list[Any]:
    """What a value may be: the members of a union, what is annotated, or itself."""
    if get_origin(node) is Annotated:
        what, *marks = get_args(node)
        by_driver = next((mark for mark in marks if isinstance(mark, ByDriver)), None)
        return list(by_driver.imported()) if by_driver is not None else _members(what)
    if get_origin(node) in (Union, types.UnionType):
        return [member for arg in get_args(node) if arg is not type(None) for member in _members(arg)]
    return [node]


def _is_tag(model: type[BaseModel], part: str) -> bool:
    return any(
        get_origin(field.annotation) is Literal and part in get_args(field.annotation)
        for field in model.model_fields.values()
    )
