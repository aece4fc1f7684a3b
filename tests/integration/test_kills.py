"""Promise 1: nothing lost, nothing twice, whatever dies, in any order, at any instant."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.landscape import Landscape

STATIONS = ("puesto-a", "puesto-b")


@pytest.fixture
def landscape(tmp_path: Path) -> Iterator[Landscape]:
    made = Landscape(tmp_path, STATIONS)
    yield made
    made.stop()


def kill_at_random(landscape: Landscape, kills: int, chance: random.Random) -> list[str]:
    """Kill -9 one part after another, sometimes two at once; each comes back after a while."""
    killed = []
    while len(killed) < kills:
        time.sleep(chance.uniform(0.2, 1.2))
        victims = chance.sample(landscape.parts, k=2 if chance.random() < 0.2 else 1)
        for victim in victims:
            victim.kill()
            killed.append(victim.name)
        time.sleep(chance.uniform(0.0, 0.8))
        for victim in victims:
            victim.start(wait=False)
        for victim in victims:
            victim.wait_ready()
    return killed


def kills_lose_nothing(landscape: Landscape, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    landscape.start()
    landscape.play(rate=200, seconds=kills * 2.5 + 5, seed=seed)
    killed = kill_at_random(landscape, kills, chance)
    for sensors in landscape.sensors:
        sensors.stop()
    landscape.wait_until_sent()
    total = landscape.prove()
    sent = sum(sensors.sent() for sensors in landscape.sensors)
    print(f"{len(killed)} kills: {total} accepted, {total} stored, 0 lost, 0 double; sensors sent {sent}")
    assert total > 100 * kills / 4  # readings did flow all the while


@pytest.mark.slow
def test_twenty_kills_lose_nothing(landscape: Landscape, seed: int) -> None:
    kills_lose_nothing(landscape, 20, seed)


@pytest.mark.soak
def test_two_hundred_kills_lose_nothing(landscape: Landscape, seed: int) -> None:
    kills_lose_nothing(landscape, 200, seed)


@pytest.mark.slow
def test_ingest_down_for_the_whole_of_a_backlog(landscape: Landscape, seed: int) -> None:
    landscape.start()
    landscape.ingest.kill()
    landscape.play(rate=500, seconds=6, seed=seed)
    for sensors in landscape.sensors:
        sensors.wait_ended(20)
    landscape.ingest.start()
    landscape.wait_until_sent()
    assert landscape.prove() > 3000


@pytest.mark.slow
def test_a_broker_that_loses_its_memory_loses_nothing(landscape: Landscape, seed: int) -> None:
    landscape.start()
    landscape.play(rate=300, seconds=8, seed=seed)
    for _ in range(3):
        time.sleep(1.5)
        landscape.ingest.kill()  # so that messages pile up in the broker, acknowledged to the posts
        time.sleep(1.0)
        landscape.broker.kill()
        landscape.broker.forget()
        landscape.broker.start()
        landscape.ingest.start()
    for sensors in landscape.sensors:
        sensors.wait_ended(20)
    landscape.wait_until_sent()
    assert landscape.prove() > 2000
