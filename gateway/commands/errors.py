"""What can go wrong with a command."""

from __future__ import annotations

from gateway.errors import GatewayError


class OrderError(GatewayError):
    """An order that is not carried out. The words are for whoever gave it. begun: whether anything of it was done.
    interrupted: the gateway ended in the middle of it."""

    def __init__(self, words: str, *, begun: bool = False, interrupted: bool = False) -> None:
        super().__init__(words)
        self.begun = begun
        self.interrupted = interrupted
