"""A post's sender and headquarters' stage, with a link between them that loses, doubles and delays, and both restarted
at random: every file that is to go whole arrives whole, and the post believes nothing else delivered."""

from __future__ import annotations

import hashlib
import random
from collections import deque
from pathlib import Path

import pytest

from firmware_bridge.readings import Attachment, Kind, make_reading
from gateway.clock.boots import Boots
from gateway.clock.clock import Clock
from gateway.contract import topics
from gateway.media.index import FileState as PostState
from gateway.media.sender import MediaSender
from gateway.media.settings import MediaSettings
from gateway.media.store import MediaStore
from ingest.media.rows import FileState
from ingest.registry import Registry
from tests.ingest.media.hub import STATION, Hub
from tests.support.waiting import wait_until


class _Answers(Hub):
    """Keeps what it says instead of understanding it."""

    said: deque[bytes]

    def _hear(self, topic: str, payload: bytes) -> None:
        self.said.append(payload)


def begin(store: MediaStore) -> MediaSender:
    store.open()
    sender = MediaSender(
        STATION,
        store,
        MediaSettings(chunk_bytes=2048),
        Clock("system"),
        alert_labels=["person"],
        settle_s=0.0,
        answer_timeout_s=0.02,
        count=lambda reason: None,
        freeze=Boots((), "").freeze,
    )
    sender.begin()
    sender.link_is(True)
    return sender


@pytest.mark.slow
@pytest.mark.parametrize("number", range(6))
def test_over_any_link_every_file_arrives(tmp_path: Path, registry: Registry, seed: int, number: int) -> None:
    chance = random.Random(seed * 100 + number)
    store = MediaStore(tmp_path / "post", max_bytes=50_000_000)
    sender = begin(store)
    wanted: dict[str, bytes] = {}
    for index in range(4):
        content = chance.randbytes(chance.randint(1, 60_000))
        (tmp_path / "card.jpg").write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        label = chance.choice(["person", "boat", "tapir"])
        reading = make_reading(Kind.CAMERA_DETECTION, "camara-1", {"picture_number": index}, label=label)
        assert not store.keep(Attachment(sha256, "image/jpeg", len(content), str(tmp_path / "card.jpg")), reading)
        if label == "tapir":
            assert store.want(sha256) == ""
        wanted[sha256] = content
    hub = _Answers(tmp_path / "media", registry)
    hub.said = deque()
    hub.__enter__()
    loss, restarts = chance.uniform(0.0, 0.3), chance.randint(0, 6)

    def step() -> bool:
        nonlocal sender, restarts
        message = sender.next_message(16 * 1024)
        if message is not None:
            if chance.random() < loss:  # the link breaks
                sender.returned(message.cookie)
                sender.link_is(False)
                sender.link_is(True)
            else:
                for _ in range(2 if chance.random() < 0.1 else 1):
                    hub.media.stage.take(message.topic, message.payload, lambda: None)
                sender.acknowledged(message.cookie)
        while hub.said and chance.random() < 0.8:
            answer = hub.said.popleft()
            if chance.random() >= loss / 2:
                sender.received(topics.media(STATION), answer)
        if restarts and chance.random() < 0.01:
            restarts -= 1
            if chance.random() < 0.5:
                store.close()
                sender = begin(store)
            else:
                hub.__exit__(None, None, None)
                hub.said.clear()
                hub.__enter__()
        return all(file.state is PostState.DELIVERED for file in store.files())

    try:
        wait_until("all is delivered", step, timeout_s=60, every_s=0.0005)
        for sha256, content in wanted.items():
            assert hub.row(sha256).state is FileState.STORED
            assert hub.files[f"{sha256[:2]}/{sha256}.jpg"] == content
    finally:
        hub.__exit__(None, None, None)
        store.close()
