"""Every quantity of the catalogue has a unit of Grafana."""

from __future__ import annotations

import pytest

from dashboards.units import grafana_unit
from firmware_bridge.readings import QUANTITIES


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_every_quantity_has_a_unit(quantity: str) -> None:
    assert grafana_unit(quantity)


def test_units_are_grafanas_own_words() -> None:
    assert grafana_unit("battery_ratio") == "percentunit"
    assert grafana_unit("rssi_dbm") == "dBm"
    assert grafana_unit("outbox_entries") == "none"
    assert grafana_unit("disk_free_bytes") == "bytes"
