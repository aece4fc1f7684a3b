"""The root of what deploy raises for a person to read."""

from __future__ import annotations


class DeployError(Exception):
    """Something a person can put right: the message says what is wrong, where, and what to do."""
