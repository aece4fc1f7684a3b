"""Pictures and clips over real HTTP."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import uvicorn

from deploy.parts.processes import free_port
from ingest.api.application import create_api
from ingest.api.settings import ApiSettings
from ingest.influx.reader import InfluxReader
from ingest.influx.settings import InfluxSettings
from ingest.media.rows import FileState
from ingest.registry import Registry
from tests.ingest.api.test_application import TOKEN, Snapshot
from tests.ingest.media.hub import THUMBNAIL, Hub, announcement, chunks, sha256_of
from tests.support.waiting import wait_until

PICTURE = random.Random(3).randbytes(5500)
START_MS = 1_750_000_000_000
MINUTE_MS = 60_000


@pytest.fixture
def hub(tmp_path: Path, registry: Registry) -> Iterator[Hub]:
    with Hub(tmp_path / "media", registry) as made:
        yield made


def served(registry: Registry, media: Any) -> Iterator[httpx.Client]:
    reader = InfluxReader(InfluxSettings(dialect="v1", url="http://127.0.0.1:1"))
    settings = ApiSettings.model_validate({"token": TOKEN})
    app = create_api(registry, reader, Snapshot(), settings, media)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until("the API answers", lambda: server.started)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {TOKEN}"}) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        reader.close()


@pytest.fixture
def api(hub: Hub, registry: Registry) -> Iterator[httpx.Client]:
    yield from served(registry, hub.media)


def many(hub: Hub) -> list[str]:
    """Nine files, one a minute, two of them at one instant; their hashes."""
    hashes = []
    for number in range(9):
        content = f"picture {number}".encode()
        hub.send(
            announcement(
                content,
                time_ms=START_MS + MINUTE_MS * min(number, 7),
                label="person" if number % 2 else "tapir",
                sensor=f"camara-{number % 3}",
            ),
            station="puesto-dos" if number == 4 else "boca-yaguas",
        )
        hashes.append(sha256_of(content))
    return hashes


def listed(api: httpx.Client, **query: Any) -> list[str]:
    answer = api.get("/api/v1/media", params={name.rstrip("_"): value for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    return [file["sha256"] for file in answer.json()["files"]]


def test_a_stored_picture_can_be_had(api: httpx.Client, hub: Hub) -> None:
    sha256 = sha256_of(PICTURE)
    hub.send(announcement(PICTURE), *chunks(PICTURE)[:2])
    (file,) = api.get("/api/v1/media").json()["files"]
    assert file == {
        "sha256": sha256,
        "station": "boca-yaguas",
        "territory": "yaguas",
        "sensor": "camara-1",
        "label": "person",
        "time": "2025-06-15T15:06:40Z",
        "time_quality": "ntp",
        "time_uncertainty_seconds": 0.008,
        "media_type": "image/jpeg",
        "size_bytes": 5500,
        "number": 1,
        "of": 1,
        "notes": {"make": "RECONYX"},
        "state": "partial",
        "held_ratio": pytest.approx(2000 / 5500),
        "reason": None,
    }
    early = api.get(f"/api/v1/media/{sha256}")
    assert (early.status_code, early.json()["detail"][:24]) == (404, "it has not come whole (p")
    thumbnail = api.get(f"/api/v1/media/{sha256}/thumbnail")
    assert (thumbnail.content, thumbnail.headers["content-type"]) == (THUMBNAIL, "image/jpeg")
    hub.send(*chunks(PICTURE))
    hub.wait_state(sha256, FileState.STORED)
    whole = api.get(f"/api/v1/media/{sha256}")
    assert whole.content == PICTURE
    assert whole.headers["content-type"] == "image/jpeg"
    assert whole.headers["content-length"] == "5500"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in whole.headers["content-security-policy"]
    assert whole.headers["content-disposition"] == f'inline; filename="boca-yaguas-{sha256[:12]}.jpg"'
    assert listed(api, state="stored") == [sha256]
    assert listed(api, state="partial") == []


def test_what_a_post_calls_a_web_page_is_never_shown_as_one(api: httpx.Client, hub: Hub) -> None:
    page = b"<script>alert(1)</script>"
    hub.send(announcement(page, media_type="text/html"), *chunks(page))
    hub.wait_state(sha256_of(page), FileState.STORED)
    answer = api.get(f"/api/v1/media/{sha256_of(page)}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")


def test_the_list_is_filtered_and_goes_page_by_page(api: httpx.Client, hub: Hub) -> None:
    hashes = many(hub)
    newest_first = hashes[::-1]
    assert listed(api) == newest_first
    assert listed(api, station="puesto-dos") == [hashes[4]]
    assert listed(api, label="person", sensor="camara-1") == [hashes[7], hashes[1]]
    assert listed(api, label="jaguar") == []
    assert listed(api, from_="2025-06-15T15:08:40Z", to="2025-06-15T15:10:40Z") == [hashes[3], hashes[2]]
    for limit in (1, 2, 4, 9):
        found: list[str] = []
        query: dict[str, Any] = {"limit": limit}
        while True:
            page = api.get("/api/v1/media", params=query).json()
            found += [file["sha256"] for file in page["files"]]
            assert len(page["files"]) <= limit
            if page["next"] is None:
                break
            query["cursor"] = page["next"]
        assert found == newest_first


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"sate": "stored"}, "do you mean state?"),
        ({"state": "gone"}, "`state`"),
        ({"from": "2025-06-15T15:08:40Z", "to": "2025-06-15T15:08:40Z"}, "must be before"),
        ({"from": "1869-06-15T15:08:40Z"}, "between 1970 and 2248"),
        ({"limit": "501"}, "`limit`"),
        ({"cursor": "AAAA"}, "not one that this API gave"),
        ({"cursor": "WyJyYW5nZSIsMSwwXQ"}, "belongs to readings"),
        ({"cursor": "WyJtZWRpYSIsLTEsMF0"}, "out of bounds"),
    ],
)
def test_a_query_that_makes_no_sense_is_told(api: httpx.Client, query: dict[str, str], words: str) -> None:
    answer = api.get("/api/v1/media", params=query)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


def test_strangers_see_nothing(api: httpx.Client, hub: Hub) -> None:
    hub.send(announcement(PICTURE))
    sha256 = sha256_of(PICTURE)
    for path in ("", f"/{sha256}", f"/{sha256}/thumbnail"):
        assert httpx.get(f"{api.base_url}/api/v1/media{path}").status_code == 401
    for name in ("../../etc/passwd", "A" * 64, "0" * 63):
        assert api.get(f"/api/v1/media/{name}").status_code in (404, 422)
    assert api.get(f"/api/v1/media/{'0' * 64}").status_code == 404
    assert api.get(f"/api/v1/media/{'0' * 64}/thumbnail").status_code == 404


def test_a_process_that_takes_no_pictures_says_which_does(registry: Registry) -> None:
    for api in served(registry, None):
        answer = api.get("/api/v1/media")
        assert answer.status_code == 404
        assert "[media] take = true" in answer.json()["detail"]


def test_a_store_that_is_away_is_told(api: httpx.Client, hub: Hub, tmp_path: Path) -> None:
    sha256 = sha256_of(PICTURE)
    hub.send(announcement(PICTURE), *chunks(PICTURE))
    hub.wait_state(sha256, FileState.STORED)
    (tmp_path / "media" / "files").rename(tmp_path / "elsewhere")
    answer = api.get(f"/api/v1/media/{sha256}")
    assert answer.status_code == 503
    assert msgspec.json.decode(answer.content)["detail"].startswith("the store file://")
