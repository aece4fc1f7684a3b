"""The directories that sources of files watch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from deploy.doctor.findings import AS_ROOT, Check, Finding, Text, attention, ok, unseen, wrong
from deploy.language import system_words
from firmware_bridge.sources import SourceSettings

THEME = Text("Carpeta", "Directory")


def folder_checks(sources: Sequence[SourceSettings], *, absence_is_told: bool = False) -> list[Check]:
    """A look at the directory of each source that has one. absence_is_told: by the running gateway."""
    return [
        Check(THEME, partial(_look, source.name, Path(directory), absence_is_told))
        for source in sources
        if (directory := getattr(source, "directory", None)) is not None
    ]


def _look(source: str, directory: Path, absence_is_told: bool) -> list[Finding]:
    where = f"{source}: {directory}"
    mend = Text("Corrija directory en la configuración", "Mend directory in the settings")
    if directory.parts[:1] and directory.parts[0].startswith("~"):
        return [
            wrong(
                "folder_tilde",
                "La virgulilla (~) no se entiende aquí: el servicio no tiene carpeta personal",
                "A tilde (~) means nothing here: the service has no home",
                where,
                todo=Text("Escriba la ruta entera, como /home/ana/camaras", "Write all of it, as in /home/ana/cameras"),
            )
        ]
    if not directory.is_absolute():
        return [
            wrong(
                "folder_relative",
                "La carpeta debe empezar con /: nadie sabe desde dónde se busca",
                "The directory must begin with /: nobody knows where it is looked for",
                where,
                todo=mend,
            )
        ]
    try:
        next(directory.iterdir(), None)
    except PermissionError:
        return [
            unseen("folder_unseen", "No se pudo mirar la carpeta", "It could not be looked at", where, todo=AS_ROOT)
        ]
    except NotADirectoryError:
        return [wrong("folder_is_file", "No es una carpeta", "It is no directory", where, todo=mend)]
    except FileNotFoundError:
        if absence_is_told:
            return []
        return [
            attention(
                "folder_missing",
                "La carpeta no existe ahora: la tarjeta no está puesta, o está mal escrita",
                "The directory is not there now: the card is not in, or it is misspelt",
                where,
                todo=Text(
                    "Ponga la tarjeta y mire su nombre con ls /media; si es otro, corrija directory",
                    "Put the card in and see its name with ls /media; if it is another, mend directory",
                ),
            )
        ]
    except OSError as error:
        why = system_words(error)
        return [
            wrong(
                "folder_unreadable", f"La carpeta no se lee: {why.es}", f"It cannot be read: {why.en}", where, todo=mend
            )
        ]
    return [ok("folder", "La carpeta está", "The directory is there", where)]
