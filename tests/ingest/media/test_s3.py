"""The store in a bucket of a real S3 server, over HTTP: from the pieces of a picture to the API, and through what may
go wrong between."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import pytest
import s3fs

from ingest.errors import RetryLater
from ingest.media.archive import Archive
from ingest.media.rows import FileState
from ingest.registry import Registry
from tests.ingest.api.test_media import served
from tests.ingest.media.hub import Hub, announcement, chunks, sha256_of
from tests.ingest.media.s3 import BUCKET, Keys, S3Server
from tests.support.thin_line import ThinLine
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

PICTURE = random.Random(5).randbytes(2_000_000)
SHA = sha256_of(PICTURE)
NAME = f"{SHA[:2]}/{SHA}.jpg"
STORE = f"s3://{BUCKET}/vigia"
CHUNK = 15_000
ANY = Keys("anybody", "anybody")


@pytest.fixture(scope="module", autouse=True)
def _threads_that_stay() -> None:
    """Those that every S3 file system of a process shares, and that nothing ends: fsspec's loop, and its one helper."""
    loop = fsspec.asyn.get_loop()
    helper = ThreadPoolExecutor(1)
    helper.submit(int).result()
    loop.set_default_executor(helper)


@pytest.fixture(autouse=True)
def _nobody_elses_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Keys come from the environment alone, and no test's are left to the next."""
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    yield
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[S3Server]:
    made = S3Server(tmp_path)
    made.start()
    made.make_bucket()
    yield made
    made.stop()


@pytest.fixture
def started_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Keys], None]:
    """Makes these the keys of the process from its start: S3's library reads them once."""

    def begin(keys: Keys) -> None:
        s3fs.S3FileSystem.clear_instance_cache()
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys.access)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys.secret)

    return begin


def in_bucket(server: S3Server, keys: Keys) -> dict[str, bytes]:
    """What the store holds, by name."""
    fs = s3fs.S3FileSystem(key=keys.access, secret=keys.secret, endpoint_url=server.url, skip_instance_cache=True)
    return {path.removeprefix(f"{BUCKET}/vigia/"): fs.cat_file(path) for path in fs.find(f"{BUCKET}/vigia")}


def test_pieces_become_an_object_under_its_hash_that_the_api_gives(
    server: S3Server, started_with: Callable[[Keys], None], tmp_path: Path, registry: Registry
) -> None:
    keys = server.ask_for_keys()
    started_with(keys)
    with Hub(tmp_path / "media", registry, store=STORE, s3_endpoint=server.url) as hub:
        for station in ("boca-yaguas", "puesto-dos"):
            hub.send(announcement(PICTURE), *chunks(PICTURE, size=CHUNK), station=station)
            hub.wait_state(SHA, FileState.STORED, station)
        assert hub.parts == []
        stored = in_bucket(server, keys)
        cards = {f"{SHA[:2]}/{SHA}.{station}.json" for station in ("boca-yaguas", "puesto-dos")}
        assert stored.keys() == {NAME} | cards
        assert stored[NAME] == PICTURE
        assert [json.loads(stored[card])["file"] for card in cards] == [NAME, NAME]
        with contextlib.contextmanager(served)(registry, hub.media) as api:
            answer = api.get(f"/api/v1/media/{SHA}")
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
            assert answer.content == PICTURE
            server.kill()
            answer = api.get(f"/api/v1/media/{SHA}")
            assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)


@pytest.mark.expects_warnings
def test_a_server_that_dies_during_a_write_delays_and_loses_nothing(
    server: S3Server, started_with: Callable[[Keys], None], tmp_path: Path, registry: Registry
) -> None:
    started_with(ANY)
    with ThinLine(server.port, bytes_per_s=200_000) as line:
        again = S3Server(tmp_path, line.port)
        hub = Hub(tmp_path / "media", registry, store=STORE, s3_endpoint=again.url).__enter__()
        hub.send(announcement(PICTURE), *chunks(PICTURE, size=CHUNK))
        wait_until("it is being written", lambda: line.bytes_up > 50_000)
        server.kill()
        assert line.bytes_up < len(PICTURE)
    try:
        wait_until("it is said", lambda: "does not take" in (hub.media.status().last_error or ""))
        assert hub.row(SHA).state is FileState.WHOLE
        assert [part.read_bytes() for part in hub.parts] == [PICTURE]
        again.start()
        wait_until("the bucket is missed", lambda: "make it" in (hub.media.status().last_error or ""))
        again.make_bucket()
        hub.wait_state(SHA, FileState.STORED)
        wait_until("all is well", lambda: hub.media.status().last_error is None)
        assert in_bucket(again, ANY)[NAME] == PICTURE
    finally:
        hub.__exit__(None, None, None)
        again.stop()


@pytest.mark.expects_warnings
def test_keys_that_are_wrong_are_named_as_the_cause_and_right_ones_store_what_waits(
    server: S3Server, started_with: Callable[[Keys], None], tmp_path: Path, registry: Registry
) -> None:
    keys = server.ask_for_keys()
    hub = Hub(tmp_path / "media", registry, store=STORE, s3_endpoint=server.url)
    for wrong in (Keys("AKIAOFSOMEBODYELSE00", "x" * 40), Keys(keys.access, "x" * 40)):
        started_with(wrong)
        with hub:
            if not hub.parts:
                hub.send(announcement(PICTURE), *chunks(PICTURE, size=CHUNK))
            wait_until("it is said", lambda: "AWS_SECRET_ACCESS_KEY" in (hub.media.status().last_error or ""))
            assert hub.row(SHA).state is FileState.WHOLE
    started_with(keys)
    with hub:
        hub.wait_state(SHA, FileState.STORED)
    assert in_bucket(server, keys)[NAME] == PICTURE


def test_without_keys_it_is_said_which_are_wanted(tmp_path: Path) -> None:
    archive = Archive(STORE, s3_endpoint="http://127.0.0.1:1")
    archive.open()
    with pytest.raises(RetryLater, match="see that AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set"):
        archive.put(NAME, tmp_path / "whole.part", SHA, len(PICTURE))


def test_a_server_that_hangs_up_is_asked_a_few_times_and_no_more(started_with: Callable[[Keys], None]) -> None:
    """Every layer of S3's library asks again by itself, unless told not to: nobody would hear of it for minutes."""
    asked = 0

    def hang_up() -> None:
        nonlocal asked
        with contextlib.suppress(OSError):
            while True:
                listener.accept()[0].close()
                asked += 1

    started_with(ANY)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=hang_up)
        thread.start()
        archive = Archive(STORE, s3_endpoint=f"http://127.0.0.1:{listener.getsockname()[1]}")
        archive.open()
        with pytest.raises(RetryLater, match="does not take"):
            archive.put_card(f"{SHA[:2]}/{SHA}.boca-yaguas.json", b"{}")
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert 1 <= asked <= 10
