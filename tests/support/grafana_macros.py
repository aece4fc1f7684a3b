"""What Grafana puts in place of its macros and variables in an InfluxQL query before it sends it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_VARIABLE = re.compile(r"\$\{(\w+):regex\}")
_SPECIAL = re.compile(r"[\\^$*+?.()|\[\]{}/]")


class All:
    """The choice "All" of a variable that has a value of its own for it: put in as it is, not escaped."""

    def __init__(self, value: str) -> None:
        self.value = value


def expand(
    query: str,
    *,
    from_ms: int,
    to_ms: int,
    interval: str = "1m",
    variables: Mapping[str, Sequence[str] | All] | None = None,
) -> str:
    """The query with $timeFilter, $__interval and ${name:regex} replaced. Fails for a macro it does not know."""

    def chosen(match: re.Match[str]) -> str:
        value = (variables or {})[match[1]]
        if isinstance(value, All):
            return value.value
        escaped = [_SPECIAL.sub(lambda special: "\\" + special[0], one) for one in value]
        return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"

    expanded = query.replace("$timeFilter", f"time >= {from_ms}ms and time <= {to_ms}ms")
    expanded = _VARIABLE.sub(chosen, expanded.replace("$__interval", interval))
    left = re.findall(r"\$\{[^}]*\}|\$_*[A-Za-z]\w*", expanded)
    if left:
        raise AssertionError(f"macros that nobody expands: {left} in {query}")
    return expanded
