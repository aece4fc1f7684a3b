"""The counters that an outbox keeps, since the day it was made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deploy.doctor import sqlite_files
from deploy.doctor.soundness import WITHIN_S
from gateway.outbox.store import APPLICATION_ID

Tallies = Mapping[tuple[str, str], int]


def read_tallies(outbox: Path) -> Tallies | None:
    """By place and name; None when they cannot be read, of which the look at its soundness tells."""

    def question(rows: sqlite_files.Rows) -> Tallies:
        return {(place, name): total for place, name, total in rows("SELECT place, name, total FROM tally")}

    try:
        return sqlite_files.ask(outbox, APPLICATION_ID, question, within_s=WITHIN_S)
    except (sqlite_files.TooSlowError, sqlite_files.DamagedError, OSError):
        return None
