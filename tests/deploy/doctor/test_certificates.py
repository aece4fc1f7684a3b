"""Certificates made by the authority, each spoilt in one way."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from deploy.doctor.certificates import SOON, Files, look
from deploy.doctor.findings import Mark
from deploy.pki import authority
from deploy.pki.bundles import bundle
from tests.deploy.doctor.findings import found

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return issue(tmp_path, "boca")


def issue(tmp_path: Path, name: str, pki: str = "pki") -> Files:
    if not (tmp_path / pki).exists():
        authority.create_authority(tmp_path / pki)
    authority.issue_station(tmp_path / pki, name)
    out = bundle(tmp_path / pki, name, tmp_path / f"{pki}-{name}")
    return Files(out / "ca.crt", out / "station.crt", out / "station.key")


def test_a_bundle_as_it_comes_is_in_order(files: Files) -> None:
    assert found(look(files, "boca", NOW)) == {"certificate": Mark.OK}


def test_another_posts_certificate(files: Files) -> None:
    (finding,) = look(files, "yaguas", NOW)
    assert finding.code == "certificate_name"
    assert finding.what.es == "El certificado es de «boca» y la configuración dice «yaguas»"


def test_an_ended_one_and_one_that_ends_soon(files: Files) -> None:
    after = NOW + dt.timedelta(days=5 * 365)
    assert found(look(files, "boca", after + dt.timedelta(days=1))) == {"certificate_ended": Mark.WRONG}
    assert found(look(files, "boca", after - SOON / 2)) == {"certificate_ends_soon": Mark.ATTENTION}


def test_a_key_that_everyone_may_read(files: Files) -> None:
    files.key.chmod(0o640)
    assert found(look(files, "boca", NOW)) == {"certificate": Mark.OK}, "the service's group may"
    files.key.chmod(0o644)
    assert found(look(files, "boca", NOW)) == {"certificate_key_open": Mark.WRONG}


def test_parts_of_different_bundles(tmp_path: Path, files: Files) -> None:
    other, foreign = issue(tmp_path, "otro"), issue(tmp_path, "boca", "foreign")
    assert found(look(files._replace(key=other.key), "boca", NOW)) == {"certificate_key_mismatch": Mark.WRONG}
    assert found(look(files._replace(ca=foreign.ca), "boca", NOW)) == {"certificate_foreign": Mark.WRONG}


def test_files_that_are_missing_or_rubbish(tmp_path: Path, files: Files) -> None:
    assert found(look(files._replace(key=tmp_path / "no"), "boca", NOW)) == {"certificate_missing": Mark.WRONG}
    for part in files:
        kept = part.read_bytes()
        part.write_bytes(b"\0" * 500)
        assert found(look(files, "boca", NOW)) == {"certificate_bad": Mark.WRONG}
        part.write_bytes(kept)
