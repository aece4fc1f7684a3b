"""What the guides tell people to type exists, and what they tell them to write is taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from deploy.cli.main import app
from deploy.settings.file import load_settings
from deploy.settings.post import place_of_post, rules_of_post
from gateway.settings import GatewaySettings
from ingest.registry import read_registry
from ingest.settings import IngestSettings

ROOT = Path(__file__).parents[3]
POST = ROOT / "deploy/docs/instalar_un_puesto.md"
WARNS = ROOT / "deploy/docs/el_puesto_avisa.md"
DEPLOY = ROOT / "deploy/README.md"
ORDERS = ROOT / "deploy/docs/ordenes.md"
GUIDES = [POST, WARNS, ORDERS, DEPLOY, ROOT / "README.md", ROOT / "ingest/README.md", ROOT / "deploy/pki/README.md"]


def commands(guide: Path) -> Iterator[list[str]]:
    """The words after `vigia` of every command in backticks or in an indented line; of several, each."""
    text = guide.read_text()
    for piece in [*re.findall(r"`([^`\n]+)`", text), *re.findall(r"^    (.+)$", text, re.MULTILINE)]:
        for one in re.split(r"&&|;", piece):
            words = one.strip().split()
            if "vigia" in words[:5] or (words and words[0].endswith("/vigia")):
                first = words.index("vigia") if "vigia" in words else 0
                yield words[first + 1 :]


def blocks(guide: Path, begins: str) -> list[str]:
    found = re.findall(r"^( *)```toml\n(.*?)^ *```", guide.read_text(), re.MULTILINE | re.DOTALL)
    texts = ["\n".join(line.removeprefix(indent) for line in text.splitlines()) + "\n" for indent, text in found]
    return [text for text in texts if text.startswith(begins)]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: str(guide.relative_to(ROOT)))
def test_every_command_and_option_exists(guide: Path) -> None:
    seen = 0
    for words in commands(guide):
        if not words or words[0] == "...":
            continue  # the command as such
        node: Any = typer.main.get_command(app)
        while words and (inside := getattr(node, "commands", {})):
            assert words[0] in inside or words[0].startswith("-"), f"vigia {' '.join(words)}"
            if words[0].startswith("-"):
                break
            node, words = inside[words[0]], words[1:]
        options = {name for parameter in node.params for name in parameter.opts} | {"--help"}
        for word in words:
            assert not word.startswith("--") or word in options, f"{node.name}: {word}"
        seen += 1
    assert seen


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: str(guide.relative_to(ROOT)))
def test_every_link_leads_somewhere(guide: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", guide.read_text()):
        there = (guide.parent / target) if target else guide
        assert there.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.+)$", there.read_text(), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads], anchor


def test_the_posts_settings_are_taken(tmp_path: Path) -> None:
    (text,) = blocks(POST, "[station]")
    file = tmp_path / "gateway.toml"
    file.write_text(text + '[[sources.devices]]\nid = "00a1b2c3"\nname = "rio-arriba"\nkey_file = "/k"\n')
    assert load_settings(file, GatewaySettings).station.name == "boca-yaguas"
    (source,) = blocks(DEPLOY, "[[sources]]")
    assert text.endswith(source)


def test_the_settings_of_the_post_that_warns_are_taken(tmp_path: Path) -> None:
    (place,), (warnings,) = blocks(WARNS, "[place]"), blocks(WARNS, "[[warnings]]")
    (uplink,), (commands_,) = blocks(WARNS, "[uplink]"), blocks(WARNS, "[commands]")
    mesh = '[[sources]]\ndriver = "meshtastic_radio"\nname = "malla"\nport = "/dev/malla"\n'
    file = tmp_path / "gateway.toml"
    file.write_text(place + commands_ + uplink + warnings + mesh)
    taken = load_settings(file, GatewaySettings)
    assert [output.output for output in taken.warnings] == ["siren", "lamp", "radio"]
    assert (taken.uplink.mode, taken.uplink.budget_bytes.media) == ("windows", 5_000_000)


def test_the_settings_for_a_trial_are_taken_with_a_map_and_rules(tmp_path: Path) -> None:
    (text,) = blocks(WARNS, "[station]")
    (tmp_path / "mapa.geojson").write_bytes((ROOT / "gateway/place/example.geojson").read_bytes())
    (tmp_path / "rules.toml").write_bytes((ROOT / "deploy/reference/rules.toml").read_bytes())
    file = tmp_path / "gateway.toml"
    file.write_text(text.replace("/tmp/prueba", str(tmp_path)))
    taken = load_settings(file, GatewaySettings)
    place, book = place_of_post(taken, "es"), rules_of_post(taken, "es")
    (source,) = taken.sources
    assert {sensor.name for sensor in source.devices} < set(place.sensors)  # type: ignore[attr-defined]  # of its driver
    assert any("chainsaw" in rule.labels for rule in book.rules if rule.when == "heard")


def test_headquarters_files_are_taken(tmp_path: Path) -> None:
    (registry,) = blocks(DEPLOY, "[[territories]]")
    (tmp_path / "registry.toml").write_text(registry)
    assert [station.name for station in read_registry(tmp_path / "registry.toml").stations] == ["boca-yaguas"]
    (settings,) = blocks(DEPLOY, "[influx]")
    (tmp_path / "ingest.toml").write_text(settings)
    assert load_settings(tmp_path / "ingest.toml", IngestSettings).influx.dialect == "v1"
