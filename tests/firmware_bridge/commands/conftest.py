"""The C host program, built once a session."""

from tests.support.device_host import vigia_host

__all__ = ["vigia_host"]
