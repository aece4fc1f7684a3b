"""Wrong PINs cost time: more with each, by address and in all.

Pure: the caller brings the time. Whoever was right once is not held up by the guesses of others, so that nobody on the
Wi-Fi can lock the rangers out by guessing.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

_FREE_HERE: Final = 3
_LONGEST_HERE_S: Final = 900.0
_FREE_IN_ALL: Final = 12
_LONGEST_IN_ALL_S: Final = 60.0
_FORGOTTEN_AFTER_S: Final = 3600.0
_MOST_ADDRESSES: Final = 512


@dataclass(slots=True)
class _Count:
    wrong: int = 0
    last_s: float = 0.0
    was_right: bool = False

    def wait_s(self, free: int, longest_s: float, now_s: float) -> float:
        if self.wrong < free:
            return 0.0
        pause_s = min(longest_s, 2.0 ** min(16, self.wrong - free + 2))
        return max(0.0, self.last_s + pause_s - now_s)


class Guesses:
    """Counts guesses. For one thread."""

    def __init__(self) -> None:
        self._by_address: OrderedDict[str, _Count] = OrderedDict()
        self._in_all = _Count()

    def begin(self, address: str, now_s: float) -> float:
        """Somebody tries a PIN: 0.0 to go on, counted as wrong until `right` is called (many at once gain nothing), or
        how many seconds to wait first, and the PIN is not looked at."""
        here = self._here(address, now_s)
        if now_s - self._in_all.last_s > _FORGOTTEN_AFTER_S:
            self._in_all.wrong = 0
        wait_s = here.wait_s(_FREE_HERE, _LONGEST_HERE_S, now_s)
        if not here.was_right:
            wait_s = max(wait_s, self._in_all.wait_s(_FREE_IN_ALL, _LONGEST_IN_ALL_S, now_s))
        if wait_s > 0:
            return wait_s
        for count in (here, self._in_all):
            count.wrong += 1
            count.last_s = now_s
        return 0.0

    def right(self, address: str, now_s: float) -> None:
        """The guess that `begin` let through was right."""
        here = self._here(address, now_s)
        here.wrong, here.was_right = 0, True
        self._in_all.wrong = max(0, self._in_all.wrong - 1)

    def _here(self, address: str, now_s: float) -> _Count:
        key = _network(address)
        here = self._by_address.setdefault(key, _Count())
        self._by_address.move_to_end(key)
        if here.wrong and now_s - here.last_s > _FORGOTTEN_AFTER_S:
            here.wrong = 0
        if len(self._by_address) > _MOST_ADDRESSES:
            self._by_address.popitem(last=False)
        return here


def _network(address: str) -> str:
    """One phone has many IPv6 addresses in its /64 (RFC 4291, 2.5.4)."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((parsed, 64), strict=False))
    return str(parsed)
