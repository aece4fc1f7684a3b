"""What of a directory is looked at, and when a file has settled."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from firmware_bridge.links.folder import Folder, shown


def names(folder: Folder, clock_s: float = 0.0, done: set[int] | None = None) -> list[str]:
    return [os.fsdecode(one.name) for one in folder.scan(clock_s, set() if done is None else done)]


def test_hidden_passing_and_linked_files_are_passed_over(tmp_path: Path) -> None:
    for name in (
        "a.jpg",
        ".hidden.jpg",
        "b.jpg.part",
        "c.jpg.tmp",
        "~d.jpg",
        "DCIM/100RECNX/e.jpg",
        ".trash/f.jpg",
        "System Volume Information/g.jpg",
        "aside/h.jpg",
        "1/2/3/4/5/deep.jpg",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "a.jpg")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "fifo.jpg")
    assert sorted(names(Folder(tmp_path, 4, tmp_path / "aside"))) == ["DCIM/100RECNX/e.jpg", "a.jpg"]
    assert names(Folder(tmp_path, 0)) == ["a.jpg"]
    for depth, deeper in ((4, 1), (0, 2), (5, 0)):
        folder = Folder(tmp_path, depth, tmp_path / "aside")
        names(folder)
        assert folder.too_deep == deeper, depth
    assert "1/2/3/4/5/deep.jpg" in names(Folder(tmp_path, 5))


def test_a_file_settles_when_it_does_not_change(tmp_path: Path) -> None:
    path, folder, done = tmp_path / "a.jpg", Folder(tmp_path, 1), set[int]()
    path.write_bytes(b"1")
    assert folder.scan(10.0, done)[0].settled_s == 0
    assert folder.scan(12.0, done)[0].settled_s == 2
    path.write_bytes(b"12")
    assert folder.scan(13.0, done)[0].settled_s == 0
    found = folder.scan(15.0, done)[0]
    assert found.settled_s == 2
    done.add(found.look)
    assert folder.scan(16.0, done) == []
    path.write_bytes(b"123")
    assert len(folder.scan(17.0, done)) == 1
    assert not done, "what has changed is no longer done with"


def test_oldest_first(tmp_path: Path) -> None:
    for name, at in (("b", 1000), ("a", 3000), ("c", 2000)):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (at, at))
    assert names(Folder(tmp_path, 1)) == ["b", "c", "a"]


def test_a_directory_that_is_not_there_is_the_callers_to_say(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Folder(tmp_path / "none", 1).scan(0.0, set())


def test_names_are_safe_to_show() -> None:
    assert shown(b"\xff\x1b[31mred\n.jpg") == "��[31mred�.jpg"
    assert len(shown(b"x" * 5000)) == 200
