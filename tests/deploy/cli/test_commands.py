"""`vigia commands`, as a coordinator uses it: what cannot work does not travel, and is told in Spanish."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli.main import app
from deploy.parts.services import write_registry
from ingest.commands.book import CommandBook, Given

POST = "puesto-a"


class Desk:
    """A coordinator's desk: a key, a book, a registry."""

    def __init__(self, directory: Path) -> None:
        self.book = directory / "commands.db"
        self.registry = write_registry(directory / "registry.toml", {POST: "yaguas"})
        self.registry.write_text(
            f'{self.registry.read_text()}[[stations.sensors]]\nname = "rio-arriba"\ntitle = "Río arriba"\n'
        )
        self.key = directory / "keys/commands.key"
        assert vigia("key", directory / "keys").exit_code == 0

    def order(self, *words: object) -> Result:
        return vigia(*words, "--key", self.key, "--book", self.book, "--registry", self.registry)

    def given(self) -> list[Given]:
        if not self.book.exists():
            return []
        book = CommandBook(self.book)
        book.open()
        try:
            return book.listed()
        finally:
            book.close()


def vigia(*words: object) -> Result:
    return CliRunner().invoke(app, ["commands", *map(str, words)])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("restart", "puesto-b"), "¿quiso decir puesto-a?"),
        (("say", POST, "rio-ariba", "--text", "status"), "¿quiso decir rio-arriba?"),
        (("settings", POST, "health.every=300"), "¿quiso decir every_s?"),
        (("settings", POST, "health.every_s"), "no es NAME=VALUE"),
        (("settings", POST, "lanes.alert_labels=[[1]]"), "el valor es un número"),
        (("send-media", POST, "abc"), "64 cifras hexadecimales"),
        (("restart", POST, "--hours", "-1"), "nacería vencida"),
    ],
)
def test_what_cannot_work_is_refused_before_it_is_signed(desk: Desk, words: tuple[str, ...], told: str) -> None:
    refused = desk.order(*words)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("La orden no se dio:\n")
    assert told in refused.stderr
    assert not refused.stdout
    assert desk.given() == []


def test_rules_with_errors_are_refused_line_by_line(desk: Desk, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rules]]\nname = "motosierra"\nwhen = "heard"\nlabels = ["chainsw"]\n')
    refused = desk.order("rules", POST, rules)
    assert refused.exit_code == 1
    assert "línea 4" in refused.stderr
    assert "¿quiso decir chainsaw (motosierra)?" in refused.stderr
    assert desk.given() == []


def test_whoever_is_sure_gives_it_all_the_same_and_is_told(desk: Desk) -> None:
    desk.registry.unlink()
    assert "--force" in desk.order("restart", POST).stderr
    given = desk.order("restart", POST, "--force")
    assert given.exit_code == 0
    assert given.stderr.startswith("Ojo: no hay registro de puestos")
    assert [one.station for one in desk.given()] == [POST]


def test_what_cannot_be_written_down_is_not_forced(desk: Desk) -> None:
    refused = desk.order("send-media", POST, "abc", "--force")
    assert refused.exit_code == 1
    assert "--force" not in refused.stderr
    assert desk.given() == []


def test_a_large_rules_file_is_told_and_leaves_nothing_half_given(desk: Desk, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("# largo\n" * 10_000)
    refused = desk.order("rules", POST, rules, "--force")
    assert refused.exit_code == 1
    assert "ningún puesto la tomaría" in refused.stderr
    assert desk.given() == []


def test_orders_and_answers_are_listed_in_spanish_first(desk: Desk) -> None:
    said = desk.order("say", POST, "rio-arriba", "--text", "status")
    command_id = said.stdout.split()[0]
    book = CommandBook(desk.book)
    book.open()
    book.answered(POST, command_id, "done", "said, or queued for when the sensor listens", 1)
    book.close()
    row = vigia("list", "--book", desk.book).stdout.splitlines()[1].split("\t")
    assert (row[0], row[3], row[4]) == (command_id, "decir a rio-arriba: status", "hecha")
    assert row[5] == "dicho, o en espera de que el sensor escuche"
    assert "said, or queued" in vigia("list", "--book", desk.book, "--lang", "en").stdout


def test_a_book_or_a_key_that_is_not_there_is_told_in_spanish(desk: Desk, tmp_path: Path) -> None:
    assert "no hay libro de órdenes" in vigia("list", "--book", tmp_path / "otro.db").stderr
    desk.key.unlink()
    assert "no existe" in desk.order("restart", POST).stderr
    desk.key.write_text("not a key")
    assert "no es una clave" in desk.order("restart", POST).stderr
    assert desk.given() == []
