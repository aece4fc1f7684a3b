"""What is happening now, as a ranger reads it: incidents, people who are out, words on the radio."""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.page import phrases, pictograms
from gateway.page.heard import HeardRow, UntoldRow, heard_rows, untold_rows
from gateway.page.languages import Language
from gateway.page.news import rings
from gateway.place.place import Place
from gateway.rules.book import SILENCE
from gateway.rules.facts import Incident, Passage
from gateway.watch.words import BoardState, PatrolWord

_FRESH_MS: Final = 24 * 3_600_000
_MOST_SHOWN: Final = 20
_LATE_S: Final = 1800.0
_NEWS_S: Final = 60.0
_NEAR_MS: Final = 60_000
_HOURS: Final = (2, 4, 8, 12, 24)
_USUAL_HOURS: Final = 4
_SEEN: Final = frozenset({"person", "boat", "vehicle"})
"""What cameras see rather than microphones hear."""


class NoteRow(NamedTuple):
    """What somebody wrote, or who saw to it. when: "" where nobody knows."""

    when: str
    words: str


class IncidentCard(NamedTuple):
    """One incident. rings: nobody has acknowledged it. since: when it began. last: when it was last heard, "" where
    that is no news. boat: what a passage tells, "" without one. standing: what became of it, "" while it is open."""

    number: int
    rings: bool
    state: str
    pictogram: str
    title: str
    places: str
    since: str
    last: str
    details: str
    boat: str
    standing: str
    notes: list[NoteRow]
    held_back: str


class PatrolRow(NamedTuple):
    """People who are out."""

    name: str
    until: str
    note: str


class HoursChoice(NamedTuple):
    """How long people go out. value: as the form says it."""

    value: str
    words: str
    is_usual: bool


class TextRow(NamedTuple):
    """Words on a radio."""

    sender: str
    text: str
    when: str
    is_known: bool


class NowView(NamedTuple):
    """open: most pressing first; left_out: how many more there are. untold: what matters and has no incident; with it
    the post is not calm. seen: closed or held back, of the last day."""

    open: list[IncidentCard]
    left_out: int
    untold: list[UntoldRow]
    seen: list[IncidentCard]
    heard: list[HeardRow]
    patrols: list[PatrolRow]
    texts: list[TextRow]


def now_view(state: BoardState, place: Place, say: Language) -> NowView:
    """See the module."""
    incidents = [change.incident for change in state.incidents]
    is_open = [one for one in incidents if one.state != "closed" and not one.suppressed_by]
    is_open.sort(key=lambda one: (not rings(one), one.state != "open", one.level != "alert", -one.last_ms))
    others = [one for one in incidents if one.state == "closed" or one.suppressed_by]
    return NowView(
        [incident_card(one, state, place, say) for one in is_open[:_MOST_SHOWN]],
        max(0, len(is_open) - _MOST_SHOWN),
        untold_rows(state, place, say),
        [incident_card(one, state, place, say) for one in others[:_MOST_SHOWN]],
        heard_rows(state, place, say),
        patrol_rows(state, say),
        [
            TextRow(text.sender, text.text, phrases.at(say, text.heard_ms, state.made_ms), text.is_known)
            for text in state.texts
            if state.made_ms - text.heard_ms < _FRESH_MS
        ],
    )


def incident_card(incident: Incident, state: BoardState, place: Place, say: Language) -> IncidentCard:
    """One incident in words."""
    title = say.label(incident.label)
    since = say("desde %(moment)s", moment=phrases.moment(say, _began_ms(incident, state), state.made_ms))
    began_s, last_s = age_s(incident.first_steady_ms, state), age_s(incident.last_steady_ms, state)
    return IncidentCard(
        incident.number,
        rings(incident),
        incident.state,
        pictograms.of_label(incident.label),
        title,
        ", ".join(place.title(sensor) for sensor in incident.sensors),
        f"{since[:1].upper()}{since[1:]}, {phrases.ago(say, began_s)}",
        say("Lo último: %(ago)s", ago=phrases.ago(say, last_s)) if began_s - last_s >= _NEWS_S else "",
        _details(incident, say),
        passage_words(incident, state, place, say) if incident.passage is not None else "",
        standing_words(incident, say),
        _notes(incident, state, say),
        incident.suppressed_by,
    )


def age_s(steady_ms: int, state: BoardState) -> float:
    """Seconds since then, by the steady clock: the wall clock may have been set."""
    return max(0, state.steady_ms - steady_ms) / 1000


def _began_ms(incident: Incident, state: BoardState) -> int:
    """Unix time of its beginning: as the post's clock said then where that is known to be near, by now's clock else."""
    if incident.first_within_ms is not None and incident.first_within_ms <= _NEAR_MS:
        return incident.first_ms
    return state.made_ms - round(age_s(incident.first_steady_ms, state) * 1000)


def standing_words(incident: Incident, say: Language) -> str:
    """Whether somebody has seen to it, and whether it goes on all the same; "" while it is open."""
    if incident.state == "closed":
        return say("Terminó")
    if incident.state != "acknowledged":
        return ""
    if incident.label == SILENCE:
        return say("Visto, sigue callado")
    first_seen_ms = incident.notes[0].at_ms if incident.notes else incident.last_ms
    if incident.last_ms <= first_seen_ms:
        return say("Visto")
    return say("Visto, sigue ahí") if incident.label in _SEEN else say("Visto, sigue sonando")


def _notes(incident: Incident, state: BoardState, say: Language) -> list[NoteRow]:
    if not incident.notes and incident.note:  # of a history from before notes had their times
        return [NoteRow("", incident.note)]
    return [NoteRow(phrases.at(say, note.at_ms, state.made_ms), note.words) for note in incident.notes]


def passage_words(incident: Incident, state: BoardState, place: Place, say: Language) -> str:
    """Which way a boat goes, how fast, and when it is here."""
    passage = incident.passage
    assert passage is not None
    up = passage.direction == "upstream"
    speed = phrases.number(say, passage.speed_metres_per_second * 3.6)
    going = (
        say("Sube por %(river)s a %(speed)s km/h", river=passage.river, speed=speed)
        if up
        else say("Baja por %(river)s a %(speed)s km/h", river=passage.river, speed=speed)
    )
    return ". ".join([going, *arrivals(passage, state, place, say)])


def arrivals(passage: Passage, state: BoardState, place: Place, say: Language) -> list[str]:
    """When it is expected where, the post first; what should have been is left out after a while."""
    told = []
    for sensor, when_ms in sorted(passage.arrivals, key=lambda one: (one[0] != "", one[1])):
        left_s = (when_ms - state.made_ms) / 1000
        hour = phrases.at(say, when_ms, state.made_ms)
        where, lasting = place.title(sensor), phrases.lasting(say, left_s)
        if left_s > 0 and not sensor:
            told.append(say("Llega al puesto en %(lasting)s (%(hour)s)", lasting=lasting, hour=hour))
        elif left_s > 0:
            told.append(say("Pasa por %(where)s en %(lasting)s (%(hour)s)", where=where, lasting=lasting, hour=hour))
        elif left_s > -_LATE_S and not sensor:
            told.append(say("Debió llegar al puesto %(ago)s (%(hour)s)", ago=phrases.ago(say, -left_s), hour=hour))
    return told[:3]


def patrol_rows(state: BoardState, say: Language) -> list[PatrolRow]:
    """Who is out, and until when."""
    return [_patrol(patrol, state, say) for patrol in state.patrols_out]


def patrol_hours(longest: float, say: Language) -> list[HoursChoice]:
    """For how long people may go out: what is usual, up to what the rules believe."""
    hours = [float(one) for one in _HOURS if one < longest] + [longest]
    usual = min(hours, key=lambda one: abs(one - _USUAL_HOURS))
    return [
        HoursChoice(f"{one:g}", phrases.number(say, one, 0 if one == round(one) else 1), one == usual) for one in hours
    ]


def _patrol(patrol: PatrolWord, state: BoardState, say: Language) -> PatrolRow:
    until = phrases.moment(say, patrol.until_ms, state.made_ms)
    return PatrolRow(patrol.name, say("hasta %(moment)s", moment=until), patrol.note)


def _details(incident: Incident, say: Language) -> str:
    told = [say.many("%(n)s detección", "%(n)s detecciones", incident.count)]
    if len(incident.sensors) > 1:
        told.append(say.many("%(n)s sensor", "%(n)s sensores", len(incident.sensors)))
    if incident.confidence is not None:
        told.append(say("%(ratio)s seguro", ratio=phrases.percent(say, incident.confidence)))
    return " · ".join(told)
