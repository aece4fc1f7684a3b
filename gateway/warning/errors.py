"""What goes wrong when people are to be warned."""

from __future__ import annotations

from gateway.errors import GatewayError


class OutputError(GatewayError):
    """An output did not take a warning: it is tried again. The message says what is wrong, where, what to do."""


class RefusedError(OutputError):
    """It will not take this warning however often it is tried."""


class UnknownOutputError(GatewayError):
    """There is no output of that name."""
