"""The boards as Grafana's JSON: built, checked by a round trip through the Foundation SDK, written to files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog import runtime
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import dashboard as models

from dashboards.errors import BoardError
from dashboards.influxql import DATASOURCE_TYPE, InfluxQLQuery
from dashboards.landscape import landscape
from dashboards.station import station

DATASOURCE_UID: Final = "vigia"
DEFAULT_TIME_ZONE: Final = "browser"
TAG: Final = "vigia"
REFRESH: Final = "1m"
SCHEMA_VERSION: Final = 37
"""That of Grafana 9.1 to 9.4; later versions bring a board up to theirs when they load it."""
PANEL_TYPES: Final = frozenset(("bargauge", "piechart", "row", "stat", "table", "timeseries"))
MAX_UID_CHARACTERS: Final = 40

_BOARDS: Final = {"landscape": landscape, "station": station}

Board = dict[str, Any]
"""A dashboard as Grafana's HTTP API takes it."""


def boards(*, time_zone: str = DEFAULT_TIME_ZONE, datasource_uid: str = DATASOURCE_UID) -> dict[str, Board]:
    """Every board by its file's name, checked. time_zone: IANA name, "browser" or "utc". Raises BoardError."""
    made = {name: _finished(build(time_zone, datasource_uid)) for name, build in _BOARDS.items()}
    for board in made.values():
        validate(board)
    return made


def generate(directory: Path) -> list[Path]:
    """Write every board to `<directory>/<name>.json`, always the same bytes; the paths. Raises BoardError, OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, board in boards().items():
        path = directory / f"{name}.json"
        path.write_text(json.dumps(board, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


def validate(board: Mapping[str, Any]) -> None:
    """That the Foundation SDK reads the board and writes the same, and that Grafana 9.4 would load it.

    Raises BoardError saying what does not hold.
    """
    title = board.get("title")
    if not 1 <= len(board["uid"]) <= MAX_UID_CHARACTERS:
        raise BoardError(f"{title}: a uid of {len(board['uid'])} characters (1 to {MAX_UID_CHARACTERS})")
    if board["schemaVersion"] != SCHEMA_VERSION:
        raise BoardError(f"{title}: schema version {board['schemaVersion']}, Grafana 9.4 has {SCHEMA_VERSION}")
    panels = board["panels"]
    if unknown := {panel["type"] for panel in panels} - PANEL_TYPES:
        raise BoardError(f"{title}: panels of type {sorted(unknown)}, of which 9.4 may know nothing")
    if len({panel["id"] for panel in panels}) != len(panels):
        raise BoardError(f"{title}: two panels share an id")
    register_default_plugins()
    runtime.register_dataquery_variant(
        runtime.DataqueryConfig(identifier=DATASOURCE_TYPE, from_json_hook=InfluxQLQuery.from_json)
    )
    if _as_json(models.Dashboard.from_json(dict(board))) != board:
        raise BoardError(f"{title}: the Foundation SDK does not read back what was written")


def _finished(builder: builders.Dashboard) -> Board:
    link = builders.DashboardLink("Vigía").type(models.DashboardLinkType.DASHBOARDS).tags([TAG])
    board = builder.tags([TAG]).refresh(REFRESH).tooltip(models.DashboardCursorSync.CROSSHAIR)
    built = board.link(link.as_dropdown(False).keep_time(True)).build()
    built.schema_version = SCHEMA_VERSION
    for number, panel in enumerate(built.panels or [], start=1):
        panel.id_val = number
    return _as_json(built)


def _as_json(board: models.Dashboard) -> Board:
    plain: Board = json.loads(json.dumps(board, cls=JSONEncoder))
    return plain
