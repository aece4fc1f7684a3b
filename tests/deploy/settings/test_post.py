"""What a post's settings give cause to doubt."""

from __future__ import annotations

from pathlib import Path

from deploy.settings.file import load_settings, relative_paths
from deploy.settings.post import doubts_of_sources
from gateway.settings import GatewaySettings

_SOURCES = """
[[sources]]
driver = "audio_folder"
name = "grabadoras"
directory = "/media/a"
label = "guacamayo"
[[sources.recorders]]
serial = "24E1"
name = "quebrada"
label = "motosierra"

[[sources]]
driver = "rak_rui3"
name = "radio"
port = "/dev/ttyUSB0"
band = "au915"
frequency_hz = 916_800_000
spreading_factor = 7
[[sources.devices]]
id = "0a"
name = "oido"
[sources.devices.payload]
codec = "layout"
layout.kind = "acoustic_detection"
layout.fields = [{ labels = { 1 = "motosierra", 2 = "sapo" } }]
[[sources.devices]]
id = "0b"
name = "nivel"
[sources.devices.payload]
codec = "javascript"
file = "nivel.js"
"""


def test_labels_of_their_own_and_relative_codec_files_are_told(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(_SOURCES)
    settings = load_settings(file, GatewaySettings)
    doubts = [doubt("es") for doubt in doubts_of_sources(settings)]
    assert [doubt.split(",")[0] for doubt in doubts] == [
        "grabadoras usa la etiqueta guacamayo",
        "radio usa la etiqueta sapo",
    ]
    assert relative_paths(settings) == ["sources[2].devices[2].payload.file"]
