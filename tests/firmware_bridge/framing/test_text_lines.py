"""Lines come out whole however the stream was cut, and nothing grows without bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.framing.text_lines import LineSplitter
from firmware_bridge.readings import Rejected


def split(chunks: list[bytes], splitter: LineSplitter) -> tuple[list[bytes], int]:
    """The lines, and how many bytes were too long."""
    lines, overlong = [], 0
    for chunk in chunks:
        for found in splitter.feed(chunk):
            if isinstance(found, Rejected):
                assert found.reason == "overlong_bytes"
                overlong += found.count
            else:
                lines.append(found)
    return lines, overlong


def counted(line: bytes) -> int:
    """Lines that begin with n and a digit have at least so many bytes."""
    return int(line[1:2]) if line[:1] == b"n" and line[1:2].isdigit() else 0


def test_lines_end_in_any_way() -> None:
    assert split([b"one\r\ntwo\n\n\r\n\rthree\r\r\nrest"], LineSplitter()) == ([b"one", b"two", b"three"], 0)


def test_data_may_hold_line_ends() -> None:
    assert split([b"n8a\nb\nc\nd\nnext\n"], LineSplitter(20, counted)) == ([b"n8a\nb\nc\nd", b"next"], 0)


def test_a_line_that_promises_too_much_loses_itself_alone() -> None:
    assert split([b"n9a\n", b"x" * 18, b"\nnext\n"], LineSplitter(20, counted)) == ([b"x" * 18, b"next"], 3 + 1)


def test_what_is_too_long_is_counted_to_its_end() -> None:
    assert split([b"x" * 30, b"y" * 5, b"z\nnext\n"], LineSplitter(20)) == ([b"next"], 36)


@given(st.lists(st.sampled_from([b"ab", b"\n", b"\r", b"n6", b"n99", b"x" * 15, b"\xff"]), max_size=40), st.data())
def test_cutting_changes_nothing_and_no_byte_is_lost(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts) + b"\n"
    at = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    cuts = [stream[a:b] for a, b in zip([0, *at], [*at, len(stream)], strict=True)]
    whole = split([stream], LineSplitter(20, counted))
    assert split(cuts, LineSplitter(20, counted)) == whole
    assert all(len(line) <= 20 for line in whole[0])
