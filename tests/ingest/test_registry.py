"""The registry file: clear about faults, followed when it changes, never lost to a bad edit."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from ingest.registry import MAX_FILE_BYTES, Registry, RegistryError
from tests.ingest.conftest import REGISTRY


class Clock:
    """A monotonic clock that the test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_stations_speak_from_their_territory(registry: Registry) -> None:
    assert registry.territory_of("boca-yaguas") == "yaguas"
    assert registry.territory_of("puesto-dos") == "ampiyacu"
    assert registry.territory_of("nadie") is None
    assert [s.name for s in registry.stations()[0].sensors] == ["clima-01", "audio-09"]
    assert [t.title for t in registry.territories()] == ["Parque Nacional Yaguas", "ACR Ampiyacu Apayacu"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[stations]\n", "line 1"),
        (REGISTRY.replace('name = "puesto-dos"', 'name = "Puesto Dos"'), "line 23, name: must be 1 to 32 of"),
        (REGISTRY.replace('title = "Quebrada Hipona"', "titel = 1"), "line 18, title: missing"),
        (REGISTRY.replace('title = "Quebrada Hipona"', 'title="x"\ncolour = 1'), "line 21, colour: no such setting"),
        (
            REGISTRY.replace('"ampiyacu"\ntitle = "Puesto', '"putumayo"\ntitle = "Puesto'),
            "'putumayo', which is not in the file",
        ),
        (REGISTRY.replace("puesto-dos", "boca-yaguas"), "two of the same name: station 'boca-yaguas'"),
        (REGISTRY.replace("audio-09", "clima-01"), "sensor of station 'boca-yaguas' 'clima-01'"),
        (REGISTRY.replace("puesto-dos", "headquarters"), "no station may be called 'headquarters'"),
        ("stations = 3", "line 1, stations"),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "registry.toml"
    path.write_text(text)
    with pytest.raises(RegistryError) as caught:
        Registry(path).load()
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_what_is_not_a_registry_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "registry.toml"
    with pytest.raises(RegistryError, match="cannot be read"):
        Registry(path).load()
    path.write_bytes(b"\xff")
    with pytest.raises(RegistryError, match="not UTF-8"):
        Registry(path).load()
    path.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(RegistryError, match="larger than"):
        Registry(path).load()


def test_a_new_station_is_let_in_without_a_restart(tmp_path: Path) -> None:
    path, clock = tmp_path / "registry.toml", Clock()
    path.write_text(REGISTRY)
    registry = Registry(path, clock=clock)
    registry.load()
    path.write_text(REGISTRY + '[[stations]]\nname = "puesto-tres"\nterritory = "yaguas"\ntitle = "Tres"\n')
    assert registry.territory_of("puesto-tres") == "yaguas"  # at once: whoever drives its messages again need not wait
    path.write_text(REGISTRY)
    assert registry.territory_of("puesto-tres") == "yaguas"  # known stations are not looked up again within the second
    clock.now += 1.1
    assert registry.territory_of("puesto-tres") is None


@pytest.mark.expects_warnings
def test_a_bad_edit_is_reported_once_and_the_last_good_one_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, clock = tmp_path / "registry.toml", Clock()
    path.write_text(REGISTRY)
    registry = Registry(path, clock=clock)
    registry.load()
    for broken in (lambda: path.write_text("[[stations]"), path.unlink):
        caplog.clear()
        broken()
        for _ in range(3):
            clock.now += 1.1
            assert registry.territory_of("boca-yaguas") == "yaguas"
        assert [r.levelno for r in caplog.records] == [logging.WARNING]
        assert "The last good registry stays in use" in caplog.text
    path.write_text(REGISTRY.replace('territory = "yaguas"', 'territory = "ampiyacu"'))
    clock.now += 1.1
    assert registry.territory_of("boca-yaguas") == "ampiyacu"
