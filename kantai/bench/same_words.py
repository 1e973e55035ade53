"""The same hidden words for every side, whatever its vocabulary: chosen by their place in the text.

Held-out paragraphs are cut into stretches that fit into a row of every side, each as
`<s> … </s>`. In every stretch 15 % of the words are hidden: a word is what byte-level BPE leaves
whole; where a script puts no spaces between words, it is the shortest piece of text that begins
and ends with a token on every side. So all sides see the same text with the same gaps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import numpy as np
import torch

from kantai.evaluation import MASK_SEED, WORD_SHARE, Guesser, WordRecovery, mark_rows, word_marks
from kantai.packing import writes_spaces
from kantai.tokenizer import BOS, EOS, ByteLevelBPE

LEAST_WORDS = 8  # of a stretch: a gap needs something around it
MOST_HIDDEN = 4_000  # words asked: a share of a half is then sure to 1.6 points
ROWS_AT_ONCE = 64


@dataclass(frozen=True)
class Side:
    """What reads the text: a tokenizer, and how many tokens a row has."""

    tokenizer: ByteLevelBPE
    block_size: int


@dataclass(frozen=True)
class Row:
    """A stretch of text as one side reads it: ids, their words' numbers, which are hidden."""

    ids: np.ndarray
    words: np.ndarray
    hidden: np.ndarray


COLUMNS = tuple(attrgetter(name) for name in ("ids", "words", "hidden"))


def same_questions(paragraphs: Sequence[str], sides: Sequence[Side]) -> list[list[Row]]:
    """For each side its rows, one for each stretch; the n-th of all sides ask for the same."""
    stretches = list(_stretches(paragraphs, sides))
    most = max(1, round(MOST_HIDDEN / WORD_SHARE))
    spread = max(1.0, sum(len(ends[0]) for _, ends in stretches) / most)
    chosen = [stretches[int(n * spread)] for n in range(int(len(stretches) / spread))]
    random, first = np.random.default_rng(MASK_SEED), 0
    rows: list[list[Row]] = [[] for _ in sides]
    for ids, ends in chosen:
        count = len(ends[0])
        hidden = random.choice(count, max(1, round(WORD_SHARE * count)), replace=False)
        for own, tokens, words in zip(rows, ids, ends, strict=True):
            own.append(_row(tokens, words, hidden, first))
        first += count
    return rows


@torch.no_grad()
def recover(guess: Guesser, rows: Sequence[Row]) -> WordRecovery:
    """How many of the hidden words come back exactly; rows of the same length are asked at once."""
    marks = np.zeros(3, np.int64)
    for _, alike in groupby(sorted(rows, key=_length), key=_length):
        group = list(alike)
        for start in range(0, len(group), ROWS_AT_ONCE):
            part = group[start : start + ROWS_AT_ONCE]
            ids, words, hidden = (np.stack([get(row) for row in part]) for get in COLUMNS)
            marks += mark_rows(guess, torch.from_numpy(ids), words, hidden)
    return word_marks(marks)


def _length(row: Row) -> int:
    return len(row.ids)


def _row(tokens: np.ndarray, ends: np.ndarray, hidden: np.ndarray, first: int) -> Row:
    """The row of one stretch; its words are numbered from `first`.

    ends: [words] how many tokens of the stretch there are up to the end of each word
    """
    words = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    edge = [-1]
    return Row(
        np.array([BOS, *tokens, EOS], np.int64),
        np.concatenate([edge, first + words, edge]),
        np.concatenate([[False], np.isin(words, hidden), [False]]),
    )


# For each side the ids of a stretch, and [words] its tokens up to each word's end.
Stretch = tuple[list[np.ndarray], list[np.ndarray]]


def _stretches(paragraphs: Sequence[str], sides: Sequence[Side]) -> Iterator[Stretch]:
    """As many whole words as fit into a row of every side, again and again."""
    lengths = [side.tokenizer.token_bytes() for side in sides]
    encoded = [side.tokenizer.encode_words(paragraphs) for side in sides]
    for text, *read in zip(paragraphs, *encoded, strict=True):
        ids = [np.array(tokens, np.int64) for tokens, _ in read]
        places = [np.cumsum(own[tokens]) for own, tokens in zip(lengths, ids, strict=True)]
        ends = _word_ends(text, [numbers for _, numbers in read], places)
        # [words] of each side: tokens of the paragraph up to each word's end
        ends_of = [np.searchsorted(place, ends) + 1 for place in places]
        first = 0
        while first < len(ends):
            begin = [own[first - 1] if first else 0 for own in ends_of]
            last = min(
                int(np.searchsorted(own, start + side.block_size - 2, side="right"))
                for own, start, side in zip(ends_of, begin, sides, strict=True)
            )
            if last - first >= LEAST_WORDS:
                yield (
                    [t[b : own[last - 1]] for t, b, own in zip(ids, begin, ends_of, strict=True)],
                    [own[first:last] - b for b, own in zip(begin, ends_of, strict=True)],
                )
            first = max(last, first + 1)  # a word longer than a row is passed over


def _word_ends(
    text: str, numbers: Sequence[Sequence[int]], places: Sequence[np.ndarray]
) -> np.ndarray:
    """Where words end, in bytes of the text.

    numbers: of each side the word of each token   places: where each token ends, in bytes
    """
    if writes_spaces(text):
        cuts = np.diff(np.array(numbers[0]), append=-1) != 0
        return places[0][cuts]
    common = places[0]
    for place in places[1:]:
        common = np.intersect1d(common, place)
    starts = np.frombuffer(text.encode("utf-8", "replace") + b" ", np.uint8)
    return common[(starts[common] & 0xC0) != 0x80]  # whole characters only
