"""`vigia gateway check` tells of hours and budgets of the link that are hardly meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app

WINDOW = '[[uplink.windows]]\nstart = "06:00"\n'


@pytest.mark.parametrize(
    ("link", "spanish", "english"),
    [
        ('mode = "windows"', "se abre 10 min cada 6 h, sin hora fija", "opens for 10 min every 6 h"),
        (WINDOW, "el enlace no se cierra nunca", "the link never closes"),
        ("budget_bytes = { media = 2_000, total = 1_000 }", "media (2000) pasa de total (1000)", "is more than total"),
        ("budget_bytes = { alert = 1_000 }", "ninguna alerta llega a la sede", "no alert reaches headquarters"),
        (f'mode = "windows"\n{WINDOW}', "", ""),
        ("budget_bytes = { media = 1_000, total = 1_000 }", "", ""),
    ],
)
def test_what_is_hardly_meant_is_told(tmp_path: Path, link: str, spanish: str, english: str) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(f"[uplink]\n{link}\n")
    for language, words, mark in (("es", spanish, "Ojo: "), ("en", english, "Mind: ")):
        told = CliRunner().invoke(app, ["gateway", "check", str(file), "--lang", language])
        assert told.exit_code == 0, told.output
        doubts = [line for line in told.output.splitlines() if line.startswith(mark)]
        assert [words in doubt for doubt in doubts] == [True] * bool(words)
