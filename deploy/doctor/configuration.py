"""The settings file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, TypeVar

from pydantic_settings import BaseSettings

from deploy.doctor.findings import AS_ROOT, Finding, Text, Told, is_there, unseen, wrong
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
        faults: list[Finding] = []
        for problem in error.problems:
            line = Text(f"línea {problem.line}: ", f"line {problem.line}: ") if problem.line else Text("", "")
            said = f"{problem.where}: {problem.words}" if problem.where else problem.words
            faults.append(
                wrong(
                    "settings_wrong",
                    f"No sirve: {line.es}{said}",
                    f"It cannot be used: {line.en}{said}",
                    str(path),
                    todo=todo,
                )
            )
        return None, [Told(THEME, fault) for fault in faults]
