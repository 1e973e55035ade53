"""From texts to rows of ids: end to end and cut into blocks, or a line an example.

`pack` lays all paragraphs end to end, `<s> … </s>` around each, and every `block_size` ids
make a row: no token is lost and none is padding. `line_rows` is the notebook's way, kept to
be compared with: a row for each line, cut at `block_size`, filled up with `<pad>`.
Knows nothing of masks and models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from kantai.tokenizer import BOS, EOS, PAD, ByteLevelBPE, chunked


def id_type(vocab_size: int) -> type[np.integer]:
    """The smallest integer type that holds all ids: half the memory up to 65,536 tokens."""
    return np.uint16 if vocab_size <= 2**16 else np.int32


@dataclass(frozen=True)
class Packed:
    """A stream of ids, and the word that each belongs to.

    ids:   [tokens]  `<s> … </s> <s> … </s>`
    words: [tokens]  a number that is the same for all tokens of one word, -1 at special ones
    """

    ids: np.ndarray
    words: np.ndarray

    def rows(self, block_size: int) -> tuple[np.ndarray, np.ndarray]:
        """Whole rows (ids, words), each [n, block_size]; a stream shorter than that is one row."""
        block = min(block_size, len(self.ids))
        whole = len(self.ids) // block * block
        return self.ids[:whole].reshape(-1, block), self.words[:whole].reshape(-1, block)


def pack(
    tokenizer: ByteLevelBPE,
    paragraphs: Sequence[str],
    progress: Callable[[float], None] = lambda share: None,
) -> np.ndarray:
    """All paragraphs end to end: ids [tokens] of the smallest type that holds them."""
    pieces: list[np.ndarray] = [np.empty(0, id_type(tokenizer.learned))]
    done = 0
    for chunk in chunked(paragraphs):
        ids = [i for text in tokenizer.encode(chunk) for i in (BOS, *text, EOS)]
        pieces.append(np.array(ids, dtype=pieces[0].dtype))
        done += len(chunk)
        progress(done / len(paragraphs))
    return np.concatenate(pieces)


def pack_words(tokenizer: ByteLevelBPE, paragraphs: Iterable[str]) -> Packed:
    """Like `pack`, and beside each id the word it is part of (for word recovery).

    A word is what the tokenizer's first cut leaves whole, whatever the vocabulary: " reason",
    "'s", ",". Where a script puts no spaces between words, that cut leaves whole clauses, so
    there each token counts as a word.
    """
    ids: list[int] = []
    words: list[int] = []
    for chunk in chunked(paragraphs):
        for text, (tokens, numbers) in zip(chunk, tokenizer.encode_words(chunk), strict=True):
            numbers = numbers if writes_spaces(text) else range(len(tokens))
            first = len(ids)  # there are never more words than tokens: numbers stay apart
            ids += [BOS, *tokens, EOS]
            words += [-1, *(first + n for n in numbers), -1]
    return Packed(np.array(ids, np.int64), np.array(words, np.int64))


def writes_spaces(text: str) -> bool:
    """Whether its script puts spaces between words."""
    return text.count(" ") * 20 > len(text)


def line_rows(tokenizer: ByteLevelBPE, paragraphs: Iterable[str], block_size: int) -> np.ndarray:
    """The notebook's rows: one line each, cut at `block_size`, padded: [lines, block_size]."""
    lines = [line for text in paragraphs for line in text.splitlines() if line.strip()]
    rows = np.full((len(lines), block_size), PAD, dtype=id_type(tokenizer.learned))
    start = 0
    for chunk in chunked(lines):
        for row, ids in zip(rows[start:], tokenizer.encode(chunk), strict=False):
            kept = [BOS, *ids[: block_size - 2], EOS]
            row[: len(kept)] = kept
        start += len(chunk)
    return rows
