"""A running broker and the authority that vouches for its clients, for the tests of the broker."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from deploy.broker.render import render_broker
from deploy.parts.processes import Part

A, B = "puesto-a", "puesto-b"
GROUP = "5f0c2f7e-known-to-headquarters-only"
"""In which several ingests share what comes."""


@dataclass
class Hub:
    """A running broker and the authority that vouches for its clients."""

    pki: Path
    directory: Path
    port: int
    part: Part

    def render(self) -> Path:
        return render_broker(
            self.directory,
            pki_directory=self.pki,
            port=self.port,
            host="127.0.0.1",
            services=("ingest", "ingest-2"),
            user=pwd.getpwuid(os.geteuid()).pw_name,
        )
