"""The notebook's way of reading: one line an example, cut and padded. What it loses of a text.

Knows no file formats and no folders.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kantai.readers import Document

NOTEBOOK_VOCAB = 52_000
LINES_SAMPLED = 200_000  # of a large text, enough to say what the notebook would have lost


@dataclass(frozen=True)
class LineByLine:
    """What one line an example, cut and padded, makes of a text: fractions from 0 to 1."""

    examples: int
    tokens_lost_fraction: float
    padding_fraction: float


def notebook_reading(documents: list[Document], tell: Callable[[str, float], None]) -> LineByLine:
    """What one line an example, cut at 128, makes of the text as it came.

    `tell` gets a key of `kantai.strings` and the share that is done.
    """
    from kantai.tokenizer import TokenizerSettings, train_tokenizer

    def lines() -> Iterator[str]:
        return islice(lines_of(documents), LINES_SAMPLED)

    tokenizer = train_tokenizer(
        lines(),
        TokenizerSettings(NOTEBOOK_VOCAB),
        progress=lambda share: tell("doing_tokenizer", share),
    )
    return line_by_line(lines(), lambda rows: [len(ids) for ids in tokenizer.encode(rows)])


def lines_of(documents: Iterable[Document]) -> Iterator[str]:
    """The lines of files as they came."""
    return (line for document in documents for line in document.text.splitlines())


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
