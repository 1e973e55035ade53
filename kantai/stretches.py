"""A long text in stretches: cut where nothing is torn, and cleaned side by side.

A stretch bounds the memory that the rules need. Several are cleaned at once, each by a process
of its own, since Python computes on one core only; a short text is cleaned here, for a process
takes a moment to start. Knows no files and no report.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryFile
from typing import Any

from kantai.changes import Changes
from kantai.cleaning import Rule, choose_rules, clean_text

STRETCH = 4_000_000  # characters cleaned at a time: bounds the memory, longer than most books
_MOST_PROCESSES = 8  # each needs some 150 MB
_CUT_REACH = 100_000  # how far before its target a cut is looked for
_GUTENBERG_REACH = 60_000


def stretches(text: str, most: int = STRETCH) -> Iterator[str]:
    """`text` in parts of about equal length, at most `most` characters each.

    A text of one part is given whole. Cuts fall on a blank line where there is one near,
    else at a sentence's end, and never inside a Project Gutenberg licence.
    """
    position = 0
    while position < len(text):
        parts = -(-(len(text) - position) // most)
        if parts == 1:
            yield text[position:]
            return
        end = _cut(text, position, position + (len(text) - position) // parts)
        yield text[position:end]
        position = end


def _cut(text: str, start: int, target: int) -> int:
    """The best place to cut in the stretch before `target`."""
    begin = max(start + 1, target - _GUTENBERG_REACH)
    licence = text.rfind("*** END OF TH", begin, target)
    if licence > text.rfind("*** START OF TH", begin, target):
        return licence
    begin = max(start + 1, target - _CUT_REACH)
    for sign in ("\n\n", "\n\r\n", ".\n", "。\n", ".\r\n", "\n", "\r", "。", ". ", " "):
        found = text.rfind(sign, begin, target)
        if found >= begin:
            return found + len(sign)
    return target


@dataclass(frozen=True)
class Cleaned:
    """What became of one stretch of so many `characters`; a tally for each text rule, by name."""

    characters: int
    paragraphs: list[str]
    tallies: dict[str, Changes]


def clean_stretches(
    parts: Iterable[str], rules: list[Rule], *, side_by_side: bool
) -> Iterator[Cleaned]:
    """The parts as the text rules leave them, in their order.

    `side_by_side`: if there are several, as many at once as there are cores, so that a few
    more are read from `parts` than are yielded yet.
    """
    names, parts = [rule.name for rule in rules], iter(parts)
    first = list(islice(parts, 2 if side_by_side else 0))
    parts = chain(first, parts)
    if len(first) < 2:
        yield from (_clean(part, names) for part in parts)
        return
    count = min(os.cpu_count() or 1, _MOST_PROCESSES)
    cleaners = _Cleaners(names)
    waiting: deque[Future[Cleaned]] = deque()
    pool = ThreadPoolExecutor(count)
    try:
        for part in parts:
            waiting.append(pool.submit(cleaners.clean, part))
            if len(waiting) > count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        cleaners.kill()  # so that no thread waits for an answer that nobody wants
        pool.shutdown()
        cleaners.close()


def _clean(part: str, names: list[str]) -> Cleaned:
    rules = choose_rules(names)
    tallies = {rule.name: Changes() for rule in rules if not rule.on_paragraphs}
    return Cleaned(len(part), clean_text(part, rules, tallies), tallies)


class _Cleaners:
    """Processes that clean: one for each thread that asks at the same time, begun as needed."""

    def __init__(self, names: list[str]):
        self._names = names
        self._idle: SimpleQueue[_Cleaner] = SimpleQueue()
        self._all: list[_Cleaner] = []

    def clean(self, part: str) -> Cleaned:
        """The same as `_clean`. Raises RuntimeError where the process fails."""
        try:
            cleaner = self._idle.get_nowait()
        except Empty:
            cleaner = _Cleaner(self._names)
            self._all.append(cleaner)
        cleaned = cleaner.clean(part)
        self._idle.put(cleaner)
        return cleaned

    def kill(self) -> None:
        for cleaner in self._all:
            cleaner.child.kill()

    def close(self) -> None:
        for cleaner in self._all:
            cleaner.close()


class _Cleaner:
    """One process: a JSON string a line goes in, a JSON object a line comes out."""

    def __init__(self, names: list[str]):
        self._words = TemporaryFile()  # noqa: SIM115 (see `close`)
        self.child = subprocess.Popen(
            [sys.executable, "-m", "kantai.stretches", json.dumps(names)],
            cwd=Path(__file__).parents[1],  # where the package is, wherever the caller stands
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
        )

    def clean(self, part: str) -> Cleaned:
        try:
            self.child.stdin.write(json.dumps(part).encode() + b"\n")
            self.child.stdin.flush()
        except OSError:  # it is gone: its last words say why
            pass
        line = self.child.stdout.readline()
        if not line.endswith(b"\n"):
            self._words.seek(0)
            words = self._words.read().decode(errors="replace")[-2_000:]
            raise RuntimeError(f"a process that cleans text ended: {words}")
        return _from_json(json.loads(line))

    def close(self) -> None:
        self.child.communicate()
        self._words.close()


def _from_json(record: dict[str, Any]) -> Cleaned:
    tallies = {name: Changes(**tally) for name, tally in record["tallies"].items()}
    for tally in tallies.values():
        tally.examples = [(before, after) for before, after in tally.examples]
    return Cleaned(record["characters"], record["paragraphs"], tallies)


if __name__ == "__main__":
    for line in sys.stdin.buffer:
        done = asdict(_clean(json.loads(line), json.loads(sys.argv[1])))
        sys.stdout.buffer.write(json.dumps(done).encode() + b"\n")
        sys.stdout.flush()
