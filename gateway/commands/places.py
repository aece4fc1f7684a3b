"""Where commands are counted, in a module without weight: the reports about the gateway name it at every post."""

from __future__ import annotations

from typing import Final

ORDERS: Final = "commands"
"""Place of the counters of commands that were not begun, by reason."""
ANSWERS: Final = "answered"
"""Place of the counters of answers given, by outcome: no discards."""
