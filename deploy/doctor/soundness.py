"""Whether a database file of ours may be read and is sound, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from deploy.doctor import sqlite_files
from deploy.doctor.findings import AS_ROOT, Finding, Text, ok, unseen, wrong

WITHIN_S: Final = 1.6
"""How long one question to a file may take."""


class Store(NamedTuple):
    """A file. code: begins the codes of what is found. name: such as diario, journal. mend: what to do about damage."""

    code: str
    name: Text
    application_id: int
    mend: Text


def soundness(store: Store, path: Path) -> list[Finding]:
    """One finding: sound, too large to say in the time, damaged, or not to be read."""
    es, en = store.name
    try:
        damage = sqlite_files.is_sound(path, store.application_id, within_s=WITHIN_S)
    except sqlite_files.TooSlowError:
        return [
            ok(
                f"{store.code}_large",
                f"El {es} es grande: se abrió bien, no se revisó entero",
                f"The {en} is large: it opened well, and was not checked to its end",
                str(path),
            )
        ]
    except OSError:
        return [unreadable(store, path)]
    if damage:
        return [
            wrong(
                f"{store.code}_damaged",
                f"El {es} está dañado ({damage})",
                f"The {en} is damaged ({damage})",
                str(path),
                todo=store.mend,
            )
        ]
    return [ok(store.code, f"El {es} está sano", f"The {en} is sound", str(path))]


def unreadable(store: Store, path: Path) -> Finding:
    """We may not look."""
    return unseen(
        f"{store.code}_unseen",
        f"No se pudo mirar el {store.name.es}: no tiene permiso",
        f"The {store.name.en} could not be looked at: you may not",
        str(path),
        todo=AS_ROOT,
    )
