"""Guess hidden words by counting: the bar that a trained model has to clear.

Four guessers answer exactly the positions that were hidden from the model, from nothing
but counts of the training text. Each adds an idea to the one before:

    uniform   every id of the vocabulary is equally likely
    unigram   how often a word occurs at all
    bigram    what follows the word on the left
    ngram     two words on the left and two on the right, and the pair around the gap

None says "never": each blends its counts with the guess of a simpler one. Witten and Bell
ask how many *different* words were met: where many were, the next may well be new. Take
the text  <s> the cat the dog the cat </s>  and a vocabulary of 8 ids:

    unigram   6 words, 3 different; "cat" twice; the simpler guess is 1/8:
              P(cat)       = (2 + 3 * 1/8)    / (6 + 3) = 0.264
    bigram    "the" has 3 words after it, 2 different; "cat" twice:
              P(cat | the) = (2 + 2 * P(cat)) / (3 + 2) = 0.506

>>> train = np.array([0, 5, 6, 5, 7, 5, 6, 2])      # 5 = the, 6 = cat, 7 = dog
>>> [(word, round(p, 3)) for word, p in Unigram(train, 8).guess([5], [], k=3)]
[(5, 0.375), (6, 0.264), (7, 0.153)]
>>> [(word, round(p, 3)) for word, p in Bigram(train, 8).guess([5], [], k=3)]
[(6, 0.506), (7, 0.261), (5, 0.15)]

A demanding bar: the neighbours of a gap are always the true ones here, even where the
model sees a mask or a wrong word in their place. Past the ends of a block nothing is
used, for the model cannot look there either. Special tokens count as neighbours, since
they tell where a text begins and ends, but not as words to guess; in the distributions
they keep only what every id keeps that was never met.

This module knows nothing of text, files or models: ids in, scores out. It looks no
further than two neighbours: seeing further is what the model is for.

Sources: Witten and Bell, "The zero-frequency problem", IEEE Transactions on Information
Theory 37(4), 1991. Kneser and Ney, "Improved backing-off for m-gram language modeling",
ICASSP 1995. Chen and Goodman, "An empirical study of smoothing techniques for language
modeling", Computer Speech and Language 13(4), 1999. Hinton, "Training products of experts
by minimizing contrastive divergence", Neural Computation 14(8), 2002.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

SPECIAL_IDS = (0, 1, 2, 3, 4)  # <s> <pad> </s> <unk> <mask>
NEIGHBOURS = (-2, -1, 1, 2)  # the places around a gap that a guesser may look at
OUTSIDE = -1  # stands for a neighbour beyond the end of the block
CHUNK_CELLS = 500_000  # positions times words held at once: 4 MB, about a CPU's cache


@dataclass(frozen=True)
class BaselineScore:
    """Means over all hidden tokens: `loss` in nats, `top1` and `top5` as shares 0..1."""

    loss: float
    top1: float
    top5: float


class Baseline(Protocol):
    """What every guesser can do. `contexts` [n, 4] holds the ids at `NEIGHBOURS`."""

    name: str

    def probabilities(self, contexts: np.ndarray) -> np.ndarray:
        """The whole distributions, [n, vocab_size]; each row sums to 1."""

    def log_probs(self, contexts: np.ndarray, words: np.ndarray) -> np.ndarray:
        """ln P(word | context) for `words` [n]: [n], in nats."""

    def score(self, contexts: np.ndarray, words: np.ndarray) -> BaselineScore:
        """How well the true `words` [n] were foreseen."""

    def guess(self, left: Sequence[int], right: Sequence[int], k: int) -> list[tuple[int, float]]:
        """The k likeliest (id, probability) between `left` and `right`, best first."""


def score_baselines(
    train: np.ndarray,
    rows: np.ndarray,
    masked: np.ndarray,
    vocab_size: int,
    *,
    special_ids: Collection[int] = SPECIAL_IDS,
    names: Collection[str] | None = None,
) -> dict[str, BaselineScore]:
    """Count `train`, then guess the hidden positions of `rows`: one score a baseline.

    `train` is the packed training stream, [tokens]; `rows` the validation blocks with
    their original ids, [blocks, block_size]; `masked` is true where a token was hidden
    from the model. `names` picks some of `BASELINES`, all of them by default.

    Raises `ValueError` if nothing is masked, or a special token is.
    """
    contexts, words = gaps(rows, masked)
    chosen = BASELINES if names is None else {name: BASELINES[name] for name in names}
    return {
        name: build(train, vocab_size, special_ids=special_ids).score(contexts, words)
        for name, build in chosen.items()
    }


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


# --- counting ---------------------------------------------------------------------------


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


def _weighted_sum(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """`values @ weights`, [n, columns] -> [n], where nearly all weights are 1.

    A matrix product would use threads, which wait for each other where other programs
    compute too: on a busy machine it took sixty times longer.
    """
    other = np.flatnonzero(weights != 1)
    plain = values.sum(axis=1, dtype=np.int32 if values.dtype == bool else None)
    return plain + (values[:, other] * (weights[other] - 1)).sum(axis=1)


# --- the four guessers ------------------------------------------------------------------


class Uniform:
    """Every id has the probability 1 / vocab_size: what a model knows before training.

    What all four share stands here. They work in *columns*: one for each id up to the
    highest in the training text, and a last one for *each* of the ids beyond, of which
    counting knows nothing. So a vocabulary of 52,000, of which a small text fills 13,000,
    costs a quarter.
    """

    name = "uniform"

    def __init__(
        self, train: np.ndarray, vocab_size: int, *, special_ids: Collection[int] = SPECIAL_IDS
    ):
        if train.ndim != 1 or (len(train) and not 0 <= train.min() <= train.max() < vocab_size):
            raise ValueError("train must be one row of ids from 0 to vocab_size - 1")
        self.vocab_size = vocab_size
        self.is_word = np.isin(np.arange(vocab_size), list(special_ids), invert=True)
        self.width = int(train.max()) + 1 if len(train) else 0
        self.ids_in = self._by_column(np.ones(vocab_size))  # [width + 1] ids a column stands for
        self.words_in = self._by_column(self.is_word.astype(float))  # those not special
        self.count(train)

    def count(self, train: np.ndarray) -> None:
        """Learn from the training stream [tokens]. Here: nothing."""

    def columns(self, contexts: np.ndarray) -> np.ndarray:
        """The distributions in columns, [n, width + 1]."""
        return np.full((len(contexts), self.width + 1), 1 / self.vocab_size)

    def probabilities(self, contexts: np.ndarray) -> np.ndarray:
        """The whole distributions, [n, vocab_size]; each row sums to 1."""
        return self.columns(contexts)[:, np.minimum(np.arange(self.vocab_size), self.width)]

    def log_probs(self, contexts: np.ndarray, words: np.ndarray) -> np.ndarray:
        """ln P(word | context) for `words` [n]: [n], in nats."""
        return np.concatenate([np.zeros(0), *(np.log(p) for _, p in self._chunks(contexts, words))])

    def score(self, contexts: np.ndarray, words: np.ndarray) -> BaselineScore:
        """How well the true `words` [n] were foreseen.

        Equally likely words share the places they take: of 100 that lead together, each
        is among the first five by 5 / 100. Special tokens take no place.
        """
        if not len(words):
            raise ValueError("no position is masked: there is nothing to score")
        if not self.is_word[words].all():
            raise ValueError("a special token is masked: only words can be guessed")
        sums = np.zeros(3)
        for columns, p in self._chunks(contexts, words):
            ahead = _weighted_sum(
                columns > p[:, None], self.words_in
            )  # [m] words likelier than the truth
            tied = _weighted_sum(columns == p[:, None], self.words_in)  # [m] as likely, with itself
            top1, top5 = (np.clip((k - ahead) / tied, 0, 1).sum() for k in (1, 5))
            sums += -np.log(p).sum(), top1, top5
        return BaselineScore(*(sums / len(words)).tolist())

    def guess(self, left: Sequence[int], right: Sequence[int], k: int) -> list[tuple[int, float]]:
        """The k likeliest (id, probability) between `left` and `right`, best first.

        Never a special token; of equals the lower id first. A neighbour that is itself
        hidden (<mask>) tells nothing, for none stood in the training text.
        """
        around = [OUTSIDE, OUTSIDE, *left][-2:] + [*right, OUTSIDE, OUTSIDE][:2]
        p = self.probabilities(np.array([around]))[0]
        order = np.argsort(-p, kind="stable")
        order = order[self.is_word[order]]
        return [(int(i), float(p[i])) for i in order[:k]]

    def _by_column(self, values: np.ndarray) -> np.ndarray:
        """Values of all ids [vocab_size] -> summed by column [width + 1]."""
        return np.append(values[: self.width], values[self.width :].sum())

    def _chunks(
        self, contexts: np.ndarray, words: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Some gaps at a time: columns [m, width + 1], probability of the true word [m]."""
        step = max(1, CHUNK_CELLS // (self.width + 1))
        for start in range(0, len(words), step):
            columns = self.columns(contexts[start : start + step])
            word = np.minimum(words[start : start + step], self.width)
            yield columns, columns[np.arange(len(word)), word]


class Unigram(Uniform):
    """How often a word occurs, wherever it stands; refined from the uniform guess."""

    name = "unigram"

    def count(self, train: np.ndarray) -> None:
        self.frequency = self._anywhere(ContextTable(train, (), self.is_word))

    def columns(self, contexts: np.ndarray) -> np.ndarray:
        return np.tile(self.frequency, (len(contexts), 1))

    def _anywhere(self, table: ContextTable, **smoothing: float) -> np.ndarray:
        """One distribution for every gap, from a table without neighbours. [width + 1]"""
        nowhere = np.full((1, len(NEIGHBOURS)), OUTSIDE)
        row = Uniform.columns(self, nowhere)
        table.refine(row, nowhere, **smoothing)
        return row[0]


class Bigram(Unigram):
    """What follows the word on the left; refined from the unigram."""

    name = "bigram"

    def count(self, train: np.ndarray) -> None:
        super().count(train)
        self.after = ContextTable(train, (-1,), self.is_word)

    def columns(self, contexts: np.ndarray) -> np.ndarray:
        columns = super().columns(contexts)
        self.after.refine(columns, contexts)
        return columns


class NGram(Unigram):
    """Both sides of the gap, two words each.

    1. One guesser looks left, at (l1) and (l2 l1), one right, at (r1) and (r1 r2). Each
       is a trigram with Kneser and Ney's smoothing: its simpler guesses count in how many
       different surroundings a word stood, rather than how often.
    2. Their product. If left and right told independent things about the word w, Bayes'
       rule would make P(w | left, right) proportional to P(w | left) P(w | right) / P(w).
       Where both agree, this is surer than either.
    3. They are not independent, so the product is refined, Witten and Bell's way, by the
       words met inside (l1 _ r1), (l2 l1 _ r1) and (l1 _ r1 r2). The longer two must have
       been met twice: the single ones are most of the memory, and no better for it.
    """

    name = "ngram"
    AROUND = {(-1, 1): 1, (-2, -1, 1): 2, (-1, 1, 2): 2}  # places: times met, at least
    # The product knows both neighbours already, so a pair must be met often before its own
    # counts weigh more. On held-out text the loss is flat from about 8 upwards, and top-1
    # is best near 8; Witten and Bell's own 1 loses 0.2 nats more.
    NOVELTY = 8.0

    def count(self, train: np.ndarray) -> None:
        super().count(train)
        self.left, self.right = self._side(train, -1, -2), self._side(train, 1, 2)
        self.around = [
            ContextTable(train, places, self.is_word, min_seen=min_seen)
            for places, min_seen in self.AROUND.items()
            if ContextTable.fits(len(places) + 1, self.vocab_size)
        ]

    def columns(self, contexts: np.ndarray) -> np.ndarray:
        columns = self._from_side(contexts, *self.left)
        columns *= self._from_side(contexts, *self.right)
        columns /= self.frequency
        columns /= _weighted_sum(columns, self.ids_in)[:, None]
        for table in self.around:
            table.refine(columns, contexts, novelty=self.NOVELTY)
        return columns

    def _side(
        self, train: np.ndarray, near: int, far: int
    ) -> tuple[np.ndarray, ContextTable, ContextTable]:
        """Kneser and Ney's ladder for one side: no neighbour, the near one, both."""
        anywhere = ContextTable(train, (), self.is_word, once_per=near)
        return (
            self._anywhere(anywhere, novelty=anywhere.discount, discount=anywhere.discount),
            ContextTable(train, (near,), self.is_word, once_per=far),
            ContextTable(train, sorted((near, far)), self.is_word),
        )

    def _from_side(
        self, contexts: np.ndarray, anywhere: np.ndarray, near: ContextTable, both: ContextTable
    ) -> np.ndarray:
        """What one side says, [n, width + 1]: just P(w), nothing new, if `near` is unknown."""
        known = near.find(contexts) >= 0
        columns = np.where(known[:, None], anywhere, self.frequency)
        for table in (near, both):
            table.refine(columns, contexts, novelty=table.discount, discount=table.discount)
        return columns


BASELINES: dict[str, Callable[..., Baseline]] = {
    guesser.name: guesser for guesser in (Uniform, Unigram, Bigram, NGram)
}
