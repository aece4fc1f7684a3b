"""Lines of a TOML text: every way to write a table, and the lines that errors lead to."""

from __future__ import annotations

import contextlib
import tomllib

from hypothesis import given
from hypothesis import strategies as st

from deploy.settings.lines import line_numbers

_TEXT = '''\
# a comment with """ and [brackets]
title = "a # in a text, a ] and a \\" too"
motto = """
[not.a.table]
key = 1
"""
other = \'\'\'
'' still inside
\'\'\'
a.b . "c.d" = 1

[[sources]]
name = "one" # [[sources]]
[[sources.devices]]
id = "1"
[[sources.devices]]
id = "2"

  [[ sources ]]
devices = [ {id = "3"}, # first
  {id = "4", key = "x"},
  # between
  {
    id = "5" }
]
[sources.extra]
depth = [[1, 2], [
 3]]
'''


def test_every_table_and_key_has_its_line() -> None:
    tomllib.loads(_TEXT.replace("{\n    id", "{ id"))  # TOML 1.0 wants inline tables on one line
    lines = line_numbers(_TEXT)
    assert lines[("title",)] == 2
    assert lines[("motto",)] == 3
    assert ("not", "a", "table") not in lines
    assert lines[("a", "b", "c.d")] == 10
    assert lines[("sources", 0, "name")] == 13
    assert lines[("sources", 0, "devices", 1)] == 16
    assert lines[("sources", 0, "devices", 1, "id")] == 17
    assert lines[("sources", 1)] == 19
    assert lines[("sources", 1, "devices", 0, "id")] == 20
    assert lines[("sources", 1, "devices", 1, "key")] == 21
    assert lines[("sources", 1, "devices", 2)] == 23
    assert lines[("sources", 1, "extra", "depth")] == 27
    assert lines[("sources", 1, "extra", "depth", 1, 0)] == 28


@given(st.text(alphabet="ab.=[]{}\"'#,\\ \n1", max_size=60))
def test_whatever_the_text_it_ends_and_the_lines_are_in_it(text: str) -> None:
    lines = line_numbers(text)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())
    with contextlib.suppress(tomllib.TOMLDecodeError):
        assert {place[0] for place in lines if place} >= set(tomllib.loads(text))
