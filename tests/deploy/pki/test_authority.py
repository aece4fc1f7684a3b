"""Certificates say who may be whom, and nothing is lost or let in by a slip."""

from __future__ import annotations

import datetime as dt
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from deploy.errors import DeployError
from deploy.pki import authority
from deploy.pki.certificates import Role
from ingest.schema import HEADQUARTERS


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    directory = tmp_path / "pki"
    authority.create_authority(directory)
    return directory


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_everything_is_for_its_owner_only(pki: Path) -> None:
    authority.issue_station(pki, "puesto-a")
    for path in (pki, *pki.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.is_dir():
            assert mode == 0o700, path
        elif path.suffix == ".key":
            assert mode == 0o600, path
    assert not list(pki.rglob(".*")), "temporary files are left"


def test_a_post_whose_clock_woke_in_1970_can_use_its_certificate_and_check_the_brokers(pki: Path) -> None:
    authority.issue_station(pki, "puesto-a")
    authority.issue_server(pki, ["hub.example.org"])
    for path in (pki / "ca.crt", *(pki / "current").glob("*.crt")):
        assert read(path).not_valid_before_utc == dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    crl = x509.load_pem_x509_crl((pki / "crl.pem").read_bytes())
    assert crl.last_update_utc == dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    # A list that ends before the authority does would one day cut off every post at once.
    assert crl.next_update_utc == read(pki / "ca.crt").not_valid_after_utc


def test_lifetimes(pki: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    station = authority.issue_station(pki, "puesto-a")
    assert dt.timedelta(days=5 * 365 - 1) < station.not_after - now <= dt.timedelta(days=5 * 365)
    years = (read(pki / "ca.crt").not_valid_after_utc - now).days / 365
    assert 19.9 < years <= 20


@pytest.mark.parametrize("role", list(Role))
def test_a_certificate_is_good_for_one_use_and_signs_nothing(pki: Path, role: Role) -> None:
    issued = {
        Role.STATION: lambda: authority.issue_station(pki, "puesto-a"),
        Role.SERVICE: lambda: authority.issue_service(pki, "ingest"),
        Role.SERVER: lambda: authority.issue_server(pki, ["hub.example.org", "10.1.0.5", "::1"]),
    }[role]()
    certificate_path, key_path = authority.current_files(pki, issued.name)
    certificate = read(certificate_path)
    certificate.verify_directly_issued_by(read(pki / "ca.crt"))
    assert certificate.public_key() == load_pem_private_key(key_path.read_bytes(), None).public_key()
    wanted = ExtendedKeyUsageOID.SERVER_AUTH if role is Role.SERVER else ExtendedKeyUsageOID.CLIENT_AUTH
    extensions = certificate.extensions
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [wanted]
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert issued.hosts == (("hub.example.org", "10.1.0.5", "::1") if role is Role.SERVER else ())
    assert issued.role is role
    authorities = read(pki / "ca.crt").extensions
    assert authorities.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(True, 0)
    assert authorities.get_extension_for_class(x509.KeyUsage).value.crl_sign


def test_serials_are_random_and_the_register_keeps_every_one(pki: Path) -> None:
    serials = {authority.issue_station(pki, "puesto-a", replace=True).serial for _ in range(5)}
    assert len(serials) == 5
    assert all(serial.bit_length() > 100 for serial in serials)
    assert {one.serial for one in authority.issued(pki)} == serials


@pytest.mark.parametrize(
    "name", ["", "Puesto-A", "puesto a", "puesto/a", "+", "#", "a" * 33, "../ca", "service.ingest", "puesto\na", "ñ"]
)
def test_a_name_that_is_no_stations_is_refused(pki: Path, name: str) -> None:
    with pytest.raises(DeployError, match="is not 1 to 32"):
        authority.issue_station(pki, name)
    assert not list((pki / "issued").iterdir())


def test_no_station_has_the_name_by_which_ingest_stores_its_own_figures(pki: Path) -> None:
    with pytest.raises(DeployError, match="no station may be called 'headquarters'"):
        authority.issue_station(pki, HEADQUARTERS)
    assert not list((pki / "issued").iterdir())


def test_no_station_has_the_name_of_a_service_and_no_service_that_of_the_broker(pki: Path) -> None:
    assert authority.issue_station(pki, "ingest").name != authority.issue_service(pki, "ingest").name
    with pytest.raises(DeployError, match="the broker's own"):
        authority.issue_service(pki, "broker")


@pytest.mark.parametrize("host", ["", "a b", "-a.org", "a..b", "*.example.org", "10.1.0.999", "x" * 64, "a\nb"])
def test_a_host_that_is_none_is_refused(pki: Path, host: str) -> None:
    with pytest.raises(DeployError, match="neither a DNS name nor an IP address"):
        authority.issue_server(pki, ["hub.example.org", host])


def test_a_server_without_names_is_refused(pki: Path) -> None:
    with pytest.raises(DeployError, match="say by which DNS names"):
        authority.issue_server(pki, [])


def test_nothing_is_overwritten_unless_asked(pki: Path) -> None:
    before = {path: path.read_bytes() for path in pki.iterdir() if path.is_file()}
    with pytest.raises(DeployError, match="already holds an authority"):
        authority.create_authority(pki)
    assert before == {path: path.read_bytes() for path in pki.iterdir() if path.is_file()}
    authority.issue_station(pki, "puesto-a")
    certificate, key = authority.current_files(pki, "puesto-a")
    held = certificate.read_bytes(), key.read_bytes()
    with pytest.raises(DeployError, match="--replace"):
        authority.issue_station(pki, "puesto-a")
    assert held == (certificate.read_bytes(), key.read_bytes())
    authority.issue_station(pki, "puesto-a", replace=True)
    assert certificate.read_bytes() != held[0]
    assert key.read_bytes() != held[1]


def test_an_issue_cut_off_halfway_is_done_again_without_asking(pki: Path) -> None:
    authority.issue_station(pki, "puesto-a")
    certificate, _key = authority.current_files(pki, "puesto-a")
    certificate.unlink()  # as a power cut between the key and the certificate leaves it
    authority.issue_station(pki, "puesto-a")
    # The one that was cut off is still in the register, so a revocation reaches it too.
    assert len(authority.revoke(pki, "puesto-a")) == 2


def test_an_authority_cut_off_halfway_is_made_again(tmp_path: Path) -> None:
    directory = tmp_path / "pki"
    authority.create_authority(directory)
    (directory / "ca.crt").unlink()
    authority.create_authority(directory)
    authority.issue_station(directory, "puesto-a")
    (directory / "ca.crt").unlink()
    with pytest.raises(DeployError, match="restore it from a copy"):
        authority.create_authority(directory)


def test_a_revoked_name_is_on_the_list_and_may_be_issued_anew(pki: Path) -> None:
    old = authority.issue_station(pki, "puesto-a")
    authority.issue_station(pki, "puesto-b")
    revoked = authority.revoke(pki, "puesto-a")
    assert [one.serial for one in revoked] == [old.serial]
    assert revoked[0].revoked_at is not None
    with pytest.raises(DeployError, match="is revoked"):
        authority.current_files(pki, "puesto-a")
    with pytest.raises(DeployError, match="revoked already"):
        authority.revoke(pki, "puesto-a")
    new = authority.issue_station(pki, "puesto-a")
    authority.revoke(pki, "puesto-b")
    crl = x509.load_pem_x509_crl((pki / "crl.pem").read_bytes())
    assert crl.get_revoked_certificate_by_serial_number(old.serial) is not None
    assert crl.get_revoked_certificate_by_serial_number(new.serial) is None
    assert len(crl) == 2
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 3
    assert crl.is_signature_valid(read(pki / "ca.crt").public_key())  # type: ignore[arg-type]  # ours is P-256
    assert [(one.name, one.revoked_at is None) for one in authority.issued(pki) if one.serial != new.serial] == [
        ("puesto-a", False),
        ("puesto-b", False),
    ]


def test_an_unknown_name_is_not_revoked_and_the_known_are_told(pki: Path) -> None:
    authority.issue_station(pki, "puesto-a")
    with pytest.raises(DeployError, match=r"no certificate of the name 'puesto-x'.*puesto-a"):
        authority.revoke(pki, "puesto-x")


def test_a_lost_revocation_list_is_never_made_anew_in_silence(pki: Path) -> None:
    authority.issue_station(pki, "puesto-a")
    (pki / "crl.pem").unlink()
    for act in (
        lambda: authority.revoke(pki, "puesto-a"),
        lambda: authority.issued(pki),
        lambda: authority.issue_station(pki, "puesto-b"),
    ):
        with pytest.raises(DeployError, match="who is shut out"):
            act()


def test_a_damaged_or_foreign_authority_is_told_plainly(pki: Path, tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="is not an authority"):
        authority.issue_station(tmp_path / "nothing", "puesto-a")
    other = tmp_path / "other"
    authority.create_authority(other)
    (pki / "ca.key").write_bytes((other / "ca.key").read_bytes())
    with pytest.raises(DeployError, match=r"not the key of ca\.crt"):
        authority.issue_station(pki, "puesto-a")
    (pki / "ca.key").write_bytes(b"\0" * 100)
    with pytest.raises(DeployError, match="is not a private key"):
        authority.issue_station(pki, "puesto-a")
    (pki / "ca.key").unlink()
    with pytest.raises(DeployError, match=r"ca\.key is missing"):
        authority.issue_station(pki, "puesto-a")
    (pki / "ca.crt").write_bytes(b"")
    with pytest.raises(DeployError, match="is not a certificate"):
        authority.issued(pki)
