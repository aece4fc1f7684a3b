"""What a post costs and how long it lasts: panels of the link's bytes by lane, the card, the power, the clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from dashboards.influxql import (
    AT_CHOSEN_STATIONS,
    BY_INTERVAL,
    EVERYTHING,
    InfluxQLQuery,
    call,
    quoted,
    select,
)
from dashboards.panels import AnyPanel, Place, Words, grouped, over_time, renamed, shares
from dashboards.units import COUNT, SECONDS, grafana_unit
from firmware_bridge.readings import QUANTITIES, Kind
from ingest.schema import LABEL, MEASUREMENTS, SENSOR, SEQUENCE, STATION, TIME_QUALITY, TIME_UNCERTAINTY

SENT_COUNTERS: Final = "sent_bytes"
"""The sensor of a post's tallies of what its link has cost; their label is the lane, or one of the link's own."""
LANE_TITLES: Final[Mapping[str, str]] = {
    "alert": "alertas",
    "detection": "detecciones",
    "reading": "lecturas",
    "health": "estado",
    "media": "fotos y audios",
    "link": "el enlace mismo",
    "headers": "cabeceras de red",
}
"""Label of such a tally, in Spanish."""
TIME_QUALITY_TITLES: Final[Mapping[str, str]] = {
    "gps": "GPS",
    "ntp": "internet (NTP)",
    "recovered": "reconstruida",
    "system": "reloj del equipo",
    "untrusted": "nadie la garantiza",
}
"""Value of the tag time_quality, in Spanish."""

_HEALTH: Final = (MEASUREMENTS[Kind.STATION_HEALTH],)
_TALLY: Final = (MEASUREMENTS[Kind.TALLY],)


def of_station(uid: str) -> list[AnyPanel]:
    """The panels, of the chosen posts."""
    sent = select(
        f"non_negative_difference({call('last', 'sent_bytes_total')})",
        _TALLY,
        where=[f"{quoted(SENSOR)} = '{SENT_COUNTERS}'", *AT_CHOSEN_STATIONS],
        group_by=[BY_INTERVAL, STATION, LABEL],
        tail="fill(none)",
    )
    return [
        over_time(
            Words(
                "Lo que cuesta el enlace, por carril",
                "Bytes enviados en cada intervalo y para qué: alertas, "
                "detecciones, lecturas, estado, fotos, y lo que gasta el enlace mismo.",
                "What the link costs, by lane: bytes sent in each interval.",
            ),
            Place(24, 8),
            InfluxQLQuery(sent, uid=uid, alias=f"$tag_{STATION} · $tag_{LABEL}"),
            unit=grafana_unit("sent_bytes_total"),
            stacked_bars=True,
            minimum="1h",
            transformations=[renamed(f"(.*) · {name}", f"$1 · {title}") for name, title in LANE_TITLES.items()],
        ),
        _line(
            uid,
            call("max", "undervoltage_flag"),
            Words(
                "Voltaje bajo",
                "1 cuando a la placa le faltó voltaje en el intervalo: revise batería, cable y panel.",
                "Undervoltage: 1 when the board lacked voltage in the interval: look at battery, cable and panel.",
            ),
            grafana_unit("undervoltage_flag"),
        ),
        _line(
            uid,
            call("mean", "processor_load_ratio"),
            Words(
                QUANTITIES["processor_load_ratio"].title_es,
                "Promedio en cada intervalo; más de 100 %, hay trabajo que espera.",
                "Processor load: more than 100 % is work that waits.",
            ),
            grafana_unit("processor_load_ratio"),
        ),
        _line(
            uid,
            f"non_negative_derivative({call('mean', 'card_written_bytes_total')}, 1h)",
            Words(
                "Escrito en la tarjeta, por hora",
                "Bytes por hora: lo que gasta la tarjeta SD.",
                "Written to the card, bytes an hour: what wears it.",
            ),
            grafana_unit("card_written_bytes_total"),
        ),
        _line(
            uid,
            call("last", "card_life_used_ratio"),
            Words(
                QUANTITIES["card_life_used_ratio"].title_es,
                "Lo que dice la tarjeta de su propia vida: cámbiela antes del 80 %.",
                "Card life used, as the card itself tells: change it before 80 %.",
            ),
            grafana_unit("card_life_used_ratio"),
        ),
        time_quality(partial(InfluxQLQuery, uid=uid, result_format="table"), Place(8, 7), AT_CHOSEN_STATIONS),
        _line(
            uid,
            call("max", TIME_UNCERTAINTY),
            Words(
                "Incertidumbre de la hora",
                "Lo más que puede estar corrida la hora del puesto; sin línea, la hora es segura.",
                "Uncertainty of the time: how far it may be off at most; no line means that it is sure.",
            ),
            SECONDS,
            width=16,
        ),
    ]


def time_quality(rows: partial[InfluxQLQuery], place: Place, where: Sequence[str] = ()) -> AnyPanel:
    """Where the times of readings come from, on both boards."""
    return shares(
        Words(
            "Calidad de la hora",
            "De dónde viene la hora de cada lectura: de un GPS, de internet, reconstruida después, del reloj del "
            "equipo, o nadie la garantiza.",
            "Time quality: where the time of each reading comes from: GPS, the internet, worked out afterwards, the "
            "machine's own clock, or nobody vouches for it.",
        ),
        place,
        rows(select(call("count", SEQUENCE), EVERYTHING, where=where, group_by=[TIME_QUALITY])),
        grouped([TIME_QUALITY], "count", "sum"),
        TIME_QUALITY_TITLES,
    )


def _line(uid: str, what: str, words: Words, unit: str = COUNT, *, width: int = 6) -> AnyPanel:
    query = partial(InfluxQLQuery, uid=uid, alias=f"$tag_{STATION}")
    text = select(what, _HEALTH, where=AT_CHOSEN_STATIONS, group_by=[BY_INTERVAL, STATION], tail="fill(none)")
    return over_time(words, Place(width, 7), query(text), unit=unit)
