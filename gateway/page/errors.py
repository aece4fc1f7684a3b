"""What the page raises beyond its own stage."""

from __future__ import annotations

from gateway.errors import GatewayError


class PageError(GatewayError):
    """The page cannot be served as the settings say: tried again by the supervisor."""


class PinError(GatewayError):
    """A PIN that may not be used, or a PIN file that cannot be read or written."""
