"""Answers that many ask for at once, looked up once in a while. Knows nothing of what they are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class _Slot:
    """One answer: of when, for which stamp; only one at a time looks for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    at: float = float("-inf")
    stamp: Hashable = None
    value: Any = None


class Kept:
    """Keeps every answer for `seconds`, the newest `most` of them."""

    def __init__(
        self, seconds: float, *, most: int = 256, clock: Callable[[], float] = time.monotonic
    ):
        self.seconds, self.most, self.clock = seconds, most, clock
        self._slots: dict[Hashable, _Slot] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, look: Callable[[], Any], stamp: Hashable = None) -> Any:
        """What `look()` answered lately for this key; anew where the stamp is another.

        What `look` raises goes to the one who asked, and nothing is kept.
        """
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            if len(self._slots) > self.most:
                del self._slots[next(iter(self._slots))]
        with slot.lock:
            if slot.stamp != stamp or self.clock() - slot.at >= self.seconds:
                slot.value = look()
                slot.at, slot.stamp = self.clock(), stamp
            return slot.value
