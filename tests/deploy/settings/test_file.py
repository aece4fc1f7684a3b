"""`vigia gateway check` and `vigia ingest check`: every mistake is told, in the line where it stands, all at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploy.settings.file import load_settings, relative_paths
from deploy.settings.problems import MAX_FILE_BYTES, SettingsFileError
from firmware_bridge.sources import DRIVERS
from gateway.settings import GatewaySettings
from ingest.settings import IngestSettings

KEY = "00112233445566778899aabbccddeeff"
SOURCE = '[[sources]]\ndriver = "vigia_sensor"\nname = "{name}"\nport = "{port}"\n'
DEVICE = '[[sources.devices]]\nid = "{id}"\nname = "{name}"\nkey = "{key}"\n'
GOOD = '[station]\nname = "boca"\n' + SOURCE.format(name="radio", port="/dev/a")
GOOD += DEVICE.format(id="00a1b2c3", name="rio", key=KEY)


def problems(
    path: Path, text: str | bytes, model: type[GatewaySettings | IngestSettings] = GatewaySettings
) -> list[str]:
    path = path / "settings.toml" if path.is_dir() else path
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(SettingsFileError) as caught:
        load_settings(path, model)
    assert KEY not in str(caught.value)
    assert all(p.words.es != p.words.en and "en inglés" not in p.words.es for p in caught.value.problems)
    return [problem("en") for problem in caught.value.problems]


def test_a_good_file_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())  # as Notepad saves it
    assert load_settings(file, GatewaySettings).station.name == "boca"


def test_all_problems_are_told_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    told = problems(
        tmp_path,
        "\n".join(
            (
                "[uplink]",
                "prot = 8883",
                "port = 70000",
                'tls = "maybe"',
                'host = ""',
                "[station]",
                'name = "Puesto 1"',
                "[clock]",
                'trust = "gps"',
                "[nowhere]",
                "[outbox]",
                "path = 3",
                "max_megabytes = 1.5",
            )
        ),
    )
    assert told == [
        "line 2: uplink.prot: no such setting; do you mean port?",
        "line 3: uplink.port: must be at most 65535",
        "line 4: uplink.tls: must be true or false, without quotes",
        "line 5: uplink.host: must not be empty",
        "line 7: station.name: 'Puesto 1' is not 1 to 32 of a-z, 0-9 and inner hyphens",
        "line 9: clock.trust: must be 'ntp' or 'system'",
        f"line 10: nowhere: no such setting; known here: {', '.join(GatewaySettings.model_fields)}",
        'line 12: outbox.path: must be a path in "quotes"',
        "line 13: outbox.max_megabytes: must be a whole number",
    ]


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("motosierra", "do you mean chainsaw (motosierra)?"),
        ("chainsw", "do you mean chainsaw (motosierra)?"),
        ("Chainsaw", "do you mean chainsaw (motosierra)?"),
        ("bote", "do you mean boat (embarcación)?"),
        ("peque peque", "do you mean long_tail_motor (peque-peque)?"),
        ("otorongo", "do you mean jaguar (jaguar)?"),
        ("Camion", "known: unknown, chainsaw"),
    ],
)
def test_a_label_that_is_never_heard_is_refused_with_the_likely_one(tmp_path: Path, label: str, told: str) -> None:
    (only,) = problems(tmp_path, f'[lanes]\nalert_labels = [\n"dredge",\n"{label}",\n]\n')
    assert only.startswith(f"line 4: lanes.alert_labels: no such label; {told}")


def test_a_label_of_newer_firmware_may_warn(tmp_path: Path) -> None:
    file = tmp_path / "g.toml"
    file.write_text('[lanes]\nalert_labels = ["chainsaw", "unlisted_47"]\n')
    assert load_settings(file, GatewaySettings).lanes.alert_labels == ["chainsaw", "unlisted_47"]


def test_the_message_begins_with_how_many_there_are(tmp_path: Path) -> None:
    file = tmp_path / "g.toml"
    file.write_text("[uplink]\nport = 0\nkeepalive_s = 0\n")
    with pytest.raises(SettingsFileError) as caught:
        load_settings(file, GatewaySettings)
    assert str(caught.value).splitlines()[0] == f"{file} no sirve; tiene 2 errores:"
    assert str(caught.value).splitlines()[1] == "  línea 2: uplink.port: debe ser al menos 1"
    with pytest.raises(SettingsFileError) as caught:
        load_settings(file, GatewaySettings, "en")
    assert str(caught.value).splitlines()[0] == f"{file} cannot be used; it has 2 errors:"
    assert str(caught.value).splitlines()[1] == "  line 2: uplink.port: must be at least 1"


@pytest.mark.parametrize(
    ("device", "told"),
    [
        (
            DEVICE.format(id="00A1B2C4", name="b", key=KEY),
            (
                "line 12: sources.devices.id: has not the right form (Device id as printed on the sensor: 8 hex digits"
                " in lower case, in quotes)"
            ),
        ),
        (
            DEVICE.format(id="00a1b2c4", name="b", key=KEY[:-1] + "g"),
            "line 14: sources.devices.key: a key is 32 hex digits, in quotes",
        ),
        (
            '[[sources.devices]]\nid = "00a1b2c4"\nname = "b"\n',
            "line 11: sources.devices: device 00a1b2c4 needs either key or key_file",
        ),
        (
            '[[sources.devices]]\nid = 12345678\nname = "b"\nkey_file = "/k"\n',
            'line 12: sources.devices.id: must be text in "quotes"',
        ),
        (
            '[[sources.devices]]\nname = "b"\nkey_file = "/k"\n',
            (
                "line 11: sources.devices.id: is missing (Device id as printed on the sensor: 8 hex digits in lower"
                " case, in quotes)"
            ),
        ),
        (DEVICE.format(id="00a1b2c4", name="", key=KEY), "line 13: sources.devices.name: a sensor's name is 1 to 32"),
        (
            '[[sources.devices]]\nid = "00a1b2c4"\nname = "b"\nkey_fil = "/k"\n',
            "line 14: sources.devices.key_fil: no such setting; do you mean key_file?",
        ),
    ],
)
def test_a_bad_device_is_told_by_its_own_line(tmp_path: Path, device: str, told: str) -> None:
    (first, *_) = problems(tmp_path, GOOD + device)
    assert first.startswith(told)


def test_a_bad_device_of_the_second_source_is_told_by_its_own_line(tmp_path: Path) -> None:
    text = GOOD + SOURCE.format(name="cable", port="/dev/b") + DEVICE.format(id="0", name="b", key=KEY)
    assert problems(tmp_path, text)[0].startswith("line 16: sources.devices.id: has not the right form")


def test_an_unknown_driver_is_told_alone_with_the_known_ones(tmp_path: Path) -> None:
    text = GOOD + '[[sources]]\ndriver = "rtl_433"\nname = "x"\nfrequency = 1\n'
    known = ", ".join(f"{name!r}" for name in sorted(DRIVERS))
    assert problems(tmp_path, text) == [f"line 12: sources.driver: no such driver; known: {known}"]


def test_sources_as_one_table_instead_of_a_list(tmp_path: Path) -> None:
    (told,) = problems(tmp_path, '[sources]\ndriver = "vigia_sensor"\n')
    assert told.startswith("line 1: sources: must be a list")
    assert "[[...]]" in told


@pytest.mark.parametrize(
    ("table", "said"), [("[[devices]]", "[[sources.devices]]"), ("[default]", "[sources.default]")]
)
def test_a_table_of_a_source_that_stands_outside_is_told_where_it_belongs(
    tmp_path: Path, table: str, said: str
) -> None:
    (told,) = problems(tmp_path, f'{table}\nname = "a"\n')
    assert told.startswith("line 1: ")
    assert f"write {said}, below its [[sources]]" in told


def test_what_two_sources_may_not_share_is_told_for_the_second(tmp_path: Path) -> None:
    again = GOOD[GOOD.index("[[sources]]") :]
    assert problems(tmp_path, GOOD + again) == [
        "line 13: sources.name: another source is called radio too: number 1",
        "line 14: sources.port: another source reads /dev/a too: number 1",
        "line 16: sources.devices.id: another source knows device 00a1b2c3 too: number 1",
        "line 17: sources.devices.name: another source has a device called rio too: number 1",
    ]


SEMTECH = '[[sources]]\ndriver = "semtech_udp"\nname = "{}"\ndefault = {{ name = "s-{}", payload = {{ {} }} }}\n'
CAYENNE = 'codec = "cayenne_lpp"'
FOLDER = '[[sources]]\ndriver = "{}"\nname = "{}"\ndirectory = "{}"\nzone = "UTC"\n'
CHIRPSTACK = (
    '[[sources]]\ndriver = "chirpstack_v4"\nname = "{name}"\n'
    'application_id = "17c82e96-be03-4f38-aef3-f83d48582d97"\n'
    'broker = {{ client_id = "vigia" }}\n'
    'devices = [{{ id = "{eui}", name = "s-{name}", payload = {{ codec = "cayenne_lpp" }} }}]\n'
)


GPS = '[[sources]]\ndriver = "nmea_gps"\nname = "gps"\nport = "/dev/gps"\nsensor = "rio"\n'
RECORDER = FOLDER.format("audio_folder", "sd", "/media/a") + '[[sources.recorders]]\nserial = "1"\nname = "rio"\n'


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (GOOD + GPS, "line 15: sources.sensor"),
        (GOOD + RECORDER, "line 18: sources.recorders.name"),
        (GOOD + FOLDER.format("audio_folder", "sd", "/media/a") + 'sensor = "rio"\n', "line 16: sources.sensor"),
        (GOOD + FOLDER.format("camera_folder", "rio", "/media/a"), "line 13: sources.name"),
        (GOOD + SEMTECH.format("x", "x", CAYENNE).replace("s-x", "rio"), "line 14: sources.default.name"),
    ],
    ids=["gps", "recorder", "folder's sensor", "folder's own name", "default"],
)
def test_a_sensor_s_name_is_of_one_source_however_it_is_given(tmp_path: Path, text: str, where: str) -> None:
    assert problems(tmp_path, text) == [f"{where}: another source has a device called rio too: number 1"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            SEMTECH.format("a", "a", CAYENNE) + SEMTECH.format("b", "b", CAYENNE) + 'listen_address = "0.0.0.0"\n',
            "line 5: sources.listen_port: another source listens at UDP port 1700 too: number 1",
        ),
        (
            FOLDER.format("camera_folder", "a", "/media/sd/") + FOLDER.format("camera_folder", "b", "/media/./sd"),
            "line 9: sources.directory: another source takes files (camera_folder) from /media/sd too: number 1",
        ),
        (
            FOLDER.format("camera_folder", "a", "/media/1")
            + 'state_path = "/var/x.db"\n'
            + FOLDER.format("audio_folder", "b", "/media/2")
            + 'state_path = "/var/x.db"\n',
            "line 12: sources.state_path: another source remembers in /var/x.db too: number 1",
        ),
        (
            CHIRPSTACK.format(name="a", eui="0" * 16) + CHIRPSTACK.format(name="b", eui="1" * 16),
            "line 11: sources.broker.client_id: another source goes by client id vigia at localhost:1883 too: number 1",
        ),
    ],
    ids=["udp port", "directory", "memory", "client id"],
)
def test_sources_that_would_steal_from_one_another_are_refused(tmp_path: Path, text: str, told: str) -> None:
    assert problems(tmp_path, text) == [told]


def test_pictures_and_sounds_may_lie_in_one_directory(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(FOLDER.format("camera_folder", "a", "/media/sd") + FOLDER.format("audio_folder", "b", "/media/sd"))
    assert len(load_settings(file, GatewaySettings).sources) == 2


MODEM = (
    '[[sources]]\ndriver = "{}"\nname = "radio"\nport = "/dev/a"\nband = "au915"\nfrequency_hz = 916_800_000\n'
    "devices = [\n{}]\n"
)
OTHER = '{{ id = "{}", name = "{}", payload = {{ codec = "cayenne_lpp" }} }},\n'


@pytest.mark.parametrize("address", ["0x32", "050", "65536", "99999", "-1", "", "5 0", "٥"])
def test_an_address_of_a_modem_is_decimal(tmp_path: Path, address: str) -> None:
    (told,) = problems(tmp_path, MODEM.format("reyax_rylr", OTHER.format(address, "a")))
    assert told.startswith("line 8: sources.devices.id: an address is 0 to 65535, in decimal and without zeros")


@pytest.mark.parametrize("address", ["0", "50", "65535"])
def test_a_good_address_of_a_modem(tmp_path: Path, address: str) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(MODEM.format("reyax_rylr", OTHER.format(address, "a")))
    assert load_settings(file, GatewaySettings).sources


def test_how_packets_begin_must_tell_devices_apart(tmp_path: Path) -> None:
    several = "".join(OTHER.format(prefix, f"s-{prefix}") for prefix in ("0701", "06", "07"))
    (told,) = problems(tmp_path, MODEM.format("microchip_rn2483", several))
    assert "packets that begin with 0701 begin with 07 too" in told


def test_a_name_that_influxdb_could_not_keep_is_refused(tmp_path: Path) -> None:
    text = GOOD.replace('name = "rio"', "name = 'rio\\'")
    (told,) = problems(tmp_path, text)
    assert told == (
        "line 9: sources.devices.name: a sensor's name is 1 to 32 printable bytes and does not end in a backslash"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[uplink]\nport = /dev/tty\n", "line 2: what follows the = is no value"),
        ("[uplink]\nhost = “hub”\n", "line 2: what follows the = is no value"),
        ("[uplink]\ntls = si\n", "line 2: write true or false"),
        ("[uplink]\ntls = True # as in Python\n", "line 2: write true or false"),
        ("[uplink]\ntls = encendido\n", "line 2: write true or false"),
        ("[uplink]\nhost = encendido\n", "line 2: what follows the = is no value"),
        ('[uplink]\nhost = "hub\nport = 1\n', "line 2: a text that begins with a quote does not end with one"),
        ("[uplink\nport = 1\n", "line 1: a table's name ends with ]"),
        ("[uplink]\nport 1\n", "line 2: a setting is written: name = value"),
        ("[uplink]\nport = 1\nport = 2\n", "line 3: this setting or table stands here for the second time"),
        ("[uplink]\n[uplink]\n", "line 2: this table stands here for the second time"),
        ("[uplink]\nport = 00a1\n", "line 2: the line goes on after the value"),
        ("[uplink]\nport = " + "[" * 100_000, "it holds a value that no setting can have"),
        ("[uplink]\nport = " + "1" * 5000, "it holds a value that no setting can have"),
        ('_env_file = "/etc/shadow"\n', "line 1: _env_file: no such setting"),
        (b"[station]\nname = 'ni\xf1o'\n", "line 2: here is a byte that is not UTF-8"),
        (b"\0" * 4096, "line 1: here is a character that no text file has"),
        ("", "it is empty; `vigia gateway config`"),
        (" \n\n", "it is empty"),
        ("#" * (MAX_FILE_BYTES + 1), "it is longer than 1024 KiB"),
    ],
)
def test_what_is_no_settings_file_is_told_in_plain_words(tmp_path: Path, text: str | bytes, told: str) -> None:
    (only,) = problems(tmp_path, text)
    assert only.startswith(told)


def test_a_directory_a_missing_file_and_a_pipe_are_told_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, told in (
        (tmp_path, "it is a directory"),
        (tmp_path / "no", "there is no such file"),
        (tmp_path / "pipe", "it is not a file"),
        (tmp_path / "pipe" / "x", "Not a directory"),
    ):
        with pytest.raises(SettingsFileError, match=told):
            load_settings(path, GatewaySettings, "en")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    file = tmp_path / "g.toml"
    file.write_text(GOOD)
    file.chmod(0)
    with pytest.raises(SettingsFileError, match="you may not read it; use sudo"):
        load_settings(file, GatewaySettings, "en")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("VIGIA_GATEWAY__UPLINK__PORT", "x", "uplink.port: must be a whole number (environment variable {})"),
        ("vigia_gateway__uplink__port", "0", "uplink.port: must be at least 1 (environment variable {})"),
        ("VIGIA_GATEWAY__UPLINK", '{"port": 0}', "uplink.port: must be at least 1 (environment variable {})"),
        (
            "VIGIA_GATEWAY__UPLINK__PROT",
            "1",
            "uplink.prot: no such setting; do you mean port? (environment variable {})",
        ),
        (
            "VIGIA_GATEWAY__UPLNK__PORT",
            "1",
            "{}: no setting goes by this environment variable; do you mean VIGIA_GATEWAY__UPLINK",
        ),
        ("VIGIA_GATEWAY__UPLINK", "hub", "{}: stands for a whole section and is not JSON"),
        ("VIGIA_GATEWAY__SOURCES__0__PORT", "/dev/b", "sources: must be a list"),
        ("VIGIA_GATEWAY__UPLINK__WINDOWS", "06:00", "{}: cannot be read: a list or a table is written here in JSON"),
    ],
)
def test_a_wrong_override_names_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    (only,) = problems(tmp_path, GOOD.replace("[station]", "[uplink]\nport = 1883\n[station]"))
    assert only.startswith(told.format(name))
    assert name in only


def test_a_fault_of_the_file_is_not_put_on_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIA_GATEWAY__UPLINK__HOST", "hub")
    assert problems(tmp_path, "[uplink]\nport = 0\n") == ["line 2: uplink.port: must be at least 1"]


def test_ingest_without_its_database_says_what_is_missing(tmp_path: Path) -> None:
    assert problems(tmp_path, "[broker]\nport = 0\n", IngestSettings) == [
        "line 2: broker.port: must be at least 1",
        "influx: is missing (Where points go)",
    ]
    (told,) = problems(tmp_path, '[influx]\ndialect = "v2"\n', IngestSettings)
    assert told == "line 1: influx: InfluxDB 2.x needs `token` and `org`"


def test_relative_paths_are_named(tmp_path: Path) -> None:
    file = tmp_path / "g.toml"
    file.write_text('[outbox]\npath = "outbox.db"\n')
    assert relative_paths(load_settings(file, GatewaySettings)) == ["outbox.path"]
