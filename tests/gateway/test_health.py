"""What the gateway tells of itself."""

from __future__ import annotations

from pathlib import Path

from gateway.clock.clock import Clock
from gateway.health import Health
from gateway.outbox.outbox import Outbox
from gateway.uplink.uplink import LinkState
from tests.gateway.page.posts import make_link


def test_what_the_clock_counts_and_what_headquarters_has_is_no_discard(tmp_path: Path) -> None:
    clock = Clock("system")
    outbox = Outbox(tmp_path / "outbox.db", max_bytes=2**24, memory_bytes=2**20, clock=clock)
    outbox.open()
    try:
        no_discards = {("clock", "clock_jump"): 3, ("media", "evicted_delivered"): 5, ("outbox", "receipted"): 7}
        outbox.accept([], tallies={**no_discards, ("lora", "bad_tag"): 2, ("restarted", "uplink"): 1})
        health = Health(outbox, tmp_path, lambda: make_link(LinkState.UP), clock, 60.0)
        station, *tallies = health.report()
        assert station.values()["discarded_total"] == 2
        assert {(one.sensor, one.label) for one in tallies} == {("lora", "bad_tag"), ("restarted", "uplink")}
    finally:
        outbox.close()
