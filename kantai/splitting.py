"""Part a text into training and validation, and measure how much the two have in common.

Paragraphs in, paragraphs out: knows no rules, no files and no tokens.
"""

from __future__ import annotations

import random
import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from kantai.words import batches, ngram_hashes

BLOCKS = 10
_LONG = 2_000  # a paragraph of fewer characters is never cut by the split
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]{0,3}\s+|[。！？][”’」』）]{0,2}\s*|\n")


@dataclass(frozen=True)
class Split:
    """Two parts of a text; `overlap` as in `ngram_overlap`."""

    train: list[str]
    validation: list[str]
    overlap: float


def split_corpus(
    paragraphs: Sequence[str], *, validation_fraction: float = 0.05, seed: int = 0
) -> Split:
    """Set blocks of neighbouring paragraphs aside for validation.

    Single lines drawn at random would stand between their neighbours in the training text
    and be far too easy. So about ten blocks (fewer for a short text), one at random in each
    tenth of the text, each of several whole paragraphs, hold `validation_fraction` of the
    characters together. A paragraph that comes twice counts once. One that is longer than
    the whole validation part would be is first cut at sentence ends. Both parts have at
    least one paragraph. Raises ValueError if the text cannot be parted at all.
    """
    if not 0 < validation_fraction < 1:
        raise ValueError(f"validation_fraction must lie between 0 and 1: {validation_fraction}")
    unique = _cut_giants(list(dict.fromkeys(paragraphs)), validation_fraction)
    if len(unique) < 2:
        raise ValueError("a text must have at least two sentences to be split")
    chosen = _choose_blocks(unique, validation_fraction, random.Random(seed))
    train = [p for p, held in zip(unique, chosen, strict=True) if not held]
    validation = [p for p, held in zip(unique, chosen, strict=True) if held]
    return Split(train, validation, ngram_overlap(train, validation))


def _choose_blocks(paragraphs: list[str], fraction: float, generator: random.Random) -> bytearray:
    """For each paragraph 1 if it is held out, 0 if not."""
    ends = list(accumulate(map(len, paragraphs)))
    total, held, chosen = ends[-1], 0, bytearray(len(paragraphs))
    free = len(paragraphs) - 1  # one paragraph at least is for training
    blocks = max(1, min(BLOCKS, len(paragraphs) // BLOCKS))
    for block in range(blocks):
        # What earlier blocks took too much or too little of, this one makes good.
        wanted = (total * fraction - held) / (blocks - block)
        first = bisect_left(ends, total * block // blocks + 1)
        latest = bisect_left(ends, max(0, total * (block + 1) // blocks - wanted) + 1)
        index = min(generator.randint(first, max(first, latest)), len(paragraphs) - 1)
        taken = 0
        while index < len(paragraphs) and free:
            if taken + len(paragraphs[index]) / 2 > wanted and (held or taken):
                break
            if not chosen[index]:
                chosen[index] = 1
                taken += len(paragraphs[index])
                free -= 1
            index += 1
        held += taken
    return chosen


def _cut_giants(paragraphs: list[str], fraction: float) -> list[str]:
    """Cut what is too long to stand on either side of the split."""
    held_out = fraction * sum(map(len, paragraphs))
    most = _LONG if len(paragraphs) > 1 else 1  # a text of one paragraph must be cut anyhow
    most = max(most, int(held_out))
    parts: list[str] = []
    for paragraph in paragraphs:
        parts += [paragraph] if len(paragraph) <= most else _cut_apart(paragraph, -(-most // 4))
    return list(dict.fromkeys(parts))


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
