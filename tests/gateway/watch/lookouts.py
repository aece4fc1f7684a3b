"""The part of a gateway that warns, run in this process on a real outbox and history; a webhook counts warnings."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from firmware_bridge.readings import Reading
from firmware_bridge.sources import Delivery
from gateway.clock.clock import Clock
from gateway.clock.machine import MachineTime
from gateway.contract.entries import Entry
from gateway.contract.topics import Lane
from gateway.intake import Intake, Lanes
from gateway.lookout import Lookout
from gateway.outbox.outbox import Outbox
from gateway.settings import GatewaySettings
from gateway.speakers import Speakers
from gateway.supervision.supervisor import Supervisor
from gateway.watch.watch import Watch
from tests.support.http_front import Connection, HttpFront, Request, Response
from tests.support.waiting import wait_until


class Receiver(HttpFront):
    """Takes every warning; keeps them, with when they came."""

    def __init__(self) -> None:
        super().__init__(0)
        self.got: list[tuple[float, dict]] = []

    def answer(self, request: Request, connection: Connection) -> Response | None:
        self.got.append((time.monotonic(), json.loads(request.body)))
        return Response(204, {}, b"")

    def numbers(self) -> list[int]:
        """Of the incidents that were warned of."""
        return [told["incident"]["number"] for _, told in list(self.got)]


class Post:
    """A lookout that runs."""

    def __init__(
        self,
        directory: Path,
        warnings: Sequence[dict[str, object]],
        rules: Path | None,
        machine: MachineTime | None = None,
    ) -> None:
        told = {"outbox": {"path": directory / "outbox.db"}, "warnings": list(warnings), "rules": {"path": rules}}
        settings = GatewaySettings.model_validate(told)
        self.clock = Clock("system", machine)
        self.outbox = Outbox(settings.outbox.path, max_bytes=1 << 28, memory_bytes=1 << 22, clock=self.clock)
        self.lookout = Lookout(settings, self.outbox, self.clock, Speakers())
        self.intake = Intake(
            self.outbox,
            Lanes(settings.lanes),
            self.clock,
            self.lookout.watch.hear,
            read_texts=self.lookout.watch.read_texts,
        )
        self.actions = self.lookout.actions(self.intake.submit)

    @property
    def watch(self) -> Watch:
        return self.lookout.watch

    def deliver(self, *readings: Reading) -> None:
        self.intake.deliver(Delivery("radio", list(readings), [], {}))

    def open_numbers(self) -> list[int]:
        """Of the incidents that the board shows as not closed."""
        incidents = [change.incident for change in self.lookout.board.snapshot().incidents]
        return [incident.number for incident in incidents if incident.state != "closed"]

    def entries(self, lane: Lane) -> list[Entry]:
        """What waits for headquarters in a lane."""
        self.outbox.commit()
        found: list[Entry] = []
        after = (0, 0)
        while (parcel := self.outbox.take(lane, after, limit=1000)) is not None:
            found += parcel.entries
            after = parcel.last
        return found


def webhook(receiver: Receiver) -> dict[str, object]:
    return {"output": "webhook", "name": "gancho", "url": receiver.url, "levels": ["alert", "notice"]}


@contextmanager
def lookout(
    directory: Path,
    *warnings: dict[str, object],
    rules: Path | None = None,
    failed: list[str] | None = None,
    machine: MachineTime | None = None,
) -> Iterator[Post]:
    """A post on this directory; as many as wanted, one after the other, are restarts of one gateway. failed: gets the
    name of each stage that failed. machine: its clocks."""
    post = Post(directory, warnings, rules, machine)
    post.outbox.open()
    post.lookout.open()
    supervisor = Supervisor((failed if failed is not None else []).append)
    supervisor.start("keep warnings", post.lookout.warnings.keep)
    for desk in post.lookout.warnings.desks:
        supervisor.start("warning", desk.run)
    supervisor.start("watch", post.watch.run)
    supervisor.start("keep", post.watch.keep)
    try:
        wait_until("it has begun", lambda: post.watch.is_live)
        yield post
    finally:
        supervisor.stop()
        post.lookout.close()
        post.outbox.close()
