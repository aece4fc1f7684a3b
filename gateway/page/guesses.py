"""Wrong PINs cost time: by phone, and over all phones that never showed the right one.

Pure: the caller brings the time. Whoever changes addresses gains nothing: those that never showed the PIN have so many
tries together, and one more each quarter of an hour, a hundred a day: a PIN of 4 digits lasts months, one of 6 a
lifetime. They take no try from a phone that showed it once, so that nobody on the Wi-Fi can lock the rangers out.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

_FREE_HERE: Final = 3
_LONGEST_HERE_S: Final = 900.0
_FORGOTTEN_AFTER_S: Final = 3600.0
_MOST_PHONES: Final = 512
_STRANGERS_AT_ONCE: Final = 20.0
_STRANGERS_EVERY_S: Final = 900.0


@dataclass(slots=True)
class _Count:
    wrong: int = 0
    last_s: float = 0.0

    def wait_s(self, now_s: float) -> float:
        if self.wrong < _FREE_HERE:
            return 0.0
        pause_s = min(_LONGEST_HERE_S, 2.0 ** min(16, self.wrong - _FREE_HERE + 2))
        return max(0.0, self.last_s + pause_s - now_s)


class Guesses:
    """Counts guesses. For one thread."""

    def __init__(self) -> None:
        self._by_phone: OrderedDict[str, _Count] = OrderedDict()
        self._left = _STRANGERS_AT_ONCE
        self._left_at_s = 0.0

    def begin(self, phone: str, now_s: float, *, is_known: bool = False) -> float:
        """Somebody tries a PIN: 0.0 to go on, counted as wrong until `right` is called (many at once gain nothing), or
        how many seconds to wait first, and the PIN is not looked at. phone: its address, or what else it is known by.
        is_known: it proved that it once showed the right one."""
        here = self._here(phone, now_s)
        wait_s = here.wait_s(now_s)
        if not is_known:
            wait_s = max(wait_s, self._wait_of_strangers_s(now_s))
        if wait_s > 0:
            return wait_s
        here.wrong += 1
        here.last_s = now_s
        if not is_known:
            self._left -= 1
        return 0.0

    def right(self, phone: str, now_s: float, *, is_known: bool = False) -> None:
        """The guess that `begin` let through was right."""
        self._here(phone, now_s).wrong = 0
        if not is_known:
            self._left += 1

    def _wait_of_strangers_s(self, now_s: float) -> float:
        came = max(0.0, now_s - self._left_at_s) / _STRANGERS_EVERY_S
        self._left, self._left_at_s = min(_STRANGERS_AT_ONCE, self._left + came), now_s
        return max(0.0, (1 - self._left) * _STRANGERS_EVERY_S)

    def _here(self, phone: str, now_s: float) -> _Count:
        key = _network(phone)
        here = self._by_phone.setdefault(key, _Count())
        self._by_phone.move_to_end(key)
        if here.wrong and now_s - here.last_s > _FORGOTTEN_AFTER_S:
            here.wrong = 0
        if len(self._by_phone) > _MOST_PHONES:
            self._by_phone.popitem(last=False)
        return here


def _network(phone: str) -> str:
    """One phone has many IPv6 addresses in its /64 (RFC 4291, 2.5.4)."""
    try:
        parsed = ipaddress.ip_address(phone.partition("%")[0])
    except ValueError:
        return phone[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((parsed, 64), strict=False))
    return str(parsed)
