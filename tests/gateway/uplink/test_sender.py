"""What goes over a connection next, with a time and a connection of the test's own."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from gateway.contract.batches import decode_entries
from gateway.contract.topics import Lane
from gateway.uplink.flights import LINE_BYTES
from gateway.uplink.sender import Sender
from gateway.uplink.settings import BudgetSettings, UplinkSettings
from gateway.uplink.spending import Spending
from tests.gateway.uplink.post_on_a_line import STATION, accept, chainsaw, outbox_in


def test_a_thousand_alerts_that_nobody_receipted_do_not_stand_before_a_new_one(tmp_path: Path) -> None:
    count, sent = 1000, list[tuple[int, bytes]]()
    numbers = iter(range(1, 10 * count))

    def publish(_: str, payload: bytes) -> int:
        sent.append((next(numbers), payload))
        return sent[-1][0]

    def acknowledged(now: float) -> list[bytes]:
        """What was sent since this was last asked; the broker has it."""
        for number, _ in sent:
            sender.acknowledged(number, 0, now, now)
        payloads = [payload for _, payload in sent]
        sent.clear()
        return payloads

    with outbox_in(tmp_path) as outbox:
        spending = Spending(BudgetSettings(), dt.UTC)
        sender = Sender(STATION, outbox, UplinkSettings(), spending, [], settle_s=0.0)
        sender.begin_anew()
        sender.link_up(publish, 0.0)
        for _ in range(count):
            accept(outbox, Lane.ALERT, chainsaw())
            sender.came({Lane.ALERT: 1}, 0.0)
            sender.send(0.0, alerts_only=False)
            assert len(acknowledged(0.0)) == 1
        accept(outbox, Lane.ALERT, chainsaw("ahora"))
        sender.came({Lane.ALERT: 1}, 100.0)
        sender.send(100.0, alerts_only=False)
        went = acknowledged(100.0)
        assert decode_entries(went[0])[1][0].reading.sensor == "ahora"
        rounds = [went]
        while went:
            assert sum(map(len, went)) < 2 * LINE_BYTES
            sender.send(100.0, alerts_only=False)
            rounds.append(went := acknowledged(100.0))
    assert sum(map(len, rounds)) == count + 1
    assert len(rounds) > 3
