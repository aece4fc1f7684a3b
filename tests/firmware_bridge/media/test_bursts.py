"""Pictures of one event come together, whatever their order; those of two never do."""

from __future__ import annotations

from firmware_bridge.media.bursts import Bursts, Shot


def shot(
    what: str,
    *,
    camera: str = "a",
    event: int | None = 7,
    number: int | None = None,
    of: int | None = None,
    at: float | None = 0.0,
) -> Shot[str]:
    return Shot(camera, event, number, of, at, what)


def names(due: list[list[Shot[str]]]) -> list[str]:
    return ["".join(one.what for one in burst) for burst in due]


def test_a_whole_burst_does_not_wait() -> None:
    bursts: Bursts[str] = Bursts(5.0)
    for number, what in ((3, "c"), (1, "a"), (2, "b")):
        assert names(bursts.due(0.0)) == []
        bursts.add(shot(what, number=number, of=3), 0.0)
    assert names(bursts.due(0.0)) == ["abc"]
    assert bursts.waiting() == 0


def test_what_is_missing_is_waited_for_and_then_not() -> None:
    bursts: Bursts[str] = Bursts(5.0)
    bursts.add(shot("a", number=1, of=10), 0.0)
    bursts.add(shot("b", number=2, of=10), 4.0)
    assert names(bursts.due(8.9)) == []
    assert bursts.waiting() == 2
    assert names(bursts.due(9.0)) == ["ab"]
    bursts.add(shot("c", number=3, of=10), 10.0)
    assert names(bursts.due(15.0)) == ["c"]


def test_single_pictures_are_due_at_once() -> None:
    bursts: Bursts[str] = Bursts(5.0)
    bursts.add(shot("a", event=None), 0.0)
    bursts.add(shot("b", event=None), 0.0)
    bursts.add(shot("c", event=9, number=1, of=1), 0.0)
    assert names(bursts.due(0.0)) == ["a", "b", "c"]


def test_an_event_without_a_series_gathers_by_its_number() -> None:
    bursts: Bursts[str] = Bursts(5.0)
    for what in "ab":
        bursts.add(shot(what), 0.0)
    assert names(bursts.due(4.0)) == []
    assert names(bursts.due(5.0)) == ["ab"]


def test_two_events_stay_apart() -> None:
    bursts: Bursts[str] = Bursts(5.0)
    bursts.add(shot("a", number=1, of=3), 0.0)
    bursts.add(shot("b", camera="b", number=2, of=3), 0.0)  # another camera
    bursts.add(shot("c", event=8, number=2, of=3), 0.0)  # another event
    bursts.add(shot("d", number=1, of=3, at=1.0), 0.0)  # the number is there already
    bursts.add(shot("e", number=2, of=3, at=86_400.0), 0.0)  # the same number on another card
    assert sorted(names(bursts.due(5.0))) == ["a", "b", "c", "d", "e"]


def test_a_series_without_an_event_number() -> None:
    bursts: Bursts[str] = Bursts(5.0)
    for number, what, at in (
        (1, "a", 0.0),
        (2, "b", 1.0),
        (3, "c", 2.0),
        (1, "d", 30.0),
        (2, "e", 31.0),
        (3, "f", 32.0),
    ):
        bursts.add(shot(what, event=None, number=number, of=3, at=at), 0.0)
    assert names(bursts.due(0.0)) == ["abc", "def"]


def test_what_waits_is_bounded() -> None:
    bursts: Bursts[int] = Bursts(1e9)
    for event in range(1500):
        bursts.add(Shot("a", event, 1, 2, None, event), 0.0)
    assert len(bursts.due(0.0)) == 500
    assert bursts.waiting() == 1000


def test_pictures_that_nothing_numbers_gather_by_their_times() -> None:
    bursts: Bursts[str] = Bursts(5.0, 3.0)
    for what, at in (("a", 0.0), ("b", 2.0), ("c", 5.0), ("d", 8.5)):
        bursts.add(shot(what, event=None, at=at), 0.0)
    bursts.add(shot("e", event=None, at=1.0, camera="b"), 0.0)
    assert names(bursts.due(4.9)) == []
    assert names(bursts.due(5.0)) == ["abc", "d", "e"]


def test_a_picture_without_a_time_is_an_event_of_its_own() -> None:
    bursts: Bursts[str] = Bursts(5.0, 3.0)
    for what in "ab":
        bursts.add(shot(what, event=None, at=None), 0.0)
    assert names(bursts.due(0.0)) == ["a", "b"]
