"""/api/v1/media: the posts' pictures and clips, listed, and each as a file or as its thumbnail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from fastapi import Path as PathParameter
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, Field

from firmware_bridge.readings import MAX_NAME_BYTES
from gateway.contract.media import SUFFIXES, suffix_of
from ingest.api.cursors import MAX_CURSOR, AfterMedia, decode_cursor, encode_cursor
from ingest.api.parts import Parts, PartsOf, refuse_unknown_parameters, require_token
from ingest.api.problems import ANSWERS, Problem, bad_request
from ingest.api.stations import StationName
from ingest.line_protocol import quality_slug
from ingest.media.index import Filter
from ingest.media.rows import FileRow, FileState
from ingest.media.service import MediaService

MAX_FILES: Final = 500
_SAFE: Final = {
    # Whatever a post says it is: a browser shall not run it, nor guess that it is something else.
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, max-age=86400, immutable",
}
_NOT_THERE: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": Problem, "description": "There is no such file, or it has not come whole."}
}
_AWAY: Final[dict[int | str, dict[str, Any]]] = {
    503: {"model": Problem, "description": "The store of pictures is away; ask again later."}
}
_BINARY: Final[dict[str, Any]] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}

router = APIRouter(
    prefix="/api/v1/media",
    tags=["media"],
    dependencies=[Depends(require_token), Depends(refuse_unknown_parameters)],
    responses={**ANSWERS},
)

StateSlug = Literal["announced", "partial", "whole", "stored", "refused"]
_STATES: Final = {state.slug: state for state in FileState}
_Name = Annotated[str, Query(min_length=1, max_length=MAX_NAME_BYTES)]
Sha256 = Annotated[
    str,
    PathParameter(pattern="^[0-9a-f]{64}$", description="The file's SHA-256, 64 hex digits.", examples=["ab" * 32]),
]


class MediaFile(BaseModel):
    """A picture or clip of a post."""

    sha256: Annotated[str, Field(description="Of its content: its name for ever.", examples=["ab" * 32])]
    station: Annotated[str, Field(examples=["boca-yaguas"])]
    territory: Annotated[str, Field(examples=["yaguas"])]
    sensor: Annotated[str, Field(examples=["camara-1"])]
    label: Annotated[str, Field(description="What was heard or seen.", examples=["person"])]
    time: Annotated[datetime, Field(description="Of its detection, UTC.", examples=["2025-06-01T06:00:00.250Z"])]
    time_quality: Annotated[str, Field(description="Where the time comes from.", examples=["gps"])]
    time_uncertainty_seconds: Annotated[float, Field(description="The true time is within this many seconds.")]
    media_type: Annotated[str, Field(examples=["image/jpeg"])]
    size_bytes: Annotated[int, Field(examples=[3000000])]
    number: Annotated[int, Field(description="It is picture n of `of` of its event.")]
    of: int
    notes: Annotated[dict[str, str], Field(description="What else its metadata says.")]
    state: Annotated[
        StateSlug,
        Field(
            description="announced: known by its thumbnail; partial: comes in pieces; whole: to be verified and stored;"
            " stored: can be had; refused: `reason` says why."
        ),
    ]
    held_ratio: Annotated[float, Field(description="How much of it has come, 0 to 1.")]
    reason: Annotated[str | None, Field(description="Why it is refused.", examples=["too_large"])]


class MediaFiles(BaseModel):
    """A page of pictures and clips."""

    files: list[MediaFile]
    next: Annotated[
        str | None,
        Field(description="Send as `cursor`, with the other parameters unchanged, for the next page; none at the end."),
    ]


@router.get("", summary="Pictures and clips, newest first", responses={**_NOT_THERE, **_AWAY})
def media(
    parts: PartsOf,
    station: StationName | None = None,
    sensor: Annotated[_Name | None, Query(description="The sensor's name.", examples=["camara-1"])] = None,
    label: Annotated[_Name | None, Query(description="What was heard or seen.", examples=["person"])] = None,
    state: Annotated[StateSlug | None, Query(description="How far it has come.")] = None,
    start: Annotated[
        AwareDatetime | None,
        Query(alias="from", description="First instant, RFC 3339.", examples=["2025-06-01T06:00:00Z"]),
    ] = None,
    stop: Annotated[
        AwareDatetime | None,
        Query(alias="to", description="First instant no longer wanted.", examples=["2025-06-02T06:00:00Z"]),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_FILES, description="Most files in one page.")] = 100,
    cursor: Annotated[str | None, Query(max_length=MAX_CURSOR, description="`next` of the page before.")] = None,
) -> MediaFiles:
    """By the time of their detections."""
    service = _service(parts)
    if any(moment is not None and not 1970 <= moment.year <= 2248 for moment in (start, stop)):
        raise bad_request("`from` and `to` must lie between 1970 and 2248")
    if start is not None and stop is not None and start >= stop:
        raise bad_request("`from` must be before `to`")
    try:
        after = decode_cursor(cursor) if cursor is not None else None
    except ValueError as error:
        raise bad_request(str(error)) from error
    if after is not None and not isinstance(after, AfterMedia):
        raise bad_request("`cursor` belongs to readings; begin without it")
    wanted = Filter(station, sensor, label, _STATES[state] if state else None, _ms(start), _ms(stop))
    place = (after.time_ms, after.id) if after is not None else None
    found = service.index.between(wanted, limit + 1, place)
    page = found[:limit]
    more = AfterMedia(page[-1].time_ms, page[-1].id) if len(found) > limit else None
    return MediaFiles(files=[_answer(row) for row in page], next=encode_cursor(more) if more else None)


@router.get(
    "/{sha256}",
    summary="One picture or clip, whole",
    response_class=Response,
    responses={
        200: {"content": _BINARY, "description": "The file, verified against its hash when it was stored."},
        **_NOT_THERE,
        **_AWAY,
    },
)
def media_file(parts: PartsOf, sha256: Sha256) -> StreamingResponse:
    """The content that has this hash, whichever post sent it."""
    service = _service(parts)
    rows = service.index.of_content(sha256)
    stored = next((row for row in rows if row.state is FileState.STORED), None)
    if stored is None:
        if not rows:
            raise HTTPException(404, "no post has announced such a file")
        raise HTTPException(404, f"it has not come whole ({rows[0].state.slug}); its thumbnail may be there")
    pieces = service.archive.read(stored.name)
    known = stored.media_type in SUFFIXES
    name = f"{stored.station}-{sha256[:12]}{suffix_of(stored.media_type)}"
    headers = {
        **_SAFE,
        "Content-Length": str(stored.size_bytes),
        "ETag": f'"{sha256}"',
        "Content-Disposition": f'{"inline" if known else "attachment"}; filename="{name}"',
    }
    return StreamingResponse(pieces, 200, headers, stored.media_type if known else "application/octet-stream")


@router.get(
    "/{sha256}/thumbnail",
    summary="The thumbnail of a picture",
    response_class=Response,
    responses={
        200: {
            "content": dict.fromkeys(("image/jpeg", "image/webp"), _BINARY["application/octet-stream"]),
            "description": "A JPEG or WebP of at most 8,000 bytes.",
        },
        **_NOT_THERE,
        **_AWAY,
    },
)
def media_thumbnail(parts: PartsOf, sha256: Sha256) -> Response:
    """It comes with the announcement, long before the file."""
    content = _service(parts).index.thumbnail(sha256)
    if content is None:
        raise HTTPException(404, "no post has announced such a file with a thumbnail")
    return Response(content, 200, _SAFE, "image/webp" if content[:4] == b"RIFF" else "image/jpeg")


def _service(parts: Parts) -> MediaService:
    if parts.media is None:
        raise HTTPException(404, "this process takes no pictures; ask the one whose settings have [media] take = true")
    return parts.media


def _ms(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def _answer(row: FileRow) -> MediaFile:
    held = row.size_bytes if row.state is FileState.STORED else len(row.ranges)
    return MediaFile(
        sha256=row.sha256,
        station=row.station,
        territory=row.territory,
        sensor=row.sensor,
        label=row.label,
        time=datetime.fromtimestamp(row.time_ms / 1000, UTC),
        time_quality=quality_slug(row.quality),
        time_uncertainty_seconds=row.uncertainty_ms / 1000,
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        number=row.number,
        of=row.total,
        notes=row.notes,
        state=row.state.slug,
        held_ratio=held / row.size_bytes,
        reason=row.reason or None,
    )
