"""Everything that the demo starts: headquarters (broker, InfluxDB, ingest) and the posts, each a child process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.demo.places import place_settings
from deploy.demo.posts import POSTS, Post
from deploy.errors import DeployError
from deploy.parts.processes import Part, PartError, find_program, free_port
from deploy.parts.relay import Relay
from deploy.parts.servers import InfluxDB, Mosquitto
from deploy.parts.services import Gateway, Ingest, Sensors, write_registry
from gateway.page.pin import write_pin

DATABASE: Final = "vigia"
PIN: Final = "2580"
"""For acting on the posts' pages."""


KEY: Final = "commands.key"
PUBLIC_KEY: Final = "headquarters.pub"
BOOK: Final = "commands.db"
REGISTRY: Final = "registry.toml"
"""What orders to the posts need, in the stage's directory; the keys are named so by `vigia commands key`."""


@dataclass
class StagedPost:
    """A post on the stage. starts: how often its gateway was started."""

    post: Post
    gateway: Gateway
    sensors: Sensors
    starts: int = 0

    def start_gateway(self) -> None:
        """Start the gateway, again if it was killed."""
        self.starts += 1
        self.gateway.start(wait=False)


@dataclass(frozen=True)
class Stage:
    """The parts. The first post reaches the broker through `relay`, which can be cut."""

    directory: Path
    broker: Mosquitto
    influx: InfluxDB
    ingest: Ingest
    relay: Relay
    posts: tuple[StagedPost, ...]

    @property
    def victim(self) -> StagedPost:
        """The post that everything happens to."""
        return self.posts[0]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Nothing is started yet inside, but whatever is will be ended on the way out, each by its own process id:
        sensors first, then posts, then headquarters."""
        with ExitStack() as ending:
            ending.callback(stop_all, [self.ingest, self.influx, self.broker])
            ending.callback(self.relay.stop)
            ending.callback(stop_all, [staged.gateway for staged in self.posts])
            ending.callback(stop_all, [staged.sensors for staged in self.posts])
            yield

    def start_headquarters(self) -> None:
        """Broker and InfluxDB, then ingest; returns when all three answer."""
        for server in (self.broker, self.influx):
            server.start(wait=False)
        for server in (self.broker, self.influx):
            server.wait_ready()
        self.ingest.start()
        self.relay.start()

    def start_posts(self) -> None:
        """Gateways first, then what they listen to: a line that appears later is found."""
        for staged in self.posts:
            staged.start_gateway()
        for staged in self.posts:
            staged.gateway.wait_ready()
        for staged in self.posts:
            staged.sensors.start(wait=False)


def stop_all(parts: Sequence[Part]) -> None:
    """Stop them at the same time; returns when all have ended."""
    with ThreadPoolExecutor(len(parts)) as pool:
        for ended in [pool.submit(part.stop) for part in parts]:
            ended.result()


def check_programs() -> None:
    """Raises DeployError naming all that is missing and how to install it."""
    missing = []
    for program, package in (("mosquitto", "mosquitto"), ("influxd", "influxdb")):
        try:
            find_program(program, package)
        except PartError:
            missing.append(package)
    if missing:
        raise DeployError(
            f"the demo needs {' and '.join(missing)}, not installed here. Install as root, then say this again:"
            f"  apt-get install --no-install-recommends {' '.join(missing)}"
        )


def build_stage(directory: Path, *, seconds: float, seed: int) -> Stage:
    """Write the settings of every part into a new directory; nothing is started. seconds: how long each scenario is
    made to take. Raises DeployError."""
    directory = directory.resolve()
    if directory.exists() and any(directory.iterdir()):
        raise DeployError(f"{directory} is not empty: name a new one with --directory")
    directory.mkdir(parents=True, exist_ok=True)
    broker = Mosquitto(directory / "mosquitto")
    influx = InfluxDB(directory / "influxdb")
    registry = write_registry(directory / REGISTRY, {post.station: post.territory for post in POSTS})
    ingest = Ingest(directory / "ingest", broker.port, influx.url, registry, database=DATABASE)
    with ingest.settings.open("a") as file:
        file.write(f'[commands]\npath = "{directory / BOOK}"\n')
    orders = _make_keys(directory)
    relay = Relay(broker.port)
    posts = []
    for number, post in enumerate(POSTS):
        port = relay.port if number == 0 else broker.port
        home = directory / post.station
        home.mkdir()
        place = place_settings(home, post, pace=seconds / post.scenario_s)
        write_pin(home / "page.pin", PIN)
        gateway = Gateway(home, post.station, port, list(post.sensors), sources=place + orders, page_port=free_port())
        speed = post.scenario_s / seconds
        sensors = Sensors(gateway, post.scenario, speed=speed, seed=seed + number, rate=None, longest_s=seconds)
        posts.append(StagedPost(post, gateway, sensors))
    return Stage(directory, broker, influx, ingest, relay, tuple(posts))


def _make_keys(directory: Path) -> str:
    """The keys of headquarters, for orders, as a person makes them: in another process, which alone needs to know how.
    Returns the settings by which a post obeys them. Raises DeployError."""
    command = [sys.executable, "-m", "deploy.cli", "commands", "key", str(directory)]
    made = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if made.returncode:
        raise DeployError(f"no keys for orders: {made.stderr.strip()}")
    return f'[commands]\nkey_file = "{directory / PUBLIC_KEY}"\n'
