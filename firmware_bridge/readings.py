"""PUBLISHED. What a sensor said, in the one vocabulary that every later stage uses.

A `Reading` holds integers: each value as a whole number of steps of its quantity's resolution, so that what the
device measured is carried without rounding from the driver to the wire. `QUANTITIES` gives each quantity its one
unit, resolution and plausible range; `LABELS` names what can be heard or seen. Codes are what travels on thin
links: a code, once given, is never reused or given another meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

import msgspec

__all__ = [
    "KINDS",
    "LABELS",
    "LABEL_BY_CODE",
    "MAX_NAME_BYTES",
    "MAX_NOTE_BYTES",
    "QUANTITIES",
    "QUANTITY_BY_CODE",
    "THUMBNAIL_BYTES",
    "Absence",
    "Attachment",
    "BridgeError",
    "Downlink",
    "DownlinkError",
    "Kind",
    "KindSpec",
    "Label",
    "Quantity",
    "Reading",
    "ReadingError",
    "Rejected",
    "is_name",
    "label_from_code",
    "make_reading",
]

MAX_NAME_BYTES: Final = 32
"""Longest sensor or label name, in UTF-8 bytes."""

MAX_NOTE_BYTES: Final = 400
"""Longest note, in UTF-8 bytes."""


THUMBNAIL_BYTES: Final = 8_000
"""Largest thumbnail: it travels with the detection over a thin link."""


class BridgeError(Exception):
    """Root of what firmware_bridge raises."""


class ReadingError(BridgeError):
    """A reading that may not enter: `reason` is a short counter name, `detail` a sentence for a person."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Kind(IntEnum):
    """What sort of thing a reading tells. The value is its code in device frames and on the wire."""

    ACOUSTIC_DETECTION = 1
    CAMERA_DETECTION = 2
    ENVIRONMENT = 3
    DEVICE_STATUS = 4
    POSITION = 5
    STATION_HEALTH = 16  # the gateway about itself
    TALLY = 17  # a counter of what was discarded, and why: label is the reason
    INCIDENT = 18  # what the post's rules made of readings, and what people at the post did about it
    PATROL = 19  # people of the post go out or come back: label is out or back
    COMMAND_ANSWER = 20  # what became of a command from headquarters: sensor is its id, label what became of it

    @property
    def slug(self) -> str:
        """The name in configuration, topics' documentation and InfluxDB, such as `acoustic_detection`."""
        return self.name.lower()


class Quantity(msgspec.Struct, frozen=True):
    """One measurable thing: its name carries its unit; a step is 10**-decimals of that unit."""

    code: int
    name: str
    unit: str  # UCUM (ucum.org), "1" for a pure number
    decimals: int
    minimum: float
    maximum: float
    title_es: str
    title_en: str

    @property
    def per_unit(self) -> int:
        """Steps in one unit."""
        return int(10**self.decimals)

    @property
    def resolution(self) -> float:
        """The smallest step, in the quantity's unit."""
        return 1 / self.per_unit

    def to_steps(self, value: float) -> int:
        """Value in the quantity's unit to whole steps, nearest. Raises ReadingError out of range or not finite."""
        if not self.minimum <= value <= self.maximum:  # also false for NaN
            raise ReadingError(
                "out_of_range",
                f"{self.name} = {value!r} is not in {self.minimum} to {self.maximum} {self.unit}",
            )
        return round(value * self.per_unit)

    def from_steps(self, steps: int) -> float:
        """Whole steps to the quantity's unit; the nearest float to the exact decimal."""
        return steps / self.per_unit


def _catalogue(*rows: tuple[int, str, str, int, float, float, str, str]) -> dict[str, Quantity]:
    catalogue = {row[1]: Quantity(*row) for row in rows}
    if len(catalogue) != len(rows) or len({row[0] for row in rows}) != len(rows):
        raise BridgeError("two quantities share a name or a code")
    return catalogue


QUANTITIES: Final[Mapping[str, Quantity]] = _catalogue(
    # code, name, unit (UCUM), decimals, minimum, maximum, Spanish, English
    # detections
    (1, "confidence_ratio", "1", 3, 0, 1, "Confianza", "Confidence"),
    (2, "sound_level_decibels", "dB", 1, -20, 194, "Nivel sonoro", "Sound level"),
    (3, "duration_seconds", "s", 1, 0, 86_400, "Duración", "Duration"),
    (4, "individuals_count", "1", 0, 0, 10_000, "Individuos", "Individuals"),
    (5, "picture_number", "1", 0, 0, 4_294_967_295, "Número de foto", "Picture number"),
    # the device itself
    (16, "battery_volts", "V", 2, 0, 80, "Batería", "Battery"),
    (17, "battery_ratio", "1", 3, 0, 1, "Carga de batería", "Battery charge"),
    (18, "uptime_seconds", "s", 0, 0, 4_294_967_295, "Tiempo encendido", "Uptime"),
    (19, "rssi_dbm", "dB[mW]", 0, -200, 30, "Señal (RSSI)", "Signal (RSSI)"),
    (20, "snr_decibels", "dB", 2, -64, 64, "Señal a ruido (SNR)", "Signal to noise (SNR)"),
    (21, "device_temperature_celsius", "Cel", 1, -60, 125, "Temperatura del equipo", "Device temperature"),
    (22, "solar_volts", "V", 2, 0, 200, "Panel solar", "Solar panel"),
    (23, "restarts_count", "1", 0, 0, 4_294_967_295, "Reinicios", "Restarts"),
    (24, "free_storage_ratio", "1", 3, 0, 1, "Espacio libre", "Free storage"),
    (25, "link_margin_decibels", "dB", 0, -64, 64, "Margen del enlace", "Link margin"),
    (26, "external_power_flag", "1", 0, 0, 1, "Alimentación externa", "External power"),
    (27, "frames_heard_count", "1", 0, 0, 4_294_967_295, "Tramas oídas", "Frames heard"),
    (28, "frames_valid_count", "1", 0, 0, 4_294_967_295, "Tramas sin error", "Frames without error"),
    (29, "acknowledged_ratio", "1", 3, 0, 1, "Tramas confirmadas", "Datagrams acknowledged"),
    (30, "channel_busy_ratio", "1", 3, 0, 1, "Ocupación del canal", "Channel busy"),
    # incidents
    (52, "incident_number", "1", 0, 1, 4_294_967_295, "Número de incidente", "Incident number"),
    (53, "incident_step", "1", 0, 0, 255, "Paso del incidente", "Step of the incident"),
    (54, "detections_count", "1", 0, 0, 4_294_967_295, "Detecciones", "Detections"),
    (55, "sensors_count", "1", 0, 0, 65_535, "Sensores", "Sensors"),
    (56, "boat_speed_metres_per_second", "m/s", 1, 0, 60, "Velocidad de la embarcación", "Boat speed"),
    (57, "arrival_seconds", "s", 0, 0, 604_800, "Llegada esperada en", "Expected arrival in"),
    # the environment
    (32, "temperature_celsius", "Cel", 2, -60, 80, "Temperatura", "Temperature"),
    (33, "humidity_ratio", "1", 3, 0, 1, "Humedad relativa", "Relative humidity"),
    (34, "pressure_hectopascals", "hPa", 1, 300, 1_200, "Presión", "Pressure"),
    (35, "rainfall_millimetres", "mm", 1, 0, 10_000, "Lluvia", "Rainfall"),
    (36, "water_level_metres", "m", 3, -50, 200, "Nivel del río", "River level"),
    (37, "wind_speed_metres_per_second", "m/s", 1, 0, 120, "Viento", "Wind speed"),
    (38, "wind_direction_degrees", "deg", 0, 0, 360, "Dirección del viento", "Wind direction"),
    (39, "illuminance_lux", "lx", 0, 0, 200_000, "Luz", "Illuminance"),
    (40, "noise_level_decibels", "dB", 1, -20, 194, "Ruido de fondo", "Background noise"),
    (41, "distance_metres", "m", 3, 0, 1_000, "Distancia", "Distance"),
    (42, "water_temperature_celsius", "Cel", 2, -5, 60, "Temperatura del agua", "Water temperature"),
    # position, WGS 84
    (48, "latitude_degrees", "deg", 6, -90, 90, "Latitud", "Latitude"),
    (49, "longitude_degrees", "deg", 6, -180, 180, "Longitud", "Longitude"),
    (50, "altitude_metres", "m", 0, -500, 9_000, "Altitud", "Altitude"),
    (51, "horizontal_error_metres", "m", 1, 0, 1_000_000, "Error horizontal", "Horizontal error"),
    # the gateway about itself
    (64, "outbox_entries", "1", 0, 0, 1e12, "Por enviar", "Waiting to be sent"),
    (65, "outbox_bytes", "By", 0, 0, 1e15, "Bytes por enviar", "Bytes waiting"),
    (66, "outbox_oldest_age_seconds", "s", 0, 0, 4e9, "Edad del más antiguo", "Age of the oldest"),
    (67, "disk_free_bytes", "By", 0, 0, 1e15, "Disco libre", "Disk free"),
    (68, "resident_memory_bytes", "By", 0, 0, 1e15, "Memoria", "Resident memory"),
    (69, "accepted_total", "1", 0, 0, 1e15, "Aceptadas", "Accepted"),
    (70, "discarded_total", "1", 0, 0, 1e15, "Descartadas", "Discarded"),
    (71, "sent_bytes_total", "By", 0, 0, 1e15, "Bytes enviados", "Bytes sent"),
    (
        72,
        "processor_temperature_celsius",
        "Cel",
        1,
        -60,
        150,
        "Temperatura del procesador",
        "Processor temperature",
    ),
    (73, "undervoltage_flag", "1", 0, 0, 1, "Voltaje bajo", "Undervoltage"),
    (74, "card_written_bytes_total", "By", 0, 0, 1e18, "Bytes escritos en la tarjeta", "Bytes written to the card"),
    (75, "card_life_used_ratio", "1", 2, 0, 1, "Vida usada de la tarjeta", "Card life used"),
    (76, "processor_load_ratio", "1", 2, 0, 1000, "Carga del procesador", "Processor load"),
)

QUANTITY_BY_CODE: Final[Mapping[int, Quantity]] = {q.code: q for q in QUANTITIES.values()}
DEVICE_QUANTITIES: Final = frozenset(name for name, quantity in QUANTITIES.items() if quantity.code < 52)
"""What devices tell; all others are the gateway's own word, on incidents and on itself."""


class Label(msgspec.Struct, frozen=True):
    """A thing heard or seen. `alert`: by default it warns the post at once."""

    code: int  # one byte on the air
    name: str
    title_es: str
    title_en: str
    alert: bool = False


LABELS: Final[Mapping[str, Label]] = {
    label.name: label
    for label in (
        Label(0, "unknown", "Desconocido", "Unknown"),
        # what people do
        Label(1, "chainsaw", "Motosierra", "Chainsaw", alert=True),
        Label(2, "gunshot", "Disparo", "Gunshot", alert=True),
        Label(3, "outboard_motor", "Motor fuera de borda", "Outboard motor", alert=True),
        Label(4, "long_tail_motor", "Peque-peque", "Long-tail boat motor", alert=True),
        Label(5, "dredge", "Draga", "Dredge", alert=True),
        Label(6, "voices", "Voces", "Voices", alert=True),
        Label(7, "vehicle", "Vehículo", "Vehicle", alert=True),
        Label(8, "aircraft", "Avioneta", "Aircraft"),
        Label(9, "person", "Persona", "Person", alert=True),
        Label(10, "boat", "Embarcación", "Boat", alert=True),
        Label(11, "explosion", "Explosión", "Explosion", alert=True),
        Label(12, "tree_fall", "Caída de árbol", "Tree fall", alert=True),
        Label(13, "generator", "Generador", "Generator", alert=True),
        # what the forest does
        Label(32, "rain", "Lluvia", "Rain"),
        Label(33, "wind", "Viento", "Wind"),
        Label(34, "thunder", "Trueno", "Thunder"),
        Label(48, "animal", "Animal", "Animal"),
        Label(49, "bird", "Ave", "Bird"),
        Label(50, "primate", "Mono", "Primate"),
        Label(51, "jaguar", "Jaguar (otorongo)", "Jaguar"),
        Label(52, "tapir", "Sachavaca", "Tapir"),
        Label(53, "peccary", "Huangana o sajino", "Peccary"),
        Label(63, "nothing", "Nada", "Nothing (false trigger)"),
    )
}

LABEL_BY_CODE: Final[Mapping[int, Label]] = {label.code: label for label in LABELS.values()}


def label_from_code(code: int) -> str:
    """The label's name; a code from newer firmware becomes `unlisted_<code>`, so that it is kept, not lost."""
    label = LABEL_BY_CODE.get(code)
    return label.name if label is not None else f"unlisted_{code}"


class KindSpec(msgspec.Struct, frozen=True):
    """What a reading of a kind must have: a label or not, and quantities of which at least one is present."""

    labelled: bool
    title_es: str
    title_en: str


KINDS: Final[Mapping[Kind, KindSpec]] = {
    Kind.ACOUSTIC_DETECTION: KindSpec(True, "Sonido detectado", "Acoustic detection"),
    Kind.CAMERA_DETECTION: KindSpec(True, "Cámara trampa", "Camera-trap detection"),
    Kind.ENVIRONMENT: KindSpec(False, "Ambiente", "Environment"),
    Kind.DEVICE_STATUS: KindSpec(False, "Estado del sensor", "Device status"),
    Kind.POSITION: KindSpec(False, "Posición", "Position"),
    Kind.STATION_HEALTH: KindSpec(False, "Estado del puesto", "Station health"),
    Kind.TALLY: KindSpec(True, "Descartes", "Tally of discards"),
    Kind.INCIDENT: KindSpec(True, "Incidente", "Incident"),
    Kind.PATROL: KindSpec(True, "Patrulla", "Patrol"),
    Kind.COMMAND_ANSWER: KindSpec(True, "Respuesta a una orden", "Answer to a command"),
}


class Absence(msgspec.Struct, frozen=True):
    """A quantity that the device said it has not: a sentinel is a reason, never a number."""

    quantity: str
    reason: str  # such as "sentinel", "not_fitted", "out_of_range"
    field: str = ""  # of a foreign decoder, where that says more than the quantity


class Reading(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing a sensor said.

    kind: a `Kind`. sensor: its name in the configuration (1 to 32 bytes). label: a name of `LABELS`, another
    lower-case name, or "". codes: quantity codes, ascending. steps: as many integers, in steps of each quantity.
    age_ms: how long before it was received the thing happened (0 or more). note: words of a person or of the post, on
    one line, at most MAX_NOTE_BYTES; mostly "".
    Build with `make_reading` unless the parts are known to be in order.
    """

    kind: int
    sensor: str
    label: str
    codes: tuple[int, ...]
    steps: tuple[int, ...]
    age_ms: int = 0
    note: str = ""

    def values(self) -> dict[str, float]:
        """Quantity name to value in that quantity's unit."""
        by_code = QUANTITY_BY_CODE
        return {by_code[c].name: by_code[c].from_steps(s) for c, s in zip(self.codes, self.steps, strict=True)}


class Attachment(msgspec.Struct, frozen=True):
    """A picture or a clip that belongs to a detection.

    sha256: of the whole file, 64 hex digits: its name for ever. media_type: such as image/jpeg or audio/wav.
    size_bytes: of the whole file. path: where the whole file lies now. thumbnail: JPEG or WebP, or empty. number, of:
    picture n of m of its event (1 of 1 when alone). notes: what else its metadata says, in plain words.
    """

    sha256: str
    media_type: str
    size_bytes: int
    path: str
    thumbnail: bytes = b""
    number: int = 1
    of: int = 1
    notes: tuple[tuple[str, str], ...] = ()


class Downlink(msgspec.Struct, frozen=True):
    """Something to be said to a device or a radio, see `firmware_bridge.sources.Speaker`. device: its name in the
    settings, its id in its own network, or a channel. text: for radios that carry words, and for a sensor of ours a
    command in words; payload and port: for devices that take bytes."""

    device: str
    payload: bytes = b""
    port: int = 1
    text: str = ""
    confirmed: bool = False


class DownlinkError(BridgeError):
    """It could not be said: reason is a counter name, detail a sentence for a person."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Rejected(msgspec.Struct, frozen=True):
    """Bytes or a frame that gave no reading: why (a counter name), how much, and a detail for the log."""

    reason: str
    count: int = 1
    detail: str = ""


def is_name(text: str) -> bool:
    """Whether a sensor or a label may be called so: 1 to 32 printable bytes in UTF-8, no backslash at the end (there
    line protocol has no way to write one: `a\\` would be stored as `a\\ `, and be another sensor)."""
    return text.isprintable() and 1 <= len(text.encode()) <= MAX_NAME_BYTES and not text.endswith("\\")


def make_reading(
    kind: Kind, sensor: str, values: Mapping[str, float], *, label: str = "", age_s: float = 0.0, note: str = ""
) -> Reading:
    """A checked Reading from values in the catalogue's units (quantity name to float, at least one).

    Raises ReadingError: unknown_quantity, out_of_range, bad_name, bad_label, no_values, bad_age or bad_note.
    """
    _check_name("bad_name", sensor)
    if KINDS[kind].labelled:
        _check_name("bad_label", label)
    elif label:
        raise ReadingError("bad_label", f"a {kind.slug} reading has no label, got {label!r}")
    if not values:
        raise ReadingError("no_values", f"a {kind.slug} reading of {sensor} without any value")
    if not 0 <= age_s <= 31_536_000:
        raise ReadingError("bad_age", f"an age of {age_s!r} s is not within a year")
    try:
        pairs = sorted((QUANTITIES[name].code, QUANTITIES[name].to_steps(value)) for name, value in values.items())
    except KeyError as unknown:
        raise ReadingError("unknown_quantity", f"{unknown.args[0]!r} is not in the catalogue") from None
    if note and (len(note.encode(errors="replace")) > MAX_NOTE_BYTES or not note.isprintable()):
        raise ReadingError(
            "bad_note", f"a note of more than {MAX_NOTE_BYTES} bytes, or with characters that do not print"
        )
    codes, steps = zip(*pairs, strict=True)
    return Reading(int(kind), sensor, label, codes, steps, round(age_s * 1000), note)


def _check_name(reason: str, name: str) -> None:
    if not is_name(name):
        raise ReadingError(reason, f"{name!r} is not a name of 1 to {MAX_NAME_BYTES} printable bytes, or ends in \\")
