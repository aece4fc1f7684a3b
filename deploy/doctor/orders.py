"""Orders to posts at headquarters: whether ingest sends them, and those that nobody answered."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from deploy.doctor import sqlite_files
from deploy.doctor.findings import Check, Finding, Text, attention, counted, is_there, ok
from deploy.doctor.soundness import WITHIN_S
from deploy.orders.giving import BOOK
from ingest.commands.book import APPLICATION_ID

_LATELY_MS: Final = 7 * 86_400_000
_MOST_NAMES: Final = 8


class Unanswered(NamedTuple):
    """An order without an answer. expires_ms: Unix time."""

    station: str
    expires_ms: int


def orders_checks(book: Path | None) -> list[Check]:
    """book: the one that ingest sends from, None when it sends none. Nothing is said where nobody gives orders."""
    theme = Text("Órdenes", "Orders")
    if book is None:
        return [Check(theme, lambda: _not_sent(BOOK))] if is_there(BOOK) else []
    return [Check(theme, lambda: _look(book))] if is_there(book) else []


def judge_orders(unanswered: Sequence[Unanswered], now_ms: int) -> list[Finding]:
    """What to say of orders without an answer at a Unix time."""
    lost = [one.station for one in unanswered if now_ms - _LATELY_MS < one.expires_ms < now_ms]
    waiting = sum(one.expires_ms >= now_ms for one in unanswered)
    if lost:
        names = sorted(set(lost))
        more = f" (+{len(names) - _MOST_NAMES})" if len(names) > _MOST_NAMES else ""
        told = ", ".join(names[:_MOST_NAMES]) + more
        many = counted(len(lost), Text("orden venció", "order"), Text("órdenes vencieron", "orders"))
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
    if not waiting:
        return [ok("orders", "Ninguna orden espera respuesta", "No order waits for an answer")]
    many = counted(waiting, Text("orden espera", "order waits"), Text("órdenes esperan", "orders wait"))
    return [ok("orders_waiting", f"{many.es} la respuesta de su puesto", f"{many.en} for the post's answer")]


def _unanswered(book: Path) -> list[Unanswered] | None:
    """None for a book that cannot be read."""
    question = "SELECT station, expires_ms FROM command WHERE outcome IS NULL ORDER BY station, issued_ms"
    try:
        rows = sqlite_files.ask(book, APPLICATION_ID, lambda ask: ask(question), within_s=WITHIN_S)
    except (sqlite_files.TooSlowError, sqlite_files.DamagedError, OSError):
        return None
    return [Unanswered(*row) for row in rows]


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
    return judge_orders(unanswered, time.time_ns() // 1_000_000)


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
