"""Times, ages, sizes and distances as people say them, in one language."""

from __future__ import annotations

from datetime import datetime

from gateway.page.languages import Language


def ago(say: Language, seconds: float) -> str:
    """How long ago."""
    seconds = max(0.0, seconds)
    if seconds < 60:
        return say("hace un momento")
    if seconds < 3600:
        return say("hace %(n)s min", n=int(seconds // 60))
    if seconds < 86_400:
        return say("hace %(n)s h", n=int(seconds // 3600))
    return say.many("hace %(n)s día", "hace %(n)s días", int(seconds // 86_400))


def lasting(say: Language, seconds: float) -> str:
    """How long."""
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return say("%(n)s min", n=minutes)
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return say.many("%(n)s día", "%(n)s días", hours // 24)
    return say("%(h)s h %(m)s min", h=hours, m=rest) if rest else say("%(n)s h", n=hours)


def at(say: Language, unix_ms: int, now_ms: int) -> str:
    """The hour at the post, with the day when it is not today."""
    then, today = (datetime.fromtimestamp(ms / 1000, say.zone) for ms in (unix_ms, now_ms))
    hour = f"{then.hour}:{then.minute:02d}"
    if then.date() == today.date():
        return hour
    day = f"{then.day}/{then.month:02d}"
    return f"{day} {hour}" if then.year == today.year else f"{day}/{then.year} {hour}"


def moment(say: Language, unix_ms: int, now_ms: int) -> str:
    """The same as in "desde las 14:05", "hasta mañana a la 1:30"."""
    then, today = (datetime.fromtimestamp(ms / 1000, say.zone) for ms in (unix_ms, now_ms))
    digits = f"{then.hour}:{then.minute:02d}"
    hour = say("la %(hour)s", hour=digits) if then.hour == 1 else say("las %(hour)s", hour=digits)
    match (then.date() - today.date()).days:
        case 0:
            return hour
        case -1:
            return say("ayer a %(hour)s", hour=hour)
        case 1:
            return say("mañana a %(hour)s", hour=hour)
    return say("el %(day)s", day=at(say, unix_ms, now_ms))


def number(say: Language, value: float, decimals: int = 0) -> str:
    """With a decimal comma, but in English."""
    text = f"{value:.{decimals}f}"
    return text if say.code.startswith("en") else text.replace(".", ",")


def percent(say: Language, ratio: float) -> str:
    """0.87 as 87 %."""
    return f"{number(say, ratio * 100)}\N{NO-BREAK SPACE}%" if not say.code.startswith("en") else f"{ratio * 100:.0f}%"


def size(say: Language, count: float) -> str:
    """Bytes, in steps of a thousand."""
    for unit, bound in (("kB", 1e6), ("MB", 1e9), ("GB", 1e12)):
        if count < bound:
            value = count / (bound / 1000)
            return f"{number(say, value, 0 if value >= 10 or count == 0 else 1)} {unit}"
    return f"{number(say, count / 1e12, 1)} TB"


def distance(say: Language, metres: float) -> str:
    """Metres, or kilometres."""
    if metres < 1000:
        return f"{number(say, metres)} m"
    kilometres = metres / 1000
    return f"{number(say, kilometres, 0 if metres >= 10_000 or kilometres == round(kilometres) else 1)} km"
