"""Where the demo's posts and sensors stand: an invented river bend for each, written as a post's own map and rules."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Final

from deploy.demo.posts import Post

_LATITUDE: Final = -2.9
_LONGITUDE: Final = -71.9
_KM_A_DEGREE: Final = 111.195
_BEND_KM: Final = 0.6

_RULES: Final = """\
# Reglas de la demostración: cada cosa con su nombre; todas se explican con `vigia gateway check`.
[[rules]]
name = "motosierra"
when = "heard"
labels = ["chainsaw", "tree_fall"]
confidence = 0.6
together = "group"

[[rules]]
name = "disparo"
when = "heard"
labels = ["gunshot", "explosion"]

[[rules]]
name = "embarcación"
when = "boat"
labels = ["long_tail_motor", "outboard_motor", "boat"]
bank_metres = 100
"""


def place_settings(directory: Path, post: Post, *, pace: float) -> str:
    """Write a post's map and rules into its directory; the settings that name them. pace: seconds of the play in a
    second of its scenario: where boats pass, the map shrinks with it, so that a boat of the play is as fast as one."""
    shrink = pace if post.river_km else 1.0
    sites = [(x * shrink, y * shrink) for x, y in post.sites]
    length = max(1.0, *(abs(x) for x, _ in post.sites)) * 1.5 * shrink
    river = [(x, _bend(x / length) * shrink) for x in (length * step / 20 for step in range(20, -21, -1))]
    if post.river_km:
        sites = [(km * shrink, _bend(km * shrink / length) * shrink) for km in post.river_km]
    edge = length * 1.1
    territory = [(-edge, -edge * 0.7), (edge, -edge * 0.7), (edge, edge * 0.7), (-edge, edge * 0.7)]
    features = [
        _feature(
            "territory", post.territory, "Polygon", [[_degrees(*corner) for corner in (*territory, territory[0])]]
        ),
        _feature("river", "Río Sereno", "LineString", [_degrees(*point) for point in river]),
        _feature("post", post.station, "Point", _degrees(-length * 0.8, _bend(-0.8) * shrink)),
        *(
            _feature("sensor", name, "Point", _degrees(*site), title=_title(name), groups=[post.group])
            for name, site in zip(post.sensors, sites, strict=True)
        ),
    ]
    (directory / "map.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}, indent=1))
    (directory / "rules.toml").write_text(_RULES)
    return (
        f'[place]\nmap = "{directory}/map.geojson"\n'
        f'[rules]\npath = "{directory}/rules.toml"\ntimezone = "America/Lima"\n'
    )


def _feature(kind: str, name: str, shape: str, coordinates: Any, **more: object) -> dict[str, object]:
    return {
        "type": "Feature",
        "properties": {"kind": kind, "name": name, **more},
        "geometry": {"type": shape, "coordinates": coordinates},
    }


def _bend(share: float) -> float:
    """How far the river is off its axis, kilometres, at a share of its length from the middle."""
    return _BEND_KM * math.sin(2 * math.pi * share)


def _degrees(x_km: float, y_km: float) -> list[float]:
    """Longitude and latitude, as GeoJSON has them."""
    across = _KM_A_DEGREE * math.cos(math.radians(_LATITUDE))
    return [round(_LONGITUDE + x_km / across, 7), round(_LATITUDE + y_km / _KM_A_DEGREE, 7)]


def _title(name: str) -> str:
    return name.replace("rio", "río").replace("-", " ").capitalize()
