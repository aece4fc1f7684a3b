"""The parts of the pictures' way through headquarters, put together from the settings."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from gateway.supervision.supervisor import Supervisor
from ingest.api.status import SinkStatus
from ingest.media.archive import Archive
from ingest.media.index import MediaIndex
from ingest.media.keeper import MediaKeeper
from ingest.media.parts import Parts
from ingest.media.settings import MediaSettings
from ingest.media.stage import MediaStage, Say
from ingest.registry import Registry


class MediaService:
    """path: the directory of index and parts. say: publishes a message, if there is a connection. No I/O before
    `open`."""

    def __init__(self, settings: MediaSettings, path: Path, registry: Registry, say: Say) -> None:
        self.index = MediaIndex(path / "index.db")
        store = settings.store or f"file://{(path / 'files').absolute()}"
        self.archive = Archive(store, s3_endpoint=settings.s3_endpoint)
        parts = Parts(path / "partial")
        self.stage = MediaStage(settings, parts, self.index, registry, say, self._wake)
        self.keeper = MediaKeeper(self.index, parts, self.archive, settings.attempts, self.stage.tell)

    def open(self) -> None:
        """Open index and store. Raises MediaIndexError or ArchiveError."""
        self.archive.open()
        self.index.open()

    def start(self, supervisor: Supervisor) -> None:
        """Start both stages."""
        supervisor.start("media", self.stage.run)
        supervisor.start("media store", self.keeper.run)

    def close(self) -> None:
        """After both stages have ended."""
        self.index.close()

    def status(self) -> SinkStatus:
        """As that of a sink: files that wait to be stored, and why they or the messages wait."""
        return SinkStatus(self.keeper.behind, self.stage.trouble or self.keeper.trouble or None)

    def counts(self) -> Counter[str]:
        """Ever-growing counts by name."""
        return self.stage.counts.copy() + self.keeper.counts.copy()

    def discards(self) -> Counter[str]:
        """Ever-growing counts by reason."""
        return self.stage.discards.copy() + self.keeper.discards.copy()

    def _wake(self) -> None:
        self.keeper.wake()
