"""Who has shown the PIN is known by a signed token, of this boot, this PIN, and for some hours."""

from __future__ import annotations

import stat
import string
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gateway.page.pin import PinFile, write_pin
from gateway.page.sessions import Sessions


def sessions(directory: Path, *, hours: float = 1.0) -> Sessions:
    made = Sessions(directory / "page.key", PinFile(directory / "page.pin"), hours=hours)
    made.open()
    return made


def test_a_token_says_who(tmp_path: Path) -> None:
    write_pin(tmp_path / "page.pin", "2468")
    here = sessions(tmp_path)
    assert here.who(here.issue("Rosa Ñahui")) == "Rosa Ñahui"
    assert here.who(here.issue("")) == ""


def test_it_is_good_after_a_restart_of_the_program(tmp_path: Path) -> None:
    write_pin(tmp_path / "page.pin", "2468")
    token = sessions(tmp_path).issue("Rosa")
    assert sessions(tmp_path).who(token) == "Rosa"
    assert stat.S_IMODE((tmp_path / "page.key").stat().st_mode) == 0o600


def test_it_ends_with_its_hours(tmp_path: Path) -> None:
    here = sessions(tmp_path, hours=1e-9)
    assert here.who(here.issue("Rosa")) is None


def test_a_phone_is_known_after_its_hours_and_the_boot_until_the_pin_changes(tmp_path: Path) -> None:
    write_pin(tmp_path / "page.pin", "2468")
    here = sessions(tmp_path, hours=1e-9)
    token, other = here.issue("Rosa"), here.issue("Juan")
    here._boot = "another boot"
    assert here.who(token) is None
    assert here.phone(token) not in (None, here.phone(other))
    assert here.phone(token.partition(".")[0] + "." + other.partition(".")[2]) is None
    write_pin(tmp_path / "page.pin", "2468")
    assert here.phone(token) is None


def test_it_ends_when_the_pin_changes(tmp_path: Path) -> None:
    write_pin(tmp_path / "page.pin", "2468")
    here = sessions(tmp_path)
    token = here.issue("Rosa")
    write_pin(tmp_path / "page.pin", "2468")
    assert here.who(token) is None


def test_it_ends_with_the_boot(tmp_path: Path) -> None:
    here = sessions(tmp_path)
    token = here.issue("Rosa")
    here._boot = "another boot"
    assert here.who(token) is None


def test_one_of_another_post_is_none(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert sessions(tmp_path / "b").who(sessions(tmp_path / "a").issue("Rosa")) is None


def test_a_key_that_cannot_be_kept_serves_until_the_end(tmp_path: Path) -> None:
    here = Sessions(tmp_path / "none" / "page.key", PinFile(tmp_path / "page.pin"), hours=1)
    here.open()
    assert here.who(here.issue("Rosa")) == "Rosa"


def test_every_change_of_a_token_spoils_it(tmp_path: Path) -> None:
    here = sessions(tmp_path)
    token = here.issue("Rosa")
    # The last letter of each part carries some bits that mean nothing.
    ends = {token.index(".") - 1, len(token) - 1}
    for place in range(len(token)):
        if place not in ends:
            other = "A" if token[place] != "A" else "B"
            assert here.who(token[:place] + other + token[place + 1 :]) is None


def test_any_text_is_none(tmp_path: Path) -> None:
    here = sessions(tmp_path)

    @given(st.text(alphabet=string.printable + "ñ\u2028", max_size=200))
    def none(text: str) -> None:
        assert here.who(text) is None

    none()
    assert here.who("A" * 100_000) is None
