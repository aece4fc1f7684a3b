"""What each stage holds at a moment, asked of the stage itself: report, outbox, journal, InfluxDB."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import Any, Final, NamedTuple

from deploy.demo.proof import Account, Point
from deploy.demo.stage import DATABASE, Stage, StagedPost
from deploy.parts.processes import PartError
from ingest.schema import HEADQUARTERS, MEASUREMENTS, SEQUENCE, STATION

_ALERT: Final = re.compile(r"gateway\.alerts: ALERTA: (.+?) en (\S+)")
_LOG_END_BYTES: Final = 8192


class PostFigures(NamedTuple):
    """One post. link: as headquarters knows it: up, down or unknown. running: whether its gateway is. sent, heard,
    own, waiting: as in `deploy.demo.proof.Account`. stored: points in InfluxDB. alerts: how many ever. last_alert: in
    Spanish."""

    station: str
    link: str = "unknown"
    running: bool = False
    sent: int = 0
    heard: int = 0
    own: int = 0
    waiting: int = 0
    stored: int = 0
    alerts: int = 0
    last_alert: str = ""


class Figures(NamedTuple):
    """All posts, and headquarters. messages: in the journal. points: in InfluxDB. chainsaws: how many of them are."""

    posts: tuple[PostFigures, ...]
    broker_running: bool = False
    messages: int = 0
    points: int = 0
    chainsaws: int = 0


class Sampler:
    """Takes figures while parts are killed: what does not answer now keeps the figure it had."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._last = Figures(tuple(PostFigures(staged.post.station) for staged in stage.posts))

    def sample(self) -> Figures:
        """Ask every stage."""
        stage, last = self._stage, self._last
        stored = {post.station: post.stored for post in last.posts}
        links = {post.station: post.link for post in last.posts}
        messages, chainsaws = last.messages, last.chainsaws
        try:
            links |= {station["name"]: station["link"] for station in stage.ingest.get("/api/v1/stations")["stations"]}
            messages = stage.ingest.journaled()
            stored |= stored_by_station(stage)
            chainsaws = _chainsaws(stage)
        except (OSError, sqlite3.OperationalError, PartError):
            pass  # it is starting: the next look is in half a second
        posts = tuple(
            _of_post(staged, was)._replace(link=links[was.station], stored=stored[was.station])
            for staged, was in zip(stage.posts, last.posts, strict=True)
        )
        self._last = Figures(posts, stage.broker.running, messages, sum(stored.values()), chainsaws)
        return self._last


def account(staged: StagedPost) -> Account:
    """What a post answers for, by the counters in its outbox file."""
    tallies, waiting = staged.gateway.tallies()
    accepted = {lane: total for (place, lane), total in tallies.items() if place == "accepted"}
    incidents = tallies.get(("watch", "incident_alerts"), 0)  # the post's own, in the lane of alerts
    own = accepted.pop("health", 0) + incidents  # the lane of the gateway's own reports, and of nothing else
    evicted = sum(total for (place, name), total in tallies.items() if place == "outbox" and name.startswith("evicted"))
    sent, _ = sent_and_dropped(staged)
    return Account(staged.post.station, sent, sum(accepted.values()) - incidents, own, evicted, waiting, staged.starts)


def sent_and_dropped(staged: StagedPost) -> tuple[int, int]:
    """Whole frames that the sensors put on the line, and those that found it full because nobody read."""
    path = staged.sensors.report
    if not path.exists():
        return 0, 0
    report = json.loads(path.read_text())
    return int(report["sent"]), int(report["dropped"])


def stored_points(stage: Stage) -> list[Point]:
    """Every point of every post that InfluxDB has. Raises PartError."""
    series = stage.influx.query(DATABASE, _of_each_station(f'"{SEQUENCE}"'))
    return [
        Point(one["tags"][STATION], time_ns, round(sequence))
        for one in series
        if one["tags"][STATION] != HEADQUARTERS
        for time_ns, sequence in one["values"]
    ]


def stored_by_station(stage: Stage) -> dict[str, int]:
    """How many points InfluxDB has of each post. Raises PartError."""
    counts: dict[str, int] = {}
    for one in stage.influx.query(DATABASE, _of_each_station(f'count("{SEQUENCE}")')):
        station = one["tags"][STATION]
        if station != HEADQUARTERS:
            counts[station] = counts.get(station, 0) + int(one["values"][0][1])
    return counts


CHAINSAW_QUERY: Final = "SELECT * FROM acoustic_detection WHERE label = 'chainsaw' ORDER BY time LIMIT 1"
CHAINSAWS_QUERY: Final = "SELECT count(sequence) FROM acoustic_detection WHERE label = 'chainsaw'"


def first_chainsaw(stage: Stage) -> dict[str, Any]:
    """The first chainsaw detection, column by column as InfluxDB has it; empty when there is none. Raises PartError."""
    for series in stage.influx.query(DATABASE, CHAINSAW_QUERY):
        return dict(zip(series["columns"], series["values"][0], strict=True))
    return {}


def _chainsaws(stage: Stage) -> int:
    series = stage.influx.query(DATABASE, CHAINSAWS_QUERY)
    return sum(int(one["values"][0][1]) for one in series)


def _of_each_station(what: str) -> str:
    everything = ", ".join(f'"{measurement}"' for measurement in MEASUREMENTS.values())
    return " ".join(("SELECT", what, "FROM", everything, "GROUP BY", STATION))


def _of_post(staged: StagedPost, was: PostFigures) -> PostFigures:
    try:
        tallies, _ = staged.gateway.tallies()
        now = account(staged)
    except sqlite3.OperationalError:
        return was._replace(running=staged.gateway.running)  # the file is being made
    return was._replace(
        running=staged.gateway.running,
        sent=max(now.sent, now.heard),  # the sensors report twice a second; what was heard was sent
        heard=now.heard,
        own=now.own,
        waiting=now.waiting,
        alerts=tallies.get(("accepted", "alert"), 0) - tallies.get(("watch", "incident_alerts"), 0),
        last_alert=_last_alert(staged.gateway.log) or was.last_alert,
    )


def _last_alert(log: Path) -> str:
    """The last warning that the post gave, from the end of the gateway's log."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LOG_END_BYTES))
        found = _ALERT.findall(file.read().decode(errors="replace"))
    return f"{found[-1][0]}, {found[-1][1]}" if found else ""
