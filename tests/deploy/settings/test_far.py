"""Places of a map that cannot be where they are told to be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.errors import DeployError
from deploy.settings.doubts import doubts_of_map
from deploy.settings.far import doubts_of_distance
from deploy.settings.file import load_settings
from deploy.settings.post import place_of_post
from deploy.settings.problems import SettingsFileError
from gateway.place.geometry import Point, River
from gateway.place.place import Outline, Place, PlacedSensor
from gateway.place.settings import PlaceSettings
from gateway.settings import GatewaySettings

EDGE = (Point(-2.5, -72.0), Point(-2.5, -71.0), Point(-3.5, -71.0), Point(-2.5, -72.0))
TERRITORY = (Outline("Yaguas", (EDGE,)),)
RIVER = (River("Yaguas", [(-2.6, -71.9), (-3.0, -71.2)]),)


def sensors(*points: tuple[float, float]) -> dict[str, PlacedSensor]:
    return {f"s{n}": PlacedSensor(f"s{n}", f"S {n}", *point) for n, point in enumerate(points, 1)}


def told(place: Place) -> list[str]:
    return [doubt.es.partition(" En GeoJSON")[0] for doubt in doubts_of_distance(place)]


@pytest.mark.parametrize(
    ("territories", "rivers", "of"),
    [(TERRITORY, (), "territorio"), (TERRITORY, RIVER, "territorio"), ((), RIVER, "río")],
)
def test_a_post_and_sensors_that_are_swapped(
    territories: tuple[Outline, ...], rivers: tuple[River, ...], of: str
) -> None:
    place = Place(sensors((-71.9, -2.6), (-71.5, -2.8)), rivers, territories, post=Point(-71.2, -3.0))
    (only,) = told(place)
    assert only.startswith("en el mapa, el puesto, s1, s2 están a ")
    assert only.endswith(f"km del {of}: ¿latitud y longitud cambiadas?")
    assert "a 9 " in only or "a 8 " in only


def test_one_of_several_where_nothing_else_is_told() -> None:
    (only,) = told(Place(sensors((-2.6, -71.9), (-71.8, -2.7), (-2.8, -71.7))))
    assert only.startswith("en el mapa, s2 está a ")
    assert only.endswith("km de los demás: ¿latitud y longitud cambiadas?")


def test_one_that_is_elsewhere_by_another_mistake() -> None:
    (only,) = told(Place(sensors((2.6, 71.9)), RIVER, TERRITORY))
    assert only.endswith("km del territorio: ¿está bien escrita su posición?")


def test_a_sound_map_gives_no_cause_to_doubt() -> None:
    place = Place(sensors((-2.6, -71.9), (-3.6, -70.5)), RIVER, TERRITORY, post=Point(-3.9, -71.0))
    assert told(place) == []
    assert told(Place(sensors((-2.6, -71.9), (-71.8, -2.7)))) == [], "of two nobody knows which is wrong"
    assert told(Place()) == []
    assert [doubt.es for doubt in doubts_of_map(GatewaySettings(), place)] == []


def test_a_latitude_that_is_none_is_told_in_its_line(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text("[place]\nlatitude = -120.5\nlongitude = -2.6\n")
    with pytest.raises(SettingsFileError) as caught:
        load_settings(file, GatewaySettings)
    assert [problem("es") for problem in caught.value.problems] == [
        "línea 2: place.latitude: una latitud va de -90 a 90: ¿latitud y longitud cambiadas?"
    ]


def test_a_position_that_is_valid_only_when_swapped_is_told(tmp_path: Path) -> None:
    path = tmp_path / "map.geojson"
    feature = {
        "type": "Feature",
        "properties": {"kind": "post", "name": "boca"},
        "geometry": {"type": "Point", "coordinates": [-2.6, -120.5]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    with pytest.raises(DeployError, match="¿latitud y longitud cambiadas"):
        place_of_post(GatewaySettings(place=PlaceSettings(map=path)), "es")
