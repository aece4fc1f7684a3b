"""A text by a radio of the mesh that one of the post's sources runs: the radio is a real one, as far as the source can
tell, at the other end of a pty."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from firmware_bridge.readings import Downlink, DownlinkError
from firmware_bridge.sources import SourceSettings, open_source
from gateway.speakers import Speakers
from tests.gateway.warning.posts import running
from tests.gateway.watch.facts_made import raised
from tests.support.mesh_radio import on_descriptor
from tests.support.running_source import RunningSource
from tests.support.serial_lines import TtyPair
from tests.support.waiting import wait_until

RADIO = {"output": "radio", "name": "patrullas", "source": "malla", "to": "#1", "repeat_s": 0, "max_bytes": 60}


@pytest.mark.expects_warnings
def test_patrols_read_it_on_their_radios(tmp_path: Path) -> None:
    settings = TypeAdapter(SourceSettings).validate_python(
        {"driver": "meshtastic_radio", "name": "malla", "port": str(tmp_path / "port")}
    )
    speakers = Speakers()
    with running(RADIO, speakers=speakers) as post:
        post.warnings.warn(raised(1))
        wait_until("trouble", lambda: "no source runs" in post.state("patrullas").trouble)
        source = open_source(settings, {})
        speakers.joined(source)
        pair = TtyPair(tmp_path / "port")
        radio = on_descriptor(pair.master)
        radio.start()
        with RunningSource(source):
            for number in range(2, 14):
                post.warnings.warn(raised(number, rule="y" * 30))
            wait_until("a text", lambda: len(radio.texts()) == 1, timeout_s=60)
            wait_until("success", lambda: post.state("patrullas").trouble == "")
            (packet,) = radio.texts()
            data = packet.message(4)
            assert data is not None
            said = (data.blob(2) or b"").decode()
            assert said.startswith("Motosierra")
            assert said.endswith("(y 12 más)")
            assert len(said.encode()) <= 60
            assert packet.unsigned(3) == 1
            speakers.left(source)
        radio.stop()
        pair.unplug()


def test_who_can_be_spoken_by(tmp_path: Path) -> None:
    speakers = Speakers()
    listening = open_source(
        TypeAdapter(SourceSettings).validate_python(
            {"driver": "camera_folder", "name": "camaras", "directory": str(tmp_path), "zone": "America/Lima"}
        ),
        {},
    )
    speakers.joined(listening)
    with pytest.raises(DownlinkError, match="cannot_speak"):
        speakers.say("camaras", Downlink("^all", text="x"))
    with pytest.raises(DownlinkError, match="unknown_speaker"):
        speakers.say("acustico-01", Downlink("", payload=b"x"))
    assert list(speakers.states()) == ["camaras"]
    speakers.left(listening)
    with pytest.raises(DownlinkError, match="unknown_speaker"):
        speakers.say("camaras", Downlink("^all", text="x"))
