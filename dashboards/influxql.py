"""InfluxQL text made of the schema's names, and the query type for InfluxDB that the Foundation SDK lacks.

Only names of `ingest.schema` can be quoted, so that a board cannot ask for what is never stored. InfluxQL does not join
measurements: a query over several gives a series of each, which a panel adds up with a transformation of Grafana.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, Self

from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.cog.builder import Builder

from dashboards.errors import BoardError
from firmware_bridge.readings import LABELS, Kind
from ingest.schema import FIELDS, LABEL, MEASUREMENTS, NOTE, SENSOR, STATION, TAGS, TERRITORY

DATASOURCE_TYPE: Final = "influxdb"

DETECTIONS: Final = (MEASUREMENTS[Kind.ACOUSTIC_DETECTION], MEASUREMENTS[Kind.CAMERA_DETECTION])
FROM_SENSORS: Final = (
    *DETECTIONS,
    *(MEASUREMENTS[kind] for kind in (Kind.ENVIRONMENT, Kind.DEVICE_STATUS, Kind.POSITION)),
)
"""What sensors say, as against what gateways say of themselves."""
EVERYTHING: Final = tuple(MEASUREMENTS.values())

_NAMES: Final = frozenset((*FIELDS, NOTE, *TAGS, *EVERYTHING))

TIME: Final = "$timeFilter"
BY_INTERVAL: Final = "time($__interval)"

ResultFormat = Literal["time_series", "table"]


def quoted(name: str) -> str:
    """A measurement, tag or field in double quotes. Raises BoardError for a name that the schema has not."""
    if name not in _NAMES:
        raise BoardError(f"{name!r} is not a measurement, tag or field of ingest/schema.py")
    return f'"{name}"'


def matches_variable(tag: str) -> str:
    """The condition that a tag is one of the values chosen in the board's variable of the same name."""
    return f"{quoted(tag)} =~ /^${{{tag}:regex}}$/"


AT_CHOSEN_STATIONS: Final = (matches_variable(TERRITORY), matches_variable(STATION))
OF_CHOSEN_SENSORS: Final = (*AT_CHOSEN_STATIONS, matches_variable(SENSOR))
IS_THREAT: Final = f"{quoted(LABEL)} =~ /^({'|'.join(label.name for label in LABELS.values() if label.alert)})$/"


def columns(*names: str) -> str:
    """Some columns as they are."""
    return ", ".join(quoted(name) for name in names)


def call(function: str, name: str) -> str:
    """A function of one field, such as `last("battery_volts")`; the column is named after the function."""
    return f"{function}({quoted(name)})"


def one_of(field: str, values: Sequence[int]) -> str:
    """The condition that a numeric field is one of some numbers."""
    return f"({' OR '.join(f'{quoted(field)} = {value:d}' for value in values)})"


def select(
    what: str, measurements: Sequence[str], *, where: Sequence[str] = (), group_by: Sequence[str] = (), tail: str = ""
) -> str:
    """One SELECT within the board's time range. what: quoted columns or calls. group_by: tags or BY_INTERVAL."""
    groups = ", ".join(group if group == BY_INTERVAL else quoted(group) for group in group_by)
    parts = (
        f"SELECT {what}",
        f"FROM {', '.join(quoted(name) for name in measurements)}",
        f"WHERE {' AND '.join((TIME, *where))}",
        f"GROUP BY {groups}" if groups else "",
        tail,
    )
    return " ".join(part for part in parts if part)


def tag_values(tag: str, *, measurements: Sequence[str] = (), where: Sequence[str] = ()) -> str:
    """The query of a board variable: the values of a tag, of every measurement unless some are named."""
    parts = (
        "SHOW TAG VALUES",
        f"FROM {', '.join(quoted(name) for name in measurements)}" if measurements else "",
        f"WITH KEY = {quoted(tag)}",
        f"WHERE {' AND '.join(where)}" if where else "",
    )
    return " ".join(part for part in parts if part)


class InfluxQLQuery(variants.Dataquery, Builder[variants.Dataquery]):
    """A raw InfluxQL query as Grafana's InfluxDB data source keeps it in a panel.

    alias: the name of each series (`$tag_<tag>`), for time series only. It is its own builder.
    """

    def __init__(
        self, text: str, *, uid: str, ref_id: str = "A", result_format: ResultFormat = "time_series", alias: str = ""
    ) -> None:
        self.text = text
        self.uid = uid
        self.ref_id = ref_id
        self.result_format: ResultFormat = result_format
        self.alias = alias

    def build(self) -> Self:
        """Itself."""
        return self

    def to_json(self) -> dict[str, object]:
        """The target of a panel."""
        target: dict[str, object] = {
            "datasource": {"type": DATASOURCE_TYPE, "uid": self.uid},
            "query": self.text,
            "rawQuery": True,
            "refId": self.ref_id,
            "resultFormat": self.result_format,
        }
        return {**target, "alias": self.alias} if self.alias else target

    @classmethod
    def from_json(cls, target: dict[str, Any]) -> Self:
        """The query in a panel's target. Raises BoardError when it is not a raw InfluxQL query of ours."""
        try:
            return cls(
                target["query"],
                uid=target["datasource"]["uid"],
                ref_id=target["refId"],
                result_format=target["resultFormat"],
                alias=target.get("alias", ""),
            )
        except KeyError as missing:
            raise BoardError(f"an InfluxQL target without {missing.args[0]!r}: {target}") from None
