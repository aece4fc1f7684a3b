"""The PIN's hash in its file, and what wrong PINs cost."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.page.errors import PinError
from gateway.page.pin import PinFile, write_pin


def test_what_was_written_is_right_and_nothing_else_is(tmp_path: Path) -> None:
    path = tmp_path / "page.pin"
    write_pin(path, "2468")
    pin = PinFile(path)
    assert pin.is_right("2468")
    for wrong in ("2469", "246", "24680", "", "２４６８", "2468" * 1000):
        assert not pin.is_right(wrong)


def test_the_file_holds_no_pin_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "page.pin"
    write_pin(path, "13579")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"13579" not in path.read_bytes()
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_pin_twice_gives_two_hashes(tmp_path: Path) -> None:
    write_pin(tmp_path / "a", "2468")
    write_pin(tmp_path / "b", "2468")
    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("pin", ["", "123", " 1234", "1234 ", "1" * 13, "12a4", "١٢٣٤", "２４６８", "12.4", "-1234"])
def test_a_pin_too_short_or_long_or_with_spaces_is_refused(tmp_path: Path, pin: str) -> None:
    with pytest.raises(PinError) as refused:
        write_pin(tmp_path / "page.pin", pin)
    assert "PIN" in refused.value.words("es")
    assert not (tmp_path / "page.pin").exists()


def test_without_a_file_no_pin_is_right(tmp_path: Path) -> None:
    pin = PinFile(tmp_path / "none")
    assert pin.stored() == b""
    assert not pin.is_right("")


@pytest.mark.parametrize(
    "content",
    [
        b"\n",
        b"1234",
        b"\xff\xfe",
        b"scrypt$1$8$4$AA==$AA==",
        b"scrypt$99999999$8$4$AA==$AA==",
        b"scrypt$3$8$4$AA==$AA==",
    ],
)
def test_a_spoilt_file_lets_nobody_in(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "page.pin"
    path.write_bytes(content)
    with pytest.raises(PinError, match="vigia gateway pin"):
        PinFile(path).is_right("1234")


def test_a_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "page.pin.part").mkdir()
    with pytest.raises(PinError, match="cannot be written"):
        write_pin(tmp_path / "page.pin", "1234")


def test_before_the_first_start_the_directory_is_made(tmp_path: Path) -> None:
    path = tmp_path / "lib" / "vigia" / "page.pin"
    write_pin(path, "1234")
    assert PinFile(path).is_right("1234")
    assert stat.S_IMODE(path.parent.stat().st_mode) & 0o007 == 0


def test_a_directory_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PinError) as refused:
        write_pin(tmp_path / "file" / "lib" / "page.pin", "1234")
    assert "use sudo, o diga pin_file" in refused.value.words("es")
