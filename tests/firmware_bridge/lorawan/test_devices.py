"""What the codec of a network server says: settings under which nothing of it would be lost silently."""

from __future__ import annotations

import json

import msgspec
import pytest
from pydantic import ValidationError

from firmware_bridge.delivery import Tally
from firmware_bridge.lorawan.devices import LorawanDevice, Payloads, Told
from firmware_bridge.readings import Kind

HEARD = {"label": {"labels": {"chainsaw": "chainsaw", "none": ""}}}


def test_labels_need_a_kind_that_has_them() -> None:
    for kind in ({}, {"kind": "environment"}):
        with pytest.raises(ValidationError, match=r"map\.label has labels: say kind = acoustic_detection or camera"):
            LorawanDevice.model_validate({"name": "rio", "payload": {"codec": "server_object", "map": HEARD} | kind})


def test_a_detector_tells_detections_and_nothing_else() -> None:
    device = LorawanDevice.model_validate(
        {"name": "rio", "payload": {"codec": "server_object", "map": HEARD, "kind": "acoustic_detection"}}
    )
    payloads = Payloads([("a1", device)], {})

    def heard(label: str) -> tuple[list[tuple[int, str]], set[str]]:
        tally = Tally()
        told = msgspec.Raw(json.dumps({"label": label, "confidence": 0.9}).encode())
        readings, _ = payloads.uplink("a1", b"\x01", 2, {}, 0.0, tally, told=Told(told))
        return [(reading.kind, reading.label) for reading in readings], {item.reason for item in tally.items()}

    assert heard("chainsaw") == ([(Kind.ACOUSTIC_DETECTION, "chainsaw")], set())
    assert heard("none") == ([], {"no_detection"})
    assert heard("bird") == ([], {"unlabelled", "unmapped_label"})
