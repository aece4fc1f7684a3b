"""Where things are: the map, the settings over it, and words for what is wrong with either."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.place.errors import PlaceError
from gateway.place.geojson import KINDS, MAX_FILE_BYTES, MAX_POINTS, read_features
from gateway.place.place import Place, PlacedSensor
from gateway.place.settings import PlaceSettings

EXAMPLE = Path(__file__).resolve().parents[3] / "gateway/place/example.geojson"


def written(path: Path, *features: object) -> Path:
    file = path / "map.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return file


def feature(kind: str, shape: str, coordinates: object, **properties: object) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"kind": kind, **properties},
        "geometry": {"type": shape, "coordinates": coordinates},
    }


def test_the_example_has_a_river_a_territory_a_post_and_four_sensors() -> None:
    place = Place.load(PlaceSettings(map=EXAMPLE))
    assert list(place.sensors) == ["rio-arriba", "rio-medio", "rio-abajo", "quebrada-norte"]
    assert place.title("rio-arriba") == "Río arriba"
    assert place.title("nobody") == "nobody"
    assert place.groups() == {"Río Sereno": ("rio-arriba", "rio-medio", "rio-abajo"), "Monte": ("quebrada-norte",)}
    assert [river.name for river in place.rivers] == ["Río Sereno"]
    assert [outline.name for outline in place.territories] == ["Vuelta Larga"]
    assert [outline.name for outline in place.boundaries] == ["Lindero Este"]
    assert place.post == (-3.003, -71.949)
    # Downstream is in the order of the points: the sensors are as their names say.
    river = place.rivers[0]
    along = [river.along_metres(*place.sensors[name].position)[0] for name in list(place.sensors)[:3]]  # type: ignore[misc]  # all are placed
    assert along == sorted(along)


def test_no_map_and_no_settings_are_a_place_without_anything() -> None:
    assert Place.load(PlaceSettings()) == Place()


def test_the_settings_go_before_the_map() -> None:
    told = PlaceSettings.model_validate(
        {
            "map": EXAMPLE,
            "latitude": 1.5,
            "longitude": -70.0,
            "sensors": [
                {"name": "rio-medio", "title": "La vuelta", "groups": ["Otro"]},
                {"name": "nuevo", "expected_interval_s": 60},
            ],
        }
    )
    place = Place.load(told)
    assert place.post == (1.5, -70.0)
    medio = place.sensors["rio-medio"]
    assert (medio.title, medio.groups, medio.latitude) == ("La vuelta", ("Otro",), -3.0055)
    assert place.sensors["nuevo"] == PlacedSensor("nuevo", "nuevo", expected_interval_s=60.0)
    assert place.sensors["nuevo"].position is None


@pytest.mark.parametrize(
    ("sensors", "said"),
    [
        ([{"name": "a"}, {"name": "a"}], "sensor a is placed twice"),
        ([{"name": "a", "latitude": 3}], "latitude and longitude go together"),
        ([{"name": "a", "latitude": 91, "longitude": 0}], "are latitude and longitude swapped"),
        ([{"name": "a", "latitude": 191, "longitude": 0}], "less than or equal to 90"),
        ([{"name": ""}], "a sensor's name is 1 to 32 printable bytes"),
    ],
)
def test_settings_that_cannot_be(sensors: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        PlaceSettings.model_validate({"sensors": sensors})


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (feature("river", "Point", [0, 0], name="r"), r"feature 1 \(river r\): its geometry must be LineString"),
        (feature("river", "LineString", [[0, 0]], name="r"), "each line needs at least 2 points"),
        (feature("territory", "Polygon", [[[0, 0], [1, 1]]], name="t"), "each line needs at least 4 points"),
        (feature("territory", "Polygon", [], name="t"), "each line needs at least 4 points"),
        (feature("sensor", "Point", [-3, -172], name="s"), "GeoJSON has longitude first"),
        (feature("sensor", "Point", ["a", 1], name="s"), r"a position is \[longitude, latitude\]"),
        (feature("sensor", "Point", [0, True], name="s"), r"a position is \[longitude, latitude\]"),
        (feature("sensor", "Point", 3, name="s"), r"a position is \[longitude, latitude\]"),
        (feature("sensor", "Point", [0, 0]), "properties.name must be text"),
        (feature("sensor", "Point", [0, 0], name=7), "properties.name must be text"),
        (feature("sensor", "Point", [0, 0], name="s" * 40), "its name is not 1 to 32 bytes"),
        (feature("sensor", "Point", [0, 0], name="s", groups="g"), "groups must be a list"),
        (feature("sensor", "Point", [0, 0], name="s", title=["t"]), "title must be text"),
        (feature("sensor", "Point", [0, 0], name="s", expected_interval_s=0), "expected_interval_s must be 1"),
        ({"properties": {"kind": "river", "name": "r"}}, "its geometry must be LineString"),
        (feature("river", "LineString", 3, name="r"), "coordinates is no list"),
    ],
)
def test_a_fault_of_the_map_is_told_with_its_feature(tmp_path: Path, one: object, said: str) -> None:
    with pytest.raises(PlaceError) as caught:
        Place.load(PlaceSettings(map=written(tmp_path, one)))
    assert caught.match("map.geojson")
    assert re.search(said, caught.value.words("en"))
    assert caught.value.words("es") != caught.value.words("en")


def test_two_sensors_of_one_name_are_a_fault(tmp_path: Path) -> None:
    twice = [feature("sensor", "Point", [0, 0], name="s")] * 2
    with pytest.raises(PlaceError, match="está dos veces"):
        Place.load(PlaceSettings(map=written(tmp_path, *twice)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is not JSON: line 1"),
        (b"\xff", "not JSON in UTF-8"),
        (b"[]", "is no GeoJSON"),
        (b"[" * 100_000, "is not JSON"),
        (b" " * (MAX_FILE_BYTES + 1), "longer than 8 MiB"),
    ],
)
def test_what_is_no_map_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "map.geojson"
    file.write_bytes(content)
    with pytest.raises(PlaceError) as caught:
        read_features(file)
    assert said in caught.value.words("en")


def test_a_missing_map_and_one_of_too_many_points_are_told(tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match="no se puede leer el mapa"):
        read_features(tmp_path / "none.geojson")
    line = [[0, 0]] * (MAX_POINTS + 1)
    with pytest.raises(PlaceError, match="tiene más de 100000 puntos"):
        read_features(written(tmp_path, feature("river", "LineString", line, name="r")))


def test_features_of_other_programs_are_passed_over(tmp_path: Path) -> None:
    others = [None, 3, {}, {"properties": None}, feature("pump", "Point", [0]), feature("pump", "Nothing", None)]
    assert read_features(written(tmp_path, *others)) == []


_json = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(
    kind=st.sampled_from(sorted(KINDS)),
    shape=st.sampled_from(["Point", "LineString", "Polygon"]),
    what=_json,
    name=_json,
)
def test_any_json_is_a_map_or_words(
    tmp_path_factory: pytest.TempPathFactory, kind: str, shape: str, what: object, name: object
) -> None:
    file = written(tmp_path_factory.mktemp("map"), feature(kind, shape, what, name=name))
    with suppress(PlaceError):
        Place.load(PlaceSettings(map=file))
