"""The vocabulary of readings as a document: quantities, labels, kinds."""

from __future__ import annotations

from collections.abc import Iterable

from firmware_bridge.readings import KINDS, LABELS, QUANTITIES


def vocabulary_text() -> str:
    """Markdown tables of everything in `firmware_bridge.readings`, in the order of their codes."""
    quantities = sorted(QUANTITIES.values(), key=lambda q: q.code)
    labels = sorted(LABELS.values(), key=lambda label: label.code)
    return "\n".join(
        [
            "# Quantities, labels and kinds of readings",
            "",
            "Generated from `firmware_bridge/readings.py` by `vigia generate`. A code keeps its meaning for ever.",
            "",
            "## Quantities",
            "",
            "A quantity has one unit (UCUM; 1 is a pure number) everywhere: in the gateway, on the wire, in InfluxDB,",
            "where its name is the field's. A value is a whole number of steps of the resolution.",
            "",
            *_table(
                ("code", "name", "unit", "resolution", "from", "to", "español", "English"),
                (
                    (
                        q.code,
                        f"`{q.name}`",
                        q.unit,
                        f"{q.resolution:g}",
                        f"{q.minimum:,.0f}",
                        f"{q.maximum:,.0f}",
                        q.title_es,
                        q.title_en,
                    )
                    for q in quantities
                ),
            ),
            "",
            "## Labels",
            "",
            "What can be heard or seen. An alert warns the post at once, unless `lanes.alert_labels` says",
            "otherwise. A code that is not listed, from newer firmware, is kept as `unlisted_<code>`.",
            "",
            *_table(
                ("code", "name", "alert", "español", "English"),
                ((x.code, f"`{x.name}`", "yes" if x.alert else "", x.title_es, x.title_en) for x in labels),
            ),
            "",
            "## Kinds",
            "",
            *_table(
                ("code", "name", "has a label", "español", "English"),
                (
                    (int(kind), f"`{kind.slug}`", "yes" if spec.labelled else "", spec.title_es, spec.title_en)
                    for kind, spec in sorted(KINDS.items())
                ),
            ),
            "",
        ]
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> list[str]:
    return [f"| {' | '.join(map(str, row))} |" for row in (head, ("---",) * len(head), *rows)]
