"""`vigia gateway check` and `vigia ingest check`, as a person uses them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli.main import app
from deploy.parts.services import write_registry
from deploy.pki import authority
from deploy.pki.bundles import bundle


def vigia(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_what_config_prints_passes_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, ingest = tmp_path / "gateway.toml", tmp_path / "ingest.toml"
    gateway.write_text(vigia("gateway", "config").output)
    told = vigia("gateway", "check", gateway, "--lang", "en")
    assert told.exit_code == 0, told.output
    assert "No [[sources]]: this post will hear nothing" in told.output
    assert "Sin [[sources]] este puesto no oirá nada" in vigia("gateway", "check", gateway).output
    monkeypatch.setenv("VIGIA_INGEST__REGISTRY__PATH", str(write_registry(tmp_path / "r.toml", {"boca": "yaguas"})))
    ingest.write_text(vigia("ingest", "config").output)
    # Only the token is left to be filled in, and the sample's text is not taken for one.
    early = vigia("ingest", "check", ingest)
    assert early.exit_code == 1
    assert "token: sigue siendo el texto de muestra" in str(early.exception)
    monkeypatch.setenv("VIGIA_INGEST__INFLUX__TOKEN", "t0ken")
    told = vigia("ingest", "check", ingest)
    assert told.exit_code == 0, told.output
    assert "1 puesto de 1 territorio\n" in told.output


def test_a_relative_path_is_pointed_out(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('[outbox]\npath = "here.db"\n')
    told = vigia("gateway", "check", file, "--lang", "en")
    assert "outbox.path is a relative path: it is taken from the directory in which vigia is started." in told.output


CERTIFICATE = """
[station]
name = "{name}"
[uplink]
ca_file = "{folder}/ca.crt"
cert_file = "{folder}/station.crt"
key_file = "{folder}/station.key"
"""
SENSOR = """
[[sources]]
driver = "vigia_sensor"
name = "radio"
port = "{port}"
[[sources.devices]]
id = "00a1b2c3"
name = "rio"
key_file = "{key}"
"""


def test_files_that_cannot_work_here_are_warnings(tmp_path: Path) -> None:
    authority.create_authority(tmp_path / "pki")
    authority.issue_station(tmp_path / "pki", "boca-yaguas")
    folder = bundle(tmp_path / "pki", "boca-yaguas", tmp_path / "bundle")
    file, key = tmp_path / "gateway.toml", tmp_path / "rio.key"

    file.write_text(CERTIFICATE.format(name="otro-puesto", folder=folder) + SENSOR.format(key=key, port="ttyUSB0"))
    told = vigia("gateway", "check", file)
    assert told.exit_code == 0
    assert told.output.splitlines()[0] == f"{file} está en orden: puesto otro-puesto, 1 fuente"
    assert "El certificado es de «boca-yaguas» y la configuración dice «otro-puesto»" in told.output
    assert "Falta la clave del sensor rio (00a1b2c3)" in told.output
    assert "A port le falta /dev/ delante [radio: ttyUSB0]" in told.output
    assert told.output.splitlines()[-1] == f"Para ver más: sudo vigia doctor --post {file}"

    key.write_text("00112233445566778899aabbccddeeff\n")
    key.chmod(0o600)
    plugged_in = "/dev/null"  # a device file that is on every machine
    file.write_text(CERTIFICATE.format(name="boca-yaguas", folder=folder) + SENSOR.format(key=key, port=plugged_in))
    assert vigia("gateway", "check", file).output == f"{file} está en orden: puesto boca-yaguas, 1 fuente\n"
    (folder / "ca.crt").unlink()
    told = vigia("gateway", "check", file, "--lang", "en")
    assert told.exit_code == 0
    assert f"A file of the certificate is missing (No such file or directory) [{folder}/ca.crt]" in told.output


def test_mistakes_are_plain_lines_on_standard_error_and_exit_code_1(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text("[uplink]\nport = 70000\n")
    command = [sys.executable, "-m", "deploy.cli", "gateway", "check", str(file)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.splitlines() == [
        f"vigia: {file} no sirve; tiene 1 error:",
        "  línea 2: uplink.port: debe ser como mucho 65535",
    ]
    told = subprocess.run([*command, "--lang", "en"], capture_output=True, text=True, timeout=60, check=False)
    assert told.stderr.splitlines()[1] == "  line 2: uplink.port: must be at most 65535"


REGISTRY = """\
[[territories]]
name = "yaguas"
title = "Yaguas"

[[stations]]
name = "Boca Yaguas"
territory = "yaguas"
"""


def test_faults_of_the_registry_are_told_by_their_lines_in_the_language(tmp_path: Path) -> None:
    settings, registry = tmp_path / "ingest.toml", tmp_path / "registry.toml"
    text = vigia("ingest", "config").output.replace("put the token here, or into VIGIA_INGEST__INFLUX__TOKEN", "0" * 16)
    settings.write_text(text.replace("/etc/vigia/registry.toml", str(registry)))

    def told(*more: str) -> list[str]:
        return str(vigia("ingest", "check", settings, *more).exception).splitlines()[1:]

    registry.write_text(REGISTRY)
    assert told() == [
        "  línea 5: stations.title: falta (cómo lo llama la gente)",
        "  línea 6: stations.name: no tiene la forma correcta (de 1 a 32 de a-z, 0-9 y guiones interiores)",
    ]
    assert "  line 6: stations.name: has not the right form (1 to 32 of a-z, 0-9 and inner hyphens)" in told(
        "--lang", "en"
    )
    registry.write_text(
        '[[territories]]\nname = "yaguas"\ntitle = "Yaguas"\n'
        '[[stations]]\nname = "boca"\nterritory = "otro"\ntitle = "Boca"\n'
    )
    assert told() == ["  el puesto 'boca' nombra el territorio 'otro', que no está en el archivo"]
    registry.unlink()
    assert told() == ["  no existe; ¿está bien el nombre?"]


def test_dead_letters_and_redrive_say_in_the_language_that_there_is_no_journal(tmp_path: Path) -> None:
    settings = tmp_path / "ingest.toml"
    text = vigia("ingest", "config").output.replace("put the token here, or into VIGIA_INGEST__INFLUX__TOKEN", "0" * 16)
    settings.write_text(text.replace("/var/lib/vigia", str(tmp_path)))
    for command in ("dead-letters", "redrive"):
        assert "no hay diario en" in str(vigia("ingest", command, settings).exception)
        assert "there is no journal at" in str(vigia("ingest", command, settings, "--lang", "en").exception)
