"""From texts to rows of ids: end to end and cut into blocks, or a line an example.

`pack` lays all paragraphs end to end, `<s> … </s>` around each, and every `block_size` ids
make a row: no token is lost and none is padding. `line_rows` is the notebook's way, kept to
be compared with: a row for each line, cut at `block_size`, filled up with `<pad>`.
Knows nothing of masks and models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    empty = np.empty(0, id_type(tokenizer.learned))
    return np.concatenate([empty, *pieces(tokenizer, paragraphs, progress)])


def pieces(
    tokenizer: ByteLevelBPE,
    paragraphs: Sequence[str],
    progress: Callable[[float], None] = lambda share: None,
) -> Iterator[np.ndarray]:
    """What `pack` lays end to end, piece by piece: no more than one is in memory."""
    done, kind = 0, id_type(tokenizer.learned)
    for chunk in chunked(paragraphs):
        ids = [i for text in tokenizer.encode(chunk) for i in (BOS, *text, EOS)]
        yield np.array(ids, dtype=kind)
        done += len(chunk)
        progress(done / len(paragraphs))


def write_ids(
    path: Path,
    tokenizer: ByteLevelBPE,
    paragraphs: Sequence[str],
    progress: Callable[[float], None] = lambda share: None,
) -> None:
    """What `pack` gives, into a file: a text of any length costs no memory."""
    with open(path, "wb") as file:
        for ids in pieces(tokenizer, paragraphs, progress):
            file.write(ids.tobytes())


def mapped_ids(path: Path, tokenizer: ByteLevelBPE) -> np.ndarray:
    """The ids [tokens] of a file of `write_ids`, read from the disk as they are asked for."""
    kind = id_type(tokenizer.learned)
    return np.memmap(path, kind, "r") if path.stat().st_size else np.empty(0, kind)


def spread(stream: np.ndarray, most: int, parts: int = 16) -> np.ndarray:
    """The whole stream, or of a longer one `most` ids from evenly spread stretches.

    >>> spread(np.arange(100), 6, parts=3).tolist()
    [0, 1, 49, 50, 98, 99]
    """
    if len(stream) <= most:
        return np.asarray(stream)
    size = most // parts
    begins = np.linspace(0, len(stream) - size, parts).astype(int)
    return np.concatenate([stream[begin : begin + size] for begin in begins])


def pack_words(tokenizer: ByteLevelBPE, paragraphs: Iterable[str]) -> Packed:
    """Like `pack`, and beside each id the word it is part of (for word recovery).

    A word is what the tokenizer's first cut leaves whole, whatever the vocabulary: " reason",
    "'s", ",". Where a script puts no spaces between words, that cut leaves whole clauses, so
    there each token counts as a word.
    """
    done, ids, words = 0, [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for chunk in chunked(paragraphs):
        for text, (tokens, numbers) in zip(chunk, tokenizer.encode_words(chunk), strict=True):
            numbers = numbers if writes_spaces(text) else range(len(tokens))
            # There are never more words than tokens: numbers stay apart.
            own = np.fromiter(numbers, np.int64, len(tokens)) + done
            ids.append(np.array([BOS, *tokens, EOS], np.int64))
            words.append(np.concatenate(([-1], own, [-1])))
            done += len(tokens) + 2
    return Packed(np.concatenate(ids), np.concatenate(words))


def writes_spaces(text: str) -> bool:
    """Whether its script puts spaces between words."""
    return text.count(" ") * 20 > len(text)


def line_rows(tokenizer: ByteLevelBPE, paragraphs: Iterable[str], block_size: int) -> np.ndarray:
    """The notebook's rows: one line each, cut at `block_size`, padded: [lines, block_size]."""
    lines = (line for text in paragraphs for line in text.splitlines() if line.strip())
    blocks = [np.empty((0, block_size), id_type(tokenizer.learned))]
    for chunk in chunked(lines):
        rows = np.full((len(chunk), block_size), PAD, blocks[0].dtype)
        for row, ids in zip(rows, tokenizer.encode(chunk), strict=True):
            kept = [BOS, *ids[: block_size - 2], EOS]
            row[: len(kept)] = kept
        blocks.append(rows)
    return np.concatenate(blocks)
