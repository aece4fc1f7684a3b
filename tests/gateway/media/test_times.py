"""A picture has the time of its detection, also when nobody vouched for the clock in the boot in which it came."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from firmware_bridge.delivery import Delivery
from firmware_bridge.readings import Attachment, Kind, make_reading
from gateway.clock.clock import Clock
from gateway.contract.entries import TimeQuality
from gateway.contract.topics import Lane
from gateway.intake import Intake, Lanes
from gateway.media.store import MediaStore
from gateway.outbox.outbox import Outbox
from gateway.settings import LaneSettings
from tests.support.simulated_time import SimulatedTime

MONDAY = 1_763_829_000_000
HOUR = 3_600_000


class Post:
    """Outbox and media store on a machine whose time the test makes. Each made anew is a restart."""

    def __init__(self, path: Path, machine: SimulatedTime) -> None:
        self.clock = Clock("ntp", machine)
        self.outbox = Outbox(path / "outbox.db", max_bytes=2**24, memory_bytes=2**20, clock=self.clock)
        self.outbox.open()
        self.store = MediaStore(path / "media", max_bytes=2**20, boot=self.clock.boot_id())
        self.store.open()

    def close(self) -> None:
        self.store.close()
        self.outbox.close()


@pytest.mark.parametrize("is_set_before", [False, True], ids=["never set", "set an hour before"])
def test_a_picture_from_before_a_reboot_has_the_time_of_its_detection(tmp_path: Path, is_set_before: bool) -> None:
    machine = SimulatedTime(MONDAY, wall_ms=0)
    if is_set_before:
        machine.sync()
        Post(tmp_path, machine).close()
        machine.reboot(off_ms=HOUR, wall_ms=5_000)
    post = Post(tmp_path, machine)
    content = b"picture" * 1000
    (tmp_path / "a.jpg").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    picture = Attachment(sha256, "image/jpeg", len(content), str(tmp_path / "a.jpg"))
    reading = make_reading(Kind.CAMERA_DETECTION, "camara-1", {"picture_number": 7}, label="tapir", age_s=2.0)
    intake = Intake(post.outbox, Lanes(LaneSettings()), post.clock, lambda accepted: None, post.store)
    intake.deliver(Delivery("camaras", [reading], [], {}, {0: [picture]}))
    true_ms = machine.true_ms - 2_000
    machine.pass_ms(60_000)
    post.close()
    machine.reboot(off_ms=HOUR, wall_ms=0)
    machine.sync()
    post = Post(tmp_path, machine)
    parcel = post.outbox.take(Lane.DETECTION, limit=1)
    told = post.store.announcement(sha256, post.outbox.freeze)
    post.close()
    assert parcel is not None
    assert told is not None
    (entry,) = parcel.entries
    assert told.quality == TimeQuality.UNTRUSTED
    assert (told.time_ms, told.quality, told.uncertainty_ms) == (entry.time_ms, entry.quality, entry.uncertainty_ms)
    assert abs(told.time_ms - true_ms) <= told.uncertainty_ms
    if is_set_before:
        assert told.uncertainty_ms <= 4 * HOUR
