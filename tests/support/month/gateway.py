"""A whole gateway whose machine time is a `World`'s: python -m tests.support.month.gateway SETTINGS WORLD.

It answers orders, one JSON list a line, on its standard input and output:

    ["heard", {device: counter}]   when the frames with these counters, and all before, are accepted: true; false: never
    ["quality"]                    who vouches for its clock now
    ["outbox"]                     [readings in memory only, trouble, counters as [place, name, total]]
    ["commit"]                     put on disk what waits
    ["cut"]                        how many readings are in memory only; then SIGKILL, by its own hand
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from deploy.settings.file import load_settings
from gateway.app import Gateway
from gateway.clock.clock import Clock
from gateway.settings import GatewaySettings
from tests.support.month.world import SharedTime

_PATIENCE_S: Final = 10.0


def obey(gateway: Gateway, order: str, *args: Any) -> Any:
    """The answer to an order."""
    match order:
        case "heard":
            return _comes_true(lambda: _has_heard(gateway, args[0]))
        case "quality":
            return gateway.clock.now().quality.slug
        case "outbox":
            state = gateway.outbox.state()
            return [state.in_memory, state.trouble, [[*key, n] for key, n in gateway.outbox.tallies().items()]]
        case "commit":
            return gateway.outbox.commit()
        case "cut":
            print(json.dumps(gateway.outbox.state().in_memory), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    raise ValueError(order)


def _has_heard(gateway: Gateway, counters: dict[str, int]) -> bool:
    guards = gateway.outbox.replay()
    return all(guards.get(device, (0, 0))[0] >= counter for device, counter in counters.items())


def _comes_true(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True


def main(settings_path: Path, world_path: Path) -> None:
    """Run until the standard input ends; then stop as when told by systemd."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    settings = load_settings(settings_path, GatewaySettings)
    gateway = Gateway(settings, clock=Clock(settings.clock.trust, SharedTime(world_path)))
    stop = threading.Event()
    thread = threading.Thread(target=gateway.run, args=(stop,), name="gateway")
    thread.start()
    for line in sys.stdin:
        print(json.dumps(obey(gateway, *json.loads(line))), flush=True)
    stop.set()
    thread.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
