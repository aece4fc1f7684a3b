"""`vigia commands`, as a coordinator uses it: what cannot work does not travel, and is told in Spanish."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli.main import app
from deploy.parts.services import write_registry
from gateway.contract.ranges import RangeSet
from ingest.commands.book import CommandBook, Given, Hearing
from ingest.media.index import MediaIndex
from ingest.media.rows import FileRow, FileState

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
        with self.opened():  # as ingest does at its start
            pass

    def order(self, *words: object) -> Result:
        return vigia(*words, "--key", self.key, "--book", self.book, "--registry", self.registry)

    def told(self, *words: object) -> Result:
        return vigia("list", "--book", self.book, "--registry", self.registry, *words)

    def given(self) -> list[Given]:
        with self.opened() as book:
            return book.listed()

    @contextmanager
    def opened(self) -> Iterator[CommandBook]:
        book = CommandBook(self.book)
        book.open()
        try:
            yield book
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
        (("say", POST, "rio-arriba", "--text", "pin"), "¿quiso decir ping?"),
        (("say", POST, "rio-arriba", "--text", "interval clima 600"), "interval TIPO SEGUNDOS (environment,"),
        (("say", POST, "rio-arriba", "--text", "buenos días"), "conoce: ping; status; identify"),
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
    with desk.opened() as book:
        book.answered(POST, command_id, "done", "said, or queued for when the sensor listens", 1)
    row = vigia("list", "--book", desk.book).stdout.splitlines()[1].split("\t")
    assert (row[0], row[3], row[4]) == (command_id, "decir a rio-arriba: status", "hecha")
    assert row[5] == "dicho, o en espera de que el sensor escuche"
    assert "said, or queued" in vigia("list", "--book", desk.book, "--lang", "en").stdout


def test_a_book_or_a_key_that_is_not_there_is_told_in_spanish(desk: Desk, tmp_path: Path) -> None:
    elsewhere = tmp_path / "otro.db"
    assert "no hay libro de órdenes" in vigia("list", "--book", elsewhere).stderr
    refused = vigia("restart", POST, "--key", desk.key, "--book", elsewhere, "--registry", desk.registry)
    assert refused.exit_code == 1
    assert "reinicie vigia-ingest, que lo crea al arrancar" in refused.stderr
    assert not elsewhere.exists()
    desk.key.unlink()
    assert "no existe" in desk.order("restart", POST).stderr
    desk.key.write_text("not a key")
    assert "no es una clave" in desk.order("restart", POST).stderr
    assert desk.given() == []


def test_a_radio_is_told_any_words_and_so_is_whoever_is_forced(desk: Desk) -> None:
    assert desk.order("say", POST, "malla", "--text", "buenos días").exit_code == 0
    assert desk.order("say", POST, "rio-arriba", "--text", "identify 30").exit_code == 0
    assert desk.order("say", POST, "rio-arriba", "--text", "buenos días", "--force").exit_code == 0
    assert len(desk.given()) == 3


def test_an_order_is_withdrawn_and_it_is_told_whether_the_post_may_have_it(desk: Desk) -> None:
    first, second = (desk.order("restart", POST).stdout.split()[0] for _ in range(2))
    with desk.opened() as book:
        book.send(second, 1_795_000_000_000, lambda: True)
    unsent = vigia("withdraw", first, "--book", desk.book)
    assert unsent.exit_code == 0
    assert "No se llegó a enviar: el puesto no la verá." in unsent.stdout
    sent = vigia("withdraw", second, "--book", desk.book).stdout
    assert f"La orden {second} ya se envió una vez (la última, " in sent
    assert "puede que el puesto la haya recibido" in sent
    assert "el puesto no la verá" not in sent
    again = vigia("withdraw", second, "--book", desk.book)
    assert again.exit_code == 1
    assert "ya no se envía: retirada" in again.stderr
    assert "no hay una orden 'nada'" in vigia("withdraw", "nada", "--book", desk.book).stderr
    rows = [row.split("\t")[4:] for row in desk.told().stdout.splitlines()[1:]]
    assert rows == [
        ["retirada", "se envió una vez antes: puede que el puesto la haya recibido"],
        ["retirada", "no se llegó a enviar"],
    ]


def test_newer_settings_and_rules_supersede_those_that_were_not_answered(desk: Desk, tmp_path: Path) -> None:
    older = desk.order("settings", POST, "health.every_s=300", "uplink.port=8884").stdout.split()[0]
    other = desk.order("settings", POST, "uplink.host=sede.example").stdout.split()[0]
    rules = desk.order("rules", POST).stdout.split()[0]
    given = desk.order("settings", POST, "health.every_s=600")
    newer = given.stdout.split()[0]
    assert f"Ojo: reemplaza a la orden {older} (health.every_s=300 uplink.port=8884)" in given.stderr
    assert "aquella cambiaba también uplink.port" in given.stderr
    file = tmp_path / "rules.toml"
    file.write_text('[[rules]]\nname = "a"\nwhen = "heard"\nlabels = ["chainsaw"]\n')
    newer_rules = desk.order("rules", POST, file).stdout.split()[0]
    outcomes = {one.id: (one.outcome, one.note) for one in desk.given()}
    assert outcomes == {
        older: ("superseded", newer),
        rules: ("superseded", newer_rules),
        **dict.fromkeys((other, newer, newer_rules), (None, None)),
    }
    assert f"\treemplazada por {newer}\tno se llegó a enviar" in desk.told().stdout


def test_why_an_order_waits_is_in_the_list(desk: Desk) -> None:
    command_id = desk.order("restart", POST).stdout.split()[0]
    desk.order("restart", POST, "--any-time")
    assert "ingest la ve en unos segundos" in desk.told().stdout
    with desk.opened() as book:
        book.hear(Hearing(POST, False, "", 1_795_000_000_000))
    assert "puesto sin señal desde 2026-" in desk.told().stdout
    with desk.opened() as book:
        book.hear(Hearing(POST, True))
        for given in book.listed():
            for at_ms in (1_795_000_000_000, 1_795_000_060_000):
                book.send(given.id, at_ms, lambda: True)
    any_time, plain = desk.told().stdout.splitlines()[1:]
    assert plain.startswith(command_id)
    assert "enviada 2 veces sin respuesta" in plain
    assert plain.endswith("puede que el puesto no sepa la hora; dela otra vez con --any-time")
    assert "--any-time" not in any_time
    assert "key_file" in any_time


def test_a_misspelt_post_is_told_also_by_the_list(desk: Desk) -> None:
    assert "¿quiso decir puesto-a?" in desk.told("--station", "puest-a").stderr
    assert "No hay órdenes" in desk.told("--station", POST).stdout


def test_a_picture_that_headquarters_has_is_not_asked_for(desk: Desk, tmp_path: Path) -> None:
    settings = tmp_path / "ingest.toml"
    settings.write_text(
        f'[journal]\npath = "{tmp_path}/journal"\n[influx]\nurl = "http://127.0.0.1:1"\ntoken = "x"\n'
        f'[media]\npath = "{tmp_path}/media"\ntake = true\n'
    )
    wanted = ("send-media", POST, "ab" * 32, "--ingest", settings)
    assert desk.order(*wanted).exit_code == 0  # no index: nothing is known
    (tmp_path / "media").mkdir()
    index = MediaIndex(tmp_path / "media/index.db")
    index.open()
    try:
        assert "no tiene noticia" in desk.order(*wanted).stderr
        about = (POST, "ab" * 32, "yaguas", 9, "image/jpeg", "camara-1", "person")
        file = FileRow(0, *about, 1, 0, 0, 1, 1, {}, 1, 1, FileState.STORED, RangeSet())
        index.save([file], {})
        assert f"ya está entero en la sede: /api/v1/media/{'ab' * 32}" in desk.order(*wanted).stderr
    finally:
        index.close()
