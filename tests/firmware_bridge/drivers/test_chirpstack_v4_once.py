"""An uplink is one reading: of several receivers, told twice, after a restart, a join and a counter set back."""

from __future__ import annotations

from tests.firmware_bridge.drivers.chirpstack_events import (
    ACK,
    JOIN,
    LOCATION,
    LOG,
    STATUS,
    chunk,
    decoder,
    up,
)
from tests.firmware_bridge.drivers.radio_servers import decode


def test_several_receivers_are_one_reading() -> None:
    heard = [{"rssi": -90, "snr": -3.5}, {"rssi": -110, "snr": 7.25}, {"rssi": -105, "snr": 7.25}, {"rssi": -120}]
    readings, _, _ = decode(decoder(), chunk("up", up(0, rxInfo=heard)))
    assert [(r.values()["rssi_dbm"], r.values()["snr_decibels"]) for r in readings] == [(-105, 7.25)]


def test_an_uplink_told_twice_is_one_reading_also_after_a_restart() -> None:
    server = decoder()
    readings, reasons, replay = decode(
        server,
        chunk("up", up(7)),
        chunk("up", up(7)),  # the broker tells it again
        chunk("up", up(7, deduplicationId="at another server")),
    )
    assert len(readings) == 1
    assert reasons == {"duplicate": 2}
    readings, reasons, _ = decode(decoder(replay), chunk("up", up(7)), chunk("up", up(8)), chunk("up", up(6)))
    assert len(readings) == 2
    assert reasons == {"duplicate": 1}


def test_status_and_location_told_twice_also_after_a_restart() -> None:
    readings, reasons, replay = decode(decoder(), chunk("status", STATUS), chunk("status", STATUS))
    assert (len(readings), reasons) == (1, {"duplicate": 1})
    readings, reasons, _ = decode(
        decoder(replay), chunk("status", STATUS), chunk("location", LOCATION), chunk("location", LOCATION)
    )
    assert (len(readings), reasons) == (1, {"duplicate": 2})


def test_events_of_one_frame_share_its_id() -> None:
    """ChirpStack gives status and ack the deduplication id of the uplink that brought them."""
    same = {"deduplicationId": "one"}
    readings, reasons, _ = decode(
        decoder(), chunk("up", up(0, **same)), chunk("status", STATUS | same), chunk("ack", ACK | same)
    )
    assert len(readings) == 2
    assert not reasons


def test_a_join_begins_anew() -> None:
    server = decoder()
    first = [chunk("up", up(counter)) for counter in range(3)]
    assert len(decode(server, *first)[0]) == 3
    _, _, replay = decode(server, chunk("join", JOIN))
    assert replay
    again = up(0, deduplicationId="anew", time="2022-07-18T09:34:19+00:00")
    assert len(decode(server, chunk("up", again), chunk("up", again))[0]) == 1
    other_address = up(0, deduplicationId="other", devAddr="01020304")
    assert len(decode(server, chunk("up", other_address))[0]) == 1


def test_a_counter_that_the_server_saw_reset() -> None:
    server = decoder()
    decode(server, *(chunk("up", up(counter)) for counter in range(3)))
    readings, reasons, _ = decode(
        server,
        chunk("log", LOG | {"code": "UPLINK_F_CNT_RESET", "level": "WARNING"}),
        chunk("up", up(0, deduplicationId="anew")),
    )
    assert len(readings) == 1
    assert reasons == {"log_uplink_f_cnt_reset": 1}
