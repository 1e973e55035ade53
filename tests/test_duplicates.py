"""What came before goes, exactly or nearly; what only resembles it stays."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kantai.changes import Changes
from kantai.duplicates import (
    NearIndex,
    Seen,
    remove_exact_duplicates,
    remove_near_duplicates,
)
from kantai.words import batches, ngram_hashes, word_frequencies, words

# How fast the machine is, is no concern of these tests.
relaxed = settings(deadline=None, max_examples=60)

ENGLISH = [f"{a}{b}" for a in ("mil", "riv", "whe", "bre", "sto") for b in ("ler", "en", "at", "s")]
CHINESE = list("纯粹理性批判实践判断力先天综合经验直观概念原理自由自然目的论")


def paragraph(seed, vocabulary, length=80):
    between = " " if vocabulary is ENGLISH else ""
    return between.join(random.Random(seed).choices(vocabulary, k=length))


def near(paragraphs):
    return list(remove_near_duplicates(paragraphs, Changes()))


def test_the_first_of_equal_paragraphs_stays():
    changes = Changes()
    assert list(remove_exact_duplicates(["a", "b", "a", "A", "a"], changes)) == ["a", "b", "A"]
    assert (changes.places, changes.removed, changes.examples) == (2, 2, [("a", "")])


@pytest.mark.parametrize("vocabulary", [ENGLISH, CHINESE])
def test_a_paragraph_with_one_word_changed_goes_among_a_thousand_others(vocabulary):
    originals = [paragraph(seed, vocabulary) for seed in range(1000)]
    copies = [text[:-30] + "X" + text[-29:] + " ok" for text in originals[::10]]
    changes = Changes()
    kept = list(remove_near_duplicates(originals + copies, changes))
    assert kept[:1000] == originals  # none of them is wrongly dropped
    assert len(kept) <= 1003  # at least 97 of 100 copies are found
    assert changes.places == 1100 - len(kept)


def test_what_resembles_but_differs_stays():
    row = "the old mill by the river at the end of the long valley has its wheel and number {}"
    rows = [row.format(number) for number in range(8)]
    assert near(rows) == rows  # short: one word more or less is another sentence
    alike = [paragraph(seed, ENGLISH, 90) for seed in range(40)]
    alike += [text + " " + paragraph(text, ENGLISH, 40) for text in alike]
    assert near(alike) == alike  # two thirds in common


def test_case_and_punctuation_make_no_difference():
    text = paragraph(5, ENGLISH)
    assert near([text, text.upper().replace(" ", ", ", 20)]) == [text]


@relaxed
@given(st.lists(st.text(max_size=300), max_size=20))
def test_nothing_is_invented_and_the_order_stays(paragraphs):
    kept = near(paragraphs)
    rest = iter(paragraphs)
    assert all(any(text == other for other in rest) for text in kept)
    assert near(kept) == kept


def test_words_of_any_script():
    assert words("Pure reason's 1st 纯粹理性") == ["Pure", "reason", "s", "1st", *"纯粹理性"]
    assert words("이성의 비판") == ["이성의", "비판"]
    assert word_frequencies(["The mill", "the wheel"], 1) == [("the", 2)]


@relaxed
@given(st.lists(st.text("ab c", max_size=30), max_size=6), st.integers(1, 4))
def test_ngram_hashes_stay_within_a_paragraph(paragraphs, n):
    """Against the plain way: a number for each run, equal for equal runs."""
    hashes, counts = ngram_hashes(paragraphs, n)
    runs = [
        tuple(row[at : at + n]) for row in map(words, paragraphs) for at in range(len(row) - n + 1)
    ]
    assert len(hashes) == len(runs) == counts.sum()
    assert len({*hashes.tolist()}) == len({*runs})
    assert counts.tolist() == [max(0, len(words(p)) - n + 1) for p in paragraphs]


def test_batches_hold_everything_once():
    rows = ["abc", "d" * 50, "", "e"]
    assert [row for batch in batches(rows, 10) for row in batch] == rows


def test_only_the_last_paragraphs_are_remembered_and_none_is_dropped_wrongly():
    seen = Seen(most=3)
    assert [seen.is_new(text) for text in "abcabc"] == [True] * 3 + [False] * 3
    assert [seen.is_new(text) for text in "dcba"] == [True, False, False, False]
    assert [seen.is_new(text) for text in "efgh"] == [True] * 4
    assert seen.is_new("a")  # came too long ago


def test_near_twins_are_found_among_the_last_characters_only():
    texts = [paragraph(seed, ENGLISH) for seed in range(40)]
    index = NearIndex(most=sum(map(len, texts[-10:])))
    assert list(index.twins(texts)) == [None] * 40
    again = [text + " ok" for text in texts]
    assert list(index.twins(again[-10:])) == texts[-10:]
    assert list(index.twins(again[:30])) == [None] * 30  # their twins are forgotten
    index = NearIndex(most=10**9)
    list(index.twins(texts))
    assert list(index.twins(again)) == texts
