"""The counting baselines, against hand-worked figures and a slow reference in plain Python."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kantai import baselines
from kantai.baselines import BASELINES, NGram, score_baselines
from kantai.counting import NEIGHBOURS, OUTSIDE, gaps

VOCAB = 11
SPECIAL = (0, 1, 2, 3, 4)
streams = st.builds(
    lambda ids, times: np.array(ids * times, np.uint16),
    st.lists(st.integers(0, VOCAB - 1), max_size=25),
    st.integers(1, 3),  # whole stretches come back, so that long surroundings repeat
)


@st.composite
def streams_and_contexts(draw):
    """A training stream, and gaps cut from it, one neighbour of some changed. [n, 4]"""
    train = draw(streams)
    padded = [OUTSIDE] * 2 + train.tolist() + [OUTSIDE] * 3
    contexts = []
    for _ in range(draw(st.integers(1, 6))):
        t = draw(st.integers(2, len(train) + 2))
        context = [padded[t + place] for place in NEIGHBOURS]
        if draw(st.booleans()):
            context[draw(st.integers(0, 3))] = draw(st.integers(OUTSIDE, VOCAB - 1))
        contexts.append(context)
    return train, np.array(contexts)


everywhere = pytest.mark.parametrize("name", BASELINES)


# --- the reference: dictionaries and exact fractions --------------------------------------


def count(train, places, once_per=None):
    """{surrounding: {word: count}}, from the definition."""
    wanted, seen, table = [*places, 0, *([once_per] if once_per else [])], set(), {}
    for t in range(len(train)):
        if not all(0 <= t + place < len(train) for place in wanted) or train[t] in SPECIAL:
            continue
        around = tuple(int(train[t + place]) for place in places)
        if once_per:
            key = (int(train[t + once_per]), around, int(train[t]))
            if key in seen:
                continue
            seen.add(key)
        table.setdefault(around, Counter())[int(train[t])] += 1
    return table


def refine(simpler, words, novelty, discount):
    """The formula of `ContextTable.refine`, one word after the other."""
    if not words:
        return simpler
    n, t = sum(words.values()), len(words)
    return [
        ((words[w] - discount if w in words else 0) + novelty * t * p)
        / (n - discount * t + novelty * t)
        for w, p in enumerate(simpler)
    ]


def reference(name, train, context):
    """The whole distribution [VOCAB] as fractions."""
    neighbour = dict(zip(NEIGHBOURS, context.tolist(), strict=True))

    def at(places):
        return tuple(neighbour[place] for place in places)

    def kneser_ney(simpler, table, places):
        counts = [c for words in table.values() for c in words.values()]
        d = Fraction(counts.count(1) + 1, counts.count(1) + 2 * counts.count(2) + 2)
        return refine(simpler, table.get(at(places)), d, d)

    uniform = [Fraction(1, VOCAB)] * VOCAB
    if name == "uniform":
        return uniform
    unigram = refine(uniform, count(train, ()).get(()), 1, 0)
    if name == "unigram":
        return unigram
    if name == "bigram":
        return refine(unigram, count(train, (-1,)).get(at((-1,))), 1, 0)

    def side(near, far):
        table = count(train, (near,), once_per=far)
        p = unigram
        if at((near,)) in table:
            p = kneser_ney(uniform, count(train, (), once_per=near), ())
        p = kneser_ney(p, table, (near,))
        both = tuple(sorted((near, far)))
        return kneser_ney(p, count(train, both), both)

    sides = zip(side(-1, -2), side(1, 2), unigram, strict=True)
    product = [left * right / prior for left, right, prior in sides]
    p = [x / sum(product) for x in product]
    for places, at_least in (((-1, 1), 1), ((-2, -1, 1), 2), ((-1, 1, 2), 2)):
        words = count(train, places).get(at(places), Counter())
        if sum(words.values()) >= at_least:
            p = refine(p, words, 8, 0)
    return p


# --- distributions ------------------------------------------------------------------------


def test_hand_worked_unigram_and_bigram():
    train = np.array([0, 5, 6, 5, 7, 5, 6, 2])  # <s> the cat the dog the cat </s>
    unigram = BASELINES["unigram"](train, 8).probabilities(np.array([[0, 5, 2, 2]]))[0]
    expected = [Fraction(1, 24)] * 5 + [Fraction(x, 72) for x in (27, 19, 11)]
    assert unigram == pytest.approx([float(x) for x in expected])
    bigram = BASELINES["bigram"](train, 8).probabilities(np.array([[0, 5, 2, 2]]))[0]
    assert bigram[6] == pytest.approx((2 + 2 * 19 / 72) / 5)
    assert bigram[7] == pytest.approx((1 + 2 * 11 / 72) / 5)
    assert bigram[5] == pytest.approx(2 * 27 / 72 / 5)


@everywhere
@settings(deadline=None)
@given(case=streams_and_contexts())
def test_equals_the_reference_and_sums_to_one(name, case):
    train, contexts = case
    got = BASELINES[name](train, VOCAB).probabilities(contexts)
    assert got.shape == (len(contexts), VOCAB)
    assert (got > 0).all()
    assert got.sum(axis=1) == pytest.approx(1)
    wanted = [[float(p) for p in reference(name, train, context)] for context in contexts]
    np.testing.assert_allclose(got, wanted, rtol=1e-9)


@everywhere
def test_without_neighbours_every_guess_is_the_unigram(name):
    train = np.array([0, 5, 6, 5, 7, 8, 8, 5, 6, 9, 2] * 3)
    blind = np.full((1, 4), OUTSIDE)
    got = BASELINES[name](train, VOCAB).probabilities(blind)
    simplest = "uniform" if name == "uniform" else "unigram"
    np.testing.assert_allclose(got, BASELINES[simplest](train, VOCAB).probabilities(blind))


def test_vocabularies_beyond_65535_ids_do_without_three_neighbours():
    train = np.tile(np.array([0, 90_000, 5, 70_000, 6, 2], np.int32), 3)
    ngram = NGram(train, 100_000)
    assert [table.places for table in ngram.around] == [(-1, 1)]
    assert [i for i, _ in ngram.guess([0, 90_000], [70_000, 6], k=1)] == [5]
    assert len(NGram(train, 100_000).probabilities(np.array([[0, 90_000, 70_000, 6]]))[0]) == 10**5


# --- scores and guesses -------------------------------------------------------------------


def dense_places(p, word, k):
    """The share of the first k places that `word` has, ties drawn by lot."""
    words = [i for i in range(VOCAB) if i not in SPECIAL]
    ahead = sum(p[i] > p[word] for i in words)
    tied = sum(p[i] == p[word] for i in words)
    return min(max((k - ahead) / tied, 0), 1)


@everywhere
@settings(deadline=None)
@given(train=streams, rows=st.integers(1, 4), data=st.data())
def test_score_equals_the_dense_computation(name, train, rows, data):
    ids = st.integers(0, VOCAB - 1)
    block = np.array(data.draw(st.lists(ids, min_size=rows * 5, max_size=rows * 5))).reshape(-1, 5)
    block[0, 0] = 5
    masked = block > max(SPECIAL)
    baseline = BASELINES[name](train, VOCAB)
    contexts, words = gaps(block, masked)
    dense = baseline.probabilities(contexts)
    p = dense[np.arange(len(words)), words]

    with pytest.MonkeyPatch.context() as patch:  # one chunk and many must agree
        patch.setattr(baselines, "CHUNK_CELLS", data.draw(st.sampled_from([1, 25, 10_000])))
        score = score_baselines(train, block, masked, VOCAB, names=[name])[name]
        np.testing.assert_allclose(baseline.log_probs(contexts, words), np.log(p))
    assert score.loss == pytest.approx(-np.log(p).mean())
    for k, got in ((1, score.top1), (5, score.top5)):
        shares = [dense_places(row, word, k) for row, word in zip(dense, words, strict=True)]
        assert got == pytest.approx(np.mean(shares))


@everywhere
@settings(deadline=None)
@given(train=streams, t=st.integers(0, 75), k=st.integers(0, VOCAB + 2))
def test_guesses_are_the_likeliest_words_and_never_special(name, train, t, k):
    baseline = BASELINES[name](train, VOCAB)
    left, right = train[:t].tolist(), train[t + 1 :].tolist()  # any length, also none
    around = ([OUTSIDE] * 2 + left)[-2:] + (right + [OUTSIDE] * 2)[:2]
    p = baseline.probabilities(np.array([around]))[0].tolist()
    best = sorted((-p[i], i) for i in range(VOCAB) if i not in SPECIAL)[:k]
    assert baseline.guess(left, right, k) == [(i, -minus) for minus, i in best]


def test_special_tokens_are_neighbours_but_never_guesses():
    train = np.array([0, 6, 2, 0, 6, 2, 0, 7, 2, 0, 5, 5, 2])
    for name, build in BASELINES.items():
        assert {i for i, _ in build(train, 8).guess([7], [0], k=8)} == {5, 6, 7}, name
    assert BASELINES["bigram"](train, 8).guess([0], [], k=1)[0][0] == 6  # a text begins with it


def made_up_text(sentences, seed):
    """<s> ARTICLE NOUN VERB ARTICLE NOUN </s>: article and noun agree, the verb tells both."""
    rng = np.random.default_rng(seed)
    text = []
    for _ in range(sentences):
        verb = rng.integers(6)
        nouns = 40 + (verb * 7 + rng.integers(3, size=2) ** 2) % 24
        text += [0, 10 + nouns[0] % 3, nouns[0], 20 + verb, 10 + nouns[1] % 3, nouns[1], 2]
    return np.array(text, np.int32)


def test_each_idea_lowers_the_bar_on_a_text_with_structure():
    rows = made_up_text(120, seed=2).reshape(-1, 70)
    masked = (np.random.default_rng(3).random(rows.shape) < 0.15) & (rows > 4)
    scores = score_baselines(made_up_text(600, seed=1), rows, masked, 80)
    assert list(scores) == ["uniform", "unigram", "bigram", "ngram"]
    losses = [score.loss for score in scores.values()]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] == pytest.approx(np.log(80))
    assert scores["uniform"].top5 == pytest.approx(5 / 75)
    assert scores["ngram"].loss < scores["bigram"].loss - 0.3
    assert scores["ngram"].top1 > scores["bigram"].top1 + 0.1
    assert all(0 <= score.top1 <= score.top5 <= 1 for score in scores.values())


def test_the_ends_of_a_block_hide_what_lies_beyond():
    rows = np.array([[5, 6, 7], [8, 9, 10]], np.uint16)
    context, words = gaps(rows, np.array([[True, False, True], [False, True, False]]))
    assert words.tolist() == [5, 7, 9]
    assert context.tolist() == [[-1, -1, 6, 7], [5, 6, -1, -1], [-1, 8, 10, -1]]


def test_what_cannot_be_scored_is_refused():
    rows = np.array([[0, 5, 6, 2]])
    with pytest.raises(ValueError, match="no position is masked"):
        score_baselines(rows[0], rows, np.zeros((1, 4), bool), VOCAB)
    with pytest.raises(ValueError, match="special token is masked"):
        score_baselines(rows[0], rows, np.ones((1, 4), bool), VOCAB)
    with pytest.raises(ValueError, match="ids from 0 to vocab_size - 1"):
        score_baselines(np.array([5, VOCAB]), rows, rows == 5, VOCAB)
