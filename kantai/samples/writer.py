"""Tells topics as paragraphs and binds them into a book in which no sentence stands twice.

Patterns and topics are dealt like cards from shuffled decks, so that each is used about
equally often; a pattern with many fixed words is soon used up. Knows no language: how to
finish a sentence and where sentences part are passed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from random import Random

from kantai.samples.grammar import Filters, Missing, Record, Scene, pick, shuffled
from kantai.samples.tables import Part, Tables, Topic

TRIES = 60
# How often a pattern may be told whose longest run of fixed words has so many words.
REPEATS = {0: 10_000, 1: 10_000, 2: 160, 3: 28, 4: 12, 5: 6, 6: 4, 7: 3}
FEWEST = 2
HANZI_OR_WORD = re.compile(r"[\u4e00-\u9fff]{1,2}|[^\s\u4e00-\u9fff]+")
PRONOUN_OR_NAME = re.compile(r"\{~?(\w+)(?:\.(\w+))?")
PRONOUNS = {"he", "him", "his", "himself", "He", "His"}
NAMES = {"name", "full", "call"}


@dataclass
class Language:
    """What the writer must know of a language."""

    filters: Filters
    finish: Callable[[str], str]
    sentences: Callable[[str], list[str]]
    joint: str
    patience: float = 1  # how many times as often as `REPEATS` says a pattern may come again


@dataclass
class Writer:
    """Tells paragraphs; `refused` says which finished sentences may not be told at all."""

    rng: Random
    tables: Tables
    lists: Mapping[str, list]
    topics: list[Topic]
    language: Language
    refused: Callable[[str], bool] = lambda sentence: False
    told: set[str] = field(default_factory=set)
    decks: dict[object, list] = field(default_factory=dict)
    uses: dict[str, int] = field(default_factory=dict)
    share: float = 1.0  # of the book that will have been told: patterns are saved for the rest

    def paragraph(self, given: dict[str, Record]) -> str:
        """One paragraph of a topic that fits the season; `given` are records bound already."""
        for _ in range(1000):
            topic = self._deal("topics", [t for t in self.topics for _ in range(t.weight)])
            if topic.seasons and given["Y"]["name"][0] not in topic.seasons:
                continue
            try:
                return self._tell(topic, given)
            except Missing:
                continue
        raise RuntimeError("the topics have nothing new to tell: write more patterns")

    def _tell(self, topic: Topic, given: dict[str, Record]) -> str:
        scene = Scene(self.rng, self.lists, dict(given), self.language.filters)
        for alias, table, path in topic.binds:
            scene.records[alias] = self._bind(scene, table, path, given)
        met = _Met(topic)
        said: list[str] = []
        for number, part in enumerate(topic.parts):
            said += self._part(scene, (topic.name, number), part, met)
        new = [s for text in said for s in self.language.sentences(text)]
        if len(set(new)) < len(new):
            raise Missing(topic.name)
        self.told.update(new)
        return self.language.joint.join(said)

    def _part(self, scene: Scene, deck: object, part: Part, met: _Met) -> list[str]:
        """So many sentences of a part as it asks for; fewer, if it has no more that are new."""
        count = part.least + int(self.rng.random() * (part.most - part.least + 1))
        used: dict[str, str] = {}
        for _ in range(count):
            try:
                pattern, text = self._new(scene, deck, part.patterns, used, met)
            except Missing:
                if len(used) < part.least:
                    raise
                break
            used[pattern] = text
            self.uses[pattern] = self.uses.get(pattern, 0) + 1
            met.note(pattern)
        return list(used.values())

    def _new(
        self, scene: Scene, deck: object, patterns: list[str], used: Mapping, met: _Met
    ) -> tuple[str, str]:
        """The next pattern of the deck that may be told, and its new sentences."""
        for _ in range(TRIES):
            pattern = self._deal(deck, patterns)
            if pattern in used or self._worn(pattern) or not met.understands(pattern):
                continue
            scene.forget()
            before = dict(scene.drawn)
            try:
                text = self.language.finish(scene.expand(pattern))
                if not any(map(self._known, self.language.sentences(text))):
                    return pattern, text
            except Missing:
                pass
            scene.drawn = before
        raise Missing(str(deck))

    def _worn(self, pattern: str) -> bool:
        most = allowed(pattern) * self.language.patience * self.share
        return self.uses.get(pattern, 0) >= max(1.0, most)

    def _known(self, sentence: str) -> bool:
        return sentence in self.told or self.refused(sentence)

    def _bind(self, scene: Scene, table: str, path: str | None, given: dict) -> Record:
        """A record of `table`: the one `path` leads to, or any in season; none twice."""
        rows = self.tables[table]
        bound = [id(r) for r in scene.records.values()]
        if path:
            key = scene.expand("{" + path + "}") if "." in path else path
            if key not in rows or id(rows[key]) in bound:
                raise Missing(path)
            return rows[key]
        free = [r for r in rows.values() if id(r) not in bound and _in_season(r, given)]
        if not free:
            raise Missing(table)
        return pick(self.rng, [r for r in free for _ in range(r.get("weight", [1])[0])])

    def _deal(self, deck: object, cards: list):
        if not self.decks.get(deck):
            self.decks[deck] = shuffled(self.rng, cards)
        return self.decks[deck].pop()


class _Met:
    """Who has been named in a paragraph: before that, nobody is `he` or `she`."""

    def __init__(self, topic: Topic):
        literal = {a for a, table, path in topic.binds if table == "keeper" and "." not in path}
        self.named = literal  # the topic's own words name them
        self.trades = {a: path[0] for a, table, path in topic.binds if table == "trade" and path}

    def understands(self, pattern: str) -> bool:
        """Whether each pronoun of `pattern` comes after the name it stands for."""
        named = set(self.named)
        for alias, part in PRONOUN_OR_NAME.findall(pattern):
            if part in PRONOUNS and alias not in named:
                return False
            self._add(named, alias, part)
        return True

    def note(self, pattern: str) -> None:
        """`pattern` has been told."""
        for alias, part in PRONOUN_OR_NAME.findall(pattern):
            self._add(self.named, alias, part)

    def _add(self, named: set[str], alias: str, part: str) -> None:
        if part in NAMES:
            named.add(alias)
        elif not part and alias in self.trades:
            named.add(self.trades[alias])


@cache
def allowed(pattern: str) -> int:
    """How often a pattern may be told: the more of it is fixed, the less often.

    >>> allowed("{P.he} saw {thing0}."), allowed("He opened the law book and read it all.")
    (10000, 2)
    """
    fixed = re.split(r"\{[^{}]*\}|[\[\]|]", pattern)
    longest = max(len(HANZI_OR_WORD.findall(run)) for run in fixed)
    return REPEATS.get(longest, FEWEST)


def _in_season(record: Record, given: dict[str, Record]) -> bool:
    """Weather and flowers come only in their own season."""
    return "season" not in record or given["Y"]["name"][0] in record["season"]


def weigh(tables: Tables, lists: Mapping[str, list], weights: Mapping[str, int]) -> None:
    """Those that the list `core_<table>` names are drawn so many times as often, and twice as
    often as that if it names them twice."""
    for table, weight in weights.items():
        core = lists[f"core_{table}"]
        for name in core:
            tables[table][name]["weight"] = [weight * core.count(name)]


def bind_book(title: str, chapters: Iterable[tuple[str, Iterator[str]]]) -> str:
    """A heading, then its paragraphs, each on one line, an empty line between."""
    blocks = [title]
    for heading, paragraphs in chapters:
        blocks.append(heading)
        blocks.extend(paragraphs)
    return "\n\n".join(blocks) + "\n"
