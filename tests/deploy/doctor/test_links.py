"""The posts' links at headquarters: closed on purpose is not lost."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from deploy.doctor.findings import Mark
from deploy.doctor.links import PostLink, judge_links, links_check
from deploy.doctor.orders import OnTrial
from deploy.parts.processes import free_port
from ingest.api.settings import ApiSettings
from tests.deploy.doctor.findings import found, look

NOW = 1_790_000_000.0


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOW + seconds, UTC)


@pytest.mark.parametrize(
    ("post", "code", "mark", "said"),
    [
        (PostLink("a", "up"), None, None, ""),
        (PostLink("a", "down", "window_over", at(3600)), "links_closed", Mark.OK, "a (hasta 20"),
        (PostLink("a", "down", "window_over"), "links_closed", Mark.OK, "a (sin hora dicha)"),
        (PostLink("a", "down", "of_a_later_version"), "links_closed", Mark.OK, "vuelven solos: a"),
        (PostLink("a", "down", "budget_spent"), "links_budget_spent", Mark.OK, "las alertas salen igual: a"),
        (
            PostLink("a", "down", "stopped", None, at(-7200)),
            "links_stopped",
            Mark.ATTENTION,
            "apagó el gateway: a (lo último, hace 2 horas)",
        ),
        (PostLink("a", "down", "window_over", at(-3600)), "links_overdue", Mark.ATTENTION, "no lo abrieron: a"),
        (PostLink("a", "down", "budget_spent", at(-3600)), "links_overdue", Mark.ATTENTION, "no lo abrieron: a"),
        (
            PostLink("a", "down", None, None, at(-300_000)),
            "links_lost",
            Mark.ATTENTION,
            "sin aviso: a (lo último, hace 3 días)",
        ),
        (PostLink("a", "down"), "links_lost", Mark.ATTENTION, "a (no mandó nada todavía)"),
    ],
)
def test_each_way_of_being_down_is_told_apart(post: PostLink, code: str | None, mark: Mark | None, said: str) -> None:
    findings = judge_links([post, PostLink("never", "unknown")], NOW)
    assert findings[0].what.es == f"Con enlace ahora: {int(code is None)} de 1"
    if code is None:
        assert len(findings) == 1
        return
    (finding,) = findings[1:]
    assert (finding.code, finding.mark) == (code, mark)
    assert said in finding.what.es


@pytest.mark.parametrize("reason", ["stopped", None])
def test_a_post_that_tries_an_order_is_neither_stopped_nor_lost_until_it_should_be_back(reason: str | None) -> None:
    post = PostLink("a", "down", reason, None, at(-60))
    trials = {"a": OnTrial("ab" * 8, round(NOW * 1000))}
    (_, trying) = judge_links([post], NOW + 600, trials)
    assert (trying.code, trying.mark) == ("links_on_trial", Mark.OK)
    assert f"a (orden {'ab' * 8}; si falla, vuelve a lo de antes a más tardar a las 20" in trying.what.es
    (_, away) = judge_links([post], NOW + 3600, trials)
    assert away.mark is Mark.ATTENTION


def test_many_are_named_in_part_and_none_is_nothing() -> None:
    (_, lost) = judge_links([PostLink(f"p{n:02}", "down") for n in range(20)], NOW)
    assert "p07" in lost.what.en
    assert lost.what.en.endswith(" (+12)")
    assert judge_links([PostLink("never", "unknown")], NOW) == []


def test_without_an_api_nothing_is_said_here() -> None:
    assert found(look([links_check(ApiSettings(port=free_port()))])) == {}
