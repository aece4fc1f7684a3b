"""Commands: only what headquarters signed, whole and within its bounds."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.commands import (
    MAX_COMMAND_BYTES,
    MAX_LIFE_MS,
    ChangeSettings,
    Command,
    Order,
    PutFirmware,
    Restart,
    SayToSensor,
    SendMedia,
    SetRules,
    UpdateFirmware,
    decode_command,
    encode_command,
    new_id,
)
from gateway.contract.topics import ContractError

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SHA = "ab" * 32
ORDERS: list[Order] = [
    SendMedia(SHA),
    SetRules("[[rules]]\nname = 'ñandú'\n"),
    ChangeSettings({"health.every_s": 5.0, "lanes.alert_labels": ["chainsaw"], "uplink.mode": None}),
    SayToSensor("audio-01", payload="00ff", port=2),
    SayToSensor("malla", text="Motosierra en la quebrada"),
    PutFirmware(SHA, 100, 90, b"0123456789"),
    UpdateFirmware("audio-01", SHA),
    Restart("gateway"),
]


def command(order: Order, *, issued_ms: int = 1000, life_ms: int = 1000) -> Command:
    return Command(new_id(), "boca-yaguas", issued_ms, issued_ms + life_ms, order)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_a_command_comes_back_as_it_was_given(order: Order) -> None:
    given_ = command(order)
    assert decode_command(encode_command(given_, KEY), KEY.public_key()) == given_


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_whoever_alters_a_bit_is_not_believed(at: int, bit: int) -> None:
    message = bytearray(encode_command(command(Restart("machine")), KEY))
    message[at % len(message)] ^= 1 << bit
    with pytest.raises(ContractError) as refused:
        decode_command(bytes(message), KEY.public_key())
    assert refused.value.reason in {"bad_signature", "unknown_version"}


@given(noise=st.binary(max_size=300))
def test_noise_is_refused_with_a_reason(noise: bytes) -> None:
    with pytest.raises(ContractError):
        decode_command(noise, KEY.public_key())


def test_another_key_is_not_headquarters() -> None:
    message = encode_command(command(Restart("gateway")), Ed25519PrivateKey.generate())
    with pytest.raises(ContractError, match="bad_signature"):
        decode_command(message, KEY.public_key())


@pytest.mark.parametrize(
    "bad",
    [
        command(SendMedia("../../etc/passwd")),
        command(Restart("gateway"), life_ms=0),
        command(Restart("gateway"), life_ms=MAX_LIFE_MS + 1),
        command(PutFirmware(SHA, 10, 5, b"123456")),
        command(SayToSensor("audio-01")),
        command(SayToSensor("audio-01", payload="00", text="both")),
        command(SayToSensor("audio-01", payload="0g")),
        command(ChangeSettings({})),
        msgspec.structs.replace(command(Restart("gateway")), station="no/such"),
        msgspec.structs.replace(command(Restart("gateway")), id="short"),
    ],
)
def test_what_a_post_would_refuse_is_not_signed(bad: Command) -> None:
    with pytest.raises(ContractError):
        encode_command(bad, KEY)


def test_a_command_too_large_is_not_signed_and_not_read() -> None:
    with pytest.raises(ContractError, match="too_large"):
        encode_command(command(SetRules("x" * MAX_COMMAND_BYTES)), KEY)
    with pytest.raises(ContractError, match="too_large"):
        decode_command(bytes(MAX_COMMAND_BYTES + 1), KEY.public_key())
