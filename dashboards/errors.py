"""What dashboards raises: one root, and a class for each reaction."""

from __future__ import annotations


class DashboardsError(Exception):
    """Root of what dashboards raises. The message is for a person: what is wrong, where, what to do."""


class BoardError(DashboardsError):
    """A board that asks for a name the schema has not, or that Grafana would not load: a fault in our code."""


class SettingsError(DashboardsError):
    """Settings that cannot be used: mend the file or the environment."""


class GrafanaUnreachableError(DashboardsError):
    """No answer, or 5xx: trying again later may help."""


class GrafanaRefusedError(DashboardsError):
    """Grafana said no and will say no again. `status` is the HTTP status, 0 when there was none."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
