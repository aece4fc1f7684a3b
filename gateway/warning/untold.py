"""Warnings that an output could not give before the gateway was told to end: kept for the next start, which may come in
a second when settings were changed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import msgspec

from gateway.rules.facts import Change, Incident, Step

log = logging.getLogger(__name__)


class Untold(msgspec.Struct, frozen=True):
    """A warning of one output. waited_ms: how long people should have known when the post ended."""

    output: str
    step: Step
    incident: Incident
    waited_ms: int


class _Kept(msgspec.Struct, frozen=True):
    boot: str
    boot_ms: int
    untold: list[Untold]


def keep_untold(path: Path, boot: str, boot_ms: int, untold: Iterable[Untold]) -> bool:
    """Put them on disk, in place of earlier ones; whether that was done. boot, boot_ms: this boot, and ms since it."""
    kept = _Kept(boot, boot_ms, list(untold))
    try:
        if kept.untold:
            path.write_bytes(msgspec.json.encode(kept))
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        log.debug("%s: %s", path, error)
        return False
    return True


def take_untold(path: Path, boot: str, boot_ms: int) -> list[tuple[str, Change, float]]:
    """Output, change and age in seconds of what was kept in this boot; the file is gone then. Of an earlier boot nobody
    knows how long ago it was: those are left out."""
    try:
        content = path.read_bytes()
        path.unlink()
        kept = msgspec.json.decode(content, type=_Kept)
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        log.warning("warnings that waited when the post ended cannot be read: %s", error)
        return []
    if kept.boot != boot:
        return []
    since_ms = max(0, boot_ms - kept.boot_ms)
    return [(one.output, Change(one.step, one.incident), (one.waited_ms + since_ms) / 1000) for one in kept.untold]
