"""The `[media]` part of ingest's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.contract.media import MAX_FILE_BYTES

_MEGABYTE = 1024 * 1024


class MediaSettings(BaseModel):
    """Pictures and clips of the posts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    take: Annotated[
        bool | None,
        Field(
            description="Whether this process takes pictures and clips. Left out: yes, unless [broker] has a `group`;"
            " of several processes that share the load exactly one must say true."
        ),
    ] = None
    path: Annotated[
        Path | None,
        Field(
            description="Directory of the index and of files that have not come whole yet; a directory media beside"
            " the journal if left out."
        ),
    ] = None
    store: Annotated[
        str | None,
        Field(
            pattern=r"^[a-z0-9]+://\S+$",
            description="Where whole files go: file:///a/directory or s3://bucket/prefix (with the extra s3; keys from"
            " the environment, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY). A directory files in `path` if left out.",
        ),
    ] = None
    s3_endpoint: Annotated[
        str | None,
        Field(pattern=r"^https?://\S+$", description="Address of an S3 service other than Amazon's, such as MinIO."),
    ] = None
    max_file_megabytes: Annotated[
        int, Field(ge=1, le=MAX_FILE_BYTES // _MEGABYTE, description="The largest file that is taken.")
    ] = 64
    max_open_files: Annotated[
        int, Field(ge=1, le=10_000, description="Most files of one post that have come in part.")
    ] = 32
    max_open_megabytes: Annotated[
        int, Field(ge=1, le=10_000_000, description="Most room for files of one post that have come in part.")
    ] = 1024
    max_announced: Annotated[
        int,
        Field(
            ge=1,
            le=10_000_000,
            description="Most files of one post that are known by their thumbnail alone. Beyond it the oldest are"
            " forgotten.",
        ),
    ] = 50_000
    keep_free_megabytes: Annotated[
        int,
        Field(ge=0, le=10_000_000, description="Nothing is taken while the disk of `path` has less room."),
    ] = 512
    attempts: Annotated[
        int, Field(ge=1, le=100, description="How often a file that is not what its hash says is begun anew.")
    ] = 3

    @property
    def max_file_bytes(self) -> int:
        """`max_file_megabytes` in bytes."""
        return self.max_file_megabytes * _MEGABYTE

    @property
    def max_open_bytes(self) -> int:
        """`max_open_megabytes` in bytes."""
        return self.max_open_megabytes * _MEGABYTE

    @property
    def keep_free_bytes(self) -> int:
        """`keep_free_megabytes` in bytes."""
        return self.keep_free_megabytes * _MEGABYTE

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.max_open_megabytes < self.max_file_megabytes:
            raise ValueError("`max_open_megabytes` must be at least `max_file_megabytes`, or no such file ever comes")
        return self
