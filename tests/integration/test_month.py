"""A month cut off from the world, in half a minute: whoever is at the post is warned in time of everything, and when
the link returns headquarters holds exactly what the post accepted and kept, with true times, alerts first.

A whole gateway in a process of its own, whose machine time is simulated (`tests.support.month`); everything else is
real: frames on ttys, pictures on cards, SQLite on a small disk, the page over HTTP, Mosquitto, ingest, InfluxDB.
`--seed` makes another month; a full disk needs a tmpfs, which only root may mount.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from deploy.parts.processes import free_port
from deploy.parts.relay import Relay
from deploy.parts.servers import InfluxDB, Mosquitto
from deploy.parts.services import Ingest, write_registry
from firmware_bridge.readings import Kind
from gateway.contract.topics import Lane
from gateway.rules.facts import Step
from tests.support.landscape import DATABASE
from tests.support.month import plan as plans
from tests.support.month.ledger import Identity, Kept
from tests.support.month.month import Month, Number, Said, lane_of, number_of
from tests.support.month.phone import Phone
from tests.support.month.plan import DYING
from tests.support.month.post import POST, Post
from tests.support.month.proof import Stored, arrivals, dead_letters, stored, unsure_ms
from tests.support.month.world import World
from tests.support.small_disk import small_disk
from tests.support.waiting import wait_until

DISK_MEGABYTES = 24
IN_TIME_S = 2.0
"""From the last serial byte to the phone: a second is promised, and this machine is shared."""
NARROW_MS, WIDE_MS = 10 * plans.MINUTE, plans.HOUR
"""A time that somebody vouched for within days is known so well; one that nobody did, in a boot between power cuts of
hours, cannot be known better than that."""


class Headquarters:
    """Broker, database and ingest, and the link to them, which is down until `mend`."""

    def __init__(self, directory: Path) -> None:
        self.broker = Mosquitto(directory / "mosquitto")
        self.influx = InfluxDB(directory / "influxdb")
        registry = write_registry(directory / "registry.toml", {POST: "ampiyacu"})
        self.ingest = Ingest(directory / "ingest", self.broker.port, self.influx.url, registry, database=DATABASE)
        self.link = Relay(self.broker.port)
        self.link.cut()

    @property
    def journal(self) -> Path:
        return self.ingest.directory / "journal.db"

    def start(self) -> None:
        self.link.start()
        for part in (self.influx, self.broker, self.ingest):
            part.start()
        wait_until("it listens", lambda: bool(self.ingest.get("/readyz")["ready"]), timeout_s=60, every_s=0.1)

    def stop(self) -> None:
        self.link.stop()
        for part in (self.ingest, self.influx, self.broker):
            part.stop()


@contextmanager
def month_at_a_post(
    directory: Path, plan: plans.Plan, seed: int, disk: Path, *, wall_ms: int, settle_s: int = 2
) -> Iterator[tuple[Month, Headquarters]]:
    """Everything, nothing of it running yet. wall_ms: what the machine takes the time for when it starts."""
    (directory / "puesto").mkdir(parents=True)
    headquarters = Headquarters(directory / "sede")
    with ExitStack() as end:
        world = World(directory / "world", plan.start_ms, wall_ms=wall_ms)
        end.callback(world.close)
        page_port = free_port()
        phone = Phone(page_port)
        end.callback(phone.leave)
        ports = {"link_port": headquarters.link.port, "page_port": page_port}
        post = Post(directory / "puesto", disk, directory / "world", **ports, settle_s=settle_s)
        end.callback(post.kill)
        end.callback(headquarters.stop)
        yield Month(plan, world, post, phone, seed), headquarters


def month_cut_off(directory: Path, seed: int, *, wild: bool = False) -> None:
    began = time.monotonic()
    plan = plans.month(seed, time.time_ns() // 1_000_000, wild=wild)
    wall_ms = plan.start_ms - 5 * plans.HOUR  # put back to when it was last switched off: it has no clock battery
    with (
        small_disk(directory / "disco", DISK_MEGABYTES) as disk,
        month_at_a_post(directory, plan, seed, disk, wall_ms=wall_ms) as (month, headquarters),
    ):
        month.live()
        lived_s = time.monotonic() - began
        before = month.ledger.waiting()
        evicted, last = set(month.ledger.kept) - before, month.ledger.last()
        headquarters.start()
        headquarters.link.mend()
        wait_until("all is sent", lambda: not before & month.ledger.waiting(), timeout_s=150, every_s=0.25)
        check_pictures(month, headquarters)
        month.end()
        wait_until("all is in InfluxDB", lambda: not headquarters.ingest.behind(), timeout_s=60, every_s=0.25)
        counters, waiting = month.ledger.counters(), month.ledger.waiting()
        assert dead_letters(headquarters.journal) == {}
        points = stored(headquarters.influx, DATABASE, set(month.ledger.epochs.values()))
        log = month.post.log.read_text()
        came = arrivals(headquarters.journal)

    late = set(points) - set(month.ledger.kept)
    assert all(epoch == last[0] and sequence > last[1] for epoch, sequence in late)
    own = {Kind.STATION_HEALTH.slug, Kind.TALLY.slug, Kind.INCIDENT.slug}
    assert {points[identity][0].measurement for identity in late} <= own
    month.ledger.came_late(late)
    tell(month, counters, evicted, points, lived_s, time.monotonic() - began)
    assert "Traceback" not in log
    assert not [name for place, name in counters if place == "restarted"]
    check_that_all_happened(month, evicted)
    check_alerts(month)
    check_accounts(month, counters, evicted, waiting)
    assert set(points) == set(month.ledger.kept) - evicted - waiting
    assert all(len(found) == 1 for found in points.values())
    check_points(month, {identity: found[0] for identity, found in points.items()}, late)
    check_incidents(month, [found[0] for found in points.values()], evicted)
    check_discards([found[0] for found in points.values()], counters)
    check_order(came, {identity for identity in before if month.ledger.kept[identity].lane is Lane.ALERT})


def check_that_all_happened(month: Month, evicted: set[Identity]) -> None:
    """A month in which nothing went wrong would prove nothing."""
    missing = {event.what for event in month.plan.events} - set(month.happened)
    assert not missing
    assert month.post.starts == 5
    assert len(month.alerts) > 150
    assert evicted
    assert any("full" in words for words in month.disk_words)


def check_alerts(month: Month) -> None:
    """Each rang once, in time; those that were held back did not."""
    took = sorted(alert.took_s for alert in month.alerts)
    assert took[-1] < IN_TIME_S, took[-5:]
    assert len({alert.incident for alert in month.alerts}) == len(month.alerts)
    rung = sum(lane_of(said.reading) is Lane.ALERT for said in month.said.values()) - len(month.held_back)
    assert rung == len(month.alerts) + len(with_people(month)) == len(month.phone.rung)


def with_people(month: Month) -> dict[int, Number]:
    """The pictures that warned, by incident."""
    return {one.incident: one.number for one in month.pictures if one.incident is not None}


def check_pictures(month: Month, headquarters: Headquarters) -> None:
    """Of a person headquarters gets it whole, of an animal it is told that there is one, and gets no more until
    somebody asks."""
    wanted = {one.sha256: "stored" if one.incident is not None else "announced" for one in month.pictures}
    assert set(wanted.values()) == {"stored", "announced"}

    def states() -> dict[str, str]:
        return {file["sha256"]: file["state"] for file in headquarters.ingest.get("/api/v1/media")["files"]}

    wait_until("headquarters has the pictures", lambda: states() == wanted, timeout_s=60, every_s=0.25)
    files = headquarters.ingest.directory / "media" / "files"
    whole = {path.stem: path.read_bytes() for path in files.glob("*/*.jpg")}
    assert whole == {one.sha256: one.content for one in month.pictures if wanted[one.sha256] == "stored"}


def check_accounts(
    month: Month, counters: dict[tuple[str, str], int], evicted: set[Identity], waiting: set[Identity]
) -> None:
    """What the outbox says of itself, lane by lane, was seen on its disk; no number was skipped or used twice."""
    ledger = month.ledger
    seen, went = ledger.by_lane(set(ledger.kept)), ledger.by_lane(evicted)
    unseen = {lane: counters.get(("accepted", lane.slug), 0) - seen[lane] for lane in Lane}
    assert sum(unseen.values()) == sum(ledger.highest().values()) - len(ledger.kept), "a number was skipped"
    for lane in Lane:
        assert counters.get(("outbox", f"evicted_{lane.slug}"), 0) == went[lane] + unseen[lane], lane
    assert not unseen[Lane.ALERT]
    assert not unseen[Lane.DETECTION]
    assert unseen[Lane.READING] == len(month.unseen)
    assert not went[Lane.ALERT]
    assert counters["outbox", "receipted"] == len(ledger.kept) - len(evicted) - len(waiting)
    kept = [(item.lane, item.run, item.sequence) for identity, item in ledger.kept.items() if identity not in evicted]
    gave_way = [(item.lane, item.run, item.sequence) for identity, item in ledger.kept.items() if identity in evicted]
    for lane in Lane:
        if gone := [place for place in gave_way if place[0] is lane]:
            assert max(gone) < min(place for place in kept if place[0] is lane), "the oldest go first"
    numbers = Counter(number_of(item.reading) for item in ledger.kept.values())
    del numbers[None]
    assert set(numbers) == set(month.said) - month.lost - month.unseen
    assert set(numbers.values()) == {1}
    assert all(lane_of(month.said[number].reading) is not Lane.ALERT for number in month.lost)


def check_points(month: Month, points: dict[Identity, Stored], late: set[Identity]) -> None:
    """Each says what was said, of a time that holds the truth within its bounds, and none is surer than it may be.
    late: those that nobody saw before they were sent."""
    instants = instants_of(month)
    for identity, point in points.items():
        kept = month.ledger.kept[identity]
        number = number_of(kept.reading)
        said = None if number is None else month.said[number]
        if identity not in late:
            reading = kept.reading if said is None else said.reading
            assert point.values == pytest.approx(reading.values())
            assert (point.sensor, point.label, point.note) == (reading.sensor, reading.label, reading.note)
        if said is not None:
            assert unsure_ms(point, said.true_ms) <= 0, f"{point}, and truly {said.true_ms}"
        else:  # the gateway about itself, or the GPS: of some moment of that run
            assert any(unsure_ms(point, true_ms) <= 0 for true_ms in instants[kept.run]), point
        assert point.uncertainty_ms, f"{point} claims to be exact"
        if point.quality == "untrusted":
            assert point.uncertainty_ms >= WIDE_MS
        else:
            assert point.quality in {"gps", "ntp", "recovered"}
            assert point.uncertainty_ms <= NARROW_MS


def instants_of(month: Month) -> dict[int, list[int]]:
    """When the clocks stood, by the outbox's run."""
    runs = sorted(month.ledger.epochs)
    starts = sorted({said.run: said.true_ms for said in reversed(month.said.values())}.items())
    begins = [true_ms for _, true_ms in starts] + [month.plan.end_ms + 1]
    return {
        run: [at for at in month.world.instants if low <= at < high]
        for run, (low, high) in zip(runs, pairwise(begins), strict=True)
    }


def check_incidents(month: Month, points: list[Stored], went: set[Identity]) -> None:
    """Headquarters reads of each what the post was told, in words, but for what was no alert and made room."""
    incidents = [point for point in points if point.measurement == Kind.INCIDENT.slug]
    of_step = {step: [one for one in incidents if one.values["incident_step"] == step] for step in Step}
    assert all(one.note for step in (Step.RAISED, Step.HELD_BACK) for one in of_step[step])
    raised = {int(one.values["incident_number"]): one for one in of_step[Step.RAISED]}
    silences = [one.sensor for one in of_step[Step.RAISED] if one.label == "silence"]
    assert silences == [DYING]
    rang = {alert.incident: alert.number for alert in month.alerts} | with_people(month)
    assert len(of_step[Step.RAISED]) == len(raised) == len(rang) + len(silences)
    for incident, number in rang.items():
        said = month.said[number]
        told = raised[incident]
        assert (told.sensor, told.label) == (said.reading.sensor, said.reading.label)
        assert unsure_ms(told, said.true_ms) <= 0
    held_back = [month.said[number].reading.sensor for number in month.held_back]
    steps = [(identity, kept.reading) for identity, kept in month.ledger.kept.items() if is_step(kept, Step.HELD_BACK)]
    assert [reading.sensor for _, reading in steps] == held_back
    assert len(of_step[Step.HELD_BACK]) == sum(identity not in went for identity, _ in steps)


def is_step(kept: Kept, step: Step) -> bool:
    """Whether an entry tells that an incident took this step."""
    return kept.reading.kind == Kind.INCIDENT and kept.reading.values()["incident_step"] == step


def check_discards(points: list[Stored], counters: dict[tuple[str, str], int]) -> None:
    """Headquarters knows what went for want of room."""
    told = Counter[str]()
    for point in points:
        if point.measurement == Kind.TALLY.slug and point.sensor == "outbox":
            told[point.label] = max(told[point.label], int(point.values["discarded_total"]))
    went = {name: total for (place, name), total in counters.items() if name.startswith("evicted_")}
    assert went
    assert {name: told[name] for name in went} == went


def check_order(came: list[tuple[Lane, set[Identity]]], alerts: set[Identity]) -> None:
    """Every alert that waited was at headquarters before anything else was."""
    first_other = next(at for at, (lane, _) in enumerate(came) if lane is not Lane.ALERT)
    assert alerts == set().union(*(entries for _, entries in came[:first_other]))


def tell(
    month: Month,
    counters: dict[tuple[str, str], int],
    evicted: set[Identity],
    points: dict[Identity, list[Stored]],
    lived_s: float,
    took_s: float,
) -> None:
    """The table for whoever reads it."""
    took = sorted(alert.took_s * 1000 for alert in month.alerts) or [0.0]
    lanes = month.ledger.by_lane(evicted)
    unsure = {identity: found[0] for identity, found in points.items()}
    worst, widest = Counter[str](), Counter[str]()
    for identity, point in unsure.items():
        number = number_of(month.ledger.kept[identity].reading)
        said: Said | None = None if number is None else month.said[number]
        if said is not None:
            bound = point.uncertainty_ms or 0
            share = abs(point.time_ms - said.true_ms) / bound * 100 if bound else 999
            worst[point.quality] = max(worst[point.quality], round(share))
            widest[point.quality] = max(widest[point.quality], bound)
    qualities = Counter(point.quality for point in unsure.values())
    rows = [
        (
            "frames sent, heard",
            f"{month.sent}, {len(month.said) - len(month.pictures)}; {month.unheard} while the post was off",
        ),
        ("pictures", f"{len(month.pictures)}, {len(with_people(month))} of them whole at headquarters"),
        ("lost in two power cuts", f"{len(month.lost)}, none of them committed, none an alert"),
        ("entries accepted", str(sum(n for (place, _), n in counters.items() if place == "accepted"))),
        ("evicted, disk full", ", ".join(f"{n} {lane.slug}" for lane, n in lanes.items()) or "none"),
        ("stored at headquarters", str(len(points))),
        ("alerts on the phone", f"{len(month.alerts)}, and {len(month.held_back)} held back for rain"),
        (
            "last byte to phone",
            f"p50 {took[len(took) // 2]:.0f} ms, p99 {took[len(took) * 99 // 100]:.0f} ms, slowest {took[-1]:.0f} ms",
        ),
        *(
            (
                f"times: {name}",
                f"{n} points; widest bound {widest[name] / 1000:.1f} s, worst error {worst[name]} % of it",
            )
            for name, n in sorted(qualities.items())
        ),
        ("gateway's memory", ", ".join(f"{size:.0f}" for size in month.resident) + " MiB at its five ends"),
        ("took", f"{lived_s:.0f} s for the month, {took_s - lived_s:.0f} s for the rest"),
    ]
    print()
    for name, words in rows:
        print(f"{name:24}{words}")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_month_cut_off(tmp_path: Path, seed: int) -> None:
    month_cut_off(tmp_path, seed)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_other_months_cut_off(tmp_path: Path, seed: int) -> None:
    for other in range(seed + 1, seed + 7):
        month_cut_off(tmp_path / str(other), other, wild=other % 2 == 0)


@pytest.mark.slow
def test_a_new_post_that_nobody_told_the_time(tmp_path: Path, seed: int) -> None:
    """It starts in 1970 without a GPS, and alerts do not wait for a clock: when the link returns they go at once, with
    the only time that is known, "not before 2025". They are shown when they came, with bounds that reach back so far.
    The rest waits until the link has brought the time, and gets its own."""
    disk = tmp_path / "disco"
    disk.mkdir()
    plan = plans.first_hours(time.time_ns() // 1_000_000)
    with month_at_a_post(tmp_path, plan, seed, disk, wall_ms=0, settle_s=120) as (month, headquarters):
        month.live()
        alerts = {identity for identity, kept in month.ledger.kept.items() if kept.lane is Lane.ALERT}
        others = set(month.ledger.kept) - alerts
        headquarters.start()
        headquarters.link.mend()
        wait_until("the alerts are sent", lambda: not alerts & month.ledger.waiting(), timeout_s=90)
        assert others <= month.ledger.waiting()
        month.ntp_syncs(0.5, 100)
        wait_until("the rest is sent", lambda: not others & month.ledger.waiting(), timeout_s=90)
        month.end()
        wait_until("all is in InfluxDB", lambda: not headquarters.ingest.behind(), timeout_s=60)
        assert not dead_letters(headquarters.journal)
        points = stored(headquarters.influx, DATABASE, set(month.ledger.epochs.values()))
    assert len(alerts) == 2 * len(month.alerts) == 6  # each and its incident
    assert alerts | others <= set(points)
    check_points(month, {identity: points[identity][0] for identity in alerts | others}, set())
    assert {points[identity][0].quality for identity in alerts} == {"untrusted"}
    seen = {identity: points[identity][0] for identity in others}
    assert {point.quality for point in seen.values()} <= {"recovered", "ntp"}
