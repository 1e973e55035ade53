"""A small text grammar: patterns with choices and slots, and a memory for one paragraph.

    [a|b|c]        one of the three (an empty one is allowed, they may be nested)
    {weekday}      a word of the list `weekday`; the same slot gives the same word again
    {weekday2}     another word of that list, different from {weekday}
    {weekday0}     another one, remembered for this sentence only; so is {weekday1}
    {~weekday}     a word drawn afresh, not remembered
    {P.he}         field `he` of the record bound to P; {P.use.tool} goes one level deeper
    {P.act:past}   the same, passed through a filter of the language

Because slots are remembered, a thing named once stays what it was for the whole paragraph:
that is what makes a hidden word depend on words far from it. Knows no language and no files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

Record = dict[str, list]  # field -> its possible values, each a string or again a Record
Filters = Mapping[str, Callable[[str], str]]

CHOICE = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{(~?)([\w.]+)((?::\w+)*)\}")

SENTENCE_KEY = re.compile(r"[a-z_][01](\.|$)")


class Missing(LookupError):
    """A slot has nothing to offer here; the caller tries another pattern."""


def pick(rng: Random, options: list) -> object:
    """One of `options`; only `rng.random()` is used, so every Python draws the same."""
    return options[int(rng.random() * len(options))]


def shuffled(rng: Random, items: list) -> list:
    """A shuffled copy (Fisher-Yates on `rng.random()`)."""
    out = list(items)
    for i in range(len(out) - 1, 0, -1):
        j = int(rng.random() * (i + 1))
        out[i], out[j] = out[j], out[i]
    return out


@dataclass
class Scene:
    """What one paragraph remembers: its records and every word drawn so far."""

    rng: Random
    lists: Mapping[str, list]
    records: dict[str, Record]
    filters: Filters = field(default_factory=dict)
    drawn: dict[str, object] = field(default_factory=dict)

    def forget(self) -> None:
        """A new sentence: what was numbered 0 (or 1 beside it) may be something else now."""
        self.drawn = {k: v for k, v in self.drawn.items() if not SENTENCE_KEY.search(k)}

    def expand(self, pattern: str) -> str:
        """`pattern` with its choices made and its slots filled. Raises Missing."""
        while match := CHOICE.search(pattern):
            chosen = pick(self.rng, match.group(1).split("|"))
            pattern = pattern[: match.start()] + str(chosen) + pattern[match.end() :]
        return SLOT.sub(self._fill, pattern)

    def _fill(self, match: re.Match) -> str:
        fresh, path, names = match.groups()
        value = self._value(path, bool(fresh))
        if isinstance(value, dict):
            value = value["name"][0]
        said = self.expand(str(value))
        for name in names.split(":")[1:]:
            said = self.filters[name](said)
        return said

    def _value(self, path: str, fresh: bool) -> object:
        head, *rest = path.split(".")
        node = self.records.get(head)
        if node is None:
            if _base(head) not in self.lists:
                raise Missing(path)
            node = self._draw(head, self.lists[_base(head)], fresh)
        for i, part in enumerate(rest):
            if not isinstance(node, dict) or _base(part) not in node:
                raise Missing(path)
            prefix = ".".join([head, *rest[: i + 1]])
            node = self._draw(prefix, node[_base(part)], fresh)
        return node

    def _draw(self, key: str, options: list, fresh: bool) -> object:
        if key in self.drawn and not fresh:
            return self.drawn[key]
        base = _base(key)
        used = [v for k, v in self.drawn.items() if _base(k) == base]
        free = [o for o in options if o not in used] if len(options) > 1 or key != base else options
        if not free:
            raise Missing(key)
        value = pick(self.rng, free)
        if not fresh:
            self.drawn[key] = value
        return value


def _base(key: str) -> str:
    """`weekday2` is drawn from `weekday`."""
    return key.rstrip("0123456789")
