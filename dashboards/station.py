"""The board "Puesto": one post or a few, and its sensors, for who looks closer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard as models

from dashboards import incidents, upkeep
from dashboards.influxql import (
    AT_CHOSEN_STATIONS,
    BY_INTERVAL,
    DATASOURCE_TYPE,
    DETECTIONS,
    EVERYTHING,
    FROM_SENSORS,
    OF_CHOSEN_SENSORS,
    InfluxQLQuery,
    call,
    columns,
    matches_variable,
    select,
    tag_values,
)
from dashboards.panels import (
    TIME_COLUMN,
    AnyPanel,
    Column,
    Place,
    Words,
    grouped,
    listing,
    over_time,
    reduced,
    renamed,
    rows_as_numbers,
)
from dashboards.units import COUNT, FROM_NOW, grafana_unit
from firmware_bridge.readings import KINDS, QUANTITIES, Kind
from ingest.schema import LABEL, MEASUREMENTS, SENSOR, SEQUENCE, STATION, TERRITORY

UID: Final = "vigia-puesto"

_HEALTH: Final = (MEASUREMENTS[Kind.STATION_HEALTH],)
_TALLY: Final = (MEASUREMENTS[Kind.TALLY],)
_ENVIRONMENT: Final = (MEASUREMENTS[Kind.ENVIRONMENT],)
_DETAILS: Final = (
    "confidence_ratio",
    "sound_level_decibels",
    "duration_seconds",
    "individuals_count",
    "battery_volts",
    "rssi_dbm",
)


def station(time_zone: str, uid: str) -> builders.Dashboard:
    """The board. time_zone: IANA name, "browser" or "utc". uid: of the data source."""
    board = (
        builders.Dashboard("Puesto")
        .uid(UID)
        .description(
            "Un puesto y sus sensores: qué detectaron, cómo están, qué espera y qué se descartó.\n\n"
            "English: Station. One post and its sensors."
        )
        .timezone(time_zone)
        .time("now-24h", "now")
    )
    for variable in variables(uid):
        board = board.with_variable(variable)
    for title, panels in (
        ("Detecciones", _detections(uid)),
        ("Incidentes y patrullas", incidents.of_station(uid)),
        ("Estado del puesto", _health(uid)),
        ("Gasto y desgaste", upkeep.of_station(uid)),
        ("Sensores", _sensors(uid)),
        ("Ambiente", _environment(uid)),
    ):
        board = board.with_row(builders.Row(title))
        for panel in panels:
            board = board.with_panel(panel)
    return board


def variables(uid: str) -> list[builders.QueryVariable]:
    """Territory, station and sensor, each narrowed by those before it."""
    source = models.DataSourceRef(type_val=DATASOURCE_TYPE, uid=uid)
    queries = {
        TERRITORY: ("Territorio", tag_values(TERRITORY)),
        STATION: ("Puesto", tag_values(STATION, where=[matches_variable(TERRITORY)])),
        SENSOR: ("Sensor", tag_values(SENSOR, measurements=FROM_SENSORS, where=AT_CHOSEN_STATIONS)),
    }
    return [
        builders.QueryVariable(name)
        .label(label)
        .datasource(source)
        .query(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
        for name, (label, query) in queries.items()
    ]


def _detections(uid: str) -> list[AnyPanel]:
    shown = columns(LABEL, STATION, SENSOR, *_DETAILS, SEQUENCE)
    latest = select(shown, DETECTIONS, where=OF_CHOSEN_SENSORS, tail="ORDER BY time DESC LIMIT 100")
    return [
        *(
            over_time(
                Words(title, f"{title}, cuántas por etiqueta.", english),
                Place(12, 8),
                InfluxQLQuery(
                    select(
                        call("count", SEQUENCE),
                        [MEASUREMENTS[kind]],
                        where=OF_CHOSEN_SENSORS,
                        group_by=[BY_INTERVAL, LABEL],
                        tail="fill(0)",
                    ),
                    uid=uid,
                    alias=f"$tag_{LABEL}",
                ),
                unit=COUNT,
                stacked_bars=True,
                minimum="15m",
            )
            for kind, title, english in (
                (Kind.ACOUSTIC_DETECTION, "Sonidos detectados", "Sounds detected over time, by label."),
                (Kind.CAMERA_DETECTION, "Detecciones de cámaras", "Camera-trap detections over time, by label."),
            )
        ),
        listing(
            Words(
                "Últimas detecciones",
                "Las 100 últimas de cada clase, con confianza, nivel y duración; amenazas en rojo.",
                "Latest detections: the last 100 of each kind, with confidence, level and duration; threats in red.",
            ),
            Place(24, 9),
            InfluxQLQuery(latest, uid=uid, result_format="table"),
            [
                Column(TIME_COLUMN, "Hora"),
                Column(LABEL, "Etiqueta", labels=True),
                Column(STATION, "Puesto"),
                Column(SENSOR, "Sensor"),
                *(Column(name, QUANTITIES[name].title_es, grafana_unit(name)) for name in _DETAILS),
            ],
            hidden=[SEQUENCE],
            sort=("Hora", True),
        ),
    ]


def _health(uid: str) -> list[AnyPanel]:
    rows = partial(InfluxQLQuery, uid=uid, result_format="table")
    heard = select(call("last", SEQUENCE), EVERYTHING, where=AT_CHOSEN_STATIONS, group_by=[STATION])
    counters = select(
        call("last", "discarded_total"), _TALLY, where=AT_CHOSEN_STATIONS, group_by=[STATION, SENSOR, LABEL]
    )
    growth = select(
        call("last", "discarded_total"),
        _TALLY,
        where=AT_CHOSEN_STATIONS,
        group_by=[BY_INTERVAL, STATION, SENSOR, LABEL],
        tail="fill(none)",
    )
    return [
        rows_as_numbers(
            Words(
                "Enlace: última señal",
                "Cuándo llegó lo último de cada puesto, de cualquier clase, en 30 días.",
                "Link: when anything was last heard of each post, in 30 days.",
            ),
            Place(6, 7),
            rows(heard),
            grouped([STATION], TIME_COLUMN, "max"),
            column=reduced(TIME_COLUMN, "max"),
            unit=FROM_NOW,
            over="30d",
        ),
        *(
            _line(uid, name, english, _HEALTH, AT_CHOSEN_STATIONS, width=6, by=(STATION,))
            for name, english in (
                ("outbox_entries", "Readings that wait to be sent."),
                ("outbox_bytes", "Bytes that wait to be sent."),
                ("outbox_oldest_age_seconds", "Age of the oldest reading that waits."),
                ("disk_free_bytes", "Free space on the post's disk."),
                ("resident_memory_bytes", "Memory that the gateway uses."),
                ("processor_temperature_celsius", "Temperature of the processor."),
                ("sent_bytes_total", "Bytes sent since the gateway was started."),
            )
        ),
        over_time(
            Words(
                "Descartes por motivo",
                "Contadores de lo que se descartó, por sensor y motivo. Qué es cada motivo lo dice: vigia doctor.",
                "Discards by reason: counters of what was discarded, by sensor and reason. vigia doctor tells what "
                "each reason is.",
            ),
            Place(14, 8),
            InfluxQLQuery(growth, uid=uid, alias=f"$tag_{STATION} $tag_{SENSOR}: $tag_{LABEL}"),
            unit=grafana_unit("discarded_total"),
        ),
        listing(
            Words(
                "Descartes: último valor",
                "El último valor de cada contador y cuándo llegó.",
                "Discards: the last value of each counter and when it came.",
            ),
            Place(10, 8),
            rows(counters),
            [
                Column(TIME_COLUMN, "Hora"),
                Column(STATION, "Puesto"),
                Column(SENSOR, "Sensor"),
                Column(LABEL, "Motivo"),
                Column("last", QUANTITIES["discarded_total"].title_es, grafana_unit("discarded_total")),
            ],
            sort=(QUANTITIES["discarded_total"].title_es, True),
        ),
    ]


def _sensors(uid: str) -> list[AnyPanel]:
    return [
        _line(uid, name, english, FROM_SENSORS, OF_CHOSEN_SENSORS, width=8, by=(STATION, SENSOR))
        for name, english in (
            ("battery_volts", "Battery voltage of each sensor, by kind of reading."),
            ("battery_ratio", "Battery charge of each sensor, by kind of reading."),
            ("solar_volts", "Voltage of the solar panel of each sensor."),
            ("rssi_dbm", "Strength with which the post hears each sensor."),
            ("snr_decibels", "Signal to noise with which the post hears each sensor."),
            ("device_temperature_celsius", "Temperature inside each sensor."),
        )
    ]


def _environment(uid: str) -> list[AnyPanel]:
    return [
        _line(uid, name, english, _ENVIRONMENT, OF_CHOSEN_SENSORS, width=6, by=(STATION, SENSOR))
        for name, english in (
            ("temperature_celsius", "Air temperature."),
            ("humidity_ratio", "Relative humidity."),
            ("water_level_metres", "River level."),
            ("rainfall_millimetres", "Rainfall, as the sensor tells it."),
        )
    ]


def _line(
    uid: str,
    quantity: str,
    english: str,
    measurements: Sequence[str],
    where: Sequence[str],
    *,
    width: int,
    by: Sequence[str],
) -> AnyPanel:
    """The mean of a quantity over time, a line for each value of the tags `by` and each measurement that has it."""
    title = QUANTITIES[quantity].title_es
    kinds = [kind for kind in Kind if MEASUREMENTS[kind] in measurements] if len(measurements) > 1 else []
    alias = " ".join(f"$tag_{tag}" for tag in by)
    text = select(call("mean", quantity), measurements, where=where, group_by=[BY_INTERVAL, *by], tail="fill(none)")
    return over_time(
        Words(title, f"{title}: promedio en cada intervalo.", f"{QUANTITIES[quantity].title_en}. {english}"),
        Place(width, 7),
        InfluxQLQuery(text, uid=uid, alias=f"{alias} · $m" if kinds else alias),
        unit=grafana_unit(quantity),
        transformations=[
            renamed(f"(.*) · {MEASUREMENTS[kind]}", f"$1 · {KINDS[kind].title_es.lower()}") for kind in kinds
        ],
    )
