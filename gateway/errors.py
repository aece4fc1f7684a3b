"""The one exception root of the gateway; the class tells the reaction."""

from __future__ import annotations


class GatewayError(Exception):
    """Root. The message says what is wrong, where, and what to do."""


class SettingsError(GatewayError):
    """The settings file cannot be used: fatal, a person must mend it."""


class OutboxError(GatewayError):
    """The outbox was used against its contract: a bug, fatal."""
