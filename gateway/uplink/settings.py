"""[uplink]: the link to headquarters, when it is open and what may go over it in a day."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from gateway.section import Section

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""In the order of `datetime.weekday`."""

Budget = Annotated[int | None, Field(ge=0, le=10**12)]


class WindowSettings(Section):
    """[[uplink.windows]]"""

    start: str = Field(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="When it opens, by the post's clock: 06:00."
    )
    minutes: int = Field(10, ge=1, le=1440, description="How long it stays open at most.")
    days: list[Day] = Field(default_factory=lambda: list(DAYS), min_length=1, description="On which days.")


class BudgetSettings(Section):
    """[uplink.budget_bytes]"""

    alert: Budget = Field(None, description="Of alerts. Leave it out: an alert is small and must not wait.")
    detection: Budget = Field(None, description="Of detections that warn nobody.")
    reading: Budget = Field(None, description="Of measurements.")
    health: Budget = Field(None, description="Of the gateway's reports about itself.")
    media: Budget = Field(None, description="Of pictures and clips.")
    total: Budget = Field(
        None,
        description="Of everything, both ways, with receipts, encryption and TCP/IP headers. When it is spent the link"
        " closes; alerts still open it.",
    )


class UplinkSettings(Section):
    """[uplink]"""

    host: str = Field("localhost", min_length=1, description="The broker at headquarters.")
    port: int = Field(8883, ge=1, le=65535, description="Its port: 8883 with certificates, 1883 without.")
    tls: bool = Field(True, description="Encrypt and show our certificate. Only a test does without.")
    ca_file: Path = Field(Path("/etc/vigia/ca.crt"), description="The authority that vouches for the broker.")
    cert_file: Path = Field(Path("/etc/vigia/station.crt"), description="This post's certificate.")
    key_file: Path = Field(Path("/etc/vigia/station.key"), description="This post's private key.")
    keepalive_s: int = Field(60, ge=5, le=3600, description="Seconds between signs of life on an idle link.")
    batch_entries: int = Field(500, ge=1, le=4096, description="Most entries in one message.")
    window_messages: int = Field(32, ge=1, le=500, description="Most messages sent and not yet receipted.")
    receipt_timeout_s: float = Field(
        30.0, ge=1, le=3600, description="How long to wait for a receipt before sending again; doubles up to an hour."
    )
    linger_detection_s: float = Field(1.0, ge=0, le=3600, description="How long detections wait to travel together.")
    linger_reading_s: float = Field(30.0, ge=0, le=86400, description="How long measurements wait to travel together.")
    linger_health_s: float = Field(60.0, ge=0, le=86400, description="How long health reports wait.")
    mode: Literal["always", "windows"] = Field(
        "always",
        description='"always" keeps the link open; "windows" opens it at the hours of [[uplink.windows]], sends what'
        " waits and closes it, so that an idle link is not paid for. An alert opens it at once in both.",
    )
    cycle_hours: float = Field(
        6.0,
        gt=0,
        le=168,
        description="In mode windows, while the post does not know the hour, and when no [[uplink.windows]] are named:"
        " hours from one opening to the next, the first one when the machine starts.",
    )
    cycle_minutes: float = Field(10.0, gt=0, le=1440, description="How long each of those stays open at most.")
    alert_minutes: float = Field(
        10.0,
        gt=0,
        le=1440,
        description="How long a link opened by an alert waits for its receipt; then it pauses, longer each time.",
    )
    windows: list[WindowSettings] = Field(
        default_factory=list, max_length=96, description="When the link opens in mode windows."
    )
    budget_bytes: BudgetSettings = Field(
        default_factory=BudgetSettings,
        description="Most bytes of a day. What is over waits for the next day; nothing is thrown away for it.",
    )


def doubts(settings: UplinkSettings) -> Iterator[tuple[str, str]]:
    """What may be and is hardly meant: (Spanish, English)."""
    if settings.mode == "windows" and not settings.windows:
        minutes, hours = f"{settings.cycle_minutes:g} min", f"{settings.cycle_hours:g} h"
        yield (
            f'mode = "windows" sin [[uplink.windows]]: el enlace se abre {minutes} cada {hours}, sin hora fija',
            f'mode = "windows" without [[uplink.windows]]: it opens for {minutes} every {hours}, not at fixed hours',
        )
    if settings.mode == "always" and settings.windows:
        yield (
            'hay [[uplink.windows]], pero con mode = "always" el enlace no se cierra nunca; escriba mode = "windows"',
            'there are [[uplink.windows]], but with mode = "always" the link never closes; write mode = "windows"',
        )
    budget = settings.budget_bytes
    if budget.alert is not None:
        yield (
            "uplink.budget_bytes.alert: cuando se gaste, ninguna alerta llega a la sede hasta el otro día; quítelo",
            "uplink.budget_bytes.alert: once it is spent no alert reaches headquarters before the next day; remove it",
        )
    for lane in ("detection", "reading", "health", "media"):
        name, limit = f"uplink.budget_bytes.{lane}", getattr(budget, lane)
        if budget.total is not None and limit is not None and limit > budget.total:
            yield (
                f"{name} ({limit}) pasa de total ({budget.total}): no limita nada, y puede gastar lo de los demás",
                f"{name} ({limit}) is more than total ({budget.total}): it bounds nothing, and may spend all of that",
            )
