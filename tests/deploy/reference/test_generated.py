"""Every generated file in the tree is what the code makes; `vigia generate` mends what is not."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.reference.generated import Change, source_tree, stale, wanted, write
from deploy.reference.vocabulary import vocabulary_text
from firmware_bridge.readings import LABELS, QUANTITIES


def test_no_generated_file_is_out_of_date() -> None:
    assert stale(source_tree(), wanted()) == [], "run `vigia generate` and commit what it changes"


def test_what_is_out_of_date_is_named_and_mended(tmp_path: Path) -> None:
    files = {"deploy/reference/a.toml": b"a", "dashboards/generated/b.json": b"b"}
    (tmp_path / "dashboards/generated").mkdir(parents=True)
    (tmp_path / "dashboards/generated/b.json").write_text("old")
    (tmp_path / "dashboards/generated/gone.json").write_text("a board that is no more")
    changes = [
        Change("deploy/reference/a.toml", "new"),
        Change("dashboards/generated/b.json", "changed"),
        Change("dashboards/generated/gone.json", "removed"),
    ]
    assert stale(tmp_path, files) == changes
    assert write(tmp_path, files) == changes
    assert stale(tmp_path, files) == write(tmp_path, files) == []


def test_the_command_says_how_many_there_are() -> None:
    told = CliRunner().invoke(app, ["generate", "--check"])
    assert told.exit_code == 0, told.output
    assert told.output.endswith("generated files are up to date\n")


def test_the_vocabulary_names_every_quantity_and_label() -> None:
    text = vocabulary_text()
    assert all(f"`{name}`" in text for name in (*QUANTITIES, *LABELS))
    assert "| 1 | `chainsaw` | yes | Motosierra | Chainsaw |" in text
    assert "| 16 | `battery_volts` | V | 0.01 | 0 | 80 | Batería | Battery |" in text
