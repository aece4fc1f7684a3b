"""Which uplinks of LoRaWAN devices have been taken before, kept across restarts by way of `Delivery.replay`.

A broker that was not told that a message is safe sends it again; two network servers may both tell of one frame. A
frame is known by its device, its session and its frame counter. A session begins when a device joins: new address, new
counter. A device that is personalised (ABP) keeps its address for ever and may begin again at 0 when it restarts;
nothing in the frame tells that from a copy. So:

- another session than the two last known begins a new one; the one before is kept, for what was still on its way;
- a join begins anew, unless it is the last one told again, or older than the last frame taken;
- the server saying that the counter was reset begins anew;
- a counter that is not new (seen, or more than 31 behind) is taken all the same, as a counter that began anew, if the
  server received the frame more than a minute after the last one that was taken: a copy has its old time.

A state fits two integers below 2**63: session (31 bits) and counter (32); time of the last frame taken, in seconds
(32), and the window (31): bit n is counter - 1 - n. Keys are a digit (1 this session, 2 the one before, 3 to 5 the last
event of a sort) and 16 hex digits, so that none can be taken for a device of our own, which has 8.
"""

from __future__ import annotations

import hashlib
import logging
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, NamedTuple

from firmware_bridge.delivery import ReplayState

log = logging.getLogger(__name__)

WINDOW: Final = 32
BEGINS_ANEW_AFTER_S: Final = 60
MAX_RECENT: Final = 4096
_BITS: Final = WINDOW - 1
_MASK: Final = (1 << _BITS) - 1
_COUNTER: Final = 0xFFFF_FFFF
_THIS, _BEFORE = "1", "2"
_SORTS: Final = {"status": "3", "join": "4", "location": "5"}
_SLOTS: Final = frozenset({_THIS, _BEFORE, *_SORTS.values()})
_KEY_CHARACTERS: Final = 17
_NOTHING: Final = (0, 0)


class _Session(NamedTuple):
    tag: int
    counter: int
    window: int
    time_s: int

    @staticmethod
    def of(state: ReplayState) -> _Session | None:
        """None for a session that is over and has no follower yet."""
        highest, bitmap = state
        if not highest and not bitmap:
            return None
        return _Session(highest >> 32 & _MASK, highest & _COUNTER, bitmap & _MASK, bitmap >> _BITS & _COUNTER)

    def state(self) -> ReplayState:
        return self.tag << 32 | self.counter, self.time_s << _BITS | self.window

    def admit(self, counter: int, time_s: int) -> _Session | str:
        """The session after a frame, or why it is not taken: duplicate, replayed."""
        ahead = counter - self.counter
        last = max(self.time_s, time_s)
        if ahead > 0:
            window = (self.window << 1 | 1) << ahead - 1 & _MASK if ahead <= _BITS else 0
            return _Session(self.tag, counter, window, last)
        if ahead < 0 and -ahead <= _BITS and not self.window & (bit := 1 << -ahead - 1):
            return _Session(self.tag, self.counter, self.window | bit, last)
        if time_s > self.time_s + BEGINS_ANEW_AFTER_S and self.time_s:
            return _Session(self.tag, counter, 0, time_s)
        return "duplicate" if -ahead <= _BITS else "replayed"


class UplinkGuard:
    """What was taken of some devices. Devices are named by their EUI (16 hex digits) or any other text."""

    def __init__(self, replay: Mapping[str, ReplayState]) -> None:
        self._states = {key: state for key, state in replay.items() if len(key) == _KEY_CHARACTERS and key[0] in _SLOTS}
        self._changed: set[str] = set()
        self._recent: OrderedDict[str, None] = OrderedDict()

    def admit(self, device: str, session: str, counter: int, time_s: float | None) -> str:
        """Mark a frame as taken and return "", or why not: bad_counter, duplicate, replayed.

        session: the device's address, and the server's name of the session if it has one. time_s: when the server
        received it, seconds since 1970; None if it does not say.
        """
        if not 0 <= counter <= _COUNTER:
            return "bad_counter"
        tag, when = _tag(session), _seconds(time_s)
        this, before = self._key(_THIS, device), self._key(_BEFORE, device)
        for key in (this, before):
            known = _Session.of(self._states.get(key, _NOTHING))
            if known is not None and known.tag == tag:
                after = known.admit(counter, when)
                if isinstance(after, str):
                    return after
                if after.counter < known.counter:
                    log.info("%s: the frame counter of this device began anew at %d", device, counter)
                self._keep(key, after.state())
                return ""
        if this in self._states and self._states[this] != _NOTHING:
            self._keep(before, self._states[this])
        self._keep(this, _Session(tag, counter, 0, when).state())
        return ""

    def joined(self, device: str, session: str, event_id: str, time_s: float | None) -> None:
        """The device joined. Only a session of the same name has to be forgotten: any other is seen to be new."""
        if not self.is_another("join", device, event_id):
            return
        for slot in (_THIS, _BEFORE):
            known = _Session.of(self._states.get(self._key(slot, device), _NOTHING))
            if known is not None and known.tag == _tag(session) and _seconds(time_s) >= known.time_s:
                self._keep(self._key(slot, device), _NOTHING)

    def reset(self, device: str, time_s: float | None) -> None:
        """The server says that the device's counter began anew."""
        known = _Session.of(self._states.get(self._key(_THIS, device), _NOTHING))
        if known is not None and _seconds(time_s) >= known.time_s:
            self._keep(self._key(_THIS, device), _NOTHING)

    def is_new(self, event_id: str) -> bool:
        """Whether an event of this id was not told yet, of the 4096 last ones; "" is always new. Marks it."""
        if not event_id:
            return True
        if event_id in self._recent:
            self._recent.move_to_end(event_id)
            return False
        self._recent[event_id] = None
        if len(self._recent) > MAX_RECENT:
            self._recent.popitem(last=False)
        return True

    def is_another(self, sort: str, device: str, event_id: str) -> bool:
        """Whether this is not the last status, join or location that was told of the device, also before a restart.
        Marks it."""
        key = self._key(_SORTS[sort], device)
        state = (int.from_bytes(hashlib.sha256(event_id.encode(errors="replace")).digest()[:8], "big") >> 1, 0)
        if self._states.get(key) == state:
            return False
        self._keep(key, state)
        return True

    def take_replay(self) -> dict[str, ReplayState]:
        """The states that changed since this was last asked, for `Delivery.replay`."""
        changed = {key: self._states[key] for key in self._changed}
        self._changed.clear()
        return changed

    def _keep(self, key: str, state: ReplayState) -> None:
        self._states[key] = state
        self._changed.add(key)

    def _key(self, slot: str, device: str) -> str:
        if len(device) == 16 and all(digit in "0123456789abcdef" for digit in device):
            return slot + device
        return slot + hashlib.sha256(device.encode(errors="replace")).hexdigest()[:16]


def _tag(session: str) -> int:
    return zlib.crc32(session.lower().encode(errors="replace")) & _MASK


def _seconds(time_s: float | None) -> int:
    return min(max(int(time_s or 0), 0), _COUNTER)
