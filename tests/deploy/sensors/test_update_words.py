"""Whatever keeps a sensor from its new firmware is told in Spanish, with what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from deploy.sensors.update_words import refusal
from firmware_bridge.framing.downlinks import Answer, CommandCode, Result
from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.update import runner
from firmware_bridge.update.counters import DownlinkCounters
from firmware_bridge.update.errors import UpdateError
from firmware_bridge.update.image import check_signature, load_image
from firmware_bridge.update.updater import Updater
from tests.firmware_bridge.update.test_updater import IMAGE, NEW, answer, begun, status


def told(attempt: Callable[[], object]) -> str:
    with pytest.raises(UpdateError) as caught:
        attempt()
    words = refusal(caught.value, "rio-arriba")
    assert words.en == f"rio-arriba: {caught.value.detail}"
    assert words.es != words.en
    return words.es.removeprefix("rio-arriba: ")


def test_a_file_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "firmware.vgf"
    assert told(lambda: load_image(file)) == f"no se puede leer {file}; revise el nombre y el permiso"
    file.write_bytes(b"none")
    assert told(lambda: load_image(file)) == f"{file} no es un firmware de Vigía, o llegó dañado; cópielo otra vez"
    assert "de esa clave (--maker)" in told(lambda: check_signature(IMAGE, bytes(31) + b"\x01"))


def test_what_the_sensor_says_of_itself() -> None:
    def learns(of: Answer) -> str:
        return told(lambda: Updater(IMAGE).answered(of))

    other = structs.replace(status(), detail=status().detail[:-16] + b"other".ljust(16, b"\0"))
    assert learns(other) == "el sensor es un other y este firmware es para un model"
    newer = status(running=NEW + 1)
    assert learns(newer) == "el sensor ya corre 2.0.1 y este firmware es 2.0.0; si igual lo quiere, --force"
    assert learns(status(capacity=100)) == "no cabe: son 150 bytes y el sensor tiene lugar para 100"


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (Result.UNKNOWN_COMMAND, "use el cable de programar"),
        (Result.REFUSED, "vea su propio manual"),
        (Result.BAD_SIGNATURE, "pida otro a su fabricante"),
        (Result.WRONG_MODEL, "es para otro modelo"),
        (Result.OLDER_VERSION, "--force"),
        (Result.TOO_LARGE, "no cabe en el sensor"),
    ],
)
def test_what_the_sensor_refuses(result: Result, said: str) -> None:
    assert said in told(lambda: Updater(IMAGE).answered(Answer(1, CommandCode.UPDATE_QUERY, result)))


def test_what_goes_wrong_in_the_middle() -> None:
    def again(result: Result) -> Callable[[], None]:
        updater = begun()

        def say() -> None:
            for _ in range(50):
                updater.answered(answer(updater, 0, result))
                updater.answered(status())

        return say

    assert "apáguelo, préndalo" in told(again(Result.BUSY))
    assert "su memoria está gastada" in told(again(Result.BAD_DIGEST))
    assert "no aceptó el firmware al arrancar" in told(came_back)


def came_back() -> None:
    """The boot is said, and the sensor has its old firmware."""
    updater = begun()
    for held in (1, 2, 3, 3):
        updater.answered(answer(updater, held))
    updater.command()
    updater.answered(answer(updater, 3))
    updater.answered(status())


@pytest.mark.expects_warnings  # of the port that is not there
def test_silence(tmp_path: Path) -> None:
    def silent(words: str) -> str:
        def give_up() -> None:
            raise UpdateError("no_answer", words)

        return told(give_up)

    link = SerialLink(str(tmp_path / "tty"), 115200)
    link.read(0.0)
    assert silent(runner._silence(link, "00a1b2c3")).startswith(f"no está el puerto {tmp_path}/tty: ¿está enchufado")
    link = SerialLink("/dev/ttyUSB0", 115200)
    assert silent(runner._silence(link, "00a1b2c3")).startswith("el sensor no contesta: ¿está prendido")


def test_counters_that_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "counters").write_text("none")
    counters = DownlinkCounters(tmp_path / "counters")
    assert told(lambda: counters.take("00a1b2c3")).endswith("bórrelo y se hará otro")
    elsewhere = DownlinkCounters(tmp_path / "none" / "counters")
    assert told(lambda: elsewhere.take("00a1b2c3")).endswith("revise el disco y el permiso")


def test_a_reason_that_is_new_is_told_as_it_is() -> None:
    assert refusal(UpdateError("low_battery", "charge it"), "rio-arriba").es == "rio-arriba: low_battery: charge it"
