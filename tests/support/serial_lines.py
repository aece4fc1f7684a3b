"""Real ttys for tests: a pty whose far end is found under a link, as a USB port is found under /dev/serial/by-id."""

from __future__ import annotations

import os
import tty
from pathlib import Path


class TtyPair:
    """The device's end (`say`) and, under `link`, the port. `unplug` takes the device away."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.name = os.ttyname(self.slave)
        link.unlink(missing_ok=True)
        link.symlink_to(self.name)

    def say(self, data: bytes) -> None:
        """Bytes from the device."""
        while data:
            data = data[os.write(self.master, data) :]

    def unplug(self) -> None:
        """The device vanishes, its link first, as udev does it: the next pty may have the same name, and whoever still
        waits for this port would take that one."""
        if self.link.is_symlink() and str(self.link.readlink()) == self.name:
            self.link.unlink()
        for descriptor in (self.slave, self.master):
            if descriptor >= 0:
                os.close(descriptor)
        self.master = self.slave = -1
