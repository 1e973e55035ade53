"""A long text in stretches: cut where nothing is torn, and cleaned side by side.

A stretch bounds the memory that the rules need. Several are cleaned at once, each by a process
of its own, since Python computes on one core only; a short text is cleaned here, for a process
takes a moment to start. Knows no files and no report.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

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

    `side_by_side`: as many at once as there are cores, so that a few more are read from
    `parts` than are yielded yet.
    """
    names = [rule.name for rule in rules]
    if not side_by_side:
        yield from (_clean(part, names) for part in parts)
        return
    count = min(os.cpu_count() or 1, _MOST_PROCESSES)
    waiting: deque[Future[Cleaned]] = deque()
    with ThreadPoolExecutor(count) as pool:
        for part in parts:
            waiting.append(pool.submit(_clean_in_process, part, names))
            if len(waiting) > count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _clean(part: str, names: list[str]) -> Cleaned:
    rules = choose_rules(names)
    tallies = {rule.name: Changes() for rule in rules if not rule.on_paragraphs}
    return Cleaned(len(part), clean_text(part, rules, tallies), tallies)


def _clean_in_process(part: str, names: list[str]) -> Cleaned:
    """The same in a process of its own. Raises RuntimeError where that fails."""
    child = subprocess.run(
        [sys.executable, "-m", "kantai.stretches"],
        cwd=Path(__file__).parents[1],  # where the package is, wherever the caller stands
        input=pickle.dumps((part, names)),
        capture_output=True,
    )
    if child.returncode:
        words = child.stderr.decode(errors="replace")[-2_000:]
        raise RuntimeError(f"a process that cleans text ended with {child.returncode}: {words}")
    return Cleaned(len(part), *pickle.loads(child.stdout))


if __name__ == "__main__":
    done = _clean(*pickle.load(sys.stdin.buffer))
    pickle.dump((done.paragraphs, done.tallies), sys.stdout.buffer)
