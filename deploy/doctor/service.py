"""Whether the service runs: by its lock file, and by systemd where that is."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from deploy.doctor import processes
from deploy.doctor.findings import AS_ROOT, Check, Finding, Text, attention, is_there, ok, unseen, wrong

_SYSTEMD: Final = Path("/run/systemd/system")
_TIMEOUT_S: Final = 1.5


class Unit(NamedTuple):
    """What systemd says of a unit, in its own words."""

    active: str
    sub: str
    enabled: str
    restarts: str


def service_check(unit: str, idle: Text, kept: Path) -> Check:
    """unit: such as vigia-gateway. idle: what is not done without it. kept: the outbox or journal, which it locks."""
    return Check(Text("Servicio", "Service"), lambda: _look(unit, idle, kept))


def _look(unit: str, idle: Text, kept: Path) -> list[Finding]:
    told = ask_systemd(unit)
    if is_there(kept) is None and (told is None or told.active == "active"):
        # Its directory is the service's alone: the lock cannot be seen.
        return [
            unseen(
                "service_unseen",
                "No se pudo ver si el servicio usa sus datos",
                "Whether the service uses its data could not be seen",
                unit,
                todo=AS_ROOT,
            )
        ]
    return judge(unit, idle, processes.lock_holder(kept), told)


def judge(unit: str, idle: Text, holder: processes.Process | None, told: Unit | None) -> list[Finding]:
    """idle: what is not done without it. holder: who has the lock. told: None where systemd does not know the unit."""
    look_at_log = Text(f"Mire por qué: journalctl -u {unit} -n 30", f"See why: journalctl -u {unit} -n 30")
    if told is not None and told.active in ("failed", "activating"):
        tries = (
            Text("1 vez", "once") if told.restarts == "1" else Text(f"{told.restarts} veces", f"{told.restarts} times")
        )
        return [
            wrong(
                "service_failing",
                f"El servicio no logra arrancar (lo intentó {tries.es})",
                f"The service cannot start (it tried {tries.en})",
                unit,
                todo=look_at_log,
            )
        ]
    if holder is None and told is not None and told.active == "active":
        return [
            wrong(
                "service_without_file",
                "El servicio está prendido pero no usa el archivo de datos que dice la configuración",
                "The service runs, but does not use the data file that these settings name",
                unit,
                todo=Text(
                    f"Reinicie el servicio: sudo systemctl restart {unit}; si sigue igual, mire journalctl -u {unit}",
                    f"Restart it: sudo systemctl restart {unit}; if it stays so, see journalctl -u {unit}",
                ),
            )
        ]
    if holder is None:
        start = f"sudo systemctl enable --now {unit}"
        return [
            wrong(
                "service_stopped",
                f"El servicio está apagado: no se {idle.es}",
                f"The service is not running: nothing is {idle.en}",
                unit,
                todo=Text(f"Préndalo: {start}", f"Start it: {start}"),
            )
        ]
    findings = [
        ok(
            "service",
            f"El servicio está prendido (proceso {holder.pid})",
            f"The service is running (process {holder.pid})",
            unit,
        )
    ]
    if told is not None and told.active == "active" and told.enabled == "disabled":
        findings.append(
            attention(
                "service_not_enabled",
                "El servicio no arrancará solo cuando vuelva la luz",
                "The service will not start by itself when the power comes back",
                unit,
                todo=Text(f"sudo systemctl enable {unit}", f"sudo systemctl enable {unit}"),
            )
        )
    return findings


def ask_systemd(unit: str) -> Unit | None:
    """What systemd says of a unit; None where there is no systemd, no such unit or no answer."""
    if not _SYSTEMD.is_dir():
        return None
    wanted = "LoadState,ActiveState,SubState,UnitFileState,NRestarts"
    try:
        answer = subprocess.run(
            ["systemctl", "show", "-p", wanted, unit], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    told = dict(line.split("=", 1) for line in answer.stdout.splitlines() if "=" in line)
    if told.get("LoadState") != "loaded":
        return None
    return Unit(
        told.get("ActiveState", ""), told.get("SubState", ""), told.get("UnitFileState", ""), told.get("NRestarts", "0")
    )
