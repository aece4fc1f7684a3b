"""The posts' links as headquarters knows them: open, closed on purpose until an hour, stopped, or lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from deploy.doctor.findings import Check, Finding, Text, ages, attention, ok
from deploy.doctor.ingest_api import StrangeAnswerError, ask
from deploy.doctor.orders import OnTrial
from gateway.contract.states import BUDGET_SPENT, STOPPED
from ingest.api.settings import ApiSettings

_MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
_OVERDUE_S: Final = 900
_MOST_NAMES: Final = 8


class PostLink(msgspec.Struct):
    """A station as /api/v1/stations tells it."""

    name: str
    link: str
    link_reason: str | None = None
    link_next: datetime | None = None
    last_received: datetime | None = None


def links_check(settings: ApiSettings, trials: Callable[[], Mapping[str, OnTrial]] = dict) -> Check:
    """Two questions to the API of this machine. trials: the orders that posts are trying now, by post."""
    return Check(Text("Enlaces", "Links"), lambda: _look(settings, trials()))


def _look(settings: ApiSettings, trials: Mapping[str, OnTrial]) -> list[Finding]:
    try:
        if any(str(reason).startswith("broker") for reason in ask(settings, "/readyz")["reasons"]):
            return []  # what is known of links is old: the fault is here, and the look at the broker tells
        told = ask(settings, "/api/v1/stations", max_bytes=_MAX_ANSWER_BYTES)
        posts = msgspec.convert(told["stations"], list[PostLink])
    except (OSError, StrangeAnswerError, KeyError, TypeError, msgspec.ValidationError):
        return []  # the look at the API tells
    return judge_links(posts, time.time(), trials)


def judge_links(posts: Sequence[PostLink], now: float, trials: Mapping[str, OnTrial] | None = None) -> list[Finding]:
    """What to say of the posts' links at a Unix time, in seconds. Nothing is said of posts that were never heard. A
    post that tries an order starts anew and may be away meanwhile; it comes back by itself."""
    tried = {name: one for name, one in (trials or {}).items() if now - one.until_ms / 1000 <= _OVERDUE_S}
    known = [post for post in posts if post.link in ("up", "down")]
    if not known:
        return []
    up = [post for post in known if post.link == "up"]
    trying = [post for post in known if _is_away(post) and post.name in tried]
    lost = [post for post in known if post.link == "down" and not post.link_reason and post not in trying]
    closed = [post for post in known if post.link == "down" and post.link_reason]
    overdue = [post for post in closed if post.link_next and now - post.link_next.timestamp() > _OVERDUE_S]
    stopped = [post for post in closed if post.link_reason == STOPPED and post not in trying]
    spent = [post for post in closed if post.link_reason == BUDGET_SPENT and post not in overdue]
    waiting = [post for post in closed if post not in overdue and post not in (*stopped, *spent, *trying)]
    findings = [
        ok("links", f"Con enlace ahora: {len(up)} de {len(known)}", f"Linked now: {len(up)} of {len(known)}"),
    ]
    if trying:
        told = _told(trying, [tried[post.name].words for post in trying])
        findings.append(
            ok(
                "links_on_trial",
                f"Sin enlace mientras prueban una orden; vuelven solos: {told.es}",
                f"Away while they try an order; they come back by themselves: {told.en}",
            )
        )
    if waiting:
        told = _told(waiting, [_until(post) for post in waiting])
        findings.append(
            ok(
                "links_closed",
                f"Cerraron el enlace y vuelven solos: {told.es}",
                f"Closed their link, and come back by themselves: {told.en}",
            )
        )
    if spent:
        told = _told(spent, [_until(post) for post in spent])
        findings.append(
            ok(
                "links_budget_spent",
                f"Gastaron los bytes del día; las alertas salen igual: {told.es}",
                f"Spent the bytes of the day; alerts go all the same: {told.en}",
            )
        )
    if stopped:
        told = _told(stopped, [_silent(post, now) for post in stopped])
        findings.append(
            attention(
                "links_stopped",
                f"Alguien apagó el gateway: {told.es}",
                f"Somebody stopped the gateway: {told.en}",
                todo=Text(
                    "Si no fue a propósito, en el puesto: sudo systemctl start vigia-gateway",
                    "If it was not meant, at the post: sudo systemctl start vigia-gateway",
                ),
            )
        )
    if overdue:
        told = _told(overdue, [_until(post) for post in overdue])
        findings.append(
            attention(
                "links_overdue",
                f"Ya debieron abrir el enlace y no lo abrieron: {told.es}",
                f"Should have opened their link by now and did not: {told.en}",
                todo=Text("Llame al puesto: ¿hay luz y señal?", "Call the post: is there power and a signal?"),
            )
        )
    if lost:
        told = _told(lost, [_silent(post, now) for post in lost])
        findings.append(
            attention(
                "links_lost",
                f"Se perdió el enlace, sin aviso: {told.es}",
                f"Lost their link without a word: {told.en}",
                todo=Text(
                    "Vuelve solo si es la señal; si tarda, llame al puesto: ¿hay luz?",
                    "It comes back by itself if it is the signal; if that takes long, call the post: is there power?",
                ),
            )
        )
    return findings


def _is_away(post: PostLink) -> bool:
    return post.link == "down" and post.link_reason in (None, "", STOPPED)


def _until(post: PostLink) -> Text:
    if post.link_next is None:
        return Text("sin hora dicha", "no hour told")
    hour = post.link_next.astimezone().strftime("%Y-%m-%d %H:%M")
    return Text(f"hasta {hour}", f"until {hour}")


def _silent(post: PostLink, now: float) -> Text:
    if post.last_received is None:
        return Text("no mandó nada todavía", "nothing came yet")
    age = ages(now - post.last_received.timestamp())
    return Text(f"lo último, hace {age.es}", f"last heard {age.en} ago")


def _told(posts: Sequence[PostLink], details: Sequence[Text]) -> Text:
    more = len(posts) - _MOST_NAMES
    rest = f" (+{more})" if more > 0 else ""
    pairs = list(zip(posts, details, strict=True))[:_MOST_NAMES]
    return Text(
        ", ".join(f"{post.name} ({detail.es})" for post, detail in pairs) + rest,
        ", ".join(f"{post.name} ({detail.en})" for post, detail in pairs) + rest,
    )
