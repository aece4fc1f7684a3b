"""Pictures of a wanted size for tests, and a camera's card to put them on."""

from __future__ import annotations

import hashlib
import io
import random
from pathlib import Path

from PIL import Image


def noise(size_bytes: int, seed: int) -> bytes:
    """A JPEG of roughly this size: noise, which nothing compresses."""
    side = max(16, int((size_bytes / 0.97) ** 0.5))
    image = Image.frombytes("RGB", (side, side), random.Random(seed).randbytes(side * side * 3))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=92)
    return out.getvalue()


class Card:
    """The directory that a camera fills. label: of all its pictures."""

    def __init__(self, place: Path, name: str, label: str) -> None:
        self.name, self.label = name, label
        self._place = place
        (place / "tarjeta").mkdir(parents=True)

    @property
    def settings(self) -> str:
        """Its [[sources]] table."""
        return f"""\
[[sources]]
driver = "camera_folder"
name = "{self.name}"
directory = "{self._place}/tarjeta"
state_path = "{self._place}/taken.db"
sensor = "{self.name}"
label = "{self.label}"
settle_s = 0.1
poll_s = 0.1
burst_s = 0.2
"""

    def put(self, name: str, content: bytes) -> str:
        """A picture, whole at once; its hash."""
        beside = self._place / name
        beside.write_bytes(content)
        beside.rename(self._place / "tarjeta" / name)
        return hashlib.sha256(content).hexdigest()
