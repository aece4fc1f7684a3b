"""The demo from start to proof: sets the stage, plays the script, waits until all is delivered, asks InfluxDB."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from deploy.demo.closing import show_detection, show_places, show_proof
from deploy.demo.events import Event, Observer, script
from deploy.demo.figures import Sampler, account, first_chainsaw, sent_and_dropped, stored_by_station, stored_points
from deploy.demo.proof import Proof, prove
from deploy.demo.stage import Stage, StagedPost, build_stage, check_programs, stop_all
from deploy.demo.view import View, open_view
from deploy.errors import DeployError

_LOOK_EVERY_S: Final = 0.5
_END_OF_SENSORS_S: Final = 5.0
_DELIVERY_S: Final = 60.0
_DATABASE_S: Final = 30.0
INTERRUPTED: Final = 130


class _InterruptedError(Exception):
    """Somebody asked to stop."""


def run_demo(directory: Path, *, seconds: float, seed: int, keep: bool, stop: threading.Event, console: Console) -> int:
    """Play, prove, tell; everything that was started has ended when this returns or raises.

    seconds: length of the play. keep: stay up after the proof until `stop` is set. Returns the exit code: 0 when the
    proof holds, 1 when not, 130 when stopped before it. Raises DeployError when a part does not start or deliver.
    """
    check_programs()
    stage = build_stage(directory, seconds=seconds, seed=seed)
    try:
        with stage.running():
            with open_view(console) as view:
                proof = _Demo(stage, seconds, stop, view).play()
            dropped = {staged.post.station: sent_and_dropped(staged)[1] for staged in stage.posts}
            show_proof(console, proof, dropped)
            if row := first_chainsaw(stage):
                show_detection(console, row)
            show_places(console, stage, up=keep)
            if keep:
                _stay_up(stage, stop, console)
    except _InterruptedError:
        console.print("Interrumpido, sin prueba; todo lo que arrancó terminó. Stopped before the proof. Lo escrito:")
        console.print(f"  {directory}", markup=False, highlight=False, soft_wrap=True)
        return INTERRUPTED
    return 0 if proof.holds else 1


class _Demo:
    """One performance."""

    def __init__(self, stage: Stage, seconds: float, stop: threading.Event, view: View) -> None:
        self._stage = stage
        self._seconds = seconds
        self._stop = stop
        self._view = view
        self._sampler = Sampler(stage)
        self._observer = Observer()
        self._began = time.monotonic()

    def play(self) -> Proof:
        """All of it. Raises _InterruptedError, DeployError."""
        stage = self._stage
        self._tell("arrancan el broker, InfluxDB e ingest", "broker, InfluxDB and ingest start")
        stage.start_headquarters()
        self._tell("arrancan tres puestos con sus sensores", "three posts start, with their sensors")
        stage.start_posts()
        began = time.monotonic()
        for step in script(stage):
            self._watch(until=began + step.share * self._seconds)
            self._view.event(self._now_s(), step.event)
            step.act()
        self._watch(until=began + self._seconds)
        self._end_sensors()
        self._deliver()
        return self._prove()

    def _end_sensors(self) -> None:
        """They end by themselves, once the gateways have read what is on the lines."""
        self._tell("callan los sensores; se vacían los buzones de salida", "sensors end; outboxes drain")
        deadline = time.monotonic() + _END_OF_SENSORS_S
        sensors = [staged.sensors for staged in self._stage.posts]
        self._watch_until(lambda: time.monotonic() > deadline or not any(each.running for each in sensors))
        stop_all(sensors)

    def _deliver(self) -> None:
        """Wait until every outbox is empty and its gateway stopped: one that took in a report of its own as it was told
        to stop is started once more, to deliver it."""
        deadline = time.monotonic() + _DELIVERY_S
        left = list(self._stage.posts)
        while left:
            for staged in left:
                if not staged.gateway.running:
                    staged.start_gateway()
            self._watch_delivery(left, deadline)
            stop_all([staged.gateway for staged in left])
            left = [staged for staged in left if account(staged).waiting]
            if left and time.monotonic() > deadline:
                held = ", ".join(f"{s.post.station} {account(s).waiting} ({s.gateway.log})" for s in left)
                raise DeployError(
                    f"not delivered {_DELIVERY_S:.0f} s after the sensors ended: {held}. Look at these logs"
                )

    def _watch_delivery(self, posts: Sequence[StagedPost], deadline: float) -> None:
        """Empty at two looks in a row: a gateway that has just started has not put its first report on disk yet."""
        looks = 0

        def delivered() -> bool:
            nonlocal looks
            looks = 0 if any(account(post).waiting for post in posts) else looks + 1
            return looks >= 2 or time.monotonic() > deadline

        self._watch_until(delivered)

    def _prove(self) -> Proof:
        """The outboxes are empty: what they were receipted is in the journal. Wait for the sink, then compare."""
        stage = self._stage
        accounts = [account(staged) for staged in stage.posts]
        accepted = sum(one.accepted - one.evicted for one in accounts)
        deadline = time.monotonic() + _DATABASE_S
        self._watch_until(lambda: time.monotonic() > deadline or sum(stored_by_station(stage).values()) >= accepted)
        return prove(accounts, stored_points(stage))

    def _watch(self, *, until: float) -> None:
        self._watch_until(lambda: time.monotonic() >= until)

    def _watch_until(self, holds: Callable[[], bool]) -> None:
        """Show what goes on until something holds; looks at least once."""
        while True:
            if self._stop.is_set():
                raise _InterruptedError
            self._look()
            if holds():
                return
            self._stop.wait(_LOOK_EVERY_S)

    def _look(self) -> None:
        figures = self._sampler.sample()
        for event in self._observer.observe(figures):
            self._view.event(self._now_s(), event)
        self._view.figures(self._now_s(), figures)

    def _tell(self, es: str, en: str) -> None:
        self._view.event(self._now_s(), Event(es, en))

    def _now_s(self) -> float:
        return time.monotonic() - self._began


def _stay_up(stage: Stage, stop: threading.Event, console: Console) -> None:
    """The posts go on, playing their scenarios again and again, until told to stop."""
    console.print("\nTodo sigue en marcha; Ctrl-C termina.  Everything goes on; Ctrl-C ends it.", style="bold")
    for staged in stage.posts:
        staged.start_gateway()
    while not stop.wait(_LOOK_EVERY_S):
        for staged in stage.posts:
            staged.sensors.start(wait=False)
