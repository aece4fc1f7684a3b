"""Every command of the house and every result has its Spanish words; what is newer keeps its own."""

from __future__ import annotations

import pytest

from firmware_bridge.framing.downlinks import CommandCode, Result
from firmware_bridge.readings import MAX_NAME_BYTES
from firmware_bridge.sources import SensorAnswer
from gateway.commands.heard import counter_of, reading_of, words_of

SAID = [code.name.lower() for code in CommandCode if code < CommandCode.UPDATE_QUERY]
RESULTS = [result.name.lower() for result in Result if result < Result.NO_UPDATE]


@pytest.mark.parametrize("command", SAID)
@pytest.mark.parametrize("result", RESULTS)
def test_all_that_a_sensor_may_answer_has_words(command: str, result: str) -> None:
    told = words_of(SensorAnswer("rio-arriba", command, result))
    assert told.startswith("contestó a «")
    assert f"({command}): " in told
    assert not told.endswith(result)
    assert len(told) <= 240


def test_what_newer_firmware_answers_is_kept_as_it_is() -> None:
    answer = SensorAnswer("rio-arriba", "dance", "result 200", 1e9)
    assert words_of(answer) == "contestó a dance: result 200"
    reading = reading_of(answer)
    assert (reading.label, reading.note, reading.values()) == ("result 200", "dance", {"duration_seconds": 86_400.0})
    place, name = counter_of(SensorAnswer("rio-arriba", "dance", "x" * 99))
    assert place == "answered"
    assert len(name) == MAX_NAME_BYTES
