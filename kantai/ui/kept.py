"""Answers that many ask for at once, looked up once in a while; and large things that are held
for the next question. Knows nothing of what they are.
"""

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


class Held:
    """Keeps the things that were asked for last, as long as all together weigh at most `most`.

    The newest is kept in any case: whoever asks for something large asks again in a moment.
    """

    def __init__(self, most: float, weigh: Callable[[Any], float]):
        self.most, self.weigh = most, weigh
        self._things: dict[Hashable, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._things

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The thing of this key, made where it is not held; who asks meanwhile makes it too."""
        with self._lock:
            found = self._things.pop(key, None)
            if found:
                self._things[key] = found
                return found[1]
        thing = make()
        with self._lock:
            self._things[key] = self.weigh(thing), thing
            while len(self._things) > 1 and sum(w for w, _ in self._things.values()) > self.most:
                del self._things[next(iter(self._things))]
        return thing


def bytes_within(thing: Any, seen: set[int] | None = None) -> int:
    """The bytes of all arrays and tensors that a thing holds, however deep; each counts once.

    >>> import numpy
    >>> bytes_within({"a": [numpy.zeros(3, numpy.int32)], "b": "text"})
    12
    """
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, str | bytes | int | float | type | None):
        return 0
    seen.add(id(thing))
    if hasattr(thing, "nbytes"):
        return int(thing.nbytes)
    if isinstance(thing, dict):
        inner = list(thing.values())
    elif isinstance(thing, list | tuple):
        inner = list(thing)
    else:
        inner = list(getattr(thing, "__dict__", {}).values())
    return sum(bytes_within(part, seen) for part in inner)
