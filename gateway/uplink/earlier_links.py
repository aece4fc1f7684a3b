"""What the links that ended tell about why this one did. Pure."""

from __future__ import annotations

from typing import Final

from gateway.uplink.refusals import Why

_SHORT_S: Final = 10.0
_SHORT_LINKS: Final = 3
"""So many links in a row, each shorter than _SHORT_S: somebody throws us out, and we should not hurry back."""
_STEADY_S: Final = 60.0


class EarlierLinks:
    """Of one station. taken_over: somebody else comes with our name, as far as is known."""

    def __init__(self, station: str) -> None:
        self._station = station
        self._short_links = 0
        self.taken_over = False

    def explain(self, said: Why, *, lasted_s: float, denied: str, taken_over: bool) -> Why:
        """Why a link that was up has ended. denied: the broker's words when it refused what we sent, or "". taken_over:
        it said that it gave our place to somebody else, which few brokers do. What is known to be so until somebody
        mends it needs no guess."""
        self._short_links = self._short_links + 1 if lasted_s < _SHORT_S else 0
        if denied:
            return Why(
                f"the broker refuses what we send as {self._station!r} ({denied}):"
                " is the certificate that of another post? vigia doctor says more",
                refused=True,
            )
        if said.refused:
            return said
        if taken_over or self._short_links >= _SHORT_LINKS:
            self.taken_over = True
        if self.taken_over and lasted_s < _STEADY_S:
            return Why(
                f"again and again soon after we come: has another gateway the certificate of {self._station!r}?"
                " Two machines cannot be one post",
                refused=True,
            )
        self.taken_over = False
        return said

    def works(self, lasted_s: float) -> None:
        """Headquarters answers on a link that is this old."""
        if self.taken_over and lasted_s >= _STEADY_S:
            self.taken_over, self._short_links = False, 0
