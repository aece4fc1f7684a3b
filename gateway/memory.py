"""What glibc is told, so that a process of many threads that runs for months holds no more memory than it uses."""

from __future__ import annotations

import ctypes
import gc
from typing import Final

_M_ARENA_MAX: Final = -8  # mallopt(3)


def share_one_arena() -> None:
    """Before any thread is started: let all of them take memory from one place. glibc would give each a heap of its
    own, and each keeps what it once needed; our threads wait for the interpreter and not for that lock."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # another C library has none
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Give free memory back to the system: after the start, and after a rush."""
    gc.collect()
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
