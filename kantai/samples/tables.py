"""Reads the word tables and topics under `words/`: plain text, made to be edited by hand.

Tables:  `=== table`, then `== record`, then `field: value; value`. A line `% use tool act`
says that each value of `use` is itself a small record, its parts set apart by ` > `.
Lists:   `name: word; word; word`.
Topics:  `# topic name weight [season ...]`, lines `P = adult` or `T = trade P.trade` that bind
records, then parts: `-- 2-4` and one pattern a line, of which two to four are told.
Knows no language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from kantai.samples.grammar import Record

Tables = dict[str, dict[str, Record]]
TOPIC = re.compile(r"# topic (\w+) (\d+)(.*)")
BIND = re.compile(r"(\w+) = (\w+)(?: (.+))?$")
PART = re.compile(r"-- (\d+)(?:-(\d+))?$")


@dataclass
class Part:
    """Between `least` and `most` of the patterns are told, each at most once a paragraph."""

    least: int
    most: int
    patterns: list[str] = field(default_factory=list)


@dataclass
class Topic:
    """What a paragraph can be about: (alias, table, path) to bind, then parts in order."""

    name: str
    weight: int
    seasons: tuple[str, ...]
    binds: list[tuple[str, str, str | None]] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)


def lines_of(path: Path) -> list[str]:
    """Lines of a word file without the empty ones and the `# ` comments (topics excepted)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        line.rstrip()
        for line in lines
        if line.strip() and (not line.startswith("# ") or line.startswith("# topic "))
    ]


def read_tables(path: Path, table: str = "") -> Tables:
    """Tables of one file; `table` names the first when the file holds only one."""
    tables: Tables = {}
    nested: dict[str, list[str]] = {}
    record: Record = {}
    for line in lines_of(path):
        if line.startswith("% "):
            name, *parts = line[2:].split()
            nested[name] = parts
        elif line.startswith("=== "):
            table, nested = line[4:], {}
        elif line.startswith("== "):
            record = {"name": [line[3:]]}
            tables.setdefault(table, {})[line[3:]] = record
        else:
            key, values = line.split(": ", 1)
            record[key] = [_value(v, nested.get(key)) for v in values.split("; ")]
    return tables


def _value(text: str, parts: list[str] | None) -> str | Record:
    if parts is None:
        return text
    return {name: [value] for name, value in zip(parts, text.split(" > "), strict=True)}


def read_lists(path: Path) -> dict[str, list]:
    """`name: word; word` -> {name: [word, word]}"""
    pairs = (line.split(": ", 1) for line in lines_of(path))
    return {name: values.split("; ") for name, values in pairs}


def read_topics(path: Path) -> list[Topic]:
    """Every topic of one file, in its order. Raises ValueError for a line it cannot place."""
    topics: list[Topic] = []
    for line in lines_of(path):
        if match := TOPIC.match(line):
            name, weight, seasons = match.groups()
            topics.append(Topic(name, int(weight), tuple(seasons.split())))
        elif match := PART.match(line):
            least, most = match.groups()
            topics[-1].parts.append(Part(int(least), int(most or least)))
        elif not topics[-1].parts and (match := BIND.match(line)):
            topics[-1].binds.append(match.groups())
        elif topics and topics[-1].parts:
            topics[-1].parts[-1].patterns.append(line)
        else:
            raise ValueError(f"{path.name}: cannot place {line!r}")
    return topics
