"""A bundle is all that a post needs, and nothing else."""

from __future__ import annotations

import stat
import tarfile
from pathlib import Path

import pytest

from deploy.errors import DeployError
from deploy.pki import authority
from deploy.pki.bundles import bundle


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    directory = tmp_path / "pki"
    authority.create_authority(directory)
    authority.issue_station(directory, "puesto-a")
    authority.issue_service(directory, "ingest")
    authority.issue_server(directory, ["localhost"])
    return directory


def test_a_folder_holds_the_three_files_of_a_station(pki: Path, tmp_path: Path) -> None:
    out = tmp_path / "usb" / "puesto-a"
    assert bundle(pki, "puesto-a", out) == out
    certificate, key = authority.current_files(pki, "puesto-a")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        "ca.crt": (pki / "ca.crt").read_bytes(),
        "station.crt": certificate.read_bytes(),
        "station.key": key.read_bytes(),
    }
    assert stat.S_IMODE((out / "station.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("ending", [".tar.gz", ".tgz"])
def test_an_archive_holds_the_same_and_is_private(pki: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / "new" / f"ingest{ending}"
    assert bundle(pki, "ingest", out) == out
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with tarfile.open(out) as archive:
        modes = {entry.name: entry.mode for entry in archive.getmembers()}
        archive.extractall(tmp_path / "there", filter="data")
    assert modes == {"ca.crt": 0o644, "ingest.crt": 0o644, "ingest.key": 0o600}
    key = authority.current_files(pki, "service.ingest")[1]
    assert (tmp_path / "there" / "ingest.key").read_bytes() == key.read_bytes()


def test_what_must_not_be_carried_is_refused(pki: Path, tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="no certificate of the name 'puesto-x'"):
        bundle(pki, "puesto-x", tmp_path / "nowhere" / "out.tar.gz")
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(DeployError, match="the broker's files"):
        bundle(pki, "service.broker", tmp_path / "out")
    (tmp_path / "there").mkdir()
    with pytest.raises(DeployError, match="is there already"):
        bundle(pki, "puesto-a", tmp_path / "there")
    authority.revoke(pki, "puesto-a")
    with pytest.raises(DeployError, match="is revoked"):
        bundle(pki, "puesto-a", tmp_path / "out")
    assert not (tmp_path / "out").exists()
