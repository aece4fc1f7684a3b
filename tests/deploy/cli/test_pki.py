"""`vigia pki`, as a person uses it."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli.broker import app as deploy_app
from deploy.cli.pki import app


def pki(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_from_nothing_to_a_bundle_and_a_revocation(tmp_path: Path) -> None:
    here = tmp_path / "pki"
    for words in (
        ("init", here, "--name", "Paisaje"),
        ("server", here, "hub.example.org", "10.1.0.5"),
        ("station", here, "puesto-a"),
        ("service", here, "ingest"),
        ("bundle", here, "puesto-a", tmp_path / "usb" / "puesto-a.tar.gz"),
        ("revoke", here, "puesto-a"),
    ):
        result = pki(*words)
        assert result.exit_code == 0, result.output
    with tarfile.open(tmp_path / "usb" / "puesto-a.tar.gz") as archive:
        assert sorted(archive.getnames()) == ["ca.crt", "station.crt", "station.key"]
    listed = pki("list", here)
    # Not a terminal here: one plain line each, for other programs.
    assert [line.split("\t")[:3] for line in listed.output.splitlines()] == [
        ["nombre", "papel", "estado"],
        ["puesto-a", "puesto", "anulado"],
        ["service.broker", "broker", "vale"],
        ["service.ingest", "servicio", "vale"],
    ]
    assert pki("list", here, "--lang", "en").output.splitlines()[1].split("\t")[:3] == [
        "puesto-a",
        "station",
        "revoked",
    ]


def test_a_service_goes_by_the_name_under_which_it_was_made(tmp_path: Path) -> None:
    here = tmp_path / "pki"
    pki("init", here)
    pki("service", here, "ingest")
    made = pki("bundle", here, "ingest", tmp_path / "ingest")
    assert made.exit_code == 0, made.output
    assert "en nombre de service.ingest. Solo ese servicio" in made.output
    assert "Bórrelo" not in made.output  # that folder is the installation
    pki("station", here, "puesto-a")
    assert "Bórrelo" in pki("bundle", here, "puesto-a", tmp_path / "usb").output
    # To shut somebody out is for those who name them in full.
    refused = pki("revoke", here, "ingest")
    assert refused.exit_code == 1
    assert "¿quiso decir service.ingest?" in refused.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("station", "puesto-a"), "no es una autoridad"),
        (("list",), "no es una autoridad"),
        (("revoke", "puesto-a"), "no es una autoridad"),
        (("bundle", "puesto-a", "out"), "no es una autoridad"),
    ],
)
def test_a_mistake_is_one_plain_line_and_exit_code_1(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    result = pki(words[0], tmp_path / "nowhere", *words[1:])
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert told in result.stderr
    assert not result.stdout


def test_a_directory_that_cannot_be_made_is_one_plain_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = pki("init", tmp_path / "file" / "pki")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


def test_the_brokers_files_are_written_and_written_again(tmp_path: Path) -> None:
    here = tmp_path / "pki"
    words = ["broker", str(tmp_path / "broker"), "--pki", str(here), "--port", "8884"]
    runner = CliRunner()
    pki("init", here)
    early = runner.invoke(deploy_app, words)
    assert early.exit_code == 1
    assert "service.broker" in early.stderr
    pki("server", here, "localhost")
    for _ in range(2):
        assert runner.invoke(deploy_app, words).exit_code == 0
    assert "listener 8884\n" in (tmp_path / "broker" / "mosquitto.conf").read_text()
