"""What each rule does, in words: for whoever wrote it, to see whether it says what was meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from gateway.place.place import Place
from gateway.rules.boats import courses_of
from gateway.rules.book import (
    NEVER_HELD_BACK,
    STORM,
    BoatRule,
    HeardRule,
    NearRule,
    PatrolSuppression,
    RuleBase,
    RuleBook,
    SilentRule,
    Storm,
    Suppression,
    WeatherSuppression,
)
from gateway.rules.engine import where_is
from gateway.rules.words import duration_words, label_words

_SUN: Final = {
    "day": ("de día", "by day"),
    "twilight": ("en el crepúsculo", "at twilight"),
    "night": ("de noche", "by night"),
}
_MOON: Final = {"bright": ("con luna clara", "with a bright moon"), "dark": ("con luna oscura", "with a dark moon")}
_SCOPES: Final = {
    "group": ("por grupo de sensores", "by group of sensors"),
    "sensor": ("por sensor", "by sensor"),
    "post": ("en todo el puesto", "for the whole post"),
}


def describe(book: RuleBook, lang: str) -> list[str]:
    """A line for each rule and suppression, and one for storms. Spanish unless lang is "en"."""
    english = lang == "en"
    return [
        *(f"{rule.name}: {describe_rule(rule, english)}" for rule in book.rules),
        *(f"{one.name}: {_suppression(one, english)}" for one in book.suppressions),
        _storm(book.storm, english),
    ]


def describe_rule(rule: RuleBase, english: bool) -> str:
    """One rule, such as "avisa cuando se detecta motosierra en Quebrada Norte, 3 veces en 5 min"."""
    if rule.level == "alert":
        verb = "warns when" if english else "avisa cuando"
    else:
        verb = "shows on the page when" if english else "muestra en la página cuando"
    return f"{verb} {', '.join([_condition(rule, english), *_details(rule, english)])}"


def doubts(
    book: RuleBook,
    place: Place,
    sensors: Sequence[str],
    alert_labels: Sequence[str],
    outputs: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Iterator[tuple[str, str]]:
    """What cannot work at this post: (Spanish, English). sensors: the names that its sources give. alert_labels: what
    should not go unnoticed. outputs: by their names, the rules that each is for alone."""
    named = {label for rule in book.rules if not isinstance(rule, SilentRule) for label in rule.labels}
    if forgotten := [label for label in alert_labels if label not in named]:
        yield (
            f"ninguna regla avisa de: {', '.join(label_words(label, False).lower() for label in forgotten)}",
            f"no rule warns of: {', '.join(label_words(label, True).lower() for label in forgotten)}",
        )
    known = {STORM, *(rule.name for rule in book.rules)}
    for output, rules in outputs.items():
        for rule_name in rules:
            if rule_name not in known:
                yield (
                    f"la salida {output} es para la regla {rule_name}, que no hay: por ella no avisará",
                    f"output {output} is for the rule {rule_name}, which there is not: it will never tell of it",
                )
    groups, names = place.groups(), {*place.sensors, *sensors}
    rivers = {river.name for river in place.rivers}
    for one in (*book.rules, *book.suppressions):
        for group in one.groups:
            if group not in groups:
                yield (
                    f"{one.name}: ningún sensor es del grupo {group}",
                    f"{one.name}: no sensor belongs to group {group}",
                )
        for sensor in one.sensors:
            if sensor not in names:
                yield f"{one.name}: no hay un sensor {sensor}", f"{one.name}: there is no sensor {sensor}"
    for one in book.suppressions:
        if spared := sorted(NEVER_HELD_BACK.intersection(one.holds_back)):
            es, en = _labels(spared, False), _labels(spared, True)
            yield (
                f"{one.name}: calla también {es}: si pasa de verdad, nadie lo sabrá a tiempo; quítelo de holds_back",
                f"{one.name}: holds back {en} too, and nobody will know in time; take it out of holds_back",
            )
        if isinstance(one, WeatherSuppression) and one.scope == "sensor" and one.has_gauges:
            yield (
                f'{one.name}: un pluviómetro o anemómetro solo calla a su propio sensor; escriba scope = "group"',
                f'{one.name}: a rain or wind gauge holds back at its own sensor alone; write scope = "group"',
            )
    for rule in book.rules:
        if isinstance(rule, BoatRule):
            for river in rule.rivers:
                if river not in rivers:
                    yield f"{rule.name}: el mapa no tiene el río {river}", f"{rule.name}: no river {river} on the map"
            if not any(
                sum(1 for berth in c.berths if berth.name) >= rule.sensors_count for c in courses_of(rule, place)
            ):
                yield (
                    f"{rule.name}: ningún río tiene {rule.sensors_count} sensores en su orilla",
                    f"{rule.name}: no river has {rule.sensors_count} sensors on its banks",
                )
        if isinstance(rule, NearRule) and sum(1 for s in place.sensors.values() if s.position) < rule.sensors_count:
            yield (
                f"{rule.name}: faltan sensores con lugar en el mapa",
                f"{rule.name}: too few sensors have a place on the map",
            )
        if rule.sun and where_is(place) is None:
            yield (
                f"{rule.name}: sin lugar del puesto no se sabe del sol: valdrá a toda hora"
                if rule.untrusted_time == "warn"
                else f"{rule.name}: sin lugar del puesto no se sabe del sol: no valdrá nunca",
                f"{rule.name}: without a place of the post nothing is known of the sun",
            )


def _condition(rule: RuleBase, english: bool) -> str:
    where = _where(rule, english)
    if isinstance(rule, HeardRule):
        labels = _labels(rule.labels, english)
        return f"{labels} is detected{where}" if english else f"se detecta {labels}{where}"
    if isinstance(rule, NearRule):
        labels, near, within = (
            _labels(rule.labels, english),
            f"{rule.metres / 1000:g} km",
            duration_words(rule.within_s),
        )
        if english:
            return f"{rule.sensors_count} sensors within {near} of each other{where} detect {labels} within {within}"
        return f"{rule.sensors_count} sensores a menos de {near}{where} detectan {labels} en {within}"
    if isinstance(rule, SilentRule):
        interval = f" ({duration_words(rule.interval_s)})" if rule.interval_s else ""
        if english:
            return f"a sensor{where} says nothing for {rule.times:g} times its interval{interval}"
        return f"un sensor{where} no dice nada por {rule.times:g} veces su intervalo{interval}"
    if isinstance(rule, BoatRule):
        river = ", ".join(rule.rivers) or ("a river" if english else "un río")
        if english:
            return f"a boat passes {rule.sensors_count} sensors{where} along {river}"
        return f"una embarcación pasa por {rule.sensors_count} sensores{where} de {river}"
    raise TypeError(type(rule))


def _details(rule: RuleBase, english: bool) -> Iterator[str]:
    at = int(english)
    if isinstance(rule, HeardRule):
        if rule.count > 1:
            of = f" {'of the last' if english else 'de las últimas'} {rule.of}" if rule.of else ""
            within = duration_words(rule.within_s)
            yield f"{rule.count}{of} {'times in' if english else 'veces en'} {within} {_SCOPES[rule.together][at]}"
        elif rule.together != "group":
            yield _SCOPES[rule.together][at]
    if isinstance(rule, HeardRule | NearRule | BoatRule) and rule.confidence > 0:
        yield f"{'sure at least' if english else 'con confianza desde'} {rule.confidence:.0%}".replace("%", " %")
    if rule.hours:
        yield ("between " if english else "entre ") + (" or " if english else " o ").join(rule.hours)
    if rule.sun:
        yield (" or " if english else " o ").join(_SUN[one][at] for one in rule.sun)
    if rule.moon:
        yield _MOON[rule.moon][at]
    if not isinstance(rule, SilentRule):
        quiet = duration_words(rule.quiet_s)
        yield f"once, until {quiet} without it" if english else f"una vez, hasta que pasen {quiet} sin más"


def _where(one: RuleBase | Suppression, english: bool) -> str:
    named = [*one.groups, *one.sensors]
    return f" {'at' if english else 'en'} {', '.join(named)}" if named else ""


def _labels(labels: Sequence[str], english: bool) -> str:
    names = list(dict.fromkeys(label_words(label, english).lower() for label in labels))
    return (", ".join(names[:-1]) + (" or " if english else " o ") if len(names) > 1 else "") + names[-1]


def _suppression(one: Suppression, english: bool) -> str:
    if one.holds_back:
        what = _labels(one.holds_back, english)
    else:
        spared = _labels(sorted(NEVER_HELD_BACK), english)
        what = f"everything but {spared}" if english else f"todo menos {spared}"
    of = (f" {'of' if english else 'de'} " + ", ".join(one.rules)) if one.rules else ""
    verb = "holds back" if english else "calla"
    return f"{verb} {what}{of}{_where(one, english)} {_reason(one, english)}"


def _reason(one: Suppression, english: bool) -> str:
    if isinstance(one, PatrolSuppression):
        longest = duration_words(one.longest_s)
        if english:
            return f"while a patrol is out, up to {longest}"
        return f"mientras una patrulla está fuera, hasta {longest}"
    return _weather(one, english)


def _weather(one: WeatherSuppression, english: bool) -> str:
    signs = [_labels(one.labels, english)] if one.labels else []
    if one.rainfall_millimetres is not None:
        signs.append(f"{one.rainfall_millimetres:g} mm")
    if one.wind_speed_metres_per_second is not None:
        signs.append(f"{one.wind_speed_metres_per_second:g} m/s")
    within = duration_words(one.within_s)
    scope = {
        "sensor": ("en el mismo sensor", "at the same sensor"),
        "group": ("en el mismo grupo", "in the same group"),
        "post": ("en cualquier sensor", "at any sensor"),
    }[one.scope][int(english)]
    joined = (" or " if english else " o ").join(signs)
    return f"after {joined} {scope}, for {within}" if english else f"después de {joined} {scope}, por {within}"


def _storm(storm: Storm, english: bool) -> str:
    within = duration_words(storm.within_s)
    if english:
        return f"{storm.incidents} warnings of one label in {within}: further ones become one, with a count"
    return f"{storm.incidents} avisos de lo mismo en {within}: los demás se juntan en uno, con su cuenta"
