"""Orders that nobody sends, and those that nobody answered."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from deploy.doctor import orders
from deploy.doctor.findings import Mark
from deploy.doctor.orders import Unanswered, judge_orders, on_trial, orders_checks
from gateway.contract.commands import Command, Restart, new_id
from ingest.commands.book import CommandBook, Hearing
from tests.deploy.doctor.findings import found, look

NOW_MS = 1_795_000_000_000
HOUR_MS = 3_600_000


def test_those_that_expired_lately_are_told_with_their_posts() -> None:
    lost = [Unanswered("puesto-b", NOW_MS - HOUR_MS), Unanswered("puesto-a", NOW_MS - 2), Unanswered("puesto-a", 5)]
    (finding,) = judge_orders([*lost, Unanswered("puesto-c", NOW_MS + 1)], NOW_MS)
    assert found([finding]) == {"orders_expired": Mark.ATTENTION}
    assert finding.what.es == "2 órdenes vencieron sin respuesta en los últimos 7 días: puesto-a, puesto-b"


def test_those_that_wait_are_well() -> None:
    assert found(judge_orders([Unanswered("puesto-a", NOW_MS + 1)], NOW_MS)) == {"orders_waiting": Mark.OK}
    assert found(judge_orders([Unanswered("puesto-a", 5)], NOW_MS)) == {"orders": Mark.OK}


def test_a_post_that_listens_and_does_not_answer_is_told_with_what_to_try() -> None:
    often, seldom = Unanswered("puesto-a", NOW_MS + 1, 3), Unanswered("puesto-b", NOW_MS + 1, 2)
    heard = {name: Hearing(name, True) for name in ("puesto-a", "puesto-b")}
    (finding,) = judge_orders([often, often, seldom], NOW_MS, heard)
    assert found([finding]) == {"orders_unanswered": Mark.ATTENTION}
    assert finding.what.es == "2 órdenes esperan y su puesto escucha, pero no contesta: puesto-a"
    assert finding.todo is not None
    assert "--any-time" in finding.todo.es
    away = {"puesto-a": Hearing("puesto-a", False, "", NOW_MS)}
    (finding,) = judge_orders([often], NOW_MS, away)
    assert found([finding]) == {"orders_waiting": Mark.OK}
    assert "puesto-a: puesto sin señal desde 2026-" in finding.what.es


def given(path: Path) -> CommandBook:
    book = CommandBook(path)
    book.open()
    now_ms = time.time_ns() // 1_000_000
    command = Command(new_id(), "puesto-a", now_ms, now_ms + HOUR_MS, Restart("gateway"))
    book.give(command, b"signed", "restart")
    return book


def test_the_book_is_read_beside_whoever_writes_in_it(tmp_path: Path) -> None:
    book = given(tmp_path / "commands.db")
    try:
        assert found(look(orders_checks(tmp_path / "commands.db"))) == {"orders_waiting": Mark.OK}
    finally:
        book.close()
    assert on_trial(tmp_path / "commands.db") == {}
    (tmp_path / "commands.db").write_bytes(b"no book")
    assert on_trial(tmp_path / "commands.db") == {}
    assert found(look(orders_checks(tmp_path / "commands.db"))) == {"orders_unreadable": Mark.ATTENTION}


def test_orders_that_ingest_does_not_send_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "BOOK", tmp_path / "commands.db")
    assert orders_checks(None) == []  # nobody gives orders here
    given(tmp_path / "commands.db").close()
    (finding,) = look(orders_checks(None))
    assert found([finding]) == {"orders_not_sent": Mark.ATTENTION}
    assert finding.todo is not None
    assert f'path = "{tmp_path}/commands.db"' in finding.todo.es


def test_an_order_on_trial_is_told_with_the_hour_of_the_way_back(tmp_path: Path) -> None:
    book = given(tmp_path / "commands.db")
    order_id, now_ms = book.listed()[0].id, time.time_ns() // 1_000_000
    try:
        book.answered("puesto-a", order_id, "on_trial", "", now_ms)
        findings = look(orders_checks(tmp_path / "commands.db"))
    finally:
        book.close()
    assert found(findings) == {"orders": Mark.OK, "orders_on_trial": Mark.OK}
    assert f"puesto-a (orden {order_id}; si falla, vuelve a lo de antes a más tardar a las " in findings[1].what.es
    assert on_trial(tmp_path / "commands.db")["puesto-a"].until_ms == now_ms + 600_000
