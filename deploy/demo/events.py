"""What happens during the play: what the script does to the parts, and what is then seen in the figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from deploy.demo.figures import Figures
from deploy.demo.stage import Stage


class Event(NamedTuple):
    """A sentence for the list of events, in both languages."""

    es: str
    en: str


class Step(NamedTuple):
    """Something done to the parts. share: when, as a share of the play."""

    share: float
    event: Event
    act: Callable[[], None]


def script(stage: Stage) -> list[Step]:
    """Cut the first post's link and kill its gateway meanwhile; later kill the broker, which forgets what it held."""
    # The gateway starts again shortly before its link is mended: the longer it tries in vain, the longer it waits
    # between tries, and it should be back before the broker dies.
    victim, name, broker = stage.victim, stage.victim.post.station, stage.broker
    return [
        Step(0.18, Event(f"se corta el enlace de {name}", "its link is cut"), stage.relay.cut),
        Step(0.30, Event(f"kill -9 al gateway de {name}", "its gateway is killed"), victim.gateway.kill),
        Step(0.44, Event(f"el gateway de {name} arranca", "it starts again"), victim.start_gateway),
        Step(0.52, Event(f"vuelve el enlace de {name}", "its link is back"), stage.relay.mend),
        Step(0.72, Event("kill -9 al broker: olvida lo que tenía", "the broker is killed and forgets"), broker.kill),
        Step(0.76, Event("el broker arranca", "the broker starts again"), broker.start),
    ]


class Observer:
    """Notices in the figures what a person should not miss; each thing once."""

    def __init__(self) -> None:
        self._stored = False
        self._alerts_at_cut: dict[str, int] = {}
        self._most_waiting: dict[str, int] = {}
        self._warned: set[str] = set()
        self._delivered: set[str] = set()

    def observe(self, figures: Figures) -> list[Event]:
        """What these figures show that earlier ones did not."""
        seen: list[Event] = []
        if figures.chainsaws and not self._stored:
            self._stored = True
            seen.append(Event("primera motosierra guardada en InfluxDB", "first chainsaw stored"))
        for post in figures.posts:
            name = post.station
            if post.link == "down":
                before = self._alerts_at_cut.setdefault(name, post.alerts)
                self._most_waiting[name] = max(self._most_waiting.get(name, 0), post.waiting)
                if post.alerts > before and name not in self._warned:
                    self._warned.add(name)
                    seen.append(Event(f"{name} avisa sin enlace: {post.last_alert}", "it warns without a link"))
            elif self._most_waiting.get(name) and post.waiting == 0 and name not in self._delivered:
                self._delivered.add(name)
                most = self._most_waiting[name]
                seen.append(Event(f"{name} entregó lo que guardaba ({most})", "it delivered what it kept"))
        return seen
