"""What the posts' rules found and what people did about it: panels of incidents and patrols, on both boards.

A post tells each step of an incident as a point of its own; number and step are fields, so that the browser puts the
steps of one incident together. Numbers are a post's own. The highest step says how it stands: closed is above
acknowledged, and what was held back never was open.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from dashboards.influxql import AT_CHOSEN_STATIONS, InfluxQLQuery, columns, one_of, select
from dashboards.panels import (
    TIME_COLUMN,
    AnyPanel,
    Column,
    Place,
    Words,
    grouped_by,
    listing,
    number,
    only_above,
    only_below,
    reduced,
)
from dashboards.units import MILLISECONDS, grafana_unit
from firmware_bridge.readings import QUANTITIES, Kind
from ingest.schema import LABEL, MEASUREMENTS, NOTE, SENSOR, STATION

NUMBER: Final = "incident_number"
STEP: Final = "incident_step"
RAISED: Final = 1
ACKNOWLEDGED: Final = 3
CLOSED: Final = 4
STEP_TITLES: Final = (
    ("1", "Nuevo", "red"),
    ("2", "Sigue", "red"),
    ("3", "Atendido", "green"),
    ("4", "Cerrado", "text"),
    ("5", "Sin avisar (patrulla o clima)", "text"),
)
"""Value of the quantity incident_step, what people read, its colour."""

_INCIDENT: Final = (MEASUREMENTS[Kind.INCIDENT],)
_PATROL: Final = (MEASUREMENTS[Kind.PATROL],)
_FIGURES: Final = ("detections_count", "boat_speed_metres_per_second", "arrival_seconds")
_LATELY: Final = "7d"
_WAYS: Final = (("out", "Salió", "text"), ("back", "Volvió", "green"))


def open_count(rows: partial[InfluxQLQuery], width: int) -> AnyPanel:
    """How many incidents nobody has acknowledged."""
    step = reduced(STEP, "max")
    return number(
        Words(
            "Incidentes sin atender",
            "Incidentes que nadie ha marcado como atendidos, en el periodo.",
            "Incidents that nobody has acknowledged, in the period.",
        ),
        Place(width, 4),
        rows(select(columns(NUMBER, STEP, STATION), _INCIDENT)),
        calculation="count",
        text_column=rf"{STEP} \(max\)",
        alarm_from=1,
        transformations=[*grouped_by([STATION, NUMBER], {STEP: "max"}), only_below(step, ACKNOWLEDGED)],
    )


def open_incidents(rows: partial[InfluxQLQuery], link: str) -> AnyPanel:
    """Every incident that is not closed, of all posts."""
    step = reduced(STEP, "max")
    kept = {STEP: "max", LABEL: "lastNotNull", SENSOR: "lastNotNull", NOTE: "lastNotNull", TIME_COLUMN: "max"}
    figures = {"detections_count": "max", **dict.fromkeys(_FIGURES[1:], "lastNotNull")}
    return listing(
        Words(
            "Incidentes abiertos",
            "Los de todos los puestos que no están cerrados, en 7 días: qué es, dónde, y lo último que se anotó. "
            "Llegada esperada: contada desde el último aviso.",
            "Open incidents: those of all posts that are not closed, in 7 days. Expected arrival: counted from the "
            "last word.",
        ),
        Place(24, 9),
        rows(select(columns(NUMBER, STEP, LABEL, SENSOR, STATION, *_FIGURES, NOTE), _INCIDENT)),
        [
            Column(reduced(TIME_COLUMN, "max"), "Último aviso"),
            Column(step, "Estado", titles=STEP_TITLES),
            Column(reduced(LABEL, "lastNotNull"), "Etiqueta", labels=True),
            Column(STATION, "Puesto", link=link),
            Column(NUMBER, "N.º"),
            Column(reduced(SENSOR, "lastNotNull"), "Sensor"),
            *(
                Column(reduced(name, how), QUANTITIES[name].title_es, grafana_unit(name))
                for name, how in figures.items()
            ),
            Column(reduced(NOTE, "lastNotNull"), "Nota"),
        ],
        transformations=[*grouped_by([STATION, NUMBER], kept | figures), only_below(step, CLOSED)],
        sort=("Último aviso", True),
        over=_LATELY,
    )


def time_to_acknowledge(rows: partial[InfluxQLQuery], link: str) -> AnyPanel:
    """From raised to first acknowledged, of each incident that was both in the period: a later note comes as the same
    step, however late."""
    first = {TIME_COLUMN: "min", LABEL: "lastNotNull", NOTE: "firstNotNull"}
    label, note, at = (reduced(name, first[name]) for name in (LABEL, NOTE, TIME_COLUMN))
    both = {at: "range", label: "lastNotNull", note: "lastNotNull"}
    took = reduced(at, "range")
    return listing(
        Words(
            "Cuánto se tardó en atender",
            "Del aviso a la primera vez que alguien lo marcó como atendido; primero lo que más tardó.",
            "Time from raised to acknowledged for the first time, the longest first.",
        ),
        Place(24, 8),
        rows(
            select(columns(NUMBER, STEP, LABEL, STATION, NOTE), _INCIDENT, where=[one_of(STEP, (RAISED, ACKNOWLEDGED))])
        ),
        [
            Column(took, "Tardó", MILLISECONDS),
            Column(reduced(label, "lastNotNull"), "Etiqueta", labels=True),
            Column(STATION, "Puesto", link=link),
            Column(NUMBER, "N.º"),
            Column(reduced(note, "lastNotNull"), "Quién y qué anotó"),
        ],
        transformations=[
            *grouped_by([STATION, NUMBER, STEP], first),
            *grouped_by([STATION, NUMBER], both, order=at),
            only_above(took, 0),
        ],
        sort=("Tardó", True),
    )


def of_station(uid: str) -> list[AnyPanel]:
    """Each step of the chosen posts' incidents, with its note, and their patrols."""
    rows = partial(InfluxQLQuery, uid=uid, result_format="table")
    latest = "ORDER BY time DESC LIMIT 200"
    steps = columns(NUMBER, STEP, LABEL, SENSOR, STATION, *_FIGURES, NOTE)
    went = columns(LABEL, SENSOR, STATION, "duration_seconds", NOTE)
    return [
        listing(
            Words(
                "Incidentes, paso a paso",
                "Los 200 últimos pasos: cuándo empezó, creció, se atendió y se cerró, con sus notas.",
                "Incidents, step by step: the last 200 steps with their notes.",
            ),
            Place(24, 9),
            rows(select(steps, _INCIDENT, where=AT_CHOSEN_STATIONS, tail=latest)),
            [
                Column(TIME_COLUMN, "Hora"),
                Column(STEP, "Paso", titles=STEP_TITLES),
                Column(NUMBER, "N.º"),
                Column(LABEL, "Etiqueta", labels=True),
                Column(STATION, "Puesto"),
                Column(SENSOR, "Sensor"),
                *(Column(name, QUANTITIES[name].title_es, grafana_unit(name)) for name in _FIGURES),
                Column(NOTE, "Nota"),
            ],
            sort=("Hora", True),
        ),
        listing(
            Words(
                "Patrullas",
                "Quién salió, por cuánto tiempo, y quién volvió.",
                "Patrols: who went out, for how long, and who is back.",
            ),
            Place(24, 7),
            rows(select(went, _PATROL, where=AT_CHOSEN_STATIONS, tail=latest)),
            [
                Column(TIME_COLUMN, "Hora"),
                Column(LABEL, "Salida o vuelta", titles=_WAYS),
                Column(SENSOR, "Patrulla"),
                Column(STATION, "Puesto"),
                Column("duration_seconds", "Por cuánto tiempo", grafana_unit("duration_seconds")),
                Column(NOTE, "Nota"),
            ],
            sort=("Hora", True),
        ),
    ]
