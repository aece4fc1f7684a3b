"""One suite over every kind of store that needs no server: what was put is there, whole, and can be put again. A bucket
goes the way of memory://, by fsspec's own calls; `test_s3` goes it with a server."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from ingest.errors import RetryLater
from ingest.media.archive import Archive, ArchiveError
from ingest.media.rows import FileState
from ingest.registry import Registry
from tests.ingest.media.hub import Hub, announcement, chunks, sha256_of
from tests.support.waiting import wait_until

CONTENT = b"picture" * 300_000
SHA = hashlib.sha256(CONTENT).hexdigest()
NAME = f"{SHA[:2]}/{SHA}.jpg"


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "file":
        yield f"file://{tmp_path}/a store/media"
        return
    made = f"memory://{uuid.uuid4().hex}/media"
    yield made
    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def archive(url: str) -> Archive:
    made = Archive(url)
    made.open()
    return made


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "whole.part"
    path.write_bytes(CONTENT)
    return path


def spoil(url: str, content: bytes) -> None:
    fs, root = fsspec.url_to_fs(url)
    fs.pipe_file(f"{root}/{NAME}", content)


def test_what_is_put_is_there(archive: Archive, url: str, source: Path) -> None:
    archive.put(NAME, source, SHA, len(CONTENT))
    archive.put_card(f"{SHA[:2]}/{SHA}.puesto-a.json", b"{}")
    archive.put(NAME, source, SHA, len(CONTENT))
    archive.put_card(f"{SHA[:2]}/{SHA}.puesto-a.json", b"{}\n")
    assert b"".join(archive.read(NAME)) == CONTENT
    fs, root = fsspec.url_to_fs(url)
    assert sorted(path.removeprefix(root).lstrip("/") for path in fs.find(root)) == [
        NAME,
        f"{SHA[:2]}/{SHA}.puesto-a.json",
    ]


@pytest.mark.parametrize("there", [b"", CONTENT[:-1], CONTENT[:-1] + b"x"])
def test_what_lies_there_spoilt_is_put_right(archive: Archive, url: str, source: Path, there: bytes) -> None:
    archive.put(NAME, source, SHA, len(CONTENT))
    spoil(url, there)
    archive.put(NAME, source, SHA, len(CONTENT))
    assert b"".join(archive.read(NAME)) == CONTENT


def test_what_is_not_there_is_said(archive: Archive) -> None:
    with pytest.raises(RetryLater, match="does not give"):
        archive.read("ab/none.jpg")


def test_a_source_that_changed_is_never_called_stored(archive: Archive, source: Path) -> None:
    source.write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(RetryLater, match="is not what was stored"):
        archive.put(NAME, source, SHA, len(CONTENT))


@pytest.mark.parametrize("url", ["nonsense://x", "s4://bucket/x"])
def test_a_store_that_is_not_to_be_had_is_named_with_what_to_do(url: str) -> None:
    with pytest.raises(ArchiveError, match="cannot be used"):
        Archive(url).open()


def test_a_kill_while_it_writes_leaves_no_half_file_under_the_name(tmp_path: Path, source: Path) -> None:
    """A file is put in place by its rename; what a kill left is written over."""
    archive = Archive(f"file://{tmp_path}/media")
    archive.open()
    folder = tmp_path / "media" / SHA[:2]
    folder.mkdir(parents=True)
    (folder / f"{SHA}.jpg.unfinished").write_bytes(CONTENT[:1000])
    archive.put(NAME, source, SHA, len(CONTENT))
    assert [path.name for path in folder.iterdir()] == [f"{SHA}.jpg"]


@pytest.mark.expects_warnings
def test_a_store_that_is_away_delays_and_loses_nothing(tmp_path: Path, registry: Registry) -> None:
    picture = b"tapir" * 1000
    blocked = tmp_path / "store"
    blocked.write_text("a file where the directory should be")
    with Hub(tmp_path / "media", registry, store=f"file://{blocked}") as hub:
        hub.send(announcement(picture), *chunks(picture))
        wait_until("it is said", lambda: hub.media.status().last_error is not None)
        assert hub.media.status().behind == 1
        assert hub.row(sha256_of(picture)).state is FileState.WHOLE
        assert len(hub.parts) == 1
        blocked.unlink()
        hub.wait_state(sha256_of(picture), FileState.STORED)
        wait_until("all is well", lambda: hub.media.status().last_error is None)
    name = sha256_of(picture)
    assert (blocked / name[:2] / f"{name}.jpg").read_bytes() == picture


def test_what_was_whole_when_it_was_killed_is_stored_after_the_restart(tmp_path: Path, registry: Registry) -> None:
    picture = b"huangana" * 1000
    name = sha256_of(picture)
    with Hub(tmp_path / "media", registry) as hub:
        hub.send(announcement(picture), *chunks(picture)[:-1])
    index = hub.media.index
    index.open()
    whole = index.get("boca-yaguas", name)
    assert whole is not None
    with hub.parts[0].open("r+b") as part:
        part.seek(chunks(picture)[-1].offset)
        part.write(chunks(picture)[-1].content)
    whole.ranges.add(1, len(picture))
    whole.state = FileState.WHOLE
    index.save([whole], {})
    index.close()
    with hub:
        hub.wait_state(name, FileState.STORED)
    assert hub.files[f"{name[:2]}/{name}.jpg"] == picture
