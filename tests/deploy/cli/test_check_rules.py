"""What `vigia gateway check` and the doctor say of a post's map and rules."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner, Result

from deploy.cli.main import app
from deploy.doctor.findings import Mark
from deploy.doctor.rules import rules_checks
from deploy.settings.file import load_settings
from gateway.settings import GatewaySettings
from tests.deploy.doctor.findings import found, look
from tests.gateway.rules.facts_made import EXAMPLE

RULE = '[[rules]]\nname = "sierra"\nwhen = "heard"\nlabels = ["chainsaw"]\n'


def check(path: Path, rules: str | None, *words: str, map_path: Path = EXAMPLE) -> Result:
    """Of a post with that rules file and map."""
    if rules is not None:
        (path / "rules.toml").write_text(rules)
    (path / "gateway.toml").write_text(
        f'[uplink]\ntls = false\n[lanes]\nalert_labels = ["chainsaw"]\n[place]\nmap = "{map_path}"\n'
        f'[rules]\npath = "{path}/rules.toml"\n'
    )
    return CliRunner().invoke(app, ["gateway", "check", str(path / "gateway.toml"), *words])


def doctor(path: Path) -> dict[str, Mark]:
    return dict(found(look(rules_checks(load_settings(path / "gateway.toml", GatewaySettings)))))


def test_each_rule_is_told_in_words(tmp_path: Path) -> None:
    told = check(tmp_path, RULE)
    assert told.exit_code == 0, told.output
    assert (
        f"Lo que hacen las reglas de {tmp_path}/rules.toml:\n  sierra: avisa cuando se detecta motosierra,"
        in told.output
    )
    assert "  sierra: warns when chainsaw is detected," in check(tmp_path, RULE, "--lang", "en").output
    assert doctor(tmp_path) == {"rules": Mark.OK}


def test_every_fault_is_told_with_its_line_and_sense(tmp_path: Path) -> None:
    told = check(tmp_path, RULE + 'count = "dos"\n[[rules]]\nname = "sierra"\nwhen = "oye"\n[[rules]]\nname = "x"\n')
    assert told.exit_code == 1
    assert str(told.exception).splitlines() == [
        f"{tmp_path}/rules.toml no sirve; tiene 3 errores:",
        "  línea 5: rules.count: debe ser un número entero",
        "  línea 8: rules.when: no existe; los hay: 'heard', 'near', 'silent', 'boat'",
        '  línea 9: rules: no dice su when; escriba when = "..." en él',
    ]
    assert doctor(tmp_path) == {"rules_wrong": Mark.WRONG}


def test_what_cannot_work_here_is_pointed_out(tmp_path: Path) -> None:
    told = check(tmp_path, RULE.replace("chainsaw", "voices") + 'groups = ["Otro"]\n')
    assert told.exit_code == 0
    assert "Ojo: ninguna regla avisa de: motosierra\nOjo: sierra: ningún sensor es del grupo Otro\n" in told.output
    assert doctor(tmp_path) == {"rules": Mark.OK, "rules_doubt": Mark.ATTENTION}


def test_an_output_for_a_rule_that_there_is_not_is_pointed_out(tmp_path: Path) -> None:
    check(tmp_path, RULE)
    with (tmp_path / "gateway.toml").open("a") as settings:
        settings.write('[[warnings]]\noutput = "log"\nrules = ["sierra", "siera", "storm"]\n')
    told = CliRunner().invoke(app, ["gateway", "check", str(tmp_path / "gateway.toml")])
    assert told.exit_code == 0
    assert [line for line in told.output.splitlines() if line.startswith("Ojo: ")] == [
        "Ojo: la salida log es para la regla siera, que no hay: por ella no avisará"
    ]


def test_files_that_are_not_on_this_machine_are_no_fault(tmp_path: Path) -> None:
    told = check(tmp_path, None)
    assert told.exit_code == 0
    assert f"{tmp_path}/rules.toml no está en este equipo" in told.output
    assert doctor(tmp_path) == {"rules_missing": Mark.WRONG}


def test_a_map_with_a_fault_is_told(tmp_path: Path) -> None:
    (tmp_path / "map.geojson").write_text("{")
    told = check(tmp_path, RULE, map_path=tmp_path / "map.geojson")
    assert told.exit_code == 1
    assert "map.geojson no es JSON: línea 1" in str(told.exception)
    assert doctor(tmp_path) == {"map_wrong": Mark.WRONG}
