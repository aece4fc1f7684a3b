"""The pictures' way through headquarters, without a broker: messages in, answers out."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gateway.contract import topics
from gateway.contract.media import (
    Announcement,
    Answer,
    Chunk,
    decode_answers,
    encode_announcement,
    encode_chunk,
    encode_question,
)
from gateway.contract.topics import Lane
from ingest.media.rows import FileRow, FileState
from ingest.media.service import MediaService
from ingest.media.settings import MediaSettings
from ingest.registry import Registry
from tests.support.waiting import wait_until

STATION = "boca-yaguas"
THUMBNAIL = b"\xff\xd8\xff" + bytes(100)
CHUNK = 1000
_AT_ONCE = 100


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def announcement(content: bytes, sha256: str = "", **changed: Any) -> Announcement:
    """Of a picture of a person, unless changed."""
    said: dict[str, Any] = {
        "sha256": sha256 or sha256_of(content),
        "size_bytes": len(content),
        "media_type": "image/jpeg",
        "sensor": "camara-1",
        "label": "person",
        "time_ms": 1_750_000_000_000,
        "quality": 2,
        "uncertainty_ms": 8,
        "notes": (("make", "RECONYX"),),
        "thumbnail": THUMBNAIL,
    }
    return Announcement(**(said | changed))


def chunks(content: bytes, sha256: str = "", size: int = CHUNK) -> list[Chunk]:
    """All of a file in pieces."""
    name = sha256 or sha256_of(content)
    return [Chunk(name, len(content), at, content[at : at + size]) for at in range(0, len(content), size)]


class Hub:
    """A running service in a directory. Entered again after it was left, it is a restart."""

    def __init__(self, path: Path, registry: Registry, **settings: Any) -> None:
        self.answers: dict[str, dict[str, Answer]] = {}
        self.acknowledged = 0
        self._settings = MediaSettings.model_validate({"keep_free_megabytes": 0} | settings)
        self._path = path
        self._registry = registry
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self.media = MediaService(self._settings, self._path, self._registry, self._hear)
        self.media.open()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=stage.run, args=(self._stop,)) for stage in (self.media.stage, self.media.keeper)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.media.close()

    def _hear(self, topic: str, payload: bytes) -> None:
        station = topic.split("/")[2]
        assert topic == topics.media(station)
        with self._lock:
            self.answers.setdefault(station, {}).update(decode_answers(payload))

    def _acknowledge(self) -> None:
        with self._lock:
            self.acknowledged += 1

    def send(self, *messages: Announcement | Chunk | tuple[str, ...] | bytes, station: str = STATION) -> None:
        """Give them in, no more at once than fit, and wait until they are dealt with."""
        for at in range(0, len(messages), _AT_ONCE):
            self._send(messages[at : at + _AT_ONCE], station)

    def _send(self, messages: tuple[Announcement | Chunk | tuple[str, ...] | bytes, ...], station: str) -> None:
        wanted = self.acknowledged + len(messages)
        for message in messages:
            match message:
                case Announcement():
                    payload = encode_announcement(message)
                case Chunk():
                    payload = encode_chunk(message)
                case bytes():
                    payload = message
                case _:
                    payload = encode_question(message)
            self.media.stage.take(topics.up(station, Lane.MEDIA), payload, self._acknowledge)
        wait_until("all is acknowledged", lambda: self.acknowledged == wanted, every_s=0.002)

    def answer(self, sha256: str, station: str = STATION) -> Answer | None:
        """The last word about a file."""
        with self._lock:
            return self.answers.get(station, {}).get(sha256)

    def row(self, sha256: str, station: str = STATION) -> FileRow:
        """As it stands in the index."""
        row = self.media.index.get(station, sha256)
        assert row is not None
        return row

    def wait_state(self, sha256: str, state: FileState, station: str = STATION) -> None:
        wait_until(f"it is {state.slug}", lambda: self.row(sha256, station).state is state, timeout_s=10)

    @property
    def parts(self) -> list[Path]:
        """Parts on disk."""
        return sorted((self._path / "partial").rglob("*.part"))

    @property
    def files(self) -> dict[str, bytes]:
        """What is stored, by name."""
        root = self._path / "files"
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
