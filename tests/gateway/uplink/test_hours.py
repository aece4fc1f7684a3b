"""Why the link is open: its hours, an alert at any time, no longer than it takes."""

from __future__ import annotations

import math

from gateway.clock.moments import Moment
from gateway.contract.entries import TimeQuality
from gateway.uplink.hours import Hours, OpenFor
from gateway.uplink.schedule import Always, Cycle

EVERY_S, OPEN_S, ALERT_S = 3600.0, 600.0, 300.0


class Post:
    """Hours, and a clock that both of its times come from."""

    def __init__(self, hours: Hours) -> None:
        self.hours = hours
        self.now = 0.0
        self.is_up = False
        self.alerts_wait = False
        self.is_spent = False

    @property
    def moment(self) -> Moment:
        return Moment(round(self.now * 1000), 0, TimeQuality.UNTRUSTED, 0)

    def why(self, now: float) -> OpenFor | None:
        self.now = now
        return self.hours.why_open(
            now, self.moment, is_up=self.is_up, alerts_wait=self.alerts_wait, is_spent=self.is_spent
        )


def post() -> Post:
    return Post(Hours(Cycle(EVERY_S, OPEN_S), ALERT_S))


def test_open_in_its_hours_and_closed_between() -> None:
    one = post()
    assert [one.why(now) for now in (0, 599, 600, 3599, 3600)] == [
        OpenFor.SCHEDULE, OpenFor.SCHEDULE, None, None, OpenFor.SCHEDULE,
    ]  # fmt: skip


def test_when_all_is_sent_the_rest_of_an_opening_is_not_used() -> None:
    one = post()
    assert one.why(10) is OpenFor.SCHEDULE
    assert one.hours.ends
    one.hours.all_sent(20, one.moment)
    assert one.why(21) is None
    assert one.why(599.9) is None
    assert one.hours.opens_in_s(one.moment) == 3600 - 599.9
    assert one.why(3601) is OpenFor.SCHEDULE
    assert one.hours.opens_in_s(one.moment) == 0


def test_an_alert_opens_the_link_and_its_receipt_closes_it() -> None:
    one = post()
    assert one.why(1000) is None
    one.alerts_wait = True
    assert one.why(1001) is OpenFor.ALERT
    one.is_up = True
    assert one.why(1010) is OpenFor.ALERT
    one.alerts_wait = False
    assert one.why(1011) is None


def test_an_alert_without_receipt_does_not_hold_the_link_for_ever_and_is_not_given_up() -> None:
    one = post()
    one.alerts_wait = one.is_up = True
    assert one.why(1000) is OpenFor.ALERT
    assert one.why(1000 + ALERT_S) is None
    one.is_up = False
    assert one.why(1000 + 2 * ALERT_S - 1) is None
    assert one.why(1000 + 2 * ALERT_S) is OpenFor.ALERT
    one.is_up = True
    assert one.why(1700) is OpenFor.ALERT
    assert one.why(2000) is None
    assert one.why(2300) is None  # the pause is longer now
    one.hours.alert_came()
    assert one.why(2301) is OpenFor.ALERT  # a new alert waits for nothing


def test_trying_to_connect_is_not_paid_for_and_goes_on() -> None:
    one = post()
    one.alerts_wait = True
    assert [one.why(now) for now in (700, 2000, 3599)] == [OpenFor.ALERT] * 3


def test_always_open_until_the_budget_of_everything_is_spent() -> None:
    one = Post(Hours(Always(), ALERT_S))
    assert one.why(0) is OpenFor.SCHEDULE
    assert not one.hours.ends
    assert one.hours.opens_in_s(one.moment) is None
    one.is_spent = True
    assert one.why(math.pi) is None
    one.alerts_wait = True
    assert one.why(4) is OpenFor.ALERT
    one.is_spent = False
    assert one.why(5) is OpenFor.SCHEDULE
