"""What headquarters changed is told at the post, and it is what the gateway runs with that is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.doctor.findings import Mark
from deploy.doctor.from_afar import look_from_afar
from deploy.doctor.post import examine_post
from gateway.commands.office import overlay_of
from gateway.settings import GatewaySettings
from tests.deploy.doctor.findings import found


@pytest.fixture
def own(tmp_path: Path) -> GatewaySettings:
    return GatewaySettings.model_validate(
        {"outbox": {"path": tmp_path / "outbox.db"}, "commands": {"trial_s": 600}, "uplink": {"port": 8883}}
    )


def test_nothing_is_told_of_a_post_that_was_never_ordered_about(own: GatewaySettings) -> None:
    assert look_from_afar(own) == (own, [])


def test_a_trial_is_told_with_its_way_back_and_then_what_was_kept(own: GatewaySettings) -> None:
    overlay = overlay_of(own)
    overlay.open()
    overlay.propose("ab" * 8, own, {"health.every_s": 30})
    overlay.settings(own)
    overlay.confirm()
    kept = look_from_afar(own)
    assert found(kept.findings) == {"settings_from_afar": Mark.OK}
    assert "health.every_s=30" in kept.findings[0].what.es
    assert kept.settings.health.every_s == 30

    overlay.propose("cd" * 8, own, {"uplink.port": 9})
    before = (own.outbox.path.parent / "commands/headquarters.json").read_bytes()
    tried = look_from_afar(own)
    assert found(tried.findings) == {"settings_on_trial": Mark.ATTENTION}
    assert tried.findings[0].what.es == f"Se prueba lo que la sede cambió: uplink.port=9 (orden {'cd' * 8})"
    assert tried.findings[0].todo is not None
    assert "si en 10 minutos de enlace no se llega a la sede, vuelve solo" in tried.findings[0].todo.es
    assert (tried.settings.uplink.port, tried.settings.health.every_s) == (9, 30)
    assert (own.outbox.path.parent / "commands/headquarters.json").read_bytes() == before

    overlay.roll_back()
    assert look_from_afar(own).settings.uplink.port == 8883


def test_a_damaged_file_is_told_and_left_where_it_is(own: GatewaySettings) -> None:
    path = own.outbox.path.parent / "commands/headquarters.json"
    path.parent.mkdir()
    path.write_bytes(b"{")
    assert found(look_from_afar(own).findings) == {"from_afar_not_used": Mark.ATTENTION}
    path.write_bytes(b'{"changes": {"health.none": 1}}')
    told = look_from_afar(own)
    assert found(told.findings) == {"from_afar_not_used": Mark.ATTENTION}
    assert told.settings is own


def test_the_broker_that_the_gateway_goes_to_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(
        f'[station]\nname = "puesto-a"\n[outbox]\npath = "{tmp_path}/outbox.db"\n'
        '[uplink]\nhost = "127.0.0.1"\nport = 7\ntls = false\n'
    )
    (tmp_path / "commands").mkdir()
    (tmp_path / "commands/headquarters.json").write_text('{"changes": {"uplink.port": 9}}')
    broker = next(told.finding for told in examine_post(file) if told.finding.code == "broker_refused")
    assert "127.0.0.1:9" in broker.where
