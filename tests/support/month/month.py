"""Lives a plan: moves the world's time, lets devices speak, and keeps the truth about what was said and when."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from firmware_bridge.readings import LABELS, QUANTITIES, Kind, Reading, make_reading
from gateway.contract.topics import Lane
from tests.support.month.ledger import Ledger
from tests.support.month.phone import Phone
from tests.support.month.plan import DAY, DYING, HOUR, MINUTE, Plan
from tests.support.month.post import SENSORS, Post, rmc, title_of
from tests.support.month.world import World
from tests.support.pictures import noise
from tests.support.small_disk import fill
from tests.support.waiting import wait_until

PATIENCE_S: Final = 10.0
LIMA: Final = ZoneInfo("America/Lima")
_AT_ONCE: Final = 20
_DETECTIONS: Final = (Kind.ACOUSTIC_DETECTION, Kind.CAMERA_DETECTION)
_REGULAR: Final = (Kind.ENVIRONMENT, Kind.DEVICE_STATUS)
_DURATION: Final = QUANTITIES["duration_seconds"].code
_PICTURE: Final = QUANTITIES["picture_number"].code
_PICTURE_BYTES: Final = 60_000
_UPTIME: Final = QUANTITIES["uptime_seconds"].code
_CARD: Final = re.compile(r'<article class="card sensor (\w+)">\s*<h2>.*?<span>([^<]*)</span>', re.DOTALL)
_HOUR: Final = re.compile(r'class="when">.*?<span>[^<]*?(\d+:\d\d)', re.DOTALL)

Number = tuple[bool, int]
"""Names one frame: whether it is a detection, and the number that it carries as its duration or uptime; or one picture,
by its number."""


class Said(NamedTuple):
    """A frame or a picture that the gateway accepted. run: by which start of it."""

    true_ms: int
    run: int
    reading: Reading


class Alert(NamedTuple):
    """An alert. incident: its number on the page. took_s: last serial byte to the phone."""

    number: Number
    incident: int
    took_s: float


class Picture(NamedTuple):
    """One that a camera took. incident: its number on the page, None where it warns nobody."""

    number: Number
    content: bytes
    incident: int | None

    @property
    def sha256(self) -> str:
        """By which everybody knows it."""
        return hashlib.sha256(self.content).hexdigest()


def number_of(reading: Reading) -> Number | None:
    """None for what no sensor of ours said."""
    told = dict(zip(reading.codes, reading.steps, strict=True))
    if reading.kind in _DETECTIONS:
        return True, told[_PICTURE if reading.kind == Kind.CAMERA_DETECTION else _DURATION]
    return (False, told[_UPTIME]) if reading.kind in _REGULAR else None


class Month:
    """One post's month. Its methods named by `plan.Event.what` are what happens."""

    def __init__(self, plan: Plan, world: World, post: Post, phone: Phone, seed: int) -> None:
        self.plan, self.world, self.post, self.phone = plan, world, post, phone
        self.ledger = Ledger(post.outbox_path)
        self.said: dict[Number, Said] = {}
        self.lost: set[Number] = set()
        self.unseen: set[Number] = set()
        """Put on a full disk and let go again between two looks at it."""
        self.alerts: list[Alert] = []
        self.held_back: list[Number] = []
        self.pictures: list[Picture] = []
        self.sent = 0
        self.unheard = 0
        self.happened: Counter[str] = Counter()
        self.resident: list[float] = []
        self.disk_words: set[str] = set()
        self._chance = random.Random(seed)
        self._numbers = {True: 0, False: 0}
        self._filler: Path | None = None
        self._booted_ms = plan.start_ms
        self._off_until_ms = 0

    def live(self) -> None:
        """All of it; the gateway runs at the end."""
        self.begin()
        for event in self.plan.events:
            if event.at_ms < self._off_until_ms:
                if event.what in ("readings", "alert", "detection"):
                    self.unheard += len(event.args[0]) if event.what == "readings" else 1
                continue
            self.world.pass_to(event.at_ms)
            getattr(self, event.what)(*event.args)
            self.happened[event.what] += 1
        self.world.pass_to(self.plan.end_ms)
        self.post.commit()
        self.ledger.look()

    def begin(self) -> None:
        """Start the gateway, and its phone; a first frame is heard when this returns."""
        self.post.start()
        self.phone.listen()
        self._booted_ms = self.world.true_ms
        wait_until("the line is listened to", self._is_heard, every_s=0.1, timeout_s=20)

    def end(self) -> None:
        """Stop it in order."""
        self.resident.append(self.post.resident_megabytes())
        self.post.stop()
        self.phone.leave()
        self.ledger.look()

    # devices

    def readings(self, sensors: tuple[str, ...]) -> None:
        """Their regular word."""
        self._say([self._regular(sensor) for sensor in sensors])
        self.ledger.look()

    def detection(self, sensor: str, label: str) -> None:
        """Something that warns nobody."""
        self._say([self._heard(sensor, label)])

    def alert(self, sensor: str, label: str) -> None:
        """Somebody is where nobody should be; the phone must ring, and its page say what and where."""
        mark = self.phone.mark()
        reading = self._heard(sensor, label)
        at = self._say([reading])
        told = self.phone.wait_alert(mark, PATIENCE_S)
        assert told is not None, f"the phone was not told of {label} at {sensor}:\n{self.post.log.read_text()[-3000:]}"
        incident, heard_at = told
        number = number_of(reading)
        assert number is not None
        self.alerts.append(Alert(number, incident, heard_at - at))
        page = self.phone.get(f"/incidente/{incident}")
        assert LABELS[label].title_es in page
        assert title_of(sensor) in page
        if self.post.quality() != "untrusted":
            assert set(_HOUR.findall(page)) & self._hours(), f"{self._hours()} of today:\n{page}"
        if len(self.alerts) % 2:
            self.phone.acknowledge(incident)

    def picture(self, label: str) -> None:
        """A camera took one. The post keeps it; of a person it warns."""
        mark, number = self.phone.mark(), self._number(True)
        content = noise(_PICTURE_BYTES, number)
        self.post.cameras[label].put(f"IMG_{number:05}.JPG", content)
        kept: dict[Number | None, Reading] = {}

        def is_kept() -> bool:
            kept.update((number_of(new.reading), new.reading) for _, new in self.ledger.look())
            return (True, number) in kept

        wait_until(f"the picture is kept; {self.post.log}", is_kept)
        told = self.phone.wait_alert(mark, PATIENCE_S) if LABELS[label].alert else None
        assert LABELS[label].alert == (told is not None)
        picture = Picture((True, number), content, told[0] if told is not None else None)
        self.pictures.append(picture)
        reading = kept[picture.number]
        self.said[picture.number] = Said(self.world.true_ms - reading.age_ms, self.post.starts, reading)
        assert picture.sha256 in self.phone.get("/fotos")

    def goes_mad(self, sensor: str, words: int) -> None:
        """A sensor that does not stop talking."""
        for _ in range(words // _AT_ONCE):
            self._say([self._regular(sensor) for _ in range(_AT_ONCE)])
            self.ledger.look()

    def rain_then_chainsaw(self, sensor: str) -> None:
        """What rain sounds like is held back, and shown as such."""
        self._say([self._heard(sensor, "rain")])
        self.world.pass_to(self.world.true_ms + 2 * MINUTE)
        mark, shown = self.phone.mark(), self.phone.get("/").count("No se avisó: llueve")
        reading = self._heard(sensor, "chainsaw")
        self._say([reading])
        assert self.phone.wait_incident(mark, PATIENCE_S) is not None
        wait_until(
            "it is shown, and why nobody was warned",
            lambda: self.phone.get("/").count("No se avisó: llueve") == shown + 1,
        )
        assert self.phone.wait_alert(mark, 0.0) is None
        number = number_of(reading)
        assert number is not None
        self.held_back.append(number)

    def battery_is_low(self) -> None:
        """Before it falls silent, the page says that it will."""
        assert self._states()[title_of(DYING)] == "low"

    def falls_silent(self) -> None:
        """Nobody else is silent."""
        wait_until("the page says that it is silent", lambda: self._states()[title_of(DYING)] == "silent")
        assert title_of(DYING) in self.phone.get("/")
        self.look_at_sensors()

    def look_at_sensors(self) -> None:
        """Whoever speaks is not called silent."""
        if self.world.true_ms - self._booted_ms > HOUR:
            states = self._states()
            dying = states.pop(title_of(DYING))
            for name in ("gps-puesto", *(camera.name for camera in self.post.cameras.values())):
                states.pop(name, None)  # it tells the hour here, and no position; they speak of what they see
            assert set(states.values()) == {"well"}, states
            if not 0 < self.world.true_ms - self.plan.dies_ms < 3 * HOUR:
                assert (dying == "silent") == (self.world.true_ms > self.plan.dies_ms), dying

    # the clock

    def gps_speaks(self) -> None:
        """It tells the time of its last fix, up to a second ago."""

        def is_believed() -> bool:
            self.post.say_gps(rmc(self.world.true_ms))
            return self.post.quality() in ("gps", "ntp")

        wait_until("the GPS is believed", is_believed, every_s=0.005)

    def ntp_syncs(self, share: float, error_ms: int) -> None:
        """So much of what it says and does not say it is wrong."""
        self.world.machine.sync(off_ms=round(share * (390 + error_ms)), error_ms=error_ms)
        self.world.show()
        assert self.post.quality() in ("ntp", "gps")

    def ntp_is_gone(self) -> None:
        self.world.machine.lose_ntp()
        self.world.show()

    def wall_clock_is_set(self, off_ms: int) -> None:
        """By somebody who does not know better."""
        self.world.machine.set_wall(self.world.true_ms + off_ms)
        self.world.show()

    def weather_changes(self, ppm: int) -> None:
        """The crystal counts otherwise."""
        self.world.machine.drift_ppm = ppm

    # trouble

    def disk_fills(self) -> None:
        """Somebody else takes all the room, again and again."""
        self._filler = fill(self.post.disk)

    def disk_has_room(self) -> None:
        """Somebody tidies up."""
        assert self._filler is not None
        self.disk_words.add(self.post.outbox().trouble)
        self._filler.unlink()
        self._say([self._regular(SENSORS[0])])
        wait_until("the outbox is well again", lambda: not self.post.outbox().trouble, timeout_s=30)
        self.post.commit()
        self.ledger.look()
        self.unseen = self._missing()

    def program_is_stopped(self, until_ms: int) -> None:
        """The technician works on it; the machine runs on. That nobody listened makes no sensor silent."""
        self.end()
        self._off_until_ms = until_ms
        self.world.pass_to(until_ms)
        self.begin()
        silent = {title for title, state in self._states().items() if state == "silent"}
        assert silent == {title_of(DYING)}

    def restart_in_order(self, until_ms: int, wall_ms: int) -> None:
        """As the technician does it."""
        self.end()
        assert self._missing() == set()
        self._off(until_ms, wall_ms)

    def power_cut(self, until_ms: int, wall_ms: int) -> None:
        """Just after all sensors spoke. What was not put on disk is lost, and nothing else."""
        self._say([self._regular(sensor) for sensor in SENSORS[:9]])
        self.resident.append(self.post.resident_megabytes())
        in_memory = self.post.cut()
        self.phone.leave()
        self.ledger.look()
        missing = self._missing()
        assert len(missing) <= in_memory
        order = list(self.said)
        assert missing == set(order[len(order) - len(missing) :]), "something older than what was kept is lost"
        self.lost |= missing
        self._off(until_ms, wall_ms)

    # inside

    def _off(self, until_ms: int, wall_ms: int) -> None:
        self._off_until_ms = until_ms
        self.world.reboot(until_ms, wall_ms=wall_ms)
        self.begin()

    def _missing(self) -> set[Number]:
        """Accepted, and never seen on the disk."""
        on_disk = {number_of(kept.reading) for kept in self.ledger.kept.values()}
        return set(self.said) - on_disk - self.lost - self.unseen

    def _say(self, readings: Iterable[Reading]) -> float:
        """When the last byte was out; all of it is accepted when this returns."""
        readings = list(readings)
        at = self.post.say(readings)
        self.sent += len(readings)
        assert self.post.wait_heard({reading.sensor for reading in readings}), self.post.log.read_text()[-3000:]
        for reading in readings:
            number = number_of(reading)
            assert number is not None
            self.said[number] = Said(self.world.true_ms, self.post.starts, reading)
        return at

    def _is_heard(self) -> bool:
        """Whether a frame arrives. One that was said before the port was listened to is nobody's."""
        reading = self._regular(SENSORS[0])
        self.post.say([reading])
        self.sent += 1
        if not self.post.wait_heard([SENSORS[0]]):
            self.unheard += 1
            return False
        number = number_of(reading)
        assert number is not None
        self.said[number] = Said(self.world.true_ms, self.post.starts, reading)
        return True

    def _number(self, is_detection: bool) -> int:
        self._numbers[is_detection] += 1
        return self._numbers[is_detection]

    def _regular(self, sensor: str) -> Reading:
        number = self._number(False)
        ratio = 0.8
        if sensor == DYING:
            left = (self.plan.dies_ms - self.world.true_ms) / (8 * DAY)
            ratio = min(0.8, max(0.02, round(0.05 + left, 3)))
        values = {"uptime_seconds": number, "battery_volts": 3.2 + round(ratio * 50) * 0.02}
        if self._chance.random() < 0.5:
            return make_reading(Kind.DEVICE_STATUS, sensor, {**values, "battery_ratio": ratio})
        weather = {
            "temperature_celsius": round(self._chance.gauss(26, 3), 2),
            "humidity_ratio": round(self._chance.uniform(0.6, 1), 3),
        }
        return make_reading(Kind.ENVIRONMENT, sensor, {**values, **weather})

    def _heard(self, sensor: str, label: str) -> Reading:
        values = {
            "confidence_ratio": 0.9,
            "sound_level_decibels": 40 + self._chance.randrange(60) / 2,
            "duration_seconds": self._number(True) / 10,
            "battery_volts": 3.9,
        }
        return make_reading(Kind.ACOUSTIC_DETECTION, sensor, values, label=label)

    def _hours(self) -> set[str]:
        """What it is o'clock, as the page writes it, give or take two minutes."""
        near = [self.world.true_ms + minutes * MINUTE for minutes in range(-2, 3)]
        times = [dt.datetime.fromtimestamp(ms / 1000, LIMA) for ms in near]
        return {f"{time.hour}:{time.minute:02d}" for time in times}

    def _states(self) -> dict[str, str]:
        """By title: silent, low, never, well."""
        return {title: state for state, title in _CARD.findall(self.phone.get("/sensores"))}


def lane_of(reading: Reading) -> Lane:
    """Where a sensor's reading belongs."""
    if reading.kind not in _DETECTIONS:
        return Lane.READING
    return Lane.ALERT if LABELS[reading.label].alert else Lane.DETECTION
