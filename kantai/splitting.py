"""Part a text into training and validation, and measure how much the two have in common.

Paragraphs in, paragraphs out: knows no rules, no files and no tokens.
"""

from __future__ import annotations

import random
import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from kantai.duplicates import Seen
from kantai.errors import UserError
from kantai.words import batches, ngram_hashes

BLOCKS = 10
MOST_HELD = 20_000_000  # characters: more than enough to examine any model on
_LONG = 2_000  # a paragraph of fewer characters is never cut by the split
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]{0,3}\s+|[。！？][”’」』）]{0,2}\s*|\n")


@dataclass(frozen=True)
class Split:
    """Two parts of a text; `overlap` as in `ngram_overlap`."""

    train: Sequence[str]
    validation: Sequence[str]
    overlap: float


def in_memory(part: str, texts: Iterable[str]) -> Sequence[str]:
    """Keep a part of a text as a list: the way for a text that is not large."""
    return list(texts)


def split_corpus(
    paragraphs: Sequence[str],
    *,
    validation_fraction: float = 0.05,
    seed: int = 0,
    most_held: int = MOST_HELD,
    keep: Callable[[str, Iterable[str]], Sequence[str]] = in_memory,
) -> Split:
    """Set blocks of neighbouring paragraphs aside for validation.

    Single lines drawn at random would stand between their neighbours in the training text
    and be far too easy. So about ten blocks (fewer for a short text), one at random in each
    tenth of the text, each of several whole paragraphs, hold `validation_fraction` of the
    characters together, at most `most_held`. A paragraph that comes twice counts once. One
    that is longer than the whole validation part would be is first cut at sentence ends. Both
    parts have at least one paragraph. `keep` gets the name of a part and its paragraphs, one
    after another: the text is read several times and never held. Raises UserError if it
    cannot be parted at all.
    """
    if not 0 < validation_fraction < 1:
        raise ValueError(f"validation_fraction must lie between 0 and 1: {validation_fraction}")
    lengths = array("q", map(len, _unique(paragraphs)))
    fraction = min(validation_fraction, most_held / max(1, sum(lengths)))
    longest = _longest(lengths, fraction)
    if max(lengths, default=0) > longest:
        lengths = array("q", map(len, _pieces(paragraphs, longest)))
    if len(lengths) < 2:
        raise UserError("text_cannot_be_split")
    chosen = _choose_blocks(lengths, fraction, random.Random(seed))

    def part(held: int) -> Iterator[str]:
        sides = zip(_pieces(paragraphs, longest), chosen, strict=True)
        return (piece for piece, side in sides if side == held)

    train, validation = keep("train", part(0)), keep("validation", part(1))
    return Split(train, validation, ngram_overlap(train, validation))


def _unique(paragraphs: Iterable[str]) -> Iterator[str]:
    """Each paragraph the first time it comes."""
    return filter(Seen().is_new, paragraphs)


def _choose_blocks(lengths: Sequence[int], fraction: float, generator: random.Random) -> bytearray:
    """For each paragraph of so many characters 1 if it is held out, 0 if not."""
    ends = array("q", accumulate(lengths))
    total, held, chosen = ends[-1], 0, bytearray(len(lengths))
    free = len(lengths) - 1  # one paragraph at least is for training
    blocks = max(1, min(BLOCKS, len(lengths) // BLOCKS))
    for block in range(blocks):
        # What earlier blocks took too much or too little of, this one makes good.
        wanted = (total * fraction - held) / (blocks - block)
        first = bisect_left(ends, total * block // blocks + 1)
        latest = bisect_left(ends, max(0, total * (block + 1) // blocks - wanted) + 1)
        index = min(generator.randint(first, max(first, latest)), len(lengths) - 1)
        taken = 0
        while index < len(lengths) and free:
            if taken + lengths[index] / 2 > wanted and (held or taken):
                break
            if not chosen[index]:
                chosen[index] = 1
                taken += lengths[index]
                free -= 1
            index += 1
        held += taken
    return chosen


def _longest(lengths: Sequence[int], fraction: float) -> int:
    """How many characters a paragraph may have to stand on either side of the split."""
    least = _LONG if len(lengths) > 1 else 1  # a text of one paragraph must be cut anyhow
    return max(least, int(fraction * sum(lengths)))


def _pieces(paragraphs: Iterable[str], longest: int) -> Iterator[str]:
    """The paragraphs, each once; what is too long is cut."""
    return _unique(_cut_giants(paragraphs, longest))


def _cut_giants(paragraphs: Iterable[str], longest: int) -> Iterator[str]:
    for paragraph in paragraphs:
        if len(paragraph) <= longest:
            yield paragraph
        else:
            yield from _cut_apart(paragraph, -(-longest // 4))


def _cut_apart(text: str, size: int) -> list[str]:
    """`text` in parts of `size` characters or a little more: whole sentences, else whole words."""
    parts: list[str] = []
    start = 0
    while len(text) - start > size:
        begin = start + size
        reach = begin + max(_LONG, 4 * size)
        sentence = _SENTENCE_END.search(text, begin - 1, reach)
        if not sentence and parts and reach >= len(text):
            break  # the last sentence
        space = text.find(" ", begin, begin + _LONG)
        end = sentence.end() if sentence else space if space > 0 else begin
        parts.append(text[start:end].strip())
        start = end
    return [part for part in [*parts, text[start:].strip()] if part]


def ngram_overlap(train: Iterable[str], validation: Iterable[str], n: int = 8) -> float:
    """The share of the validation's runs of `n` words that the training text has too.

    0 means nothing was seen before, 1 that everything was. In Chinese and Japanese a run
    is of `n` characters. Only hashes of the validation's runs are held in memory; the
    training text streams past them. 0 if no validation paragraph has `n` words.

    >>> ngram_overlap(["all our knowledge begins"], ["our knowledge begins late"], n=2)
    0.6666666666666666
    """
    import numpy as np

    held = [ngram_hashes(batch, n)[0] for batch in batches(validation)]
    runs, counts = np.unique(np.concatenate([*held, np.zeros(0, np.uint64)]), return_counts=True)
    if not len(runs):
        return 0.0
    seen = np.zeros(len(runs), bool)
    for batch in batches(train):
        hashes = ngram_hashes(batch, n)[0]
        places = np.minimum(np.searchsorted(runs, hashes), len(runs) - 1)
        seen[places[runs[places] == hashes]] = True
    return float(counts[seen].sum() / counts.sum())
