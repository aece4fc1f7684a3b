"""Commands in words become what the C library understands, and nothing else gets through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.commands.words import KNOWN, body_of
from firmware_bridge.framing.downlinks import (
    Command,
    Identify,
    Ping,
    Reboot,
    RequestStatus,
    SetInterval,
    UpdateQuery,
    decode_command,
    encode_command,
)
from firmware_bridge.readings import Downlink, DownlinkError, Kind, Rejected


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("ping", Ping()),
        (" STATUS ", RequestStatus()),
        ("identify", Identify(10)),
        ("identify 0", Identify(0)),
        ("interval environment 600", SetInterval(Kind.ENVIRONMENT, 600)),
        ("interval device_status 604800", SetInterval(Kind.DEVICE_STATUS, 604_800)),
        ("reboot", Reboot(0)),
        ("reboot 255", Reboot(255)),
    ],
)
def test_words_and_bytes_are_one_command(words: str, command: Command) -> None:
    assert decode_command(body_of(Downlink("rio", text=words))) == command
    assert body_of(Downlink("rio", payload=encode_command(command))) == encode_command(command)


@pytest.mark.parametrize(
    "words",
    [
        *("explode", "ping 1", "identify 256", "identify -1", "identify ten", "identify ²", "reboot 1 2", "interval"),
        *("interval acoustic_detection 5", "interval environment 0", "interval environment 604801", "interval x 5"),
    ],
)
def test_what_is_no_command_is_refused_with_the_known_ones(words: str) -> None:
    with pytest.raises(DownlinkError, match="bad_command") as caught:
        body_of(Downlink("rio", text=words))
    assert KNOWN in caught.value.detail


@pytest.mark.parametrize("payload", [b"", b"\0", b"\x02", encode_command(UpdateQuery())])
def test_bytes_that_are_no_command_are_refused(payload: bytes) -> None:
    with pytest.raises(DownlinkError, match="bad_command"):
        body_of(Downlink("rio", payload=payload))


@given(text=st.text(max_size=60), payload=st.binary(max_size=300))
def test_whatever_is_said_is_a_command_or_refused(text: str, payload: bytes) -> None:
    try:
        body = body_of(Downlink("rio", payload, text=text))
    except DownlinkError:
        return
    assert not isinstance(decode_command(body), Rejected)
