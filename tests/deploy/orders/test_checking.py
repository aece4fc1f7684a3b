"""Orders that no post would take are found before they are signed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.orders.checking import (
    LEAST_HOURS,
    MOST_HOURS,
    Post,
    Remark,
    Weight,
    at_station,
    clock_remarks,
    hours_remarks,
    image_remarks,
    picture_remarks,
    rules_remarks,
    saying_remarks,
    sensor_remarks,
    settings_remarks,
)
from firmware_bridge.update.image import encode_image, sign_image
from gateway.contract.commands import MAX_LIFE_MS, Setting

ROOT = Path(__file__).parents[3]
POST = Post("boca-yaguas", ("rio-arriba", "quebrada"))


def told(remarks: Iterable[Remark]) -> list[tuple[str, Weight]]:
    return [(remark.words.es, remark.weight) for remark in remarks]


def registry(directory: Path) -> Path:
    file = directory / "registry.toml"
    file.write_text(
        '[[territories]]\nname = "yaguas"\ntitle = "Yaguas"\n'
        '[[stations]]\nname = "boca-yaguas"\nterritory = "yaguas"\ntitle = "Boca Yaguas"\n'
        '[[stations.sensors]]\nname = "rio-arriba"\ntitle = "Río arriba"\n'
    )
    return file


def test_a_post_is_known_with_its_sensors(tmp_path: Path) -> None:
    assert at_station(registry(tmp_path), "boca-yaguas") == (Post("boca-yaguas", ("rio-arriba",)), [])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("boca-yagua", "el registro no tiene un puesto 'boca-yagua'; ¿quiso decir boca-yaguas?"),
        ("otro", "el registro no tiene un puesto 'otro'; tiene: boca-yaguas"),
    ],
)
def test_a_misspelt_post_is_told_with_the_nearest_name(tmp_path: Path, name: str, words: str) -> None:
    post, remarks = at_station(registry(tmp_path), name)
    assert post is None
    assert told(remarks) == [(words, Weight.FAULT)]


def test_a_registry_that_is_not_there_or_broken_is_a_fault_that_may_be_overridden(tmp_path: Path) -> None:
    missing = at_station(tmp_path / "registry.toml", "boca-yaguas")
    assert "--registry" in missing[1][0].words.es
    broken = registry(tmp_path)
    broken.write_text("[[stations]]\nname = 3\n")
    assert {remark.weight for remark in (*missing[1], *at_station(broken, "boca-yaguas")[1])} == {Weight.FAULT}


def test_a_misspelt_sensor_is_told_and_what_is_like_none_may_be_a_radio() -> None:
    assert not list(sensor_remarks(POST, "quebrada"))
    assert told(sensor_remarks(POST, "rio-ariba")) == [
        ("el registro no tiene un sensor 'rio-ariba' en boca-yaguas; ¿quiso decir rio-arriba?", Weight.FAULT)
    ]
    assert [remark.weight for remark in sensor_remarks(POST, "malla")] == [Weight.DOUBT]
    assert [remark.weight for remark in sensor_remarks(POST, "malla", must_be_listed=True)] == [Weight.FAULT]


def test_a_registry_without_sensors_tells_nothing_of_one() -> None:
    assert not list(sensor_remarks(Post("boca-yaguas"), "rio-ariba"))
    assert not list(sensor_remarks(None, "rio-ariba"))


def test_rules_are_read_as_the_post_reads_them(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text((ROOT / "deploy/reference/rules.toml").read_text())
    assert not list(rules_remarks(None, file))
    file.write_text('[[rules]]\nname = "motosierra"\nwhen = "heard"\nlabels = ["chainsaw"]\nsensors = ["quebrad"]\n')
    assert told(rules_remarks(POST, file)) == [
        (f"{file}: el registro no tiene un sensor 'quebrad' en boca-yaguas; ¿quiso decir quebrada?", Weight.FAULT)
    ]
    file.write_text("# ninguna\n")
    assert "ninguna regla" in told(rules_remarks(POST, file))[0][0]
    file.write_text('[[rules]]\nname = "motosierra"\nwhen = "heard"\nlabel = ["chainsaw"]\n')
    assert any("línea 4" in words and "labels" in words for words, _ in told(rules_remarks(POST, file)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"health.every_s": 300, "uplink.mode": "windows", "sources.cable.baud": 9600}, ""),
        ({"uplink.tls": True, "place.latitude": -3.2}, ""),  # the rest of the post's file may make it whole
        ({"health.every_s": None}, ""),
        ({"health.evry_s": None}, "¿quiso decir every_s?"),
        ({"helth.every_s": 300}, "¿quiso decir health?"),
        ({"health.every_s": -2}, "debe ser al menos 1"),
        ({"uplink.mode": "window"}, "'always' o 'windows'"),
        ({"health": 3}, "SECCIÓN.AJUSTE"),
        ({"sources.cable": 3}, "sources.FUENTE.AJUSTE"),
        ({"warnings.siren.pin": 3}, "dentro de una lista"),
        ({"page.enabled": False}, "desde lejos no se cambia"),
        ({"station.name": "otro"}, "desde lejos no se cambia"),
        ({"commands.trial_s": 60}, "desde lejos no se cambia"),
    ],
)
def test_settings_that_no_post_takes_are_told(changes: dict[str, Setting], words: str) -> None:
    said = told(settings_remarks(changes))
    if not words:
        assert said == []
        return
    assert len(said) == 1
    assert words in said[0][0]
    assert said[0][0].startswith(next(iter(changes)))


@pytest.mark.parametrize("hours", [0.0, -3.0, MOST_HOURS + 2.0, float("nan"), float("inf")])
def test_an_order_that_would_be_expired_or_good_for_ever_is_none(hours: float) -> None:
    assert [remark.weight for remark in hours_remarks(hours)] == [Weight.IMPOSSIBLE]


def test_the_hours_that_are_taken_are_those_of_the_contract() -> None:
    assert not [*hours_remarks(LEAST_HOURS), *hours_remarks(MOST_HOURS)]
    assert MOST_HOURS * 3_600_000 < MAX_LIFE_MS


def test_a_clock_of_1970_is_told() -> None:
    assert "reloj" in told(clock_remarks(86_400_000))[0][0]
    assert not list(clock_remarks(1_795_000_000_000))


def test_what_is_said_is_words_or_bytes() -> None:
    assert not [*saying_remarks("status", ""), *saying_remarks("", "01A0ff")]
    for text, payload in (("", ""), ("a", "01"), ("", "01a"), ("", "xy"), ("", "00" * 243), ("a" * 241, "")):
        assert {weight for _, weight in told(saying_remarks(text, payload))} == {Weight.IMPOSSIBLE}


def test_a_picture_is_asked_for_by_its_whole_hash() -> None:
    assert not list(picture_remarks("A0" * 32))
    assert "no 8" in told(picture_remarks("a0b1c2d3"))[0][0]


def test_a_file_that_is_no_firmware_or_came_damaged_is_told(tmp_path: Path) -> None:
    whole = encode_image(sign_image(b"program", "audio", "1.2.0", Ed25519PrivateKey.generate()))
    assert not list(image_remarks(tmp_path, whole))
    for damaged in (b"PK\x03\x04", whole[:-1], whole[:-1] + b"?"):
        assert "firmware" in told(image_remarks(tmp_path, damaged))[0][0]
