"""Orders to posts at headquarters: whether ingest sends them, and those that nobody answered."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from deploy.doctor import sqlite_files
from deploy.doctor.findings import Check, Finding, Text, attention, counted, is_there, ok
from deploy.doctor.soundness import WITHIN_S
from deploy.orders.giving import BOOK
from deploy.orders.waiting import silence
from gateway.commands.settings import CommandSettings
from ingest.commands.book import APPLICATION_ID, Hearing

_LATELY_MS: Final = 7 * 86_400_000
_MOST_NAMES: Final = 8


_OFTEN: Final = 3
"""Sends to a post that listens after which it should have answered."""
_TRIAL_MS: Final = round(CommandSettings().trial_s * 1000)
"""Of a post that does not say otherwise in its own settings, which headquarters does not see."""


class Unanswered(NamedTuple):
    """An order without an answer. expires_ms: Unix time. sends: how often it was sent."""

    station: str
    expires_ms: int
    sends: int = 0


class OnTrial(NamedTuple):
    """The last order that a post tries. until_ms: Unix time when it goes back to the earlier settings at the latest, if
    its link is open all the time and its trial as long as that of most."""

    order_id: str
    until_ms: int

    @property
    def words(self) -> Text:
        """Which, and until when."""
        hour = datetime.fromtimestamp(self.until_ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M")
        return Text(
            f"orden {self.order_id}; si falla, vuelve a lo de antes a más tardar a las {hour}, o después si su enlace"
            " tiene horas",
            f"order {self.order_id}; if it fails, back to the earlier by {hour} at the latest, or later if its link has"
            " hours",
        )


def orders_checks(book: Path | None) -> list[Check]:
    """book: the one that ingest sends from, None when it sends none. Nothing is said where nobody gives orders."""
    theme = Text("Órdenes", "Orders")
    if book is None:
        return [Check(theme, lambda: _not_sent(BOOK))] if is_there(BOOK) else []
    return [Check(theme, lambda: _look(book))] if is_there(book) else []


def on_trial(book: Path | None) -> dict[str, OnTrial]:
    """What posts try now, by post; nothing where the book cannot be read."""
    question = "SELECT station, id, answered_ms FROM command WHERE outcome = 'on_trial' ORDER BY answered_ms"
    rows = _asked(book, question) if book is not None and is_there(book) else None
    return {station: OnTrial(order_id, since_ms + _TRIAL_MS) for station, order_id, since_ms in rows or []}


def judge_orders(
    unanswered: Sequence[Unanswered], now_ms: int, hearings: Mapping[str, Hearing] | None = None
) -> list[Finding]:
    """What to say of orders without an answer at a Unix time. hearings: which posts are there to hear, by name."""
    heard = hearings or {}
    lost = [one.station for one in unanswered if now_ms - _LATELY_MS < one.expires_ms < now_ms]
    waiting = [one for one in unanswered if one.expires_ms >= now_ms]
    silent = [one for one in waiting if one.sends >= _OFTEN and one.station in heard and heard[one.station].listens]
    findings = [*_expired(lost), *_silent(silent)]
    if findings:
        return findings
    if not waiting:
        return [ok("orders", "Ninguna orden espera respuesta", "No order waits for an answer")]
    many = counted(len(waiting), Text("orden espera", "order waits"), Text("órdenes esperan", "orders wait"))
    away = sorted({one.station for one in waiting if one.station in heard and not heard[one.station].listens})
    told = [silence(heard[station]) for station in away]
    es = "".join(f"; {station}: {words.es}" for station, words in zip(away[:_MOST_NAMES], told, strict=False))
    en = "".join(f"; {station}: {words.en}" for station, words in zip(away[:_MOST_NAMES], told, strict=False))
    return [ok("orders_waiting", f"{many.es} la respuesta de su puesto{es}", f"{many.en} for the post's answer{en}")]


def _expired(stations: Sequence[str]) -> list[Finding]:
    if not stations:
        return []
    many = counted(len(stations), Text("orden venció", "order"), Text("órdenes vencieron", "orders"))
    told = _names(stations)
    return [
        attention(
            "orders_expired",
            f"{many.es} sin respuesta en los últimos 7 días: {told}",
            f"{many.en} expired without an answer in the last 7 days: {told}",
            todo=Text(
                "Vea cuáles con vigia commands list; si hacen falta, delas otra vez con más --hours",
                "See which by vigia commands list; if still wanted, give them again with more --hours",
            ),
        )
    ]


def _silent(orders: Sequence[Unanswered]) -> list[Finding]:
    if not orders:
        return []
    many = counted(len(orders), Text("orden espera", "order waits"), Text("órdenes esperan", "orders wait"))
    told = _names([one.station for one in orders])
    return [
        attention(
            "orders_unanswered",
            f"{many.es} y su puesto escucha, pero no contesta: {told}",
            f"{many.en} while the post listens, but does not answer: {told}",
            todo=Text(
                "Puede que el puesto no sepa la hora: dé la orden otra vez con --any-time; más en vigia commands list",
                "The post may not know the time: give the order again with --any-time; more in vigia commands list",
            ),
        )
    ]


def _names(stations: Sequence[str]) -> str:
    names = sorted(set(stations))
    more = f" (+{len(names) - _MOST_NAMES})" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _unanswered(book: Path) -> list[Unanswered] | None:
    """None for a book that cannot be read."""
    question = "SELECT station, expires_ms, sends FROM command WHERE outcome IS NULL ORDER BY station, issued_ms"
    rows = _asked(book, question)
    return None if rows is None else [Unanswered(*row) for row in rows]


def _hearings(book: Path) -> dict[str, Hearing]:
    """Nothing in a book that ingest has not opened since it writes them."""
    rows = _asked(book, "SELECT station, listens, reason, heard_ms, next_ms FROM hearing")
    return {row[0]: Hearing(row[0], bool(row[1]), *row[2:]) for row in rows or []}


def _asked(book: Path, question: str) -> list[tuple[Any, ...]] | None:
    try:
        return sqlite_files.ask(book, APPLICATION_ID, lambda ask: ask(question), within_s=WITHIN_S)
    except (sqlite_files.TooSlowError, sqlite_files.DamagedError, OSError):
        return None


def _look(book: Path) -> list[Finding]:
    unanswered = _unanswered(book)
    if unanswered is None:
        return [
            attention(
                "orders_unreadable",
                "El libro de órdenes no se puede leer",
                "The book of commands cannot be read",
                str(book),
                todo=Text("¿Con sudo? Si sigue, revise [commands] path", "With sudo? If not that, see [commands] path"),
            )
        ]
    now_ms = time.time_ns() // 1_000_000
    findings = judge_orders(unanswered, now_ms, _hearings(book))
    told = {station: one for station, one in on_trial(book).items() if one.until_ms > now_ms - _LATELY_MS}
    if told:
        es = "; ".join(f"{station} ({one.words.es})" for station, one in sorted(told.items())[:_MOST_NAMES])
        en = "; ".join(f"{station} ({one.words.en})" for station, one in sorted(told.items())[:_MOST_NAMES])
        findings.append(ok("orders_on_trial", f"Se prueba una orden en: {es}", f"An order is being tried at: {en}"))
    return findings


def _not_sent(book: Path) -> list[Finding]:
    now_ms = time.time_ns() // 1_000_000
    waiting = sum(one.expires_ms >= now_ms for one in _unanswered(book) or [])
    if not waiting:
        return []
    many = counted(waiting, Text("orden espera", "order waits"), Text("órdenes esperan", "orders wait"))
    return [
        attention(
            "orders_not_sent",
            f"{many.es} e ingest no las envía: en sus ajustes falta [commands] path",
            f"{many.en} and ingest does not send them: its settings lack [commands] path",
            str(book),
            todo=Text(
                f'Escriba [commands] y path = "{book}", y reinicie vigia-ingest',
                f'Write [commands] and path = "{book}", and restart vigia-ingest',
            ),
        )
    ]
