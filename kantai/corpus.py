"""Documents in, a Corpus out: clean paragraphs, and a report of all that was changed.

Also what the notebook's way of reading would have lost. The rules are in
`kantai.cleaning`, the split in `kantai.splitting`. Knows no file formats and no folders.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING

from kantai.changes import Changes
from kantai.cleaning import CLEANING_RULES, Rule, choose_rules
from kantai.errors import UserError
from kantai.splitting import Split, ngram_overlap, split_corpus
from kantai.stretches import STRETCH, clean_stretches, stretches
from kantai.words import batches, paragraph_lengths, word_frequencies

if TYPE_CHECKING:
    from kantai.readers import Document

__all__ = [  # with what belongs to a corpus and has a module of its own
    "Corpus",
    "FileReport",
    "LineByLine",
    "Report",
    "RuleReport",
    "Split",
    "build_corpus",
    "line_by_line",
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
class LineByLine:
    """What one line an example, cut and padded, makes of a text: fractions from 0 to 1."""

    examples: int
    tokens_lost_fraction: float
    padding_fraction: float


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


def line_by_line(
    lines: Iterable[str],
    count_tokens: Callable[[list[str]], list[int]],
    *,
    block_size: int = 128,
    batch_size: int = 64,
) -> LineByLine:
    """What the notebook's reading makes of `lines`: how much is cut off, how much is padding.

    There one line that is not blank is one example, `<s>` and `</s>` are put around it, what
    exceeds `block_size` tokens is thrown away, and the examples, shuffled, are padded to the
    longest of their batch. `count_tokens` gives the number of tokens of each line, without
    special tokens.

    >>> line_by_line(["a b c", "", "a"], lambda rows: [len(row.split()) for row in rows])
    LineByLine(examples=2, tokens_lost_fraction=0.0, padding_fraction=0.2)
    """
    filled = (line for line in lines if line.strip())
    lengths = array("l")
    tokens = 0
    while chunk := list(islice(filled, 1_000)):
        counted = count_tokens(chunk)
        tokens += sum(counted)
        lengths.extend(min(count + 2, block_size) for count in counted)
    kept = sum(lengths) - 2 * len(lengths)
    order = lengths.tolist()
    random.Random(0).shuffle(order)
    starts = range(0, len(order), batch_size)
    rows = [order[start : start + batch_size] for start in starts]
    positions = sum(max(row) * len(row) for row in rows)
    return LineByLine(
        len(lengths),
        (tokens - kept) / tokens if tokens else 0.0,
        (positions - sum(lengths)) / positions if positions else 0.0,
    )
