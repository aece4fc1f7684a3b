"""The file of what was not given: read as it was written, whoever wrote it, and no obstacle when it is damaged."""

from __future__ import annotations

import json
import logging
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock.moments import Moment
from gateway.contract.entries import TimeQuality
from gateway.warning import untold as untold_module
from gateway.warning.notice import Notice
from gateway.warning.untold import Untold, UntoldFile
from tests.gateway.watch.facts_made import WALL_MS, raised

BOOT = "this boot"
THEN = Moment(10_000, WALL_MS, TimeQuality.NTP, 16)
NOTICE = Notice(raised(7, label="gunshot"), 0.0, 2, frozenset({5, 6, 7}))


def told(path: Path, boot: str = BOOT, moment: Moment = THEN) -> UntoldFile:
    return UntoldFile(path, boot, lambda: moment)


def ages(found: list[Untold], monotonic_s: float = 0.0) -> list[int]:
    return [round(monotonic_s - one.notice.due_at) for one in found]


def since(path: Path, boot: str, moment: Moment, monkeypatch: pytest.MonkeyPatch) -> int:
    """How long ago the one in the file was due, seconds, at a moment."""
    monkeypatch.setattr(untold_module.time, "monotonic", lambda: 0.0)
    (age_s,) = ages(told(path, boot, moment).read())
    return age_s


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "untold.json"
    told(path).write([Untold("sirena", NOTICE), Untold("gancho", Notice(None, 0.0))])  # a test is not worth keeping
    (one,) = told(path).read()
    assert one.output == "sirena"
    assert msgspec.structs.replace(one.notice, due_at=0.0) == NOTICE
    told(path).write([])
    assert list(tmp_path.iterdir()) == []
    assert told(path).read() == []


def test_how_long_ago_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "untold.json"
    monkeypatch.setattr(untold_module.time, "monotonic", lambda: 30.0)
    told(path).write([Untold("sirena", NOTICE)])
    untrusted = TimeQuality.UNTRUSTED
    assert since(path, BOOT, Moment(15_000, 0, untrusted, 0), monkeypatch) == 35  # of one boot, whatever the clock says
    assert since(path, "another", Moment(20_000, WALL_MS + 90_000, TimeQuality.NTP, 16), monkeypatch) == 120
    assert since(path, "another", Moment(20_000, WALL_MS + 90_000, untrusted, 0), monkeypatch) == 50  # at least


def test_one_of_an_older_form_is_read(tmp_path: Path) -> None:
    """As a clean stop left it before the software was updated."""
    incident = json.loads(msgspec.json.encode(raised(3).incident))
    line = {"output": "sirena", "step": 1, "incident": incident, "waited_ms": 2000}
    path = tmp_path / "untold.json"
    path.write_text(json.dumps({"boot": BOOT, "boot_ms": 10_000, "untold": [line]}))
    (one,) = told(path).read()
    assert (one.notice.change, one.notice.more, one.notice.numbers) == (raised(3), 0, frozenset({3}))


def whole() -> bytes:
    with TemporaryDirectory() as directory:
        path = Path(directory, "untold.json")
        told(path).write([Untold("sirena", NOTICE)])
        return path.read_bytes()


@pytest.mark.expects_warnings
@given(at=st.integers(0, len(whole()) - 1), flip=st.integers(1, 255))
def test_no_flipped_bit_is_believed(at: int, flip: int) -> None:
    content = bytearray(whole())
    content[at] ^= flip
    with TemporaryDirectory() as directory:
        path = Path(directory, "untold.json")
        path.write_bytes(content)
        assert told(path).read() == []
        assert [file.name for file in path.parent.iterdir()] == ["untold.json.damaged"]


def summed(body: bytes) -> bytes:
    return b"%08x\n%b" % (zlib.crc32(body), body)


@pytest.mark.expects_warnings
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        summed(b"{}"),
        summed(b'{"boot": "a", "boot_ms": -1, "untold": []}'),
        summed(b'{"boot": "a", "boot_ms": 1, "untold": [{"output": "x"}]}'),
        b'{"later": ' + b"[" * 100_000,
        b"x" * (untold_module.MAX_BYTES + 1),
    ],
)
def test_what_cannot_be_read_is_set_aside_with_one_warning(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "untold.json"
    for _ in range(2):  # one is set aside in place of the one before
        caplog.clear()
        path.write_bytes(content)
        assert told(path).read() == []
        assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert (tmp_path / "untold.json.damaged").read_bytes() == content
    told(path).write([Untold("sirena", NOTICE)])
    assert len(told(path).read()) == 1


@pytest.mark.expects_warnings
def test_a_directory_in_its_place_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "untold.json"
    path.mkdir()
    assert told(path).read() == []
    told(path).write([Untold("sirena", NOTICE)])
    assert len(told(path).read()) == 1


def test_it_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "untold.json"
    sensors = tuple(f"sensor-{number}" for number in range(10_000))
    flood = Notice(raised(1, sensors=sensors), 0.0, 99_999, frozenset(range(1, 100_001)))
    told(path).write([Untold("gancho", flood)] * 33)
    assert path.stat().st_size < 500_000
    assert told(path).read()[0].notice.more == 99_999
    long = Notice(raised(1, note="x" * untold_module.MAX_BYTES), 0.0, 0, frozenset({1}))
    with pytest.raises(OSError, match="large"):
        told(path).write([Untold("gancho", long)])
    assert len(told(path).read()) == 33
