"""A new driver begins green: what `vigia sensors new` writes passes its own test and the conformance suite as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.errors import DeployError
from deploy.reference.generated import source_tree
from deploy.sensors.beginning import begin_driver

NAME = "acme_barometer9"
COPIED = ("firmware_bridge", "gateway", "ingest", "dashboards", "deploy", "tests", "pyproject.toml")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of this source tree."""
    root = tmp_path / "vigia"
    root.mkdir()
    for name in COPIED:
        source = source_tree() / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    return root


def run(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(tree)}
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=200, check=False)


@pytest.mark.slow
def test_what_is_begun_is_green(tree: Path) -> None:
    told = run(tree, "deploy.cli", "sensors", "new", NAME)
    assert told.returncode == 0, told.stderr
    for path in (f"drivers/{NAME}.py", f"docs/{NAME}.md"):
        assert str(tree / "firmware_bridge" / path) in told.stdout
    tests = run(tree, "pytest", "-q", "-p", "no:cacheprovider", "tests/firmware_bridge", "-k", NAME)
    assert tests.returncode == 0, tests.stdout
    assert f"tests/firmware_bridge/drivers/test_{NAME}.py" in run(tree, "pytest", "-q", "--co", "-k", NAME).stdout
    files = (f"firmware_bridge/drivers/{NAME}.py", f"tests/firmware_bridge/drivers/test_{NAME}.py")
    assert run(tree, "ruff", "check", *files).stdout.strip() == "All checks passed!"
    assert run(tree, "ruff", "format", "--check", *files).returncode == 0
    index = (tree / "firmware_bridge/docs/README.md").read_text()
    assert f"[{NAME}]({NAME}.md)" in index
    (tree / "pyproject.toml").unlink()  # as where it is installed from a package
    installed = run(tree, "deploy.cli", "sensors", "new", "acme_other")
    assert installed.returncode == 1
    assert installed.stderr.startswith("vigia: Vigía is installed here without its source tree")
    assert len(installed.stderr.splitlines()) == 1


def small_tree(root: Path) -> Path:
    for path in ("firmware_bridge/driver_template", "tests/firmware_bridge/driver_template"):
        shutil.copytree(source_tree() / path, root / path)
    return root


def test_names_are_changed_throughout(tmp_path: Path) -> None:
    for path in begin_driver(small_tree(tmp_path), NAME):
        text = path.read_text()
        assert "maker_model" not in text
        assert "MakerModel" not in text
        assert "firmware_bridge.driver_template" not in text
    assert "class AcmeBarometer9Decoder" in (tmp_path / f"firmware_bridge/drivers/{NAME}.py").read_text()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    root = small_tree(tmp_path)
    page = root / f"firmware_bridge/docs/{NAME}.md"
    page.parent.mkdir(parents=True)
    page.write_text("mine")
    with pytest.raises(DeployError, match=rf"docs/{NAME}\.md is there already"):
        begin_driver(root, NAME)
    assert page.read_text() == "mine"
    assert not (root / f"firmware_bridge/drivers/{NAME}.py").exists()


@pytest.mark.parametrize(
    "name",
    ["", "acme", "Acme_X", "acme-x", "acme_", "_acme_x", "acme__x", "../a_b", "9a_b", "a_" + "b" * 40, "maker_model"],
)
def test_names_that_are_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(DeployError, match="is no name for a driver"):
        begin_driver(tmp_path, name)
    assert not list(tmp_path.iterdir())
