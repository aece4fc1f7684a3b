"""[page] of the gateway's settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gateway.section import Section

_HOST_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:_[A-Za-z]{2,8})?")


def _host_name(name: str) -> str:
    if not _HOST_NAME.fullmatch(name):
        raise PydanticCustomError("host_name", "must be a host name in small letters, such as puesto.local")
    return name


def _language(code: str) -> str:
    if not _LANGUAGE.fullmatch(code):
        raise PydanticCustomError("language_code", "must be the code of a language, such as es, en, qu or boa")
    return code


class PageSettings(Section):
    """[page]"""

    enabled: bool = Field(True, description="Serve the post's page to phones on the local network.")
    host: str = Field(
        "0.0.0.0",  # noqa: S104 - phones of the local network are whom it is for
        min_length=1,
        description="Address to listen on: 0.0.0.0 for the whole local network, 127.0.0.1 for this machine only.",
    )
    port: int = Field(8080, ge=0, le=65535, description="Port of the page; 0 takes a free one, told in the log.")
    names: list[Annotated[str, AfterValidator(_host_name)]] = Field(
        default_factory=list,
        max_length=16,
        description="Names by which phones ask for the page, beside its address, the post's name and <name>.local.",
    )
    language: Annotated[str, AfterValidator(_language)] = Field(
        "es", description="Language of the page until somebody chooses another on their phone."
    )
    languages_path: Path | None = Field(
        None,
        description="Directory with further languages, a file <code>.po or <code>.mo for each, as qu.po.",
    )
    acting: Literal["pin", "free"] = Field(
        "pin",
        description='Who may acknowledge, note patrols and test outputs: "pin", or "free" for everyone who reads.',
    )
    reading: Literal["free", "pin"] = Field(
        "free", description='Who may read: "free" for everyone on the local network, or "pin".'
    )
    pin_file: Path | None = Field(
        None,
        description="Where the hash of the PIN is (vigia gateway pin; 6 digits are hard to guess); page.pin beside the"
        " outbox if left out.",
    )
    session_hours: float = Field(12.0, gt=0, le=8760, description="How long a phone is not asked for the PIN again.")
    most_connections: int = Field(64, ge=4, le=1000, description="Most connections open at once.")
    most_streams: int = Field(24, ge=1, le=500, description="Most phones that are told of news at once.")
