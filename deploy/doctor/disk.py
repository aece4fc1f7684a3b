"""The disk (on a post: the SD card) that data is kept on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from deploy.doctor.findings import AS_ROOT, Check, Finding, Text, attention, is_there, ok, sizes, unseen, wrong
from deploy.language import system_words

_BAD_BYTES: Final = 100_000_000
_BAD_SHARE: Final = 0.02
_LOW_BYTES: Final = 500_000_000
_LOW_SHARE: Final = 0.10

_MAKE_ROOM: Final = Text(
    "Libere espacio: borre lo que no sea de Vigía (sudo apt clean; sudo journalctl --vacuum-size=50M)",
    "Make room: delete what is not Vigía's (sudo apt clean; sudo journalctl --vacuum-size=50M)",
)


def disk_check(directory: Path) -> Check:
    """The file system that a directory is, or would be, on."""
    return Check(Text("Disco", "Disk"), lambda: [_look(directory)])


def _look(directory: Path) -> Finding:
    there = next((path for path in (directory, *directory.parents) if is_there(path)), Path("/"))
    try:
        state = os.statvfs(there)
    except OSError as error:
        return unseen(
            "disk_unseen",
            f"No se pudo mirar el disco ({system_words(error).es})",
            f"The disk: {error.strerror}",
            str(there),
            todo=AS_ROOT,
        )
    if state.f_flag & os.ST_RDONLY:
        return wrong(
            "disk_read_only",
            "El disco solo se puede leer: nada se puede guardar",
            "The disk can only be read: nothing can be kept",
            str(there),
            todo=Text(
                "La tarjeta SD puede estar dañada. Reinicie una vez; si sigue igual, cámbiela y guarde la vieja",
                "The SD card may be damaged. Restart once; if it stays so, change the card and keep the old one",
            ),
        )
    free, total = state.f_bavail * state.f_frsize, state.f_blocks * state.f_frsize
    return judge_free(free, total, str(there), no_files_left=bool(state.f_files) and state.f_favail == 0)


def judge_free(free: int, total: int, where: str, *, no_files_left: bool = False) -> Finding:
    """Whether so many bytes free of so many are enough."""
    share = free / total if total else 0.0
    es, en = f"{sizes(free)} libres de {sizes(total)}", f"{sizes(free)} free of {sizes(total)}"
    if no_files_left:
        return wrong(
            "disk_full", "En el disco no cabe un archivo más", "The disk takes no further file", where, todo=_MAKE_ROOM
        )
    if free < _BAD_BYTES or (share < _BAD_SHARE and free < _LOW_BYTES):
        return wrong(
            "disk_full", f"El disco está casi lleno: {es}", f"The disk is nearly full: {en}", where, todo=_MAKE_ROOM
        )
    if free < _LOW_BYTES or (share < _LOW_SHARE and free < 10 * _LOW_BYTES):
        return attention("disk_low", f"Queda poco espacio: {es}", f"Little room is left: {en}", where, todo=_MAKE_ROOM)
    return ok("disk", f"Hay espacio: {es}", f"There is room: {en}", where)
