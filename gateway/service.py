"""The gateway as a service: reads its settings, runs, and starts anew in the same process when that was ordered."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from gateway.app import Gateway
from gateway.commands.office import Office, overlay_of
from gateway.errors import GatewayError
from gateway.settings import GatewaySettings
from gateway.supervision.service_manager import ServiceManager

log = logging.getLogger(__name__)


def serve(load: Callable[[], GatewaySettings], stop: threading.Event, manager: ServiceManager) -> None:
    """Run until `stop` is set. load: reads the post's own file; at a start anew, a file that cannot be used any more is
    said, and the settings that were read before are used again. Raises what `load` raises at the first, and
    GatewayError when another gateway has the outbox."""
    own = load()
    while True:
        overlay = overlay_of(own)
        if trouble := overlay.open():
            log.warning("%s", trouble)
        settings = overlay.settings(own)
        if overlay.trial is not None and overlay.is_tried:
            log.info("on trial: the settings of command %s", ", ".join(overlay.trial.ids))
        elif overlay.trial is not None:
            log.warning(
                "the settings of command %s are not tried now: the disk takes nothing", ", ".join(overlay.trial.ids)
            )
        Gateway(settings, Office(own, overlay), manager).run(stop)
        if stop.is_set():
            manager.stopping()
            return
        log.info("starting anew")
        try:
            own = load()
        except GatewayError as error:
            log.warning("the settings file cannot be used any more, the earlier settings serve again: %s", error)
