"""[[warnings]] of the gateway's settings: by what the people at the post are warned."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidatorFunctionWrapHandler, WrapValidator

from gateway.label_names import LabelName
from gateway.section import Section


def _or_silence(name: Any, as_label: ValidatorFunctionWrapHandler) -> Any:
    return name if name == "silence" else as_label(name)


Level = Literal["alert", "notice"]
Of = Annotated[LabelName, WrapValidator(_or_silence)]
"""What an incident is about: a label, or silence, of a sensor that is not heard."""
Seconds = Annotated[float, Field(ge=0.05, le=60)]


class OutputSettings(Section):
    """What every output has."""

    name: str = Field(
        pattern=r"^[a-z0-9](?:[a-z0-9-]{0,18}[a-z0-9])?$",
        description="Name of this output on the page and in counters: 1 to 20 of a-z, 0-9 and inner hyphens.",
    )
    levels: list[Level] = Field(
        default=["alert"], min_length=1, description="Which incidents it tells of: alert, notice."
    )
    labels: list[Of] = Field(
        default_factory=list,
        description='Only of these sounds and sights, or "silence" of a sensor; of all if empty.',
    )
    rules: list[str] = Field(default_factory=list, description="Only what these rules found; all if empty.")
    hours: str = Field(
        "",
        pattern=r"^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]-(?:[01][0-9]|2[0-3]):[0-5][0-9])?$",
        description='Only at these hours of the post, such as "05:30-21:00" or "21:00-05:30"; always if empty, and'
        " while nobody vouches for the clock.",
    )
    lang: Literal["es", "en"] = Field("es", description="Language of its words: es or en.")
    repeat_s: float = Field(
        0.0, ge=0, le=86_400, description="Least seconds from one warning to the next; what comes between is told then."
    )
    too_late_s: float = Field(
        300.0, ge=1, le=86_400, description="A warning that could not be given within so many seconds is not given."
    )


class PinSettings(OutputSettings):
    """A thing switched by a pin."""

    pin: int = Field(ge=0, le=27, description="Number of the GPIO line (BCM), not of the place on the header.")
    active_high: bool = Field(True, description="Whether it sounds or shines when the line is high.")
    pattern: list[Seconds] = Field(
        default_factory=lambda: [1.0, 0.5], min_length=1, max_length=16, description="Seconds on, off, on, off, ..."
    )


class SirenSettings(PinSettings):
    """output = "siren" """

    output: Literal["siren"] = Field(description="A siren on a GPIO line.")
    seconds: float = Field(
        30.0, ge=0.1, le=3600, description="How long it sounds, unless all that rang it is acknowledged."
    )
    repeat_s: float = Field(
        60.0, ge=0, le=86_400, description="Least seconds from one warning to the next; none once all is acknowledged."
    )


class LampSettings(PinSettings):
    """output = "lamp" """

    output: Literal["lamp"] = Field(description="A lamp on a GPIO line.")
    seconds: float = Field(
        600.0, ge=0.1, le=86_400, description="How long it shines, unless all that lit it is acknowledged."
    )


class RadioSettings(OutputSettings):
    """output = "radio" """

    output: Literal["radio"] = Field(description="A text to the radios of patrols.")
    source: str = Field(min_length=1, description="Name of the source, in [[sources]], whose radio says it.")
    to: str = Field(
        "^all", min_length=1, max_length=64, description="To whom: ^all, a channel such as #1 or its name, or a radio."
    )
    max_bytes: int = Field(200, ge=40, le=230, description="Longest text, in bytes.")
    repeat_s: float = Field(
        60.0, ge=0, le=86_400, description="Least seconds from one text to the next: air is scarce."
    )


class WebhookSettings(OutputSettings):
    """output = "webhook" """

    output: Literal["webhook"] = Field(description="A JSON object sent by HTTP POST.")
    url: str = Field(pattern=r"^https?://[^\s/]+\S*$", max_length=2000, description="Where: http:// or https://.")
    timeout_s: float = Field(10.0, ge=0.1, le=120, description="How long to wait for its answer.")
    secret_file: Path | None = Field(
        None, description="File with a secret; then X-Vigia-Signature holds the HMAC-SHA256 of the body."
    )


class AppriseSettings(OutputSettings):
    """output = "apprise" """

    output: Literal["apprise"] = Field(description="Messages by any service that the library apprise knows.")
    urls_file: Path = Field(description="File of mode 600 with the services' URLs, one a line (they hold passwords).")


class LogSettings(OutputSettings):
    """output = "log" """

    output: Literal["log"] = Field("log", description="A line in the service's log.")
    name: str = Field("log", pattern=r"^[a-z0-9-]{1,20}$", description="Name of this output.")
    levels: list[Level] = Field(default=["alert", "notice"], min_length=1, description="Which incidents it tells of.")


WarningSettings = Annotated[
    SirenSettings | LampSettings | RadioSettings | WebhookSettings | AppriseSettings | LogSettings,
    Field(discriminator="output"),
]
