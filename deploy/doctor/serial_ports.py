"""The serial ports that the settings name."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import re
import stat
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from deploy.doctor.findings import AS_ROOT, Check, Finding, Text, ok, unseen, wrong
from deploy.doctor.processes import holders
from firmware_bridge.sources import SourceSettings

SERVICE_USER: Final = "vigia"
_PORTS_GROUP: Final = "dialout"
_WINDOWS: Final = re.compile(r"COM\d{1,3}", re.IGNORECASE)
_BY_ID: Final = Path("/dev/serial/by-id")


def port_checks(sources: Sequence[SourceSettings]) -> list[Check]:
    """A look at the port of each source that has one."""
    ports = {source.name: Path(port) for source in sources if (port := getattr(source, "port", None))}
    theme = Text("Puerto serie", "Serial port")
    checks = [Check(theme, partial(_look, name, port)) for name, port in ports.items()]
    return [*checks, Check(theme, lambda: _twins(ports))] if len(ports) > 1 else checks


def _look(source: str, port: Path) -> list[Finding]:
    where = f"{source}: {port}"
    if misspelt := shape_fault(port, where):
        return [misspelt]
    try:
        status = port.stat()
    except OSError:
        return [_missing(port, where)]
    if not stat.S_ISCHR(status.st_mode):
        return [
            wrong(
                "port_not_serial",
                "Lo que dice la configuración no es un puerto serie",
                "What the settings name is no serial port",
                where,
                todo=Text("Corrija port en la configuración", "Mend port in the settings"),
            )
        ]
    if denied := _denied(status, where):
        return [denied]
    strangers = [one for one in holders(port) if not one.is_vigia("gateway", "run")]
    simulated = [one for one in strangers if one.is_vigia("sensors", "simulate")]
    strangers = [one for one in strangers if one not in simulated]
    if strangers:
        who = strangers[0]
        return [
            wrong(
                "port_busy",
                f"Otro programa está usando el puerto: {who.name} (proceso {who.pid})",
                f"Another program uses the port: {who.name} (process {who.pid})",
                where,
                todo=Text(
                    f"Cierre ese programa (sudo kill {who.pid}): se lleva los datos de los sensores",
                    f"Close that program (sudo kill {who.pid}): it takes the sensors' data away",
                ),
            )
        ]
    if simulated:
        return [
            ok("port_simulated", "Puerto listo (sensores simulados)", "The port is ready (simulated sensors)", where)
        ]
    return [ok("port", "Puerto enchufado y listo", "The port is plugged in and ready", where)]


def shape_fault(port: Path, where: str) -> Finding | None:
    """What is wrong with the name of a port, whatever is plugged in: no path, or that of a directory."""
    if port.is_dir():
        return wrong(
            "port_is_directory",
            "Lo que dice port es una carpeta, no un puerto",
            "What port says is a directory, no port",
            where,
            todo=Text(f"Escriba el puerto entero: ls -l {_BY_ID}", f"Write the whole port: ls -l {_BY_ID}"),
        )
    if port.is_absolute():
        return None
    if _WINDOWS.fullmatch(str(port)):
        return wrong(
            "port_of_windows",
            f"{port} es un puerto de Windows; aquí se llaman de otro modo",
            f"{port} is a port of Windows; here they have other names",
            where,
            todo=Text(f"Vea cómo se llama: ls -l {_BY_ID}", f"See its name: ls -l {_BY_ID}"),
        )
    return wrong(
        "port_no_path",
        "A port le falta /dev/ delante",
        "port lacks /dev/ before it",
        where,
        todo=Text(
            f"Escriba port = /dev/{port.name}, mejor: ls -l {_BY_ID}",
            f"Write port = /dev/{port.name}, or better: ls -l {_BY_ID}",
        ),
    )


def _missing(port: Path, where: str) -> Finding:
    try:
        others = sorted(str(path) for path in _BY_ID.iterdir())
    except OSError:
        others = []
    there = ", ".join(others)
    return wrong(
        "port_missing",
        "El puerto no está: el receptor no está enchufado, no tiene luz, o port está mal escrito",
        "The port is not there: the receiver is not plugged in, has no power, or port is misspelt",
        where,
        todo=Text(
            f"Revise el cable y enchufe otra vez. {f'Sí están: {there}' if there else 'No hay ningún puerto USB'}",
            f"Check the cable and plug it in again. {f'These are there: {there}' if there else 'No USB port is there'}",
        ),
    )


def _denied(status: os.stat_result, where: str) -> Finding | None:
    """What keeps the service's user from the port, if anything."""
    groups = _groups_of(SERVICE_USER)
    group = _group_name(status.st_gid)
    rights = f"El puerto es del grupo {group}", f"The port belongs to the group {group}"
    if groups is not None and not _may_use(status, groups):
        return wrong(
            "port_denied",
            f"{rights[0]} y el usuario {SERVICE_USER} no está en él",
            f"{rights[1]} and the user {SERVICE_USER} is not in it",
            where,
            todo=_grant(group, where),
        )
    if groups is None and os.geteuid() != 0 and not _may_use(status, {os.getegid(), *os.getgroups()}, os.geteuid()):
        return unseen(
            "port_unseen",
            f"{rights[0]} y usted no está en él",
            f"{rights[1]} and you are not in it",
            where,
            todo=AS_ROOT,
        )
    return None


def _grant(group: str, where: str) -> Text:
    """How the service's user comes to the port; never by a group that opens more than ports, such as root."""
    if group == _PORTS_GROUP:
        commands = f"sudo usermod -aG {group} {SERVICE_USER}; sudo systemctl restart vigia-gateway"
    else:
        port = where.partition(": ")[2]
        commands = f"sudo chgrp {_PORTS_GROUP} {port}; sudo chmod 660 {port}"
    return Text(commands, commands)


def _may_use(status: os.stat_result, groups: set[int], user: int = -1) -> bool:
    mode = status.st_mode
    if user == status.st_uid:
        return mode & 0o600 == 0o600
    return mode & 0o006 == 0o006 or (status.st_gid in groups and mode & 0o060 == 0o060)


def _groups_of(user: str) -> set[int] | None:
    """The groups of the service's user, with the one that its unit adds; None where there is no such user."""
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        return None
    groups = set(os.getgrouplist(user, account.pw_gid))
    with contextlib.suppress(KeyError):
        groups.add(grp.getgrnam(_PORTS_GROUP).gr_gid)  # SupplementaryGroups= of vigia-gateway.service
    return groups


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _twins(ports: dict[str, Path]) -> list[Finding]:
    """Two names of one port; the settings' own check sees only the same name twice."""
    real = {source: port.resolve() for source, port in ports.items()}
    shared = [port for port, count in Counter(real.values()).items() if count > 1]
    return [
        wrong(
            "port_twice",
            f"Dos fuentes usan el mismo puerto: {', '.join(s for s, p in real.items() if p == port)}",
            f"Two sources use the same port: {', '.join(s for s, p in real.items() if p == port)}",
            str(port),
            todo=Text("Deje una sola en la configuración", "Leave only one of them in the settings"),
        )
        for port in shared
    ]
