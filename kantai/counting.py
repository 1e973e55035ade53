"""Count which words stood in which surroundings of a text: what the baselines guess from.

A *gap* is a place whose word is to be guessed; its surrounding is some of its `NEIGHBOURS`.
Knows nothing of text and models, and nothing of who guesses how: ids in, counts out.

Sources: Witten and Bell, "The zero-frequency problem", IEEE Transactions on Information
Theory 37(4), 1991. Kneser and Ney, "Improved backing-off for m-gram language modeling",
ICASSP 1995. Chen and Goodman, "An empirical study of smoothing techniques for language
modeling", Computer Speech and Language 13(4), 1999.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NEIGHBOURS = (-2, -1, 1, 2)  # the places around a gap that a guesser may look at
OUTSIDE = -1  # stands for a neighbour beyond the end of the block


def gaps(rows: np.ndarray, masked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The neighbours [n, 4] and the true word [n] of every masked position.

    >>> contexts, words = gaps(np.array([[5, 6, 7]]), np.array([[False, True, False]]))
    >>> contexts.tolist(), words.tolist()
    ([[-1, 5, 7, -1]], [6])
    """
    reach = max(NEIGHBOURS)
    padded = np.pad(rows.astype(np.int64), ((0, 0), (reach, reach)), constant_values=OUTSIDE)
    row, column = np.nonzero(masked)
    column = column + reach
    contexts = np.stack([padded[row, column + place] for place in NEIGHBOURS], axis=1)
    return contexts, padded[row, column]


class ContextTable:
    """Which words stood in which surrounding, and how often.

    `places` says what a surrounding is: (-1,) the word before, (-1, 1) the two words
    around the gap, () nothing. `is_word` [vocab_size] is true for ids that may be guessed.
    Surroundings that occurred fewer than `min_seen` times are dropped.

    `once_per` names one more place, and a word then counts once for each *different*
    neighbour that it had there. Kneser and Ney: "Francisco" may be frequent, but only ever
    after "San", so where the word before is a new one, it is an unlikely guess.

    >>> train = np.array([0, 5, 6, 5, 7, 5, 6, 2])
    >>> after_the = np.array([[OUTSIDE, 5, OUTSIDE, OUTSIDE]])
    >>> table = ContextTable(train, (-1,), is_word=np.arange(8) > 4)
    >>> [column.tolist() for column in table.words_at(table.find(after_the))]
    [[0, 0], [6, 7], [2, 1]]
    """

    def __init__(
        self,
        train: np.ndarray,
        places: Sequence[int],
        is_word: np.ndarray,
        *,
        once_per: int | None = None,
        min_seen: int = 1,
    ):
        self.places, self.base = tuple(places), np.uint64(len(is_word) + 1)
        keys = self._sorted_keys(train, is_word, once_per)
        edges = _run_edges(keys)  # [entries + 1]: a run is one (surrounding, word)
        keys = keys[edges[:-1]]
        counts = np.diff(edges).astype(np.int32)
        words = (keys % self.base - np.uint64(1)).astype(np.min_scalar_type(len(is_word)))
        keys //= self.base
        starts = _run_edges(keys)  # [surroundings + 1]: a run is one surrounding
        totals = np.diff(edges[starts]).astype(np.int32)
        types = np.diff(starts)
        kept = totals >= min_seen
        kept_entries = np.repeat(kept, types)
        self.keys = keys[starts[:-1][kept]]  # [surroundings], sorted
        self.totals = totals[kept]  # [surroundings] words counted there
        # [surroundings + 1], in entries: where the different words met there begin and end
        self.starts = np.append(0, np.cumsum(types[kept])).astype(np.int32)
        self.words, self.counts = words[kept_entries], counts[kept_entries]  # [entries]
        once, twice = np.sum(self.counts == 1), np.sum(self.counts == 2)
        # Chen and Goodman's estimate n1 / (n1 + 2 n2), kept inside 0..1 for tiny texts
        self.discount = float((once + 1) / (once + 2 * twice + 2))

    @staticmethod
    def fits(digits: int, vocab_size: int) -> bool:
        """Whether so many ids together make one number of 64 bits: 4 do up to 65,535 ids."""
        return (vocab_size + 1) ** digits <= 2**64

    def _sorted_keys(
        self, train: np.ndarray, is_word: np.ndarray, once_per: int | None
    ) -> np.ndarray:
        """One number a token: its neighbours and itself as digits to the base V + 1.

        Sorting brings equal surroundings together, and within them equal words: every
        count is then the length of a run. [tokens that are words], uint64.
        """
        digits = (*self.places, 0) if once_per is None else (once_per, *self.places, 0)
        if not self.fits(len(digits), len(is_word)):
            raise ValueError(f"{len(digits)} of {len(is_word)} ids make no number of 64 bits")
        first, last = -min(digits), len(train) - max(digits)
        if first >= last:
            return np.zeros(0, np.uint64)
        keys = np.zeros(last - first, np.uint64)
        for place in digits:
            keys *= self.base
            keys += np.uint64(1)  # digit 0 is for OUTSIDE, which is never counted
            ids = train[first + place : last + place]
            # signed and unsigned together would turn into floats, and a cast take memory
            np.add(keys, ids, out=keys, dtype=np.uint64, casting="unsafe")
        keys = keys[is_word[train[first:last]]]
        keys.sort()
        if once_per is not None:
            keys = keys[_run_edges(keys)[:-1]]
            keys %= self.base ** np.uint64(len(self.places) + 1)
            keys.sort()
        return keys

    def find(self, contexts: np.ndarray) -> np.ndarray:
        """The index of each context's surrounding, -1 where it was never met. [n]"""
        if not len(self.keys):
            return np.full(len(contexts), -1)
        keys = np.zeros(len(contexts), np.uint64)
        for place in self.places:
            digit = contexts[:, NEIGHBOURS.index(place)] + 1
            keys = keys * self.base + digit.astype(np.uint64)
        index = np.searchsorted(self.keys, keys)
        index[index == len(self.keys)] = 0
        return np.where(self.keys[index] == keys, index, -1)

    def words_at(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All words of the surroundings `index` [n]: row 0..n-1, word, count, each [m]."""
        row = np.flatnonzero(index >= 0)
        starts, ends = self.starts[index[row]], self.starts[index[row] + 1]
        sizes = ends - starts
        # start, start + 1, ... end - 1 of one surrounding, then of the next, ...
        entry = np.arange(sizes.sum()) + np.repeat(ends - np.cumsum(sizes), sizes)
        return np.repeat(row, sizes), self.words[entry], self.counts[entry]

    def refine(
        self,
        simpler: np.ndarray,
        contexts: np.ndarray,
        *,
        novelty: float = 1.0,
        discount: float = 0.0,
    ) -> None:
        """Blend these counts into the `simpler` distributions [n, columns], in place.

        Of n words counted in a surrounding, t were different:

            P(w) = (count(w) - discount + novelty * t * P_simpler(w))
                   / (n - discount * t + novelty * t)         for words met there, and
            P(w) = the same without its first two terms       for all others.

        Witten and Bell: novelty 1, discount 0. Kneser and Ney: both `self.discount`, which
        is taken from each count and given to the simpler guess. Rows that sum to 1 still
        do; where the surrounding was never met, they stay as they are.
        """
        index = self.find(contexts)
        met = index >= 0
        types = self.starts[index[met] + 1] - self.starts[index[met]]
        share, whole = np.ones(len(index)), np.ones(len(index))
        whole[met] = self.totals[index[met]] + (novelty - discount) * types
        share[met] = novelty * types / whole[met]
        row, word, count = self.words_at(index)
        simpler *= share[:, None]
        simpler[row, word] += (count - discount) / whole[row]  # each (row, word) occurs once


def _run_edges(values: np.ndarray) -> np.ndarray:
    """Where runs of equal values begin, and the end: [7, 7, 9] -> [0, 2, 3]."""
    edge = np.ones(len(values) + 1, bool)
    edge[1:-1] = values[1:] != values[:-1]
    return np.flatnonzero(edge)
