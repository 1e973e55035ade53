"""What a piece of work takes of the machine's memory, its processes included.

Looking costs some milliseconds of a core: what is timed as well is looked at less often.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

EVERY = 0.02  # seconds between two looks


class Memory:
    """What this process and those it started hold, in bytes: at first and at most."""

    def __init__(self) -> None:
        import psutil

        self._gone, self._process = psutil.Error, psutil.Process()
        self.before = self.peak = self.now()

    def now(self) -> int:
        """Resident bytes; what two processes share counts twice."""
        total = 0
        for process in [self._process, *self._process.children(recursive=True)]:
            try:
                total += process.memory_info().rss
            except self._gone:  # it ended since it was listed: it holds nothing
                continue
        return total

    def look(self) -> None:
        self.peak = max(self.peak, self.now())


@contextmanager
def watched(every: float = EVERY) -> Iterator[Memory]:
    """Memory that is looked at every so many seconds while the block runs, and at its end."""
    memory, done = Memory(), threading.Event()

    def watch() -> None:
        while not done.wait(every):
            memory.look()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield memory
        memory.look()
    finally:
        done.set()
        watcher.join()
