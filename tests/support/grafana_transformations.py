"""What Grafana's browser makes of the rows of a table: the transformations that our boards use.

After public/app/features/transformers and packages/grafana-data/src/transformations of Grafana 9.4: groupBy.ts,
sortBy.ts, filterByValue.ts, fieldReducer.ts (`lastNotNull`, `max`, `range`, ...). organize only renames and hides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Row = dict[str, Any]

_CALCULATIONS: Mapping[str, Callable[[list[Any]], Any]] = {
    "firstNotNull": lambda values: values[0] if values else None,
    "lastNotNull": lambda values: values[-1] if values else None,
    "max": lambda values: max(values, default=None),
    "min": lambda values: min(values, default=None),
    "range": lambda values: max(values) - min(values) if values else None,
    "sum": lambda values: sum(values),
}


def transformed(rows: Sequence[Row], transformations: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The rows after each transformation in turn. Fails for one it does not know."""
    made = list(rows)
    for transformation in transformations:
        options = transformation["options"]
        match transformation["id"]:
            case "groupBy":
                made = _grouped(made, options["fields"])
            case "sortBy":
                (order,) = options["sort"]
                made = sorted(made, key=lambda row: row[order["field"]], reverse=order["desc"])
            case "filterByValue":
                (wanted,) = options["filters"]
                made = [row for row in made if _passes(row[wanted["fieldName"]], wanted["config"])]
            case "organize":
                pass
            case other:
                raise AssertionError(f"a transformation that is not known here: {other}")
    return made


def _grouped(rows: list[Row], fields: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    by = [name for name, field in fields.items() if field["operation"] == "groupby"]
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in by), []).append(row)
    made = []
    for key, members in groups.items():
        row = dict(zip(by, key, strict=True))
        for name, field in fields.items():
            for calculation in field["aggregations"]:
                there = [member[name] for member in members if member[name] is not None]
                row[f"{name} ({calculation})"] = _CALCULATIONS[calculation](there)
        made.append(row)
    return made


def _passes(value: Any, config: Mapping[str, Any]) -> bool:
    limit = config["options"]["value"]
    return bool(value < limit if config["id"] == "lower" else value > limit)
