"""The proof catches what it claims to catch: above all a loss and a double that hide each other."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from deploy.demo.proof import Account, Point, Proof, prove
from ingest.schema import point_time_ns

POST = "puesto-yaguas"
EPOCHS = (bytes.fromhex("00000000000000a1"), bytes.fromhex("b7c2f00000000102"))


def account(heard: int, *, own: int = 0, evicted: int = 0, waiting: int = 0, starts: int = 2, sent: int = 0) -> Account:
    return Account(POST, sent or heard, heard, own, evicted, waiting, starts)


def point(epoch: bytes, sequence: int, *, time_ms: int = 0, station: str = POST) -> Point:
    moment_ms = time_ms or 1_790_000_000_000 + sequence * 137
    return Point(station, point_time_ns(moment_ms, epoch, sequence), sequence)


def stored(first: int, second: int) -> list[Point]:
    """All of two epochs."""
    return [
        point(epoch, sequence)
        for epoch, last in zip(EPOCHS, (first, second), strict=True)
        for sequence in range(1, last + 1)
    ]


def judged(proof: Proof) -> tuple[int, int, int]:
    return proof.verdicts[0].lost, proof.verdicts[0].double, proof.verdicts[0].unknown


def test_all_of_it_once_holds() -> None:
    proof = prove([account(25, own=5)], stored(20, 10))
    assert proof.holds
    assert judged(proof) == (0, 0, 0)
    assert proof.verdicts[0].epochs == 2


def test_a_loss_and_a_double_that_hide_each_other_are_both_seen() -> None:
    points = stored(20, 10)
    points[4] = point(EPOCHS[0], 12, time_ms=1_790_000_099_000)  # the fifth is gone, the twelfth is there at two times
    proof = prove([account(30)], points)
    assert len(points) == 30
    assert not proof.holds
    assert judged(proof) == (1, 1, 0)


def test_a_loss_in_one_epoch_is_not_made_good_by_the_same_number_in_another() -> None:
    points = [one for one in stored(20, 10) if one != point(EPOCHS[0], 7)]  # 7 of the second epoch is still there
    assert judged(prove([account(30)], points)) == (1, 0, 0)


def test_the_last_of_an_epoch_and_a_whole_epoch_are_missed() -> None:
    assert judged(prove([account(30)], stored(20, 9))) == (1, 0, 0)
    assert judged(prove([account(30)], stored(20, 0))) == (10, 0, 0)
    assert judged(prove([account(30)], [])) == (30, 0, 0)


def test_a_gap_is_a_loss_even_when_an_unknown_entry_makes_up_the_number() -> None:
    points = [one for one in stored(20, 10) if one.sequence != 5 or one == point(EPOCHS[1], 5)]
    points.append(point(EPOCHS[1], 11))
    assert judged(prove([account(30)], points)) == (1, 0, 1)


def test_what_was_evicted_is_not_expected() -> None:
    points = [one for one in stored(20, 10) if one.sequence > 3]
    assert prove([account(30, evicted=6)], points).holds
    assert judged(prove([account(30, evicted=5)], points)) == (1, 0, 0)


def test_more_epochs_than_starts_waiting_entries_and_frames_never_sent_are_faults() -> None:
    assert "2 epochs of 1 starts" in prove([account(30, starts=1)], stored(20, 10)).verdicts[0].faults[0]
    assert "still wait" in prove([account(30, waiting=1)], stored(20, 10)).verdicts[0].faults[0]
    assert "accepted twice" in prove([account(30, sent=29)], stored(20, 10)).verdicts[0].faults[0]


def test_points_of_a_station_that_nobody_answers_for() -> None:
    proof = prove([account(30)], [*stored(20, 10), point(EPOCHS[0], 1, station="puesto-ajeno")])
    assert not proof.holds
    assert proof.strangers == {"puesto-ajeno": 1}


@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=4),
    epochs=st.lists(st.binary(min_size=8, max_size=8), min_size=4, max_size=4, unique_by=lambda e: _last_digits(e)),
    losses=st.integers(0, 10),
    doubles=st.integers(0, 10),
    seed=st.integers(0, 2**32),
)
def test_any_losses_and_doubles_are_counted_exactly(
    sizes: list[int], epochs: list[bytes], losses: int, doubles: int, seed: int
) -> None:
    chance = random.Random(seed)
    every = [point(epochs[i], sequence) for i, last in enumerate(sizes) for sequence in range(1, last + 1)]
    accepted = len(every)
    lost = set(chance.sample(every, min(losses, accepted)))
    kept = [one for one in every if one not in lost]
    copies = chance.sample(kept, min(doubles, len(kept)))
    kept += [one._replace(time_ns=one.time_ns + 1_000_000 * (i + 1)) for i, one in enumerate(copies)]
    chance.shuffle(kept)
    proof = prove([account(accepted, starts=len(sizes))], kept)
    assert judged(proof) == (len(lost), len(copies), 0)
    assert proof.holds == (not lost and not copies)


def _last_digits(epoch: bytes) -> int:
    return int.from_bytes(epoch, "big") % 10**6
