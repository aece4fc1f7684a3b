"""The settings file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, TypeVar

from pydantic_settings import BaseSettings

from deploy.doctor.findings import AS_ROOT, Text, Told, is_there, unseen, wrong
from deploy.settings_file import SettingsFileError, load_settings

M = TypeVar("M", bound=BaseSettings)

THEME: Final = Text("Configuración", "Settings")


def settings_or_faults(path: Path, model: type[M]) -> tuple[M | None, list[Told]]:
    """The settings, or one finding for each problem in the file."""
    if not os.access(path, os.R_OK) and is_there(path) is not False:
        denied = unseen(
            "settings_unseen",
            "No se pudo leer la configuración",
            "The settings cannot be read",
            str(path),
            todo=AS_ROOT,
        )
        return None, [Told(THEME, denied)]
    try:
        return load_settings(path, model), []
    except SettingsFileError as error:
        todo = Text(
            f"Corrija el archivo (sudo nano {path}) y repita",
            f"Mend the file (sudo nano {path}) and do this again",
        )
        if error.missing:
            todo = Text(
                "Vea qué hay: ls /etc/vigia; uno nuevo se empieza con vigia gateway config (o vigia ingest config)",
                "See what is there: ls /etc/vigia; a new one begins with vigia gateway config (or vigia ingest config)",
            )
        faults = [
            wrong(
                "settings_missing" if error.missing else "settings_wrong",
                f"{'El archivo' if error.missing else 'No sirve:'} {problem('es')}",
                f"{'The file:' if error.missing else 'It cannot be used:'} {problem('en')}",
                str(path),
                todo=todo,
            )
            for problem in error.problems
        ]
        return None, [Told(THEME, fault) for fault in faults]
