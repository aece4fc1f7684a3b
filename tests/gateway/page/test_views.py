"""What the board says, in the words of a page."""

from __future__ import annotations

import re
import time

import pytest

from firmware_bridge.readings import Kind, make_reading
from firmware_bridge.sources import SourceStanding
from gateway.contract.topics import Lane
from gateway.outbox.outbox import OutboxState
from gateway.page.languages import Language, Languages
from gateway.page.now_view import now_view, patrol_hours
from gateway.page.phrases import at, moment
from gateway.page.post_view import link_words, post_view
from gateway.page.sensors_view import sensor_rows
from gateway.rules.facts import Fact, Note, Passage
from gateway.uplink.uplink import LinkState
from gateway.watch.words import BoardState, ClockWord, OutputWord, SourceWord, TroubleWord
from tests.gateway.page.posts import LIMA, Post, make_link

SPANISH = Language("es", LIMA)


@pytest.fixture
def busy(post: Post) -> BoardState:
    post.fill()
    return post.board.snapshot()


def test_what_nobody_has_acknowledged_comes_first_and_what_was_held_back_last(post: Post, busy: BoardState) -> None:
    now = now_view(busy, post.place, SPANISH)
    assert [one.number for one in now.open] == [42, 41, 40]
    assert [one.rings for one in now.open] == [True, True, False]
    assert [(one.number, one.held_back) for one in now.seen] == [(39, "patrulla Yaguas 2")]


def test_of_very_many_the_most_pressing_are_shown_and_the_others_counted(post: Post) -> None:
    for number in range(1, 31):
        post.raise_incident(number, "chainsaw", "rio-medio", state="open" if number < 4 else "acknowledged")
    now = now_view(post.board.snapshot(), post.place, SPANISH)
    assert (len(now.open), now.left_out) == (20, 10)
    assert {one.number for one in now.open[:3]} == {1, 2, 3}


def test_an_incident_in_words(post: Post, busy: BoardState) -> None:
    boat = next(one for one in now_view(busy, post.place, SPANISH).open if one.number == 41)
    assert (boat.title, boat.places) == ("Peque-peque", "Río medio, Río abajo")
    assert re.fullmatch(r"Desde .*\d+:\d\d, hace 4 min", boat.since)
    assert (boat.last, boat.standing, boat.notes) == ("", "", [])
    assert boat.details == "5 detecciones · 2 sensores · 93\N{NO-BREAK SPACE}% seguro"
    assert re.fullmatch(r"Baja por Río Sereno a 9 km/h\. Llega al puesto en 25 min \(\d+:\d\d(, .*)?\)", boat.boat)


def test_an_incident_tells_since_when_and_when_it_was_last_heard(post: Post) -> None:
    now_ms = time.time_ns() // 1_000_000
    post.raise_incident(1, "chainsaw", "rio-medio", ago_s=720, last_ms=now_ms - 60_000)
    (card,) = now_view(post.board.snapshot(), post.place, SPANISH).open
    began = moment(SPANISH, now_ms - 720_000, now_ms)
    assert (card.since, card.last) == (f"Desde {began}, hace 12 min", "Lo último: hace 1 min")


def test_the_hour_of_a_beginning_is_by_the_clock_that_was_vouched_for(post: Post) -> None:
    now_ms = time.time_ns() // 1_000_000
    for number, within_ms in ((1, 200), (2, 7_200_000), (3, None)):
        post.raise_incident(number, "chainsaw", "rio-medio", ago_s=720, first_ms=0, first_within_ms=within_ms)
    known, vague, unknown = sorted(now_view(post.board.snapshot(), post.place, SPANISH).open)
    assert known.since.startswith("Desde el 31/12/1969")
    began = moment(SPANISH, now_ms - 720_000, now_ms)
    assert vague.since == unknown.since == f"Desde {began}, hace 12 min"


@pytest.mark.parametrize(
    ("longest", "hours", "usual"),
    [
        (24.0, ["2", "4", "8", "12", "24"], "4"),
        (12.0, ["2", "4", "8", "12"], "4"),
        (6.0, ["2", "4", "6"], "4"),
        (0.5, ["0,5"], "0,5"),
    ],
)
def test_people_go_out_for_no_longer_than_the_rules_believe(longest: float, hours: list[str], usual: str) -> None:
    choices = patrol_hours(longest, SPANISH)
    assert [one.words for one in choices] == hours
    assert [one.words for one in choices if one.is_usual] == [usual]
    assert float(choices[-1].value) == longest


@pytest.mark.parametrize(
    ("label", "heard_after_s", "words"),
    [
        ("chainsaw", -5, "Visto"),
        ("chainsaw", 5, "Visto, sigue sonando"),
        ("person", 5, "Visto, sigue ahí"),
        ("silence", -5, "Visto, sigue callado"),
    ],
)
def test_what_was_seen_to_and_goes_on_is_said(post: Post, label: str, heard_after_s: int, words: str) -> None:
    seen_ms = time.time_ns() // 1_000_000 - 60_000
    notes = (Note(seen_ms, "Rosa"), Note(seen_ms + 20_000, "Rosa: vamos"))
    last_ms = seen_ms + heard_after_s * 1000
    post.raise_incident(1, label, "rio-medio", ago_s=90, last_ms=last_ms, state="acknowledged", notes=notes)
    (card,) = now_view(post.board.snapshot(), post.place, SPANISH).open
    assert card.standing == words
    assert [note.words for note in card.notes] == ["Rosa", "Rosa: vamos"]


def test_a_note_of_an_older_history_is_shown_without_a_time(post: Post) -> None:
    post.raise_incident(1, "chainsaw", "rio-medio", state="acknowledged", note="Rosa")
    (card,) = now_view(post.board.snapshot(), post.place, SPANISH).open
    assert card.notes == [("", "Rosa")]


def test_ages_are_told_by_the_steady_clock(post: Post) -> None:
    post.hear("rio-medio", Kind.DEVICE_STATUS, {"battery_ratio": 0.5}, ago_s=10)
    incident = post.raise_incident(1, "chainsaw", "rio-medio", ago_s=120)
    assert incident.last_ms < time.time_ns() // 1_000_000
    post.board.tick(post.steady_ms)
    card = now_view(post.board.snapshot(), post.place, SPANISH).open[0]
    assert card.since.endswith(", hace 2 min")


def test_a_boat_that_is_late_is_told_for_a_while(post: Post) -> None:
    now_ms = time.time_ns() // 1_000_000
    post.hear("rio-medio", Kind.DEVICE_STATUS, {"battery_ratio": 0.5})
    for number, late_ms in ((1, 600_000), (2, 7_200_000)):
        passage = Passage("Río Sereno", "upstream", 3.0, (("rio-arriba", now_ms + 600_000), ("", now_ms - late_ms)))
        post.raise_incident(number, "boat", "rio-medio", passage=passage)
    late, long_ago = sorted(now_view(post.board.snapshot(), post.place, SPANISH).open)
    assert "Debió llegar al puesto hace 10 min (" in late.boat
    assert "Debió" not in long_ago.boat
    assert "Sube por Río Sereno a 11 km/h. Pasa por Río arriba en 10 min" in long_ago.boat


def test_silent_sensors_come_first_then_those_with_a_low_battery(post: Post, busy: BoardState) -> None:
    rows = sensor_rows(busy, SPANISH)
    assert [(row.name, row.state) for row in rows] == [
        ("rio-arriba", "silent"),
        ("rio-medio", "low"),
        ("pluvial", "well"),
        ("quebrada-norte", "well"),
        ("rio-abajo", "well"),
    ]
    silent, low, rain, creek, _ = rows
    assert (silent.battery, silent.signal) == ("55\N{NO-BREAK SPACE}%", "señal muy débil")
    assert low.battery_pictogram == "battery0"
    assert rain.values == "Temperatura 27,4 °C · Humedad relativa 91\N{NO-BREAK SPACE}% · Lluvia 3,0 mm"
    assert (creek.said, creek.battery) == ("Motosierra", "3,9 V")


def test_a_sensor_that_was_never_heard_says_so(post: Post) -> None:
    rows = sensor_rows(post.board.snapshot(), SPANISH)
    assert {row.state for row in rows} == {"never"}
    assert rows[0].state_words.startswith("Nunca se oyó")


def test_what_comes_late_tells_when_it_was_measured_and_when_it_came(post: Post) -> None:
    reading = make_reading(Kind.ENVIRONMENT, "pluvial", {"water_level_metres": 2.346}, age_s=3 * 3600)
    now_ms = time.time_ns() // 1_000_000
    post.board.hear(Fact(post.steady_ms, now_ms, 1, reading))
    post.hear("rio-abajo", Kind.ENVIRONMENT, {"temperature_celsius": 27.44})
    say = SPANISH
    rows = {row.name: row for row in sensor_rows(post.board.snapshot(), say)}
    assert rows["pluvial"].when == f"hace 3 h · {at(say, now_ms - 3 * 3_600_000, now_ms)} · llegó hace un momento"
    assert "llegó" not in rows["rio-abajo"].when
    assert rows["pluvial"].values == "Nivel del río 2,35 m"
    assert rows["rio-abajo"].values == "Temperatura 27,4 °C"


def moods(post: Post) -> dict[str, str]:
    return {row.pictogram: row.mood for row in post_view(post.board.snapshot(), SPANISH).rows}


def test_a_post_that_has_just_woken_up_says_so(post: Post) -> None:
    (row,) = post_view(post.board.snapshot(), SPANISH).rows
    assert (row.mood, row.words) == ("care", "El puesto recién despierta; espere un momento")


def test_a_post_that_is_well(post: Post) -> None:
    post.tell(link=make_link(LinkState.UP), outbox=OutboxState(b"12345678", {}, 0, 0, 0.0, ""))
    assert moods(post) == {"link": "well", "outbox": "well", "clock": "well", "disk": "well"}


def test_a_link_that_is_closed_by_plan_is_no_trouble_and_says_when_it_opens(post: Post) -> None:
    link = make_link(LinkState.CLOSED, mode="windows", next_window_s=3600.0, sent_today={"alert": 900, "link": 4000})
    post.tell(link=link)
    row = post_view(post.board.snapshot(), SPANISH).rows[0]
    assert row.mood == "well"
    assert "hasta las" in row.words
    assert ("Hoy: Alertas", "0,9 kB") in row.table
    assert link_words(post.board.snapshot().post, SPANISH) == "Enlace cerrado"


@pytest.mark.parametrize(
    ("mode", "left", "mood", "advice"),
    [
        ("always", {"total": 0}, "care", "Ya se gastó todo lo permitido por hoy: lo que no es urgente"),
        ("windows", {"total": 0, "alert": 0}, "care", "Las alertas esperan hasta la medianoche"),
        (
            "windows",
            {"media": 0, "reading": 0, "total": 900},
            "care",
            "esperan las mediciones, las fotos y grabaciones",
        ),
        ("windows", {"media": 1, "total": 900}, "well", ""),
    ],
)
def test_bytes_of_the_day_that_are_spent_are_said(
    post: Post, mode: str, left: dict[str, int], mood: str, advice: str
) -> None:
    post.tell(link=make_link(LinkState.CLOSED, mode=mode, next_window_s=0.0, left_today=left))
    row = post_view(post.board.snapshot(), SPANISH).rows[0]
    assert (row.mood, row.words) == (mood, "Cerrado para no gastar; una alerta lo abre al instante")
    assert advice in row.advice
    words = link_words(post.board.snapshot().post, SPANISH)
    assert words == ("Enlace cerrado" if left.get("total") else "Enlace gastado hoy")
    assert bool(row.advice) == bool(advice)


def test_an_output_that_was_never_tried_is_no_well_one_and_says_how(post: Post) -> None:
    now_ms = time.time_ns() // 1_000_000
    post.tell(
        outputs=(
            OutputWord("patio", "siren"),
            OutputWord("mesh", "radio", now_ms - 7_200_000, standing="well"),
            OutputWord("gancho", "webhook", now_ms, trouble="refused", standing="failing"),
            OutputWord("techo", "lamp", standing="giving"),
            OutputWord("registro", "log"),
        )
    )
    siren, radio, hook, lamp, log = post_view(post.board.snapshot(), SPANISH).outputs
    assert (siren.mood, siren.advice) == ("untried", "Toque «Probar» y fíjese que suene")
    assert (radio.mood, radio.advice) == ("well", "")
    assert radio.words.startswith("Funcionó por última vez hace 2 h (")
    assert (hook.mood, hook.more) == ("bad", "refused")
    assert (lamp.mood, lamp.words) == ("well", "Está encendida")
    assert log.mood == "well"


def test_everything_wrong_is_said_with_what_to_do(post: Post) -> None:
    now_ms = time.time_ns() // 1_000_000
    post.tell(
        clock=ClockWord(now_ms, "untrusted", 0),
        outbox=OutboxState(b"12345678", {Lane.ALERT: 1}, 10, 0, 90_000.0, "disk full"),
        disk_free_bytes=20_000_000,
        outputs=(OutputWord("patio", "siren", trouble="no pin", standing="failing"),),
        troubles=(TroubleWord("history", "malformed"), TroubleWord("warning patio", "no pin")),
    )
    found = post_view(post.board.snapshot(), SPANISH)
    assert {row.pictogram: row.mood for row in found.rows} == {
        "link": "care",
        "outbox": "bad",
        "clock": "care",
        "disk": "bad",
        "warn": "bad",
    }
    assert all(row.advice for row in found.rows if row.pictogram in ("link", "outbox", "clock", "disk"))
    assert [output.mood for output in found.outputs] == ["bad"]


def test_each_source_says_how_it_fares(post: Post) -> None:
    post.tell(
        sources=(
            SourceWord("gps", "nmea_gps", "well", "/dev/gps is open at 9600 baud", 12),
            *(SourceWord(one.value, "rak_rui3", one.value, "said") for one in SourceStanding),
        )
    )
    rows = {row.title: row for row in post_view(post.board.snapshot(), SPANISH).rows}
    assert rows["Fuente gps"].words == "Trabaja bien"
    assert rows["Fuente well"].words == "Escucha; todavía no se oyó nada"
    folder = rows["Fuente folder_away"]
    assert (folder.mood, folder.words, folder.more) == ("bad", "No se puede leer su carpeta", "said")
    assert all(row.advice for row in rows.values() if row.mood == "bad")


def test_english_has_no_spanish_left(post: Post, busy: BoardState) -> None:
    languages = Languages(None, "en", LIMA)
    languages.open()
    say = languages.get("en")
    told = repr((now_view(busy, post.place, say), sensor_rows(busy, say), post_view(busy, say)))
    for word in ("hace ", "Motosierra", "señal", "Batería", "Enlace", "seguro", "Estado", "Temperatura", "detecci"):
        assert word not in told
