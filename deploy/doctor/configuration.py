"""The settings file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Generic, NamedTuple, TypeVar

from pydantic import BaseModel

from deploy.doctor.findings import AS_ROOT, Text, Told, is_there, unseen, wrong
from deploy.settings.file import load_settings
from deploy.settings.judging import sound_part
from deploy.settings.problems import SettingsFileError

M = TypeVar("M", bound=BaseModel)

THEME: Final = Text("Configuración", "Settings")


class Looked(NamedTuple, Generic[M]):
    """settings: what of them is in order; None when nothing is. faults: one for each problem in the file. unsound: the
    sections that must not be asked."""

    settings: M | None
    faults: list[Told]
    unsound: frozenset[str] = frozenset()

    def sound(self, *sections: str) -> bool:
        """Whether these are in order."""
        return not self.unsound.intersection(sections)


def look_at_settings(path: Path, model: type[M]) -> Looked[M]:
    """The settings and their faults. One fault must not hide what else is wrong on this machine."""
    if not os.access(path, os.R_OK) and is_there(path) is not False:
        denied = unseen(
            "settings_unseen",
            "No se pudo leer la configuración",
            "The settings cannot be read",
            str(path),
            todo=AS_ROOT,
        )
        return Looked(None, [Told(THEME, denied)])
    try:
        return Looked(load_settings(path, model), [])
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
        told = [Told(THEME, fault) for fault in faults]
        part = sound_part(path, model)
        return Looked(None, told) if part is None else Looked(part[0], told, part[1])
