"""The page's languages: complete catalogues, a community's own by a file, and nothing that a bad file can break."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from firmware_bridge.readings import KINDS, LABELS, QUANTITIES
from gateway.page.catalogue import TEMPLATE, own_messages, template_text
from gateway.page.languages import OURS, Language, Languages

UTC = ZoneInfo("UTC")
BORA = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"

msgid "Español"
msgstr "Bora"

msgid "Todo tranquilo"
msgstr "Ímí ijcyá"

msgid "Motosierra"
msgstr "Tsííme"

msgid "hace %(n)s min"
msgstr "%(minutes)s"
"""


def languages(extra: Path | None = None, default: str = "es") -> Languages:
    made = Languages(extra, default, UTC)
    made.open()
    return made


def test_what_there_is_to_translate_is_up_to_date() -> None:
    assert TEMPLATE.read_text() == template_text(), "run `vigia generate`"


def test_every_message_has_english() -> None:
    with (OURS / "en.po").open("rb") as file:
        catalogue = read_po(file, locale="en")
    said = {message.id: message.string for message in catalogue if message.id}
    own = own_messages()
    assert set(own) - set(said) == set(), "not in en.po"
    assert set(said) - set(own) == set(), "in en.po and nowhere else"
    for message, english in said.items():
        forms = (message,) if isinstance(message, str) else message
        told = (english,) if isinstance(english, str) else tuple(english)
        assert all(told), f"{message} is not translated"
        for form, translated in zip(forms, told, strict=True):
            assert sorted(placeholders(form)) == sorted(placeholders(translated)), message


def placeholders(text: str) -> list[str]:
    return re.findall(r"%\(\w+\)s", text)


def test_every_thing_of_the_vocabulary_has_a_name_in_both() -> None:
    for thing in (*LABELS.values(), *KINDS.values(), *QUANTITIES.values()):
        assert thing.title_es
        assert thing.title_en
    spanish, english = languages().get("es"), languages().get("en")
    for label in LABELS.values():
        assert (spanish.label(label.name), english.label(label.name)) == (label.title_es, label.title_en)


def test_a_label_of_newer_firmware_is_said_as_it_is() -> None:
    assert languages().get("es").label("unlisted_77") == "unlisted 77"
    assert languages().get("en").label("silence") == "Silent sensor"


def test_a_community_adds_its_language_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "boa.po").write_text(BORA)
    found = languages(tmp_path)
    assert [one.code for one in found.all()] == ["boa", "en", "es"]
    bora = found.get("boa")
    assert bora.name == "Bora"
    assert bora("Todo tranquilo") == "Ímí ijcyá"
    assert bora.label("chainsaw") == "Tsííme"
    assert bora("Volver") == "Volver", "what is not translated is Spanish"
    assert bora("hace %(n)s min", n=3) == "hace 3 min", "a translation without its placeholder is none"


def test_a_compiled_file_will_do(tmp_path: Path) -> None:
    (tmp_path / "boa.po").write_text(BORA)
    with (tmp_path / "boa.po").open("rb") as source, (tmp_path / "qu.mo").open("wb") as compiled:
        write_mo(compiled, read_po(source))
    assert languages(tmp_path).get("qu")("Todo tranquilo") == "Ímí ijcyá"


def test_a_post_may_say_things_its_own_way(tmp_path: Path) -> None:
    (tmp_path / "es.po").write_text('msgid "Todo tranquilo"\nmsgstr "Todo bien por acá"\n')
    assert languages(tmp_path).get("es")("Todo tranquilo") == "Todo bien por acá"


@pytest.mark.expects_warnings
@pytest.mark.parametrize(
    "content",
    [b"", b"nonsense", b"\xff\xfe\x00", b'msgid "a\nmsgstr', b"\xde\x12\x04\x95" + b"\xff" * 40, b"#" * 600_000],
    ids=["empty", "nonsense", "no text", "unfinished", "torn", "huge"],
)
@pytest.mark.parametrize("name", ["boa.po", "boa.mo"])
def test_a_bad_file_is_left_out_and_the_page_goes_on(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    found = languages(tmp_path)
    assert {"en", "es"} <= {one.code for one in found.all()}
    for one in found.all():
        assert one("Todo tranquilo")
        assert one("hace %(n)s min", n=1)
        assert one.many("hace %(n)s día", "hace %(n)s días", 2) in ("hace 2 días", "2 days ago")


def test_a_plural_rule_that_is_code_is_not_run(tmp_path: Path) -> None:
    rule = '"Plural-Forms: nplurals=2; plural=__import__(0);\\n"'
    (tmp_path / "boa.po").write_text(f'msgid ""\nmsgstr ""\n{rule}\n\nmsgid "Mapa"\nmsgstr "M"\n')
    say = languages(tmp_path).get("boa")
    assert (say("Mapa"), say.many("hace %(n)s día", "hace %(n)s días", 2)) == ("M", "hace 2 días")


@pytest.mark.expects_warnings
def test_other_files_are_passed_over_and_there_are_not_too_many(tmp_path: Path) -> None:
    for name in ("notes.txt", "UPPER.po", "a b.po", "..po", "x.po"):
        (tmp_path / name).write_text(BORA)
    for n in range(40):
        (tmp_path / f"q{chr(97 + n % 26)}{chr(97 + n // 26)}.po").write_text(BORA)
    assert len(languages(tmp_path).all()) == 16


@pytest.mark.expects_warnings
def test_no_directory_and_no_such_default_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = languages(tmp_path / "none", "boa")
    assert found.get("").code == "es"
    assert "no language boa" in caplog.text
    assert "cannot be read" in caplog.text


def test_the_default_is_used_until_somebody_chooses(tmp_path: Path) -> None:
    found = languages(default="en")
    assert found.get("").code == "en"
    assert found.get("es").code == "es"
    assert found.get("nonsense").code == "en"


def test_plurals() -> None:
    for say in (Language("es", UTC), languages().get("en")):
        assert say.many("hace %(n)s día", "hace %(n)s días", 1) in ("hace 1 día", "1 day ago")
        assert say.many("hace %(n)s día", "hace %(n)s días", 3) in ("hace 3 días", "3 days ago")
