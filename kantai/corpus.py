"""Documents in, a Corpus out: clean paragraphs, and a report of all that was changed.

The rules are in `kantai.cleaning`, the split in `kantai.splitting`. Knows no file formats and
no folders.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from kantai.changes import Changes
from kantai.cleaning import CLEANING_RULES, Rule, choose_rules
from kantai.errors import UserError
from kantai.lines import LineByLine
from kantai.splitting import Split, ngram_overlap, split_corpus
from kantai.stretches import STRETCH, clean_stretches, stretches
from kantai.words import batches, paragraph_lengths, word_frequencies

if TYPE_CHECKING:
    from kantai.readers import Document

__all__ = [  # with what belongs to a corpus and has a module of its own
    "Corpus",
    "FileReport",
    "Report",
    "RuleReport",
    "Split",
    "build_corpus",
    "ngram_overlap",
    "paragraph_lengths",
    "split_corpus",
    "stretches",
    "word_frequencies",
]

LEAST_CHARACTERS = 1_000
LEAST_WORDS = 200


@dataclass(frozen=True)
class FileReport:
    """A file as it was read."""

    name: str
    bytes: int
    encoding: str
    invalid_bytes: int


@dataclass(frozen=True)
class RuleReport:
    """What a rule did: places `changed`, by how much the text became shorter, two examples."""

    name: str
    changed: int
    removed_characters: int
    examples: list[tuple[str, str]]  # (before, after)


@dataclass(frozen=True)
class Report:
    """What went into a corpus and what stayed; characters, words and paragraphs of the latter.

    `validation_overlap` and `line_by_line` are None until `dataclasses.replace` sets them:
    one needs the split, the other a tokenizer.
    """

    files: list[FileReport]
    characters: int
    words: int
    paragraphs: int
    rules: list[RuleReport]
    duplicate_paragraphs: int
    validation_overlap: float | None = None
    line_by_line: LineByLine | None = None

    def to_json(self) -> dict[str, object]:
        """The report as plain dictionaries and lists."""
        report = asdict(self)
        for rule in report["rules"]:
            rule["examples"] = [
                {"before": before, "after": after} for before, after in rule["examples"]
            ]
        return report


@dataclass(frozen=True)
class Corpus:
    """Clean paragraphs, none empty; a line feed inside one only where verse or a list has it."""

    paragraphs: Sequence[str]
    report: Report


def build_corpus(
    documents: Iterable[Document],
    *,
    rules: Collection[str] | None = None,
    progress: Callable[[float, str], None] | None = None,
    size: int | None = None,
    keep: Callable[[Iterable[str]], Sequence[str]] = list,
) -> Corpus:
    """Clean the documents by the named rules (all for None) and report what changed.

    Documents are read one after another, so a generator's are released as it goes on; `size`
    is then how many bytes are to be read, if that is known. `keep` gets the clean paragraphs
    one after another: a list for a text that fits into memory. `progress` gets the share that
    is done (0 throughout where no size is known) and the name of the document. Raises
    UserError for an unknown rule and where too little text stays.
    """
    chosen = choose_rules(rules)
    tallies = {rule.name: Changes() for rule in chosen}
    files: list[FileReport] = []
    if size is None:
        size = sum(d.bytes for d in documents) if isinstance(documents, Sequence) else 0
    paragraphs: Iterable[str] = _clean(documents, chosen, tallies, files, progress, size)
    for rule in chosen:
        if rule.on_paragraphs:
            paragraphs = rule.apply(paragraphs, tallies[rule.name])
    length = Length()
    kept = keep(length.of(paragraphs))
    if progress:
        progress(1.0, "")
    return Corpus(kept, _report(length, files, tallies))


def _clean(
    documents: Iterable[Document],
    rules: list[Rule],
    tallies: dict[str, Changes],
    files: list[FileReport],
    progress: Callable[[float, str], None] | None,
    size: int,
) -> Iterator[str]:
    """The paragraphs of all documents as the text rules leave them; `files` is filled."""
    characters = bytes_read = done = 0

    def parts() -> Iterator[str]:
        nonlocal characters, bytes_read
        for document in documents:
            files[:] = _with_file(files, document)
            characters, bytes_read = characters + len(document.text), bytes_read + document.bytes
            for stretch in stretches(document.text):
                if progress:
                    share = done / characters * bytes_read / size if size else 0.0
                    progress(min(1.0, share), document.name)
                yield stretch

    for cleaned in clean_stretches(parts(), rules, side_by_side=size > STRETCH):
        for rule, tally in cleaned.tallies.items():
            tallies[rule].add(tally)
        yield from cleaned.paragraphs
        done += cleaned.characters


def _with_file(files: list[FileReport], document: Document) -> list[FileReport]:
    """The files read so far and this one; a part of one that is read in parts is added to it."""
    new = FileReport(document.name, document.bytes, document.encoding, document.invalid_bytes)
    if not document.goes_on:
        return [*files, new]
    *before, last = files
    names = dict.fromkeys([*last.encoding.split(" + "), *new.encoding.split(" + ")])
    return [
        *before,
        FileReport(
            new.name,
            last.bytes + new.bytes,
            " + ".join(names),
            last.invalid_bytes + new.invalid_bytes,
        ),
    ]


@dataclass
class Length:
    """How much text went by: in paragraphs, characters and words."""

    paragraphs: int = 0
    characters: int = 0
    words: int = 0

    def of(self, paragraphs: Iterable[str]) -> Iterator[str]:
        """The same paragraphs, counted as they go by."""
        for batch in batches(paragraphs):
            self.paragraphs += len(batch)
            self.characters += sum(map(len, batch))
            self.words += sum(paragraph_lengths(batch))
            yield from batch


def _report(length: Length, files: list[FileReport], tallies: dict[str, Changes]) -> Report:
    characters, words = length.characters, length.words
    if characters < LEAST_CHARACTERS or words < LEAST_WORDS:
        raise UserError(
            "corpus_too_small",
            words=words,
            characters=characters,
            least_words=LEAST_WORDS,
            least_characters=LEAST_CHARACTERS,
        )
    rules = [
        RuleReport(name, tally.places, tally.removed, list(tally.examples))
        for name, tally in tallies.items()
    ]
    duplicates = sum(r.changed for r in rules if CLEANING_RULES[r.name].on_paragraphs)
    return Report(files, characters, words, length.paragraphs, rules, duplicates)
