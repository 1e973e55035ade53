"""Says only what is new: what a page was told before is known by a mark, and not told again.

The mark belongs to what was told, not to who was told it, so that all who watch the same may be
given the same answer. Knows nothing of what is told.
"""

from __future__ import annotations

import json
import threading
from typing import Any
from zlib import crc32

MOST = 512  # of what was told: whoever comes with an older mark is told all of it


class News:
    """Remembers the newest of what it told, by mark."""

    def __init__(self, most: int = MOST):
        self.most = most
        self._told: dict[str, Any] = {}
        self._lock = threading.Lock()

    def since(self, mark: str, now: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
        """The mark of `now`, and what changed since `mark`; None where that is not known."""
        new = f"{crc32(json.dumps(now, sort_keys=True).encode()):x}"
        with self._lock:
            before = self._told.get(mark)
            self._told[new] = self._told.pop(new, now)
            while len(self._told) > self.most:
                del self._told[next(iter(self._told))]
        return new, None if before is None else changes(before, now)


def changes(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """What makes `new` of `old`, as RFC 7396 (JSON Merge Patch) writes it; neither holds None.

    >>> changes({"a": 1, "b": {"c": 2, "d": 3}, "e": 4}, {"a": 1, "b": {"c": 5, "d": 3}})
    {'e': None, 'b': {'c': 5}}
    """
    found: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            value = changes(before, value) or before
        if value != before:
            found[key] = value
    return found
