"""A post with a board, a place, pictures and a page on loopback: all real, fed with facts by the test."""

from __future__ import annotations

import hashlib
import io
import json
import random
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msgspec
from PIL import Image, ImageDraw

import gateway.place
from firmware_bridge.readings import Attachment, Kind, Reading, make_reading
from gateway.contract.entries import TimeQuality
from gateway.contract.topics import Lane
from gateway.media.store import MediaStore
from gateway.outbox.outbox import OutboxState
from gateway.page.application import PageParts
from gateway.page.connections import ConnectionLimits
from gateway.page.photos import Photos
from gateway.page.pin import write_pin
from gateway.page.settings import PageSettings
from gateway.page.stage import PageStage
from gateway.place.place import Place
from gateway.place.settings import PlaceSettings
from gateway.rules.facts import Change, Fact, Incident, Note, Passage, Step, with_note
from gateway.uplink.uplink import LinkState, UplinkState
from gateway.watch.actions import Actions
from gateway.watch.board import Board
from gateway.watch.words import ClockWord, OutputWord, PostWord, SensorCard
from tests.support.waiting import wait_until

PIN = "2468"
PAGES = ("/", "/mapa", "/sensores", "/fotos", "/estado", "/patrulla", "/incidente/42")
LOOPBACK = {"enabled": True, "host": "127.0.0.1", "port": 0}
LIMA = ZoneInfo("America/Lima")
EXAMPLE_MAP = Path(gateway.place.__file__).parent / "example.geojson"
_DETECTIONS = ("chainsaw", "long_tail_motor")


class Post:
    """What the page shows and does, without a gateway around it."""

    def __init__(self, directory: Path, geojson: Path = EXAMPLE_MAP, *, max_patrol_hours: float = 24.0) -> None:
        self.directory = directory
        self.place = Place.load(PlaceSettings(map=geojson))
        self.board = Board(
            SensorCard(one.name, one.title, one.groups, one.expected_interval_s) for one in self.place.sensors.values()
        )
        self.media = MediaStore(directory / "media", max_bytes=50_000_000)
        self.media.open()
        self.done: list[Reading] = []
        self.tested: list[str] = []
        self.actions = Actions(self.board, self._submit, max_patrol_hours)
        self.steady_ms = 5_000_000
        self.board.tick(self.steady_ms)

    @property
    def parts(self) -> PageParts:
        return PageParts(
            "puesto-yaguas", self.board, self.actions, self.place, Photos(self.media), self._test, self.directory
        )

    def close(self) -> None:
        close = getattr(self.media, "close", None)
        if close is not None:
            close()

    def hear(self, sensor: str, kind: Kind, values: dict[str, float], *, label: str = "", ago_s: float = 0.0) -> None:
        now_ms = time.time_ns() // 1_000_000
        reading = make_reading(kind, sensor, values, label=label)
        steady_ms = self.steady_ms - round(ago_s * 1000)
        fact = Fact(steady_ms, now_ms - round(ago_s * 1000), int(TimeQuality.NTP), reading)
        self.board.hear(fact, is_alert=label in _DETECTIONS)

    def raise_incident(self, number: int, label: str, *sensors: str, **other: Any) -> Incident:
        """An incident of now, as rules would tell it."""
        now_ms = time.time_ns() // 1_000_000
        ago_ms = round(other.pop("ago_s", 0.0) * 1000)
        last_ms = other.pop("last_ms", now_ms - ago_ms)
        incident = Incident(
            number,
            other.pop("rule", label),
            other.pop("level", "alert"),
            label,
            sensors,
            self.steady_ms - ago_ms,
            self.steady_ms - (now_ms - last_ms),
            other.pop("first_ms", now_ms - ago_ms),
            last_ms,
            other.pop("count", 1),
            **other,
        )
        self.board.change(Change(Step.RAISED, incident))
        return incident

    def tell(self, **other: Any) -> None:
        """How the post fares: well, but for what is said."""
        now_ms = time.time_ns() // 1_000_000
        self.board.tell_post(
            PostWord(
                other.get("clock", ClockWord(now_ms, "gps", 10)),
                other.get("link", make_link(LinkState.WAITING, "no link to sede:8883: no route to host")),
                other.get("outbox", OutboxState(b"12345678", {Lane.READING: 1204, Lane.ALERT: 3}, 48_200, 0, 7300, "")),
                other.get("disk_free_bytes", 11_400_000_000),
                other.get(
                    "outputs",
                    (OutputWord("patio", "siren", now_ms - 3_600_000, standing="well"), OutputWord("mesh", "radio")),
                ),
                other.get("troubles", ()),
                other.get("sources", ()),
            )
        )

    def keep_picture(self, sensor: str, label: str, colour: tuple[int, int, int]) -> str:
        """A picture of a camera; returns its hash."""
        whole, small = _picture((1280, 960), colour, label), _picture((160, 120), colour, label)
        path = self.directory / "picture.jpg"
        path.write_bytes(whole)
        sha256 = hashlib.sha256(whole).hexdigest()
        reading = make_reading(Kind.CAMERA_DETECTION, sensor, {"confidence_ratio": 0.9}, label=label)
        attachment = Attachment(sha256, "image/jpeg", len(whole), str(path), small)
        assert not self.media.keep(attachment, reading)
        return sha256

    def keep_clip(self, sensor: str, label: str, seconds: float) -> str:
        """A clip of a microphone; returns its hash."""
        path = self.directory / "clip.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes(random.Random(7).randbytes(round(seconds * 16_000) * 2))
        whole = path.read_bytes()
        sha256 = hashlib.sha256(whole).hexdigest()
        reading = make_reading(Kind.ACOUSTIC_DETECTION, sensor, {"confidence_ratio": 0.9}, label=label)
        assert not self.media.keep(Attachment(sha256, "audio/wav", len(whole), str(path)), reading)
        return sha256

    def fill(self) -> None:
        """A busy afternoon."""
        hear = self.hear
        hear("rio-abajo", Kind.DEVICE_STATUS, {"battery_ratio": 0.86, "rssi_dbm": -97}, ago_s=300)
        hear("rio-abajo", Kind.ACOUSTIC_DETECTION, {"confidence_ratio": 0.93}, label="long_tail_motor", ago_s=240)
        hear("rio-medio", Kind.DEVICE_STATUS, {"battery_ratio": 0.12, "rssi_dbm": -109}, ago_s=400)
        hear("rio-arriba", Kind.DEVICE_STATUS, {"battery_ratio": 0.55, "rssi_dbm": -121}, ago_s=9000)
        hear("quebrada-norte", Kind.DEVICE_STATUS, {"battery_volts": 3.9, "rssi_dbm": -84}, ago_s=700)
        hear("quebrada-norte", Kind.ACOUSTIC_DETECTION, {"confidence_ratio": 0.87}, label="chainsaw", ago_s=90)
        hear(
            "pluvial",
            Kind.ENVIRONMENT,
            {"temperature_celsius": 27.4, "humidity_ratio": 0.91, "rainfall_millimetres": 3},
        )
        self.board.tick(self.steady_ms)
        now_ms = time.time_ns() // 1_000_000
        self.raise_incident(
            41,
            "long_tail_motor",
            "rio-medio",
            "rio-abajo",
            count=5,
            confidence=0.93,
            ago_s=240,
            passage=Passage("Río Sereno", "downstream", 2.4, (("", now_ms + 1_500_000),)),
        )
        self.raise_incident(42, "chainsaw", "quebrada-norte", count=3, confidence=0.87, ago_s=90)
        seen = self.raise_incident(40, "gunshot", "rio-arriba", ago_s=5000)
        notes = (
            Note(now_ms - 4_800_000, "Walter"),
            Note(now_ms - 900_000, "Walter: fuimos, cazadores de la comunidad"),
        )
        seen = msgspec.structs.replace(seen, state="acknowledged", notes=notes, last_ms=now_ms - 600_000)
        self.board.change(Change(Step.ACKNOWLEDGED, seen))
        self.raise_incident(39, "boat", "rio-medio", ago_s=8000, suppressed_by="patrulla Yaguas 2")
        self._submit(make_reading(Kind.PATROL, "Yaguas 2", {"duration_seconds": 14_400}, label="out"))
        self.tell()

    def _submit(self, reading: Reading) -> None:
        """What people do, as the watch takes it."""
        self.done.append(reading)
        now_ms = time.time_ns() // 1_000_000
        if reading.kind == Kind.PATROL:
            self.board.hear(Fact(self.steady_ms, now_ms, int(TimeQuality.NTP), reading))
            return
        change = self.board.incident(round(reading.values()["incident_number"]))
        assert change is not None
        notes = with_note(change.incident.notes, Note(now_ms, reading.note))
        state = "acknowledged" if change.incident.state == "open" else change.incident.state
        seen = msgspec.structs.replace(change.incident, state=state, note=reading.note, notes=notes)
        self.board.change(Change(Step.ACKNOWLEDGED, seen))

    def _test(self, name: str) -> None:
        self.tested.append(name)


def crowded_map(directory: Path, count: int) -> Path:
    """A river of 14 km, and so many sensors within 400 m of one of its bends."""
    river = {"type": "LineString", "coordinates": [[-72.06, -2.96], [-72.0, -3.0], [-71.93, -3.02]]}
    features = [_feature(river, kind="river", name="Río Sereno")]
    features.append(_feature({"type": "Point", "coordinates": [-71.94, -3.01]}, kind="post", name="Puesto"))
    for n in range(count):
        at = [-72.0 + 0.0036 * (n % 5) / 5, -3.0 + 0.0036 * (n // 5) / max(4, count / 5)]
        point = {"type": "Point", "coordinates": at}
        features.append(_feature(point, kind="sensor", name=f"s{n}", title=f"Aguajal {n}"))
    path = directory / "crowd.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def crowd(post: Post) -> None:
    """On such a map: a chainsaw, a shot, three boats from the same sensor; one sensor that was seen to."""
    now_ms = time.time_ns() // 1_000_000
    post.hear("s1", Kind.DEVICE_STATUS, {"battery_ratio": 0.8})
    post.hear("s2", Kind.DEVICE_STATUS, {"battery_ratio": 0.1})
    post.raise_incident(1, "gunshot", "s7")
    post.raise_incident(2, "chainsaw", "s8")
    post.raise_incident(3, "chainsaw", "s9", state="acknowledged", notes=(Note(now_ms, "Rosa"),))
    for number, late_s in ((4, 0), (5, 60), (6, 120)):
        passage = Passage("Río Sereno", "downstream", 2.4, (("", now_ms + 1_500_000 + late_s * 1000),))
        post.raise_incident(number, "long_tail_motor", "s4", ago_s=30, passage=passage)
    post.tell()


def _feature(geometry: dict[str, Any], **properties: str) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def make_link(state: LinkState, trouble: str = "", **other: Any) -> UplinkState:
    """As the uplink tells it, whatever else it tells by now."""
    given = {
        "link": state,
        "in_flight": 0,
        "sent_messages": 12,
        "sent_bytes": 48_211,
        "receipts": 12,
        "trouble": trouble,
    }
    given.update(other)
    return UplinkState(**given)


@contextmanager
def serving(
    post: Post, settings: PageSettings | None = None, limits: ConnectionLimits | None = None, *, pin: str = PIN
) -> Iterator[str]:
    """The page's address, on a free port of loopback."""
    settings = settings or PageSettings(enabled=True, host="127.0.0.1", port=0)
    if pin:
        write_pin(post.directory / "page.pin", pin)
    stage = PageStage(settings, post.parts, LIMA, limits)
    stop = threading.Event()
    thread = threading.Thread(target=stage.run, args=(stop,), name="page")
    thread.start()
    try:
        wait_until("the page is served", lambda: stage.port is not None)
        yield f"http://127.0.0.1:{stage.port}"
    finally:
        stop.set()
        thread.join()


def phone(url: str) -> httpx.Client:
    """A client with cookies, as a browser posts forms."""
    return httpx.Client(base_url=url, headers={"Origin": url}, timeout=20)


def _picture(size: tuple[int, int], colour: tuple[int, int, int], text: str) -> bytes:
    image = Image.new("RGB", size, colour)
    drawing = ImageDraw.Draw(image)
    wide, tall = size
    drawing.ellipse((wide // 3, tall // 3, 2 * wide // 3, 5 * tall // 6), fill=(70, 50, 30))
    drawing.text((wide // 10, tall // 10), text, fill=(255, 255, 255))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=60)
    return out.getvalue()
