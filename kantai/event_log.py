"""A file of events, one JSON line each: one process appends, any number follow by a cursor.

A line that a kill cut short is closed by whoever writes next, and passed over by whoever reads.
Knows nothing of the folder it is in.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

from kantai.events import Event, from_lines, to_line
from kantai.files import told_plainly

PULL = 65_536  # bytes of the log that one look takes, at most


class EventLog:
    """The events of a Run, as far as they happened."""

    def __init__(self, path: Path):
        self.events_file = path

    def append(self, event: Event) -> None:
        """Add one line to the log, flushed at once; half a line left by a kill is closed first."""
        with told_plainly(self.events_file), open(self.events_file, "a+b") as log:
            log.seek(0, os.SEEK_END)
            if log.tell():
                log.seek(-1, os.SEEK_END)
                if log.read(1) != b"\n":
                    log.write(b"\n")
            log.write(to_line(event).encode() + b"\n")

    def events(self) -> list[Event]:
        """All events so far; a line that a kill cut short is passed over."""
        with TextIOWrapper(self._log(), encoding="utf-8", errors="replace") as log:
            return list(from_lines(log))

    def events_after(self, cursor: int, most: int = PULL) -> tuple[list[dict[str, Any]], int]:
        """What the log holds after byte `cursor`, as plain dicts, and the cursor to ask with next.

        Whole lines only, about `most` bytes of them: ask again until the cursor stands still.
        A cursor that the log is shorter than begins anew.
        """
        with self._log() as log:
            cursor = cursor if 0 <= cursor <= log.seek(0, os.SEEK_END) else 0
            log.seek(cursor)
            chunk = log.read(most)
            if chunk and len(chunk) == most and b"\n" not in chunk:
                chunk += log.readline()
        whole = chunk[: chunk.rfind(b"\n") + 1]
        return list(_records(whole)), cursor + len(whole)

    def last_events(self, most: int = PULL) -> list[Event]:
        """The events of the log's last `most` bytes."""
        return list(from_lines(self._last_lines(most)))

    def latest(self, kind: type | tuple[type, ...] = object) -> Any:
        """The newest event of a kind, or None where the log's end holds none; reads no more."""
        newest_first = from_lines(reversed(self._last_lines(PULL)))
        return next((event for event in newest_first if isinstance(event, kind)), None)

    def _last_lines(self, most: int) -> list[str]:
        with self._log() as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - most))
            return log.read().decode("utf-8", "replace").split("\n")

    def _log(self) -> BinaryIO:
        """The event log; an empty one where there is none yet, or the Run was deleted just now."""
        try:
            return open(self.events_file, "rb")
        except FileNotFoundError:
            return BytesIO()

    @property
    def log_size(self) -> int:
        """Bytes of the event log."""
        with self._log() as log:
            return log.seek(0, os.SEEK_END)


def _records(lines: bytes) -> Iterator[dict[str, Any]]:
    for line in lines.splitlines():
        try:
            record = json.loads(line)
        except ValueError:  # cut short by a kill
            continue
        if isinstance(record, dict) and isinstance(record.get("event"), str):
            yield record
