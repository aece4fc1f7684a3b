"""What a sensor of ours answered to a command: in words for the post, as a reading for headquarters, as a counter."""

from __future__ import annotations

from typing import Final

from firmware_bridge.readings import MAX_NAME_BYTES, Kind, Reading, make_reading
from firmware_bridge.sources import SensorAnswer
from gateway.commands.places import ANSWERS

_LONGEST_S: Final = 86_400.0

_COMMANDS: Final = {
    "ping": "¿estás ahí?",
    "identify": "hazte ver u oír",
    "set_interval": "habla cada tanto",
    "request_status": "di tu estado",
    "reboot": "arranca de nuevo",
}
_RESULTS: Final = {
    "done": "hecho",
    "unknown_command": "no conoce esa orden (su firmware es más antiguo)",
    "bad_length": "no entiende la orden (largo equivocado)",
    "bad_value": "no acepta ese valor",
    "behind": "no la creyó: ya oyó una cuenta más alta; dígala otra vez",
    "busy": "está ocupado; dígala otra vez más tarde",
    "refused": "se niega",
}


def words_of(answer: SensorAnswer) -> str:
    """Such as: contestó a «di tu estado» (request_status): hecho."""
    command = _COMMANDS.get(answer.command)
    said = f"«{command}» ({answer.command})" if command else answer.command
    return f"contestó a {said}: {_RESULTS.get(answer.result, answer.result)}"


def reading_of(answer: SensorAnswer) -> Reading:
    """A COMMAND_ANSWER of its own, whoever at the post or at headquarters said the command: sensor is the sensor's
    name, not the id of a command; label the result; note the command; the duration is that since it was said. It goes
    in the lane of measurements: headquarters looks for the post's own answers in that of alerts."""
    took_s = min(max(0.0, answer.took_s), _LONGEST_S)
    values = {"duration_seconds": took_s}
    return make_reading(Kind.COMMAND_ANSWER, answer.sensor, values, label=answer.result, note=answer.command)


def counter_of(answer: SensorAnswer) -> tuple[str, str]:
    """Where it is counted: among the answers, no discard."""
    name = "sensor_" + answer.result.replace(" ", "_")
    return ANSWERS, name[:MAX_NAME_BYTES]
