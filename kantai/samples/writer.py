"""Tells topics as paragraphs and binds them into a book in which no sentence stands twice.

Patterns and topics are dealt like cards from shuffled decks, so that each is used about
equally often. Knows no language: how to finish a sentence and where sentences part are
passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from kantai.samples.grammar import Filters, Missing, Record, Scene, pick, shuffled
from kantai.samples.tables import Tables, Topic

TRIES = 30


@dataclass
class Language:
    """What the writer must know of a language."""

    filters: Filters
    finish: Callable[[str], str]
    sentences: Callable[[str], list[str]]
    joint: str


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
        said: list[str] = []
        for number, part in enumerate(topic.parts):
            count = part.least + int(self.rng.random() * (part.most - part.least + 1))
            used: set[str] = set()
            for _ in range(count):
                try:
                    said.append(self._new(scene, (topic.name, number), part.patterns, used))
                except Missing:
                    if len(used) < part.least:
                        raise
                    break
        new = [s for text in said for s in self.language.sentences(text)]
        if len(set(new)) < len(new):
            raise Missing(topic.name)
        self.told.update(new)
        return self.language.joint.join(said)

    def _bind(self, scene: Scene, table: str, path: str | None, given: dict) -> Record:
        """A record of `table`: the one `path` leads to, or any not bound yet, in season."""
        rows = self.tables[table]
        if path:
            key = scene.expand("{" + path + "}") if "." in path else path
            if key not in rows:
                raise Missing(path)
            return rows[key]
        bound = [id(r) for r in scene.records.values()]
        free = [r for r in rows.values() if id(r) not in bound and _in_season(r, given)]
        if not free:
            raise Missing(table)
        return pick(self.rng, [r for r in free for _ in range(r.get("weight", [1])[0])])

    def _new(self, scene: Scene, deck: object, patterns: list[str], used: set[str]) -> str:
        """The next pattern of the deck that gives only sentences not told yet."""
        for _ in range(TRIES):
            pattern = self._deal(deck, patterns)
            if pattern in used:
                continue
            scene.forget()
            before = dict(scene.drawn)
            try:
                text = self.language.finish(scene.expand(pattern))
            except Missing:
                scene.drawn = before
                continue
            if not any(s in self.told or self.refused(s) for s in self.language.sentences(text)):
                used.add(pattern)
                return text
            scene.drawn = before
        raise Missing(str(deck))

    def _deal(self, deck: object, cards: list):
        if not self.decks.get(deck):
            self.decks[deck] = shuffled(self.rng, cards)
        return self.decks[deck].pop()


def _in_season(record: Record, given: dict[str, Record]) -> bool:
    """Weather and flowers come only in their own season."""
    return "season" not in record or given["Y"]["name"][0] in record["season"]


def bind_book(title: str, chapters: Iterable[tuple[str, Iterator[str]]]) -> str:
    """A heading, then its paragraphs, each on one line, an empty line between."""
    blocks = [title]
    for heading, paragraphs in chapters:
        blocks.append(heading)
        blocks.extend(paragraphs)
    return "\n\n".join(blocks) + "\n"
