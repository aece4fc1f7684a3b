"""A GPS on a serial line: positions that were measured, at intervals or when it moves; a time that can be believed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.drivers.nmea_gps import NmeaGpsDecoder, Settings, open_source
from firmware_bridge.readings import Kind, Reading
from gateway.clock.clock import Clock
from gateway.contract.entries import TimeQuality
from gateway.intake import Intake, Lanes
from gateway.settings import LaneSettings
from tests.firmware_bridge.drivers.radio_frames import check_page, told
from tests.gateway.outbox.boxes import opened
from tests.support.golden import Golden
from tests.support.kept_post import kept_post
from tests.support.running_source import RunningSource
from tests.support.serial_lines import TtyPair
from tests.support.simulated_time import SimulatedTime
from tests.support.waiting import wait_until

# From a public log of a u-blox receiver in the Auvergne, 23 June 2019.
GGA = b"$GNGGA,064607.000,4546.2282,N,00311.6590,E,1,05,2.6,412.0,M,0.0,M,,*77\r\n"
RMC = b"$GNRMC,064607.000,A,4546.2282,N,00311.6590,E,0.76,0.00,230619,,,A*7D\r\n"


def settings(**extra: Any) -> Settings:
    return Settings.model_validate(
        {"driver": "nmea_gps", "name": "gps", "port": "/dev/none", "sensor": "gps-puesto"} | extra
    )


def sentence(text: str) -> bytes:
    total = 0
    for byte in text.encode():
        total ^= byte
    return f"${text}*{total:02X}\r\n".encode()


def rmc(
    time: str = "064607.00", *, latitude: str = "0234.5000", status: str = "A", date: str = "250726", mode: str = "A"
) -> bytes:
    return sentence(f"GPRMC,{time},{status},{latitude},S,07140.2500,W,0.0,,{date},,,{mode}")


def gga(time: str = "064607.00", *, latitude: str = "0234.5000", quality: str = "1", hdop: str = "0.9") -> bytes:
    return sentence(f"GPGGA,{time},{latitude},S,07140.2500,W,{quality},08,{hdop},105.4,M,12.0,M,,")


def feed(*chunks: bytes, **extra: Any) -> tuple[list[Reading], Counter[str], list[int]]:
    """Readings, reasons, times."""
    decoder = NmeaGpsDecoder(settings(**extra))
    readings: list[Reading] = []
    reasons: Counter[str] = Counter()
    times: list[int] = []
    for chunk in chunks:
        delivery = decoder.feed(chunk)
        if delivery is not None:
            readings += delivery.readings
            reasons.update({item.reason: item.count for item in delivery.rejected})
            times += [delivery.gps_utc_ms] if delivery.gps_utc_ms is not None else []
    return readings, reasons, times


ACCEPTED = Golden("a public log of a u-blox receiver in the Auvergne, 2019-06-23", settings(), (GGA, RMC))
REJECTED = Golden("the same, one digit changed", settings(), (RMC.replace(b"4546", b"4547"),))


def test_accepted_and_rejected() -> None:
    """The log above; a week count that has rolled over, as its date tells; the rest altered or from manuals."""
    readings, reasons, _ = feed(GGA + RMC)
    assert [(r.kind, r.sensor) for r in readings] == [(Kind.POSITION, "gps-puesto")]
    assert readings[0].values() == {
        "latitude_degrees": 45.77047,
        "longitude_degrees": 3.194317,
        "altitude_metres": 412,
        "horizontal_error_metres": 13,
    }
    assert reasons == {"week_rollover": 1}  # 2019: before the first year that is believed
    bad = {
        "bad_checksum": RMC.replace(b"4546", b"4547"),
        "no_fix": b"$GNRMC,,V,,,,,,,,,,N,V*37\r\n",  # Teseo data sheet
        "bad_sentence": b"$GNRMC,064607.000,A\r\n" + sentence("GPRMC,999999,A,0,S,0,W,0,,010126") + sentence("GPGGA,1"),
        "not_measured": rmc(mode="S") + gga(quality="6"),
        "other_text": b"u-blox starts\r\n",
    }
    readings, reasons, times = feed(b"".join(bad.values()))
    assert not readings
    assert not times
    assert reasons == {"bad_checksum": 1, "no_fix": 1, "bad_sentence": 3, "not_measured": 2, "other_text": 1}


@pytest.mark.parametrize("talker", ["GP", "GN", "GL", "GA", "BD", "GB"])
def test_every_constellation_and_sides_of_the_globe(talker: str) -> None:
    south_west = (rmc() + gga()).replace(b"$GP", b"$" + talker.encode())
    lines = [sentence(line.split(b"*")[0][1:].decode()) for line in south_west.splitlines()]
    readings, _, times = feed(*lines)
    assert readings[0].values()["latitude_degrees"] == -2.575
    assert readings[0].values()["longitude_degrees"] == -71.670833
    assert times == [round(datetime(2026, 7, 25, 6, 46, 7, tzinfo=UTC).timestamp() * 1000)]


def test_sentences_of_others_and_of_no_use_are_left_alone() -> None:
    use = [
        sentence("GPGSV,2,1,07,29,63,203,24,2,62,148,,25,61,339,24,20,33,129,"),
        sentence("GPVTG,,T,,M,0.0,N,0.0,K,A"),
        sentence("PUBX,00,081350.00"),
        sentence("GNTXT,01,01,02,u-blox AG"),
    ]
    assert feed(*use) == ([], {}, [])


def test_a_fix_without_height() -> None:
    readings, _, _ = feed(sentence("GNGSA,A,2,29,25,20,,,,,,,,,,2.6,2.4,1.0"), gga(), rmc())
    assert "altitude_metres" not in readings[0].values()
    readings, _, _ = feed(sentence("GNGSA,A,3,29,25,20,,,,,,,,,,2.6,2.4,1.0"), gga(hdop=""), rmc())
    assert "altitude_metres" in readings[0].values()
    assert "horizontal_error_metres" not in readings[0].values()


def second(n: int) -> str:
    return f"{n // 3600:02d}{n // 60 % 60:02d}{n % 60:02d}.00"


def test_the_interval_runs_by_the_time_of_the_gps_over_midnight() -> None:
    stream = [rmc(second(n % 86400)) + gga(second(n % 86400)) for n in range(86_300, 86_300 + 601)]
    assert len(feed(*stream, every_s=60)[0]) == 11


@pytest.mark.parametrize("form", ["rmc", "gga"])
def test_one_kind_of_sentence_is_enough(form: str) -> None:
    one = rmc if form == "rmc" else gga
    readings, reasons, times = feed(*[one(second(n)) for n in range(121)], every_s=60)
    assert len(readings) == 2
    assert not reasons
    assert len(times) == (121 if form == "rmc" else 0)


def test_moving_is_told_at_once_but_not_the_trembling_of_a_bad_fix() -> None:
    still = rmc(second(0)) + gga(second(0), hdop="9")
    near = rmc(second(1), latitude="0234.5300") + gga(second(1), latitude="0234.5300", hdop="9")  # 56 m
    trembling = rmc(second(2), latitude="0234.5450") + gga(second(2), latitude="0234.5450", hdop="9")  # 83 m
    away = rmc(second(3), latitude="0234.6000") + gga(second(3), latitude="0234.6000", hdop="0.9")  # 185 m
    assert len(feed(still, near, trembling, moved_metres=20)[0]) == 1
    assert len(feed(still, near, trembling, away, moved_metres=20)[0]) == 2


def test_a_week_rollover_keeps_the_position_only() -> None:
    readings, reasons, times = feed(rmc(date="101206") + gga())
    assert len(readings) == 1
    assert not times
    assert reasons == {"week_rollover": 1}


@given(st.lists(st.integers(1, 90), min_size=1, max_size=6))
def test_cutting_the_stream_changes_nothing(sizes: list[int]) -> None:
    stream = b"\xff\xfe\r\n" + b"".join(rmc(second(n)) + gga(second(n)) for n in range(0, 300, 50)) + RMC[:-9]
    whole = feed(stream, every_s=60)
    chunks, at = [], 0
    while at < len(stream):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(stream[at : at + size])
        at += size
    assert feed(*chunks, every_s=60)[:2] == whole[:2]
    assert len(whole[0]) == 3


@given(st.lists(st.one_of(st.binary(max_size=60), st.text("$GPNRMCA,.*0123456789SWENV", max_size=90)), max_size=10))
def test_any_sentence_is_a_reading_or_a_reason(parts: list[bytes | str]) -> None:
    feed(*[sentence(part) if isinstance(part, str) else part for part in parts])


@given(st.lists(st.text("0123456789.NSEWAVM-", max_size=10), min_size=13, max_size=13))
def test_any_fields_are_a_reading_or_a_reason(fields: list[str]) -> None:
    for kind in ("GPRMC", "GPGGA", "GPGSA"):
        feed(sentence(",".join([kind, *fields])))


@pytest.mark.slow
def test_from_a_tty_into_the_outbox(tmp_path: Path) -> None:
    pair = TtyPair(tmp_path / "port")
    with (
        kept_post(tmp_path / "outbox.db") as post,
        RunningSource(open_source(settings(port=str(pair.link)), {}), post.deliver) as running,
    ):
        pair.say(b"\xffhalf a line*00\r\n" + GGA[:30])
        pair.say(GGA[30:] + RMC)
        wait_until("a position", running.has(1))
        assert [told(r) for r in post.readings()] == [told(running.readings[0])]
    pair.unplug()
    check_page("nmea_gps", told(running.readings[0]))


def test_what_a_gps_says_becomes_the_time_of_readings(tmp_path: Path) -> None:
    machine = SimulatedTime(round(datetime(2026, 7, 25, 6, 46, 8, tzinfo=UTC).timestamp() * 1000), wall_ms=0)
    clock = Clock("ntp", machine)
    decoder = NmeaGpsDecoder(settings())
    with opened(tmp_path / "outbox.db", clock=clock) as outbox:
        intake = Intake(outbox, Lanes(LaneSettings()), clock, lambda alerts: None)
        for second in ("07", "08", "09"):
            assert clock.now().quality is TimeQuality.UNTRUSTED
            delivery = decoder.feed(rmc(f"0646{second}.00"))
            assert delivery is not None
            intake.deliver(delivery)
            machine.pass_ms(1_000)
        assert outbox.state().entries == 0
    now = clock.now()
    assert now.quality is TimeQuality.GPS
    assert abs(now.wall_ms - machine.true_ms) <= now.uncertainty_ms


def test_another_speed_is_told_from_text() -> None:
    """What a UART makes of sentences at a higher speed: hardly a letter."""
    delivery = NmeaGpsDecoder(settings()).feed(bytes.fromhex("00 80 f8 66 1e e6 ff 80 00 fe") * 4 + b"\n")
    assert delivery is not None
    assert [(item.reason, item.count) for item in delivery.rejected] == [("unreadable_line", 1)]
