"""The part of the gateway that obeys headquarters: ledger, settings from afar, orders and desk, built from settings."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.clock.clock import Clock
from gateway.commands.overlay import Overlay
from gateway.outbox.outbox import Outbox
from gateway.rules.loading import load_rules
from gateway.settings import GatewaySettings
from gateway.uplink.uplink import UplinkState

if TYPE_CHECKING:
    from gateway.commands.desk import CommandDesk
    from gateway.commands.orders import Says


def directory_of(own: GatewaySettings) -> Path:
    """Where what concerns commands is kept."""
    return own.commands.path or own.outbox.path.parent / "commands"


def overlay_of(own: GatewaySettings) -> Overlay:
    """The settings changed from afar; not opened yet."""
    return Overlay(directory_of(own) / "headquarters.json")


class Office:
    """own: the settings of the post's own file. overlay: opened, with which this start's settings were made. wants: set
    by an order, or by the end of a trial, when the gateway is to start anew."""

    def __init__(self, own: GatewaySettings, overlay: Overlay) -> None:
        self._own = own
        self._overlay = overlay
        self.wants_restart = threading.Event()

    def desk(
        self,
        outbox: Outbox,
        clock: Clock,
        link: Callable[[], UplinkState],
        *,
        want_media: Callable[[str], str],
        kept_bytes: Callable[[], Mapping[str, int]],
        speakers: Says,
        update: Callable[[str, bytes], str],
    ) -> CommandDesk | None:
        """The desk, None when the post obeys nobody. See `Orders` for what each is."""
        key_file = self._own.commands.key_file
        if key_file is None:
            return None
        # A post that obeys nobody does not carry what reads keys.
        from gateway.commands.desk import CommandDesk
        from gateway.commands.ledger import Ledger
        from gateway.commands.orders import Orders

        directory = directory_of(self._own)
        orders = Orders(
            self._own,
            directory,
            self._overlay,
            want_media=want_media,
            read_rules=load_rules,
            kept_bytes=kept_bytes,
            speakers=speakers,
            update=update,
            restart=self.wants_restart.set,
        )
        return CommandDesk(
            self._own.station.name,
            key_file,
            Ledger(directory / "ledger.db"),
            self._overlay,
            orders,
            outbox,
            clock,
            link,
            trial_s=self._own.commands.trial_s,
            restart=self.wants_restart.set,
        )
