"""The compose file names things that exist, holds no secret, and opens one port to the world."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.settings.file import load_settings
from ingest.settings import IngestSettings

COMPOSE = Path(__file__).parents[3] / "deploy" / "compose"
SECRETS = ["VIGIA_API_TOKEN", "INFLUX_PASSWORD", "INFLUX_ADMIN_TOKEN", "GRAFANA_ADMIN_PASSWORD"]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(compose["services"])


def test_headquarters_is_broker_database_boards_and_ingest(services: dict[str, dict[str, Any]]) -> None:
    assert set(services) == {"mosquitto", "influxdb", "grafana", "ingest"}


def test_every_service_is_watched_and_comes_back(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert service["logging"]["options"]["max-size"], name  # a full disk is no way to end


def test_images_are_pinned(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        image, colon, tag = service["image"].rpartition(":")
        assert image, name
        assert colon, name
        assert re.fullmatch(r"\d+(\.\d+)+", tag), name


def test_only_the_broker_listens_to_the_world(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for port in service.get("ports", []):
            assert name == "mosquitto" or port.startswith("127.0.0.1:"), name
    assert services["mosquitto"]["ports"] == ["${VIGIA_MQTT_LISTEN:-0.0.0.0:8883}:8883"]


def test_what_is_mounted_is_in_the_repository_or_of_the_site_or_a_volume(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for mount in service["volumes"]:
            source = re.split(r":(?=/)", mount, maxsplit=1)[0]
            if source.startswith("."):
                assert (COMPOSE / source).exists(), f"{name}: {mount}"
                assert mount.endswith(":ro"), f"{name}: {mount}"
            elif source.startswith("${VIGIA_SITE:?"):
                assert mount.endswith(":ro"), f"{name}: {mount}"
            else:
                assert source in compose["volumes"], f"{name}: {mount}"


def test_the_image_is_built_from_what_is_there(services: dict[str, dict[str, Any]]) -> None:
    build = services["ingest"]["build"]
    root = (COMPOSE / build["context"]).resolve()
    dockerfile = root / build["dockerfile"]
    copied = re.findall(r"^COPY (.+) \S+$", dockerfile.read_text(), re.MULTILINE)
    for source in " ".join(copied).split():
        assert (root / source).exists(), source


def test_no_secret_is_written_down(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|GROUP|SECRET", key):
                # Required (:?), never with a default that somebody would keep.
                assert re.fullmatch(r"\$\{\w+(:-\$\{\w+)?:\?[^}]*\}+", value), f"{name}: {key}"
    example = (COMPOSE / ".env.example").read_text()
    for secret in SECRETS:
        assert re.search(rf"^{secret}=$", example, re.MULTILINE), f"{secret} is missing or has a value"
    assert not (COMPOSE / ".env").exists()


def test_every_variable_is_explained_in_the_example(compose: dict[str, Any]) -> None:
    asked = set(re.findall(r"\$\{(\w+)", yaml.safe_dump(compose)))
    told = set(re.findall(r"^#?(\w+)=", (COMPOSE / ".env.example").read_text(), re.MULTILINE))
    assert asked == told


def test_ingest_takes_its_settings(services: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    for key in services["ingest"]["environment"]:
        monkeypatch.setenv(key, "0123456789abcdef0123456789abcdef")
    settings = load_settings(COMPOSE / "ingest.toml", IngestSettings)
    assert settings.broker.host in services
    assert settings.broker.tls
    assert settings.influx.token is not None
    assert services["ingest"]["ports"] == [f"127.0.0.1:{settings.api.port}:{settings.api.port}"]
    mounts = {mount.removesuffix(":ro").rpartition(":")[2] for mount in services["ingest"]["volumes"]}
    for path in (settings.broker.key_file, settings.registry.path, settings.journal.path):
        assert str(path.parent) in mounts, path


def test_docker_itself_finds_nothing_wrong(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    command = [docker or "docker", "compose", "-f", str(COMPOSE / "compose.yaml")]
    if docker is None or subprocess.run([*command, "version"], capture_output=True, timeout=60, check=False).returncode:
        pytest.skip("docker compose is not on this machine; the other tests read the file")
    environment = {**os.environ, "VIGIA_SITE": str(tmp_path), **dict.fromkeys(SECRETS, "0123456789abcdef")}
    configured = subprocess.run(
        [*command, "config", "--quiet"], capture_output=True, text=True, timeout=60, env=environment, check=False
    )
    assert (configured.returncode, configured.stderr) == (0, "")
