"""What the links before say about why this one ended."""

from __future__ import annotations

from gateway.uplink.earlier_links import EarlierLinks
from gateway.uplink.refusals import Why


def explained(links: EarlierLinks, said: Why, **known: object) -> Why:
    return links.explain(said, **({"lasted_s": 1.0, "denied": "", "taken_over": False} | known))  # type: ignore[arg-type]  # as given


def test_three_short_links_in_a_row_look_like_two_machines_of_one_name() -> None:
    links = EarlierLinks("p")
    broke = Why("the connection broke", refused=False)
    assert [explained(links, broke) for _ in range(2)] == [broke, broke]
    assert "has another gateway the certificate of 'p'" in explained(links, broke).words


def test_what_is_known_is_said_however_often_it_comes() -> None:
    links = EarlierLinks("p")
    known = Why("the broker answers what we did not ask; no honest one does that", refused=True)
    assert {explained(links, known) for _ in range(5)} == {known}
    assert not links.taken_over
    assert (
        "(Not authorized): is the certificate that of another post?"
        in explained(links, known, denied="Not authorized").words
    )
