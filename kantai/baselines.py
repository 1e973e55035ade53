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

Sources: those of `kantai.counting`, which counts and blends; and Hinton, "Training products
of experts by minimizing contrastive divergence", Neural Computation 14(8), 2002.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from kantai.counting import NEIGHBOURS, OUTSIDE, ContextTable, gaps

SPECIAL_IDS = (0, 1, 2, 3, 4)  # <s> <pad> </s> <unk> <mask>
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


def _weighted_sum(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """`values @ weights`, [n, columns] -> [n], where nearly all weights are 1.

    A matrix product would use threads, which wait for each other where other programs
    compute too: on a busy machine it took sixty times longer.
    """
    other = np.flatnonzero(weights != 1)
    plain = values.sum(axis=1, dtype=np.int32 if values.dtype == bool else None)
    return plain + (values[:, other] * (weights[other] - 1)).sum(axis=1)


BASELINES: dict[str, Callable[..., Baseline]] = {
    guesser.name: guesser for guesser in (Uniform, Unigram, Bigram, NGram)
}
