"""Runs a watch until it is stopped: on a terminal as a screen that renews itself, elsewhere line by line."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.live import Live

from deploy.doctor.findings import Language
from deploy.sensors.line_words import line_words
from deploy.sensors.watch_view import closing_lines, lines_of, screen
from deploy.sensors.watching import Listening, Watch
from firmware_bridge.sources import Delivery, SourceSettings
from gateway.hearing import configured_sensors

_EVERY_S: Final = 0.25


def watch_on_terminal(
    console: Console, settings: SourceSettings, language: Language, stop: threading.Event, longest_s: float
) -> None:
    """Until `stop` is set or `longest_s` is over; then the whole account once more, since the screen is cut off."""
    heard = Watch(expected=configured_sensors([settings]))
    until = time.monotonic() + longest_s
    with (
        Listening(settings, lambda delivery: heard.take(delivery, language), stop) as listening,
        Live(console=console, auto_refresh=False) as live,
    ):
        while not stop.wait(_EVERY_S) and time.monotonic() < until:
            live.update(screen(heard, listening.state, language), refresh=True)
    for line in closing_lines(heard, language):
        console.print(line, markup=False)


def watch_in_lines(
    say: Callable[[str], None],
    settings: SourceSettings,
    language: Language,
    stop: threading.Event,
    longest_s: float,
) -> None:
    """Each reading and each discard as it comes, the state of the line when it changes, at the end the account."""
    heard = Watch(expected=configured_sensors([settings]))
    until = time.monotonic() + longest_s

    def deliver(delivery: Delivery) -> None:
        heard.take(delivery, language)
        for line in lines_of(delivery, language, datetime.now().astimezone()):
            say(line)

    said = ""
    with Listening(settings, deliver, stop) as listening:
        while True:
            if (state := line_words(listening.state, language)) != said:
                said = state
                say(f"{datetime.now().astimezone():%H:%M:%S} {state}")
            if stop.wait(_EVERY_S) or time.monotonic() >= until:
                break
    for line in closing_lines(heard, language):
        say(line)
