"""Where whole pictures and clips are for good: a directory or an S3 bucket. The one module that knows fsspec.

<sha256[:2]>/<sha256>.jpg              the content, once, whoever sent it
<sha256[:2]>/<sha256>.<station>.json   a card for each post that did
"""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from ingest.errors import IngestError, RetryLater

_READ_BYTES: Final = 1024 * 1024
_S3_CONNECTION: Final = {
    "connect_timeout": 10,
    "read_timeout": 60,
    # s3fs asks five times itself, and the keeper for ever: five times five would keep an outage secret for minutes.
    "retries": {"total_max_attempts": 1},
}
_ABOUT_KEYS: Final = (
    "see that AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set and right where ingest is started, that the keys may"
    " list the bucket, read and write in it, and that the clock of this machine is right; then restart ingest"
)
_ABOUT_BUCKET: Final = "if the bucket is not there, make it; if it has another name, correct [media] store"


class ArchiveError(IngestError):
    """The store in the settings cannot be used: a person must mend it."""


class Archive:
    """See the module. No I/O before `open`. What the store cannot do now raises RetryLater."""

    def __init__(self, url: str, *, s3_endpoint: str | None = None) -> None:
        self._url = url
        self._s3_endpoint = s3_endpoint
        self._root = ""
        self._fs: Any = None
        self._faults: tuple[type[Exception], ...] = (OSError,)
        self._advice: dict[tuple[type[Exception], ...], str] = {}

    def open(self) -> None:
        """Find the file system. Raises ArchiveError for a store that is not to be had."""
        protocol = self._url.partition("://")[0]
        options: dict[str, object] = {}
        try:
            if protocol in ("s3", "s3a"):
                options = {"config_kwargs": _S3_CONNECTION, "endpoint_url": self._s3_endpoint}
                s3 = importlib.import_module("botocore.exceptions")
                self._faults = (OSError, s3.BotoCoreError)  # not every fault is an OSError: no keys, no such host
                self._advice = {
                    (PermissionError, s3.NoCredentialsError, s3.PartialCredentialsError): _ABOUT_KEYS,
                    (FileNotFoundError,): _ABOUT_BUCKET,
                }
            self._fs, self._root = fsspec.url_to_fs(self._url, **options)  # type: ignore[no-untyped-call]  # fsspec has none
        except (ImportError, ValueError) as error:
            raise ArchiveError(
                f"[media] store {self._url!r} cannot be used: {error}. file:// needs nothing, s3:// the extra s3:"
                " pip install 'vigia[s3]'"
            ) from error
        self._root = self._root.rstrip("/")

    def put(self, name: str, source: Path, sha256: str, size_bytes: int) -> None:
        """Store a file under a name and verify what is there; when it is there already, verify that. Raises RetryLater
        when it cannot be stored, or what is there is not what was stored."""
        try:
            if self._is_there(name, sha256, size_bytes):
                return
            if isinstance(self._fs, LocalFileSystem):
                with source.open("rb") as file:
                    self._put_local(name, file)
            else:
                self._fs.put_file(str(source), self._at(name))
                self._fs.invalidate_cache()
            if not self._is_there(name, sha256, size_bytes):
                raise RetryLater(f"{self._at(name)} is not what was stored there; is the store's disk sound?")
        except self._faults as error:
            raise RetryLater(f"the store {self._url} does not take {name}: {self._words(error)}") from error

    def put_card(self, name: str, content: bytes) -> None:
        """Store a small text under a name, in place of an earlier one. Raises RetryLater."""
        try:
            if isinstance(self._fs, LocalFileSystem):
                self._put_local(name, content)
            else:
                self._fs.pipe_file(self._at(name), content)
        except self._faults as error:
            raise RetryLater(f"the store {self._url} does not take {name}: {self._words(error)}") from error

    def read(self, name: str) -> Iterator[bytes]:
        """A file's content, piece by piece; it is open when this returns. Raises RetryLater when it cannot be had."""
        try:
            file = cast("BinaryIO", self._fs.open(self._at(name), "rb"))
        except self._faults as error:
            raise RetryLater(f"the store {self._url} does not give {name}: {self._words(error)}") from error
        return self._pieces(name, file)

    def _pieces(self, name: str, file: BinaryIO) -> Iterator[bytes]:
        with file:
            try:
                while content := file.read(_READ_BYTES):
                    yield content
            except self._faults as error:
                raise RetryLater(f"the store {self._url} does not give {name}: {self._words(error)}") from error

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _is_there(self, name: str, sha256: str, size_bytes: int) -> bool:
        """Whether exactly this content is there, by reading it again."""
        try:
            told = self._fs.info(self._at(name))
        except FileNotFoundError:
            return False
        if told["size"] != size_bytes:
            return False
        digest = hashlib.sha256()
        for content in self.read(name):
            digest.update(content)
        return digest.hexdigest() == sha256

    def _put_local(self, name: str, content: BinaryIO | bytes) -> None:
        """Whole and on disk, or not there."""
        path = Path(self._at(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + ".unfinished")
        with unfinished.open("wb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                while piece := content.read(_READ_BYTES):
                    file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        for directory in (path.parent, path.parent.parent):
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _words(self, error: Exception) -> str:
        words = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        return next((f"{words}; {advice}" for kinds, advice in self._advice.items() if isinstance(error, kinds)), words)
