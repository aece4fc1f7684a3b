"""The board "Paisaje ahora": every post at a glance, for the coordinator."""

from __future__ import annotations

from functools import partial
from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders

from dashboards.incidents import open_count, open_incidents, time_to_acknowledge
from dashboards.influxql import (
    DETECTIONS,
    EVERYTHING,
    FROM_SENSORS,
    IS_THREAT,
    InfluxQLQuery,
    call,
    columns,
    quoted,
    select,
)
from dashboards.panels import (
    TIME_COLUMN,
    AnyPanel,
    Column,
    Place,
    Words,
    bars,
    grouped,
    listing,
    number,
    only_below,
    reduced,
    sorted_by,
)
from dashboards.units import FROM_NOW, grafana_unit
from dashboards.upkeep import time_quality
from firmware_bridge.readings import QUANTITIES, Kind
from ingest.schema import (
    HEADQUARTERS,
    LABEL,
    MEASUREMENTS,
    SENSOR,
    SEQUENCE,
    STATION,
    TERRITORY,
)

UID: Final = "vigia-paisaje"
STATION_BOARD_LINK: Final = "/d/vigia-puesto?var-station=${__value.raw}&${__url_time_range}"
LOW_BATTERY_RATIO: Final = 0.3
LOW_BATTERY_VOLTS: Final = 3.5
"""A lithium cell is nearly empty below this."""

_HEALTH: Final = (MEASUREMENTS[Kind.STATION_HEALTH],)
_TALLY: Final = (MEASUREMENTS[Kind.TALLY],)
_NOT_HEADQUARTERS: Final = f"{quoted(STATION)} != '{HEADQUARTERS}'"
_COUNT: Final = call("count", SEQUENCE)
_LAST: Final = call("last", SEQUENCE)
_DETAILS: Final = ("confidence_ratio", "sound_level_decibels", "duration_seconds", "individuals_count")
"""What the table of latest detections shows of each."""


def landscape(time_zone: str, uid: str) -> builders.Dashboard:
    """The board. time_zone: IANA name, "browser" or "utc". uid: of the data source."""
    rows = partial(InfluxQLQuery, uid=uid, result_format="table")
    series = partial(InfluxQLQuery, uid=uid)
    board = (
        builders.Dashboard("Paisaje ahora")
        .uid(UID)
        .description(
            "Todos los puestos de un vistazo: qué incidentes hay, qué se oyó y se vio, quién calla, "
            "qué espera, qué se descartó.\n\n"
            "English: Landscape now. Every post at a glance."
        )
        .timezone(time_zone)
        .time("now-24h", "now")
    )
    for panel in (
        open_count(rows, 4),
        number(
            Words("Amenazas", "Detecciones de motosierras, disparos, motores, personas y otras amenazas.",
                  "Threats: detections of chainsaws, gunshots, motors, people and other threats."),
            Place(5, 4),
            rows(select(_COUNT, DETECTIONS, where=[IS_THREAT])),
            calculation="sum",
            alarm_from=1,
        ),
        number(
            Words("Detecciones", "Todo lo oído y lo visto, animales y lluvia también.",
                  "Detections: everything heard or seen, animals and rain too."),
            Place(5, 4),
            rows(select(_COUNT, DETECTIONS)),
            calculation="sum",
        ),
        number(
            Words("Puestos con señal", "Puestos de los que llegó algo en el periodo.",
                  "Posts heard: posts from which anything came in the period."),
            Place(5, 4),
            rows(select(_LAST, EVERYTHING, where=[_NOT_HEADQUARTERS], group_by=[STATION])),
            calculation="distinctCount",
            text_column=STATION,
        ),
        number(
            Words("Por enviar", "Lecturas que esperan en los puestos, según su último aviso.",
                  "Waiting to be sent: readings that wait at the posts, by their last report."),
            Place(5, 4),
            rows(select(call("last", "outbox_entries"), _HEALTH, group_by=[STATION])),
            calculation="sum",
        ),
        open_incidents(rows, STATION_BOARD_LINK),
        bars(
            Words("Detecciones por etiqueta", "Cuántas veces se detectó cada cosa.",
                  "Detections by label: how often each thing was detected."),
            Place(8, 9),
            rows(select(_COUNT, DETECTIONS, group_by=[LABEL])),
            [*grouped([LABEL], "count", "sum"), sorted_by(reduced("count", "sum"), descending=True)],
        ),
        bars(
            Words("Detecciones por puesto", "Cuántas detecciones llegaron de cada puesto.",
                  "Detections by station: how many came from each post."),
            Place(8, 9),
            rows(select(_COUNT, DETECTIONS, group_by=[STATION])),
            [*grouped([STATION], "count", "sum"), sorted_by(reduced("count", "sum"), descending=True)],
        ),
        time_quality(rows, Place(8, 9)),
        listing(
            Words("Últimas detecciones", "Las 50 últimas de cada clase (sonido, cámara), amenazas en rojo.",
                  "Latest detections: the last 50 of each kind (sound, camera), threats in red."),
            Place(15, 11),
            rows(select(columns(LABEL, STATION, SENSOR, *_DETAILS, SEQUENCE), DETECTIONS,
                        tail="ORDER BY time DESC LIMIT 50")),
            [
                Column(TIME_COLUMN, "Hora"),
                Column(LABEL, "Etiqueta", labels=True),
                Column(STATION, "Puesto", link=STATION_BOARD_LINK),
                Column(SENSOR, "Sensor"),
                *(Column(name, QUANTITIES[name].title_es, grafana_unit(name)) for name in _DETAILS),
            ],
            hidden=[SEQUENCE],
            sort=("Hora", True),
        ),
        listing(
            Words("Última señal de cada puesto", "Cuándo llegó lo último de cada puesto, de cualquier clase, "
                  "en 30 días; primero el que más calla.",
                  "Stations and when last heard: the last point of any kind in 30 days, the most silent first."),
            Place(9, 11),
            rows(select(_LAST, EVERYTHING, where=[_NOT_HEADQUARTERS], group_by=[TERRITORY, STATION])),
            [
                Column(STATION, "Puesto", link=STATION_BOARD_LINK),
                Column(TERRITORY, "Territorio"),
                Column(reduced(TIME_COLUMN, "max"), "Última señal", FROM_NOW),
            ],
            transformations=grouped([TERRITORY, STATION], TIME_COLUMN, "max"),
            sort=("Última señal", False),
            over="30d",
        ),
        bars(
            Words("Por enviar, por puesto", "Lecturas que esperan en cada puesto.",
                  "Outbox backlog by station: readings that wait at each post."),
            Place(6, 9),
            series(select(call("last", "outbox_entries"), _HEALTH, group_by=[STATION]), alias=f"$tag_{STATION}"),
            unit=grafana_unit("outbox_entries"),
        ),
        bars(
            Words("Descartes por motivo", "Lo que se descartó y por qué: el último valor de cada contador, sumado. "
                  "Nada se descarta en silencio. Qué es cada motivo lo dice: vigia doctor.",
                  "Discards by reason: the last value of each counter, added up. Nothing is dropped in silence. "
                  "vigia doctor tells what each reason is."),
            Place(6, 9),
            rows(select(call("last", "discarded_total"), _TALLY, group_by=[STATION, SENSOR, LABEL])),
            [*grouped([LABEL], "last", "sum"), sorted_by(reduced("last", "sum"), descending=True)],
        ),
        _low_battery(rows, "battery_ratio", LOW_BATTERY_RATIO, Words(
            "Batería baja (carga)", f"Sensores con menos de {LOW_BATTERY_RATIO:.0%} de carga, según su último aviso.",
            "Low battery (charge): sensors below that charge by their last report.")),
        _low_battery(rows, "battery_volts", LOW_BATTERY_VOLTS, Words(
            "Batería baja (voltaje)", f"Sensores de una celda de litio con menos de {LOW_BATTERY_VOLTS} V, "
            "según su último aviso.",
            "Low battery (voltage): sensors of one lithium cell below that voltage by their last report.")),
        time_to_acknowledge(rows, STATION_BOARD_LINK),
    ):  # fmt: skip
        board = board.with_panel(panel)
    return board


def _low_battery(rows: partial[InfluxQLQuery], quantity: str, limit: float, words: Words) -> AnyPanel:
    # Every kind of reading may tell the battery: each gives a row, of which the newest counts.
    last = reduced("last", "lastNotNull")
    return listing(
        words,
        Place(6, 9),
        rows(select(call("last", quantity), FROM_SENSORS, group_by=[STATION, SENSOR])),
        [
            Column(STATION, "Puesto", link=STATION_BOARD_LINK),
            Column(SENSOR, "Sensor"),
            Column(last, QUANTITIES[quantity].title_es, grafana_unit(quantity)),
        ],
        transformations=[
            sorted_by(TIME_COLUMN),
            *grouped([STATION, SENSOR], "last", "lastNotNull"),
            only_below(last, limit),
        ],
        sort=(QUANTITIES[quantity].title_es, False),
    )
