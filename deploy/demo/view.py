"""The demo on the screen: a live table on a terminal, a few lines every 5 s where there is none. Spanish first."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from deploy.demo.events import Event
from deploy.demo.figures import Figures, PostFigures

_LINK: Final = {"up": ("arriba", "green"), "down": ("caído", "bold red"), "unknown": ("?", "dim")}
_COLUMNS: Final = (
    ("puesto", "post"),
    ("enlace", "link"),
    ("enviadas", "sent"),
    ("oídas", "heard"),
    ("propias", "own"),
    ("espera", "waits"),
    ("guardadas", "stored"),
    ("alerta", "last alert"),
)
_PLAIN_EVERY_S: Final = 5.0


class View(Protocol):
    """Somewhere to show the demo. Times are seconds since the demo began."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def event(self, at_s: float, event: Event) -> None:
        """Something happened."""

    def figures(self, at_s: float, figures: Figures) -> None:
        """What each stage holds now."""


def open_view(console: Console) -> View:
    """The view that suits where the output goes."""
    return TerminalView(console) if console.is_terminal else PlainView(console)


class PlainView:
    """Lines of text, for a file or another program: events as they come, figures at most every 5 s."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next_s = 0.0
        self._last: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def event(self, at_s: float, event: Event) -> None:
        """One line."""
        self._line(f"{f't+{at_s:.0f} s':<7} {event.es}  ({event.en})")

    def figures(self, at_s: float, figures: Figures) -> None:
        """A line a post and one for headquarters, unless the last are less than 5 s old or said the same."""
        headquarters = f"sede: diario {figures.messages}, InfluxDB {figures.points}"
        told = [*(plain_post(post) for post in figures.posts), headquarters]
        if at_s >= self._next_s and told != self._last:
            self._next_s, self._last = at_s + _PLAIN_EVERY_S, told
            for number, line in enumerate(told):
                begins = "" if number else f"t+{at_s:.0f} s"
                self._line(f"{begins:<7} {line}")

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class TerminalView:
    """A table that stays at the bottom; events scroll by above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def event(self, at_s: float, event: Event) -> None:
        """A line above the table; where it is too long, the next goes on below its words."""
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_column(no_wrap=True)
        line.add_column()
        line.add_row(Text(f"t+{at_s:>2.0f} s", "cyan"), Text.assemble(event.es, (f"  {event.en}", "dim")))
        self._console.print(line)
        self._live.refresh()

    def figures(self, at_s: float, figures: Figures) -> None:
        """Draw the table anew."""
        self._live.update(table(at_s, figures), refresh=True)


def plain_post(post: PostFigures) -> str:
    """A post's figures in a few words."""
    gateway = "" if post.running else ", gateway parado"
    return (
        f"{post.station}: enlace {_LINK[post.link][0]}{gateway}, enviadas {post.sent}, oídas {post.heard},"
        f" propias {post.own}, en espera {post.waiting}, guardadas {post.stored}"
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def table(at_s: float, figures: Figures) -> RenderableType:
    """One row a post, and a line for headquarters."""
    posts = Table(header_style="bold", box=None, padding=(0, 1, 0, 0), pad_edge=False)  # 80 columns are few
    for number, (es, en) in enumerate(_COLUMNS):
        posts.add_column(
            Text.assemble(es, "\n", (en, "dim")), justify="right" if 2 <= number <= 6 else "left", no_wrap=number < 7
        )
    for post in figures.posts:
        link, style = _LINK[post.link]
        posts.add_row(
            Text(post.station, "" if post.running else "bold red"),
            Text(link, style) if post.running else Text("parado", "bold red"),
            str(post.sent),
            str(post.heard),
            str(post.own),
            Text(str(post.waiting), "bold yellow" if post.waiting > 9 else ""),
            str(post.stored),
            # Always two lines, so that the table does not jump: what, and where.
            Text(post.last_alert.replace(", ", "\n", 1) or "\n", "red"),
        )
    broker = ("arriba", "green") if figures.broker_running else ("parado", "bold red")
    headquarters = Text.assemble(
        (f"\nt+{at_s:.0f} s ", "cyan"),
        " sede: broker ",
        broker,
        f" · diario {_counted(figures.messages, 'mensaje')} · InfluxDB {_counted(figures.points, 'punto')}\n",
        ("        headquarters: broker, messages in the journal, points in InfluxDB", "dim"),
    )
    return Group(posts, headquarters)
