"""Listens to one source as the gateway would, and keeps what it heard for a technician. Nothing is stored."""

from __future__ import annotations

import shlex
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

from deploy.doctor.findings import Language, Text
from deploy.doctor.processes import Process, holders, running
from deploy.doctor.reasons import UNMAPPED
from deploy.errors import DeployError
from deploy.sensors.words import other_lines, printable
from firmware_bridge.readings import Reading
from firmware_bridge.sources import Delivery, SourceSettings, open_source

_MOST_STRANGERS: Final = 50
_MOST_TEXTS: Final = 5
_STRANGERS: Final = frozenset({"unknown_device", "unknown_sender", "unknown_recorder"})


class Heard(NamedTuple):
    """Of one sensor: its last reading and when it came (monotonic, seconds); how many; the last told of the device."""

    reading: Reading
    at: float
    times: int
    device: dict[str, float]


class Watch:
    """What was heard so far. `take` is called by the source's thread, all else by any. expected: names of the sensors
    that the settings name."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, expected: Sequence[str] = ()) -> None:
        self._expected = tuple(expected)
        self._clock = clock
        self._lock = threading.Lock()
        self._sensors: dict[str, Heard] = {}
        self._reasons: Counter[str] = Counter()
        self._details: dict[str, str] = {}
        self._strangers: Counter[str] = Counter()
        self._texts: deque[str] = deque(maxlen=_MOST_TEXTS)

    def take(self, delivery: Delivery, language: Language) -> None:
        """A `Deliver`, but for the language."""
        now = self._clock()
        with self._lock:
            for reading in delivery.readings:
                before = self._sensors.get(reading.sensor)
                device = (before.device if before else {}) | _of_device(reading)
                self._sensors[reading.sensor] = Heard(reading, now, (before.times if before else 0) + 1, device)
            for item in delivery.rejected:
                detail = printable(item.detail)
                self._reasons[item.reason] += item.count
                self._details[item.reason] = detail
                if item.reason in _STRANGERS and (detail in self._strangers or len(self._strangers) < _MOST_STRANGERS):
                    self._strangers[detail] += item.count
            self._texts.extend(other_lines(delivery, language))

    def sensors(self) -> dict[str, Heard]:
        """By name."""
        with self._lock:
            return dict(sorted(self._sensors.items()))

    def unheard(self) -> list[str]:
        """Those that the settings name and that were not heard."""
        with self._lock:
            return [name for name in self._expected if name not in self._sensors]

    def reasons(self) -> list[tuple[str, int, str]]:
        """Discards: reason, count, the last detail; most first. Without fields that nothing maps."""
        with self._lock:
            return [
                (reason, count, self._details[reason])
                for reason, count in self._reasons.most_common()
                if not reason.startswith(UNMAPPED)
            ]

    def unmapped(self) -> dict[str, int]:
        """Fields that nothing maps to a quantity, and how often each came."""
        with self._lock:
            found = {r.removeprefix(UNMAPPED): n for r, n in self._reasons.items() if r.startswith(UNMAPPED)}
            return dict(sorted(found.items()))

    def strangers(self) -> dict[str, int]:
        """Devices that were heard and are not in the settings, in the driver's words, and how often."""
        with self._lock:
            return dict(self._strangers.most_common())

    def texts(self) -> list[str]:
        """The last texts of people, and the time of a GPS."""
        with self._lock:
            return list(self._texts)


class Listening:
    """A source on a thread of its own, until `stop` is set. A context manager; what ended the source is raised at its
    end."""

    def __init__(self, settings: SourceSettings, deliver: Callable[[Delivery], None], stop: threading.Event) -> None:
        self._source = open_source(settings, {})
        self._deliver = deliver
        self._stop = stop
        self._thread = ThreadPoolExecutor(1, f"watch {settings.name}")
        self._run: Future[None] | None = None

    @property
    def state(self) -> str:
        """What the line is doing, in words."""
        return self._source.state

    def __enter__(self) -> Listening:
        self._run = self._thread.submit(self._source.run, self._deliver, self._stop)
        self._run.add_done_callback(lambda _: self._stop.set())  # nobody waits for a source that is no more
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.shutdown()
        if self._run is not None:
            self._run.result()


def refuse_if_not_free(settings: SourceSettings, file: Path | None, language: Language) -> None:
    """Raises DeployError where watching would take from the gateway what it should get: on a port that somebody uses,
    in a directory, at a broker that keeps messages for one reader."""
    if any(hasattr(settings, name) for name in ("directory", "spool_directory")):
        raise DeployError(
            Text(
                f"{settings.name} trae archivos, y mirarla sería quitárselos al gateway. Lo que dice uno:"
                " vigia sensors decode camera_folder (o audio_folder) --file ARCHIVO",
                f"{settings.name} brings files, and to watch it would be to take them from the gateway. What one says:"
                " vigia sensors decode camera_folder (or audio_folder) --file FILE",
            )(language)
        )
    if hasattr(settings, "broker"):
        listen = broker_command(settings, file)
        raise DeployError(
            Text(
                f"{settings.name} está en un broker, que guarda cada mensaje para un solo lector. Lo que pasa por él:"
                f" {listen}",
                f"{settings.name} is at a broker, which keeps each message for one reader. What passes there: {listen}",
            )(language)
        )
    port = _port(settings)
    users = holders(Path(port)) if port else []
    gateway = next((one for one in users if one.is_vigia("gateway", "run")), None) or _gateway_on(settings, file)
    if gateway is not None:
        raise DeployError(
            Text(
                f"El gateway está escuchando {port or settings.name} (proceso {gateway.pid}): deténgalo primero, sudo"
                " systemctl stop vigia-gateway, y préndalo al terminar",
                f"The gateway listens to {port or settings.name} (process {gateway.pid}): stop it first, sudo"
                " systemctl stop vigia-gateway, and start it again when you are done",
            )(language)
        )
    others = [one for one in users if not one.is_vigia("sensors", "simulate")]
    if others:
        raise DeployError(
            Text(
                f"Otro programa usa {port}: {others[0].name} (proceso {others[0].pid}); ciérrelo primero",
                f"Another program uses {port}: {others[0].name} (process {others[0].pid}); close it first",
            )(language)
        )


def broker_command(settings: SourceSettings, file: Path | None) -> str:
    """What shows a technician the messages of a source's broker, decoded, without taking them from the gateway."""
    broker: Any = getattr(settings, "broker")  # noqa: B009  # only some drivers have one
    words = ["mosquitto_sub", "-v", "-h", broker.host, "-p", str(broker.port)]
    if broker.tls:
        words += ["--cafile", str(broker.ca_file)] if broker.ca_file else ["--tls-use-os-certs"]
    if broker.cert_file:
        words += ["--cert", str(broker.cert_file), "--key", str(broker.key_file)]
    if broker.username:
        words += ["-u", broker.username]
    listen = shlex.join([*words, "-t", "#"])
    if broker.password_file:
        listen += f' -P "$(sudo cat {shlex.quote(str(broker.password_file))})"'
    elif broker.password is not None:
        listen += " -P CONTRASEÑA"
    decode = ["vigia", "sensors", "decode", settings.driver, "--text", "-"]
    if file is not None:
        decode += ["--settings", str(file), "--source", settings.name]
    return f"{listen} | {shlex.join(decode)}"


def _gateway_on(settings: SourceSettings, file: Path | None) -> Process | None:
    """A gateway that runs with this file, or with one that names the same port, as far as we may see."""
    for one in running():
        if not one.is_vigia("gateway", "run"):
            continue
        theirs = Path(one.command[-1])
        if file is not None and _is_same(theirs, file):
            return one
        if _port(settings) and _names_port(theirs, settings):
            return one
    return None


def _names_port(file: Path, settings: SourceSettings) -> bool:
    from deploy.settings.file import load_settings
    from deploy.settings.problems import SettingsFileError
    from gateway.settings import GatewaySettings

    try:
        theirs = load_settings(file, GatewaySettings).sources
    except (SettingsFileError, OSError):
        return False  # not ours to read; the port itself says whether it is taken
    return any(_is_same(Path(port), Path(_port(settings))) for port in map(_port, theirs) if port)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one.absolute() == other.absolute()


def _port(settings: SourceSettings) -> str:
    """The serial port, "" for a source that has none; a number is a port of the network."""
    port: Any = getattr(settings, "port", "")
    return port if isinstance(port, str) else ""


def _of_device(reading: Reading) -> dict[str, float]:
    wanted = ("rssi_dbm", "snr_decibels", "battery_volts", "battery_ratio")
    return {name: value for name, value in reading.values().items() if name in wanted}
