"""Lines of the GPIO header: the one module that imports gpiozero, and only when an output asks for a line."""

from __future__ import annotations

from typing import Protocol

from gateway.warning.errors import OutputError


class Pin(Protocol):
    """A line that switches something."""

    def on(self) -> None:
        """Let it sound or shine."""

    def off(self) -> None:
        """Let it be still and dark."""

    def close(self) -> None:
        """Let go of the line."""


def open_pin(number: int, *, active_high: bool) -> Pin:
    """A line, switched off. number: BCM. Raises OutputError."""
    try:
        import gpiozero
    except ImportError as error:
        raise OutputError("gpiozero is not installed: pip install 'vigia[gpio]'") from error
    try:
        pin: Pin = gpiozero.OutputDevice(number, active_high=active_high, initial_value=False)
    except (gpiozero.GPIOZeroError, *_lgpio_errors(), OSError, ImportError) as error:
        raise OutputError(
            f"GPIO {number} cannot be used ({error}): is this a Raspberry Pi, is lgpio installed, is the line free, and"
            " is the service's user in the group gpio?"
        ) from error
    return pin


def _lgpio_errors() -> tuple[type[Exception], ...]:
    """What lgpio raises for a line that another program holds: an Exception like no other, which gpiozero passes on."""
    try:
        import lgpio
    except ImportError:
        return ()
    return (lgpio.error,)
