"""What is worth an event in the figures, and the order of the script."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.demo.events import Observer, script
from deploy.demo.figures import Figures, PostFigures
from deploy.demo.stage import build_stage
from deploy.errors import DeployError

POST = PostFigures("puesto-yaguas", "up", True, last_alert="Motosierra, trocha-norte")


def figures(post: PostFigures, chainsaws: int = 0) -> Figures:
    return Figures((post,), True, 0, 0, chainsaws)


def test_each_thing_is_noticed_once() -> None:
    observer = Observer()
    assert observer.observe(figures(POST)) == []
    assert [e.en for e in observer.observe(figures(POST, chainsaws=1))] == ["first chainsaw stored"]
    assert observer.observe(figures(POST, chainsaws=2)) == []
    cut = POST._replace(link="down", alerts=5, waiting=1)
    assert observer.observe(figures(cut, 2)) == []
    told = observer.observe(figures(cut._replace(alerts=6, waiting=7), 2))
    assert [e.es for e in told] == ["puesto-yaguas avisa sin enlace: Motosierra, trocha-norte"]
    back = cut._replace(link="up", alerts=9, waiting=3)
    assert observer.observe(figures(back, 2)) == []
    told = observer.observe(figures(back._replace(waiting=0), 2))
    assert [e.es for e in told] == ["puesto-yaguas entregó lo que guardaba (7)"]
    assert observer.observe(figures(back._replace(waiting=0), 2)) == []


def test_the_gateway_dies_while_its_link_is_cut_and_everything_is_mended_before_the_end(tmp_path: Path) -> None:
    stage = build_stage(tmp_path / "demo", seconds=10, seed=1)
    steps = script(stage)
    assert [step.act for step in steps] == [
        stage.relay.cut,
        stage.victim.gateway.kill,
        stage.victim.start_gateway,
        stage.relay.mend,
        stage.broker.kill,
        stage.broker.start,
    ]
    shares = [step.share for step in steps]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 1


def test_a_directory_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DeployError, match="not empty"):
        build_stage(tmp_path, seconds=10, seed=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
