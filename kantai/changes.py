"""The tally of one cleaning rule: how many places it changed, and two examples to look at."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

EXAMPLES = 2
_CONTEXT = 48  # characters shown on either side of a change
_WHOLE = 160  # the longest example
_TRIES = 40  # after so many changes that look like one another no more are tried

_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\xa0\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff"
    "\u3000\ud800-\udfff]"
)
_SIGNS = {"\n": "⏎", "\r": "␍", "\f": "␌", "\t": "⇥"}


def visible(text: str) -> str:
    r"""`text` with a sign for each character that would not be seen.

    >>> visible("pure\r\nrea\u00adson")
    'pure␍⏎rea\\u00adson'
    """
    return _INVISIBLE.sub(lambda m: _SIGNS.get(m[0], f"\\u{ord(m[0]):04x}"), text)


def shorten(text: str, most: int = _WHOLE) -> str:
    """`text`, its middle left out if it is longer than `most` characters, cut between words."""
    if len(text) <= most:
        return text
    half = most // 2
    head, tail = text[:half], text[-half:]
    return f"{head.rpartition(' ')[0] or head} … {tail.partition(' ')[2] or tail}"


@dataclass
class Changes:
    """What one rule did: `places` changed, by how many characters the text became shorter."""

    places: int = 0
    removed: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)
    _tries: int = 0

    def wants_example(self) -> bool:
        """Whether an example is still missing: making one costs time."""
        return len(self.examples) < EXAMPLES and self._tries < _TRIES

    def note(self, before: str, after: str, places: int = 1) -> None:
        """Count a change from `before` to `after`, both short pieces; keep it as an example."""
        self.count(len(before) - len(after), places)
        if self.wants_example():
            self.show(before, after)

    def count(self, removed: int, places: int = 1) -> None:
        """Count a change without an example."""
        self.places += places
        self.removed += removed

    def add(self, other: Changes) -> None:
        """Take over what another tally of the same rule counted, in a later part of the text."""
        self.count(other.removed, other.places)
        self._tries += other._tries
        new = [example for example in other.examples if example not in self.examples]
        self.examples += new[: EXAMPLES - len(self.examples)]

    def show(self, before: str, after: str) -> None:
        """Keep an example, unless it is there already."""
        self._tries += 1
        example = (shorten(visible(before.strip(" "))), shorten(visible(after.strip(" "))))
        if example[0] != example[1] and example not in self.examples:
            self.examples.append(example)


def substitute(
    pattern: re.Pattern[str],
    replacement: str | Callable[[re.Match[str]], str],
    text: str,
    changes: Changes,
) -> str:
    """`pattern.sub`, with every place that really changed counted in `changes`.

    `replacement` is a plain string (no backslash escapes) or a function of the match.
    """

    def replace(match: re.Match[str]) -> str:
        new = replacement if isinstance(replacement, str) else replacement(match)
        old = match[0]
        if new != old:
            changes.count(len(old) - len(new))
            if changes.wants_example():
                changes.show(*_in_context(match, new))
        return new

    return pattern.sub(replace, text)


def replace_all(text: str, old: str, new: str, changes: Changes) -> str:
    """`text.replace`, counted in `changes`; many times faster than `substitute`."""
    places = text.count(old)
    if not places:
        return text
    changes.count(places * (len(old) - len(new)), places)
    for match in islice(re.finditer(re.escape(old), text), EXAMPLES):
        if changes.wants_example():
            changes.show(*_in_context(match, new))
    return text.replace(old, new)


def _in_context(match: re.Match[str], new: str) -> tuple[str, str]:
    """The change with the words around it on its line."""
    text, (start, end) = match.string, match.span()
    left = re.split("[\r\n]", text[max(0, start - _CONTEXT) : start])[-1]
    right = re.split("[\r\n]", text[end : end + _CONTEXT], maxsplit=1)[0]
    if len(left) == _CONTEXT:
        left = "…" + (left.partition(" ")[2] or left)
    if len(right) == _CONTEXT:
        right = (right.rpartition(" ")[0] or right) + "…"
    return left + shorten(match[0], 60) + right, left + shorten(new, 60) + right
