"""News of the board to phones: at once when it is urgent, merged when it is not, resumed after a sleep."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from firmware_bridge.readings import Kind
from gateway.page.news import News, NewsDesk
from tests.gateway.page.posts import Post


@contextmanager
def watching(desk: NewsDesk) -> Iterator[None]:
    """With the thread that watches the board, for the loop that runs."""
    stop = threading.Event()
    thread = threading.Thread(target=desk.watch, args=(asyncio.get_running_loop(), stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


async def next_event(stream: AsyncIterator[bytes], timeout_s: float = 10.0) -> dict[str, Any]:
    """The next that is an event, with its id."""
    while True:
        block = (await asyncio.wait_for(anext(stream), timeout_s)).decode()
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if lines.get("event") == "news":
            return {"id": lines["id"], **json.loads(lines["data"])}


def test_an_alert_is_told_with_its_number_and_the_phone_rings_for_it(post: Post) -> None:
    async def scene() -> None:
        desk = NewsDesk(post.board, most=4)
        with watching(desk):
            stream = desk.stream("")
            assert (await next_event(stream))["kinds"] == []
            post.raise_incident(7, "chainsaw", "rio-medio")
            event = await next_event(stream)
            assert (event["kinds"], event["alerts"]) == (["incident"], [7])
            assert event["id"] == str(post.board.snapshot().version)
            await stream.aclose()

    asyncio.run(scene())


@pytest.mark.parametrize(
    "other", [{"level": "notice"}, {"state": "acknowledged"}, {"state": "closed"}, {"suppressed_by": "patrulla"}]
)
def test_nobody_rings_for_what_is_no_open_alert(post: Post, other: dict[str, str]) -> None:
    async def scene() -> None:
        desk = NewsDesk(post.board, most=4)
        with watching(desk):
            stream = desk.stream("")
            await next_event(stream)
            post.raise_incident(7, "chainsaw", "rio-medio", **other)
            event = await next_event(stream)
            assert (event["kinds"], event["alerts"]) == (["incident"], [])
            await stream.aclose()

    asyncio.run(scene())


def test_a_phone_that_slept_gets_what_it_missed_in_one_event(post: Post) -> None:
    async def scene() -> None:
        desk = NewsDesk(post.board, most=4)
        known = str(post.board.snapshot().version)
        post.raise_incident(7, "chainsaw", "rio-medio")
        post.raise_incident(8, "gunshot", "rio-medio")
        post.hear("rio-medio", Kind.DEVICE_STATUS, {"battery_ratio": 0.5})
        stream = desk.stream(known)
        event = await next_event(stream)
        assert event["kinds"] == ["incident", "sensor"]
        assert sorted(event["alerts"]) == [7, 8]
        await stream.aclose()

    asyncio.run(scene())


@pytest.mark.parametrize("last_id", ["0", "12345", "nonsense", "-1", "9" * 19, "9" * 100, "²"])
def test_a_phone_of_another_start_gets_all_of_it(post: Post, last_id: str) -> None:
    async def scene() -> None:
        post.raise_incident(7, "chainsaw", "rio-medio")
        stream = NewsDesk(post.board, most=4).stream(last_id)
        event = await next_event(stream)
        assert {"incident", "sensor", "patrol"} <= set(event["kinds"])
        assert event["alerts"] == [7]
        await stream.aclose()

    asyncio.run(scene())


def test_words_of_sensors_are_told_once_a_second_at_most_and_an_alert_does_not_wait_for_them(post: Post) -> None:
    async def scene() -> None:
        desk = NewsDesk(post.board, most=4)
        loop = asyncio.get_running_loop()
        with watching(desk):
            stream = desk.stream("")
            await next_event(stream)
            post.hear("rio-medio", Kind.DEVICE_STATUS, {"battery_ratio": 0.5})
            assert (await next_event(stream))["kinds"] == ["sensor"]
            first_at = loop.time()
            for _ in range(50):
                post.hear("rio-medio", Kind.DEVICE_STATUS, {"battery_ratio": 0.5})
            merged = await next_event(stream)
            assert merged["kinds"] == ["sensor"]
            assert loop.time() - first_at >= 0.95
            assert merged["id"] == str(post.board.snapshot().version), "all fifty in one"
            post.hear("rio-medio", Kind.DEVICE_STATUS, {"battery_ratio": 0.5})
            post.raise_incident(7, "chainsaw", "rio-medio")
            assert "incident" in (await next_event(stream))["kinds"]
            await stream.aclose()

    asyncio.run(scene())


def test_patrols_texts_and_the_post_itself_are_news(post: Post) -> None:
    async def scene() -> None:
        desk = NewsDesk(post.board, most=4)
        known = post.board.snapshot().version
        post.tell()
        stream = desk.stream(str(known))
        assert (await next_event(stream))["kinds"] == ["post"]
        await stream.aclose()
        known = post.board.snapshot().version
        post.actions.patrol_out("Yaguas 2", 2)
        stream = desk.stream(str(known))
        assert (await next_event(stream))["kinds"] == ["patrol"]
        await stream.aclose()

    asyncio.run(scene())


def test_there_is_an_end_to_readers_and_one_that_leaves_makes_room(post: Post) -> None:
    async def scene() -> None:
        desk = NewsDesk(post.board, most=2)
        streams = [desk.stream("") for _ in range(2)]
        for stream in streams:
            await next_event(stream)
        assert desk.is_full
        await streams[0].aclose()
        assert not desk.is_full
        await streams[1].aclose()

    asyncio.run(scene())


def test_the_end_of_the_page_ends_every_stream(post: Post) -> None:
    async def scene() -> None:
        desk = NewsDesk(post.board, most=2)
        stream = desk.stream("")
        await next_event(stream)
        desk.close()
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(anext(stream), 5)

    asyncio.run(scene())


def test_what_a_slow_phone_has_not_taken_is_merged_and_bounded() -> None:
    merged = News(1, frozenset(), ())
    for number in range(1000):
        merged = merged.and_(News(number, frozenset({"incident"}), (number,)))
    assert merged.version == 999
    assert len(merged.alerts) == 20
    assert merged.alerts[-1] == 999
    assert len(merged.event()) < 300
