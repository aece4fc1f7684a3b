"""What headquarters has already of a picture that somebody asks a post for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from deploy.doctor import sqlite_files
from deploy.language import Text
from deploy.orders.checking import Remark, Weight
from deploy.settings.file import load_settings
from deploy.settings.problems import SettingsFileError

_WITHIN_S: Final = 2.0
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def stored_remarks(ingest_file: Path, station: str, sha256: str) -> Iterator[Remark]:
    """Whether it is here already, or was never announced by that post. Nothing where ingest's settings or its index
    cannot be read from here, or for what is no hash."""
    from ingest.media.index import APPLICATION_ID
    from ingest.media.rows import FileState
    from ingest.settings import IngestSettings

    wanted = sha256.lower()
    if not _SHA256.fullmatch(wanted):
        return
    question = f"SELECT station, state FROM file WHERE sha256 = '{wanted}'"  # noqa: S608  # nothing but hex digits
    try:
        directory = load_settings(ingest_file, IngestSettings).media_path
        if directory is None:
            return
        index = directory / "index.db"
        rows = sqlite_files.ask(index, APPLICATION_ID, lambda ask: ask(question), within_s=_WITHIN_S)
    except (SettingsFileError, sqlite_files.TooSlowError, sqlite_files.DamagedError, OSError):
        return
    if any(state == FileState.STORED for _, state in rows):
        yield Remark(
            Text(
                f"esa foto o audio ya está entero en la sede: /api/v1/media/{wanted}",
                f"that picture or clip is whole at headquarters already: /api/v1/media/{wanted}",
            )
        )
    elif station not in {one for one, _ in rows}:
        yield Remark(
            Text(
                f"la sede no tiene noticia de esa foto o audio en {station}; si el código está bien, el puesto dirá",
                f"headquarters knows of no such picture or clip at {station}; if the hash is right, the post will tell",
            ),
            Weight.DOUBT,
        )
