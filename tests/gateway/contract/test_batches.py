"""Batches say what was put into them, whatever that is; what they could not say is not sent."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.readings import LABELS, QUANTITIES, Kind, Reading, make_reading
from gateway.contract.batches import decode_entries, decode_groups, decode_head, encode_batch, station_digest
from gateway.contract.entries import MAX_ENTRIES, Entry
from gateway.contract.rows import MAX_TIME_MS
from gateway.contract.topics import ContractError, Lane, up
from tests.gateway.contract.any_entries import batches, readings
from tests.gateway.contract.made_entries import EPOCH, climate, entry


def chainsaw(sensor: str = "acustico-01", confidence: float = 0.93) -> Reading:
    values = {
        "confidence_ratio": confidence,
        "sound_level_decibels": 71.3,
        "duration_seconds": 12.5,
        "battery_volts": 3.91,
        "rssi_dbm": -97,
        "snr_decibels": -6.25,
    }
    return make_reading(Kind.ACOUSTIC_DETECTION, sensor, values, label="chainsaw")


@given(batches())
def test_what_goes_in_comes_out(entries: list[Entry]) -> None:
    message = encode_batch("puesto-yaguas", EPOCH, entries)
    head, decoded = decode_entries(message)
    assert decoded == entries
    assert head.epoch == EPOCH
    assert head.station_digest == station_digest("puesto-yaguas")


@pytest.mark.parametrize("count", [1, 4, 5, 500, MAX_ENTRIES])
def test_every_size_of_batch_goes_round(count: int) -> None:
    rng = random.Random(count)
    sequences = sorted(rng.sample(range(1, 3 * count + 1), count))
    entries = [
        entry(s, climate(f"clima-{rng.randrange(7)}", rng.uniform(-10, 45)), 1_763_829_000_000 + 997 * s)
        for s in sequences
    ]
    assert decode_entries(encode_batch("p", EPOCH, entries))[1] == entries


def test_as_many_shapes_and_names_as_entries_go_round() -> None:
    """Every entry with other quantities, sensor and label than every other."""
    names = sorted(QUANTITIES)
    rng = random.Random(3)
    entries = []
    for sequence in range(1, 701):
        chosen = sorted(QUANTITIES[name].code for name in rng.sample(names, rng.randint(1, 9)))
        reading = Reading(3, f"sensor-{sequence}", f"label-{sequence}", tuple(chosen), tuple(range(len(chosen))))
        entries.append(entry(sequence, reading))
    assert decode_entries(encode_batch("p", EPOCH, entries))[1] == entries


@pytest.mark.parametrize("count", [1, 5])
def test_the_largest_and_smallest_value_of_every_quantity_goes_round(count: int) -> None:
    for quantity in QUANTITIES.values():
        for value in (quantity.minimum, quantity.maximum):
            steps = quantity.to_steps(value)
            reading = Reading(int(Kind.ENVIRONMENT), "s", "", (quantity.code,), (steps,))
            entries = [entry(n, reading) for n in range(1, count + 1)]
            assert decode_entries(encode_batch("p", EPOCH, entries))[1] == entries, quantity.name


@given(st.lists(st.integers(-(2**62) + 1, 2**62 - 1), min_size=1, max_size=9))
def test_any_number_of_62_bits_goes_round(numbers: list[int]) -> None:
    code = QUANTITIES["outbox_bytes"].code
    entries = [entry(n, Reading(16, "s", "", (code,), (number,))) for n, number in enumerate(numbers, start=1)]
    assert decode_entries(encode_batch("p", EPOCH, entries))[1] == entries


GOOD = climate("s", 20.0)


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize(
    "bad",
    [
        Entry(9, -1, 2, 0, GOOD),
        Entry(9, MAX_TIME_MS + 1, 2, 0, GOOD),
        Entry(9, 0, 0, 0, GOOD),
        Entry(9, 0, 256, 0, GOOD),
        Entry(9, 0, 2, -1, GOOD),
        Entry(9, 0, 2, 2**50, GOOD),
        Entry(9, 0, 2, 0, Reading(99, "s", "", (32,), (1,))),
        Entry(9, 0, 2, 0, Reading(3, "", "", (32,), (1,))),
        Entry(9, 0, 2, 0, Reading(3, "x" * 33, "", (32,), (1,))),
        Entry(9, 0, 2, 0, Reading(3, "bell\a", "", (32,), (1,))),
        Entry(9, 0, 2, 0, Reading(3, "a\\", "", (32,), (1,))),
        Entry(9, 0, 2, 0, Reading(1, "s", "a\\", (32,), (1,))),
        Entry(9, 0, 2, 0, Reading(3, "half \ud800", "", (32,), (1,))),
        Entry(9, 0, 2, 0, Reading(1, "s", "y" * 33, (32,), (1,))),
        Entry(9, 0, 2, 0, Reading(3, "s", "", (), ())),
        Entry(9, 0, 2, 0, Reading(3, "s", "", (15,), (1,))),
        Entry(9, 0, 2, 0, Reading(3, "s", "", (33, 32), (1, 1))),
        Entry(9, 0, 2, 0, Reading(3, "s", "", (32,), (2**62,))),
        Entry(0, 0, 2, 0, GOOD),
        Entry(2**48, 0, 2, 0, GOOD),
    ],
    ids=repr,
)
def test_what_would_be_refused_is_not_sent(bad: Entry, count: int) -> None:
    others = [entry(n + 10, GOOD) for n in range(1, count)]
    ordered = sorted([bad, *others], key=lambda e: e.sequence)
    with pytest.raises(ValueError):
        encode_batch("p", EPOCH, ordered)


def test_entries_out_of_order_too_many_or_too_large_are_not_sent() -> None:
    for entries in ([], [entry(2, GOOD), entry(1, GOOD)], [entry(1, GOOD), entry(1, GOOD)]):
        with pytest.raises(ValueError):
            encode_batch("p", EPOCH, entries)
    with pytest.raises(ValueError, match="4097 entries"):
        encode_batch("p", EPOCH, [entry(n, GOOD) for n in range(1, 4098)])
    rng = random.Random(1)
    codes = tuple(sorted(q.code for q in QUANTITIES.values()))
    wild = [
        entry(n, Reading(3, f"s{n}", "", codes, tuple(rng.randrange(-(2**40), 2**40) for _ in codes)))
        for n in range(1, 4001)
    ]
    with pytest.raises(ValueError, match="at most"):
        encode_batch("p", EPOCH, wild)


# What the wire looks like. Synthetic; a change here is a change of the contract.
LONE_ALERT_HEX = (
    "0102e1908ee80102030405060708010100010b616375737469636f2d303181c0ce9ae3aa33"  # head, kind, sensor, label, time
    "0210"
    "06"
    "01c40e"
    "02920b"
    "03fa01"
    "108e06"
    "13c101"
    "14e109"  # quality, uncertainty, six quantities
)
COLUMNS_HEX = (
    "0100148de9c501020304050607080301020200030002026331026330010302202102070001000200000204"
    "100102d0acb5c6d566d0d0a07007070f170503010004060301002010100002d2369a04300f101010110100880e"
)
COMPRESSED_HEX = (
    "0101148de9c5010203040506070801013b28b52ffd6056003505000409020263310263300103022021023e00010002047e0102d0acb5c6d5"
    "66d00705030100040603010020107e0002d2369afe62c62a8ef256ba1e82e64aae1276da3ea2066ace3296fa5ec2260468cc3094f85cc024"
    "88ec50b4187ce044a80c70d4389c0064c82c90f4580f10101011111212121313141414151516161617171818181919191a1a1b111315171a"
    "1b0100880e08002005d80163c00405aa3507a738eef4dee9c2"
)


def climates(*sequences: int) -> list[Entry]:
    return [entry(n, climate(f"c{n % 2}", 20 + n / 4), 1_763_829_000_000 + 1000 * n) for n in sequences]


def test_the_wire_format_does_not_change() -> None:
    assert encode_batch("puesto-yaguas", EPOCH, [entry(1, chainsaw())]).hex() == LONE_ALERT_HEX
    assert encode_batch("p", EPOCH, climates(1, 2, 3, 5, 8)).hex() == COLUMNS_HEX


@pytest.mark.parametrize(
    ("golden", "entries"),
    [
        (LONE_ALERT_HEX, [entry(1, chainsaw())]),
        (COLUMNS_HEX, climates(1, 2, 3, 5, 8)),
        (COMPRESSED_HEX, climates(*range(1, 61))),  # how well it is compressed may change, what it means may not
    ],
    ids=["rows", "columns", "compressed"],
)
def test_what_was_sent_once_is_understood_for_ever(golden: str, entries: list[Entry]) -> None:
    assert decode_entries(bytes.fromhex(golden))[1] == entries


def test_a_lone_alert_costs_a_hundred_bytes_with_all_framing() -> None:
    """MQTT 5 PUBLISH at QoS 1: fixed header 2, topic length 2 and topic, packet id 2, property length 1, payload."""
    alert = encode_batch("puesto-yaguas", EPOCH, [entry(123_456, chainsaw())])
    framed = 2 + 2 + len(up("puesto-yaguas", Lane.ALERT)) + 2 + 1 + len(alert)
    assert framed <= 100


@given(batches(max_size=6), st.integers(2, 255), st.binary(max_size=50))
def test_a_head_can_be_read_in_any_version(entries: list[Entry], version: int, body: bytes) -> None:
    message = encode_batch("puesto-yaguas", EPOCH, entries)
    head = decode_head(message)
    later = bytes((version, 0xFF)) + message[2 : head.body_at] + body
    again = decode_head(later)
    assert (again.version, again.epoch, again.ranges) == (version, EPOCH, head.ranges)
    assert again.station_digest == station_digest("puesto-yaguas")
    with pytest.raises(ContractError, match="unknown_version"):
        decode_groups(later, again)


@given(readings())
def test_labels_in_and_out_of_the_vocabulary_travel(reading: Reading) -> None:
    for label in ("", "chainsaw", "unlisted_200", reading.label, *sorted(LABELS)[:3]):
        one = Reading(reading.kind, reading.sensor, label, reading.codes, reading.steps)
        assert decode_entries(encode_batch("p", EPOCH, [entry(1, one)]))[1][0].reading == one
