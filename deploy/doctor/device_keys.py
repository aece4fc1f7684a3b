"""The keys of the sensors: there, readable, well formed, and not for everyone's eyes. A key is never shown."""

from __future__ import annotations

import re
import stat
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from deploy.doctor.devices import Named, devices_of
from deploy.doctor.findings import AS_ROOT, Check, Finding, Text, attention, counted, ok, unseen, wrong
from deploy.language import system_words
from firmware_bridge.sources import SourceSettings

_KEY: Final = re.compile(rb"[0-9A-Fa-f]{32}")
_MAX_FILE_BYTES: Final = 1024


def key_checks(sources: Sequence[SourceSettings], settings_file: Path) -> list[Check]:
    """One look at all keys of each source with devices of ours; settings_file is where the sources are told."""
    return [
        Check(Text("Claves", "Keys"), partial(_look, source.name, devices, settings_file))
        for source in sources
        if (devices := [device for device in devices_of(source) if device.keyed is not None])
    ]


def _look(source: str, devices: Sequence[Named], settings_file: Path) -> list[Finding]:
    findings = []
    inline = 0
    for device in devices:
        if device.keyed is None:
            continue
        file = device.keyed.key_file
        if file is None:
            inline += 1
        elif finding := _look_at(device.settings.name, device.keyed.id, file):
            findings.append(finding)
    unsound = sum(1 for finding in findings if finding.code != "key_open")
    if inline and _open_to_all(settings_file):
        findings.append(_settings_open(inline, settings_file))
    if len(devices) > unsound:
        sound = counted(
            len(devices) - unsound, Text("sensor tiene", "sensor has"), Text("sensores tienen", "sensors have")
        )
        findings.insert(0, ok("keys", f"{sound.es} su clave", f"{sound.en} a key", source))
    return findings


def _open_to_all(file: Path) -> bool:
    """Whether every user of this machine may read it; a file that is gone meanwhile is open to nobody."""
    try:
        return bool(file.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def _settings_open(keys: int, file: Path) -> Finding:
    read = counted(keys, Text("clave", "key"), Text("claves", "keys"))
    return attention(
        "settings_open",
        f"Cualquiera en este equipo puede leer la configuración, que contiene {read.es} de sensores",
        f"Anyone on this machine can read the settings, which hold {read.en} of sensors",
        str(file),
        todo=Text(
            f"sudo chown root:vigia {file}; sudo chmod 640 {file}",
            f"sudo chown root:vigia {file}; sudo chmod 640 {file}",
        ),
    )


def _look_at(name: str, number: str, file: Path) -> Finding | None:
    try:
        with file.open("rb") as opened:
            key = opened.read(_MAX_FILE_BYTES).strip()
        mode = file.stat().st_mode
    except PermissionError:
        return unseen(
            "key_unseen",
            f"No se pudo leer la clave de {name}",
            f"The key of {name} could not be read",
            str(file),
            todo=AS_ROOT,
        )
    except OSError as error:
        return wrong(
            "key_missing",
            f"Falta la clave del sensor {name} ({number}), no se le oirá: {system_words(error).es}",
            f"The key of sensor {name} ({number}) is missing, it will not be heard: {system_words(error).en}",
            str(file),
            todo=Text(
                "Copie el archivo de clave que vino con el sensor", "Copy the key file that came with the sensor"
            ),
        )
    if not _KEY.fullmatch(key):
        return wrong(
            "key_bad",
            f"La clave del sensor {name} ({number}) no sirve: no son 32 cifras hexadecimales",
            f"The key of sensor {name} ({number}) cannot be used: it is not 32 hex digits",
            str(file),
            todo=Text("Copie otra vez el archivo de clave del sensor", "Copy the sensor's key file again"),
        )
    if mode & stat.S_IROTH:
        return attention(
            "key_open",
            f"Cualquiera en este equipo puede leer la clave de {name}",
            f"Anyone on this machine can read the key of {name}",
            str(file),
            todo=Text(f"sudo chmod 640 {file}", f"sudo chmod 640 {file}"),
        )
    return None
