"""Numbers, losses and people's words as the page says them."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kantai import strings
from kantai.devices import Device
from kantai.errors import UserError
from kantai.ui import guesses, nodes, page, words
from kantai.ui.tabs import fill_mask, text
from tests.ui.conftest import MARKUP, flat, flat_words, pasted


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.49, "It now guesses nearly one hidden token in two."),
        (0.5, "It now guesses one hidden token in two."),
        (0.28, "It now guesses more than one hidden token in four."),
        (0.7, "It now guesses two hidden tokens in three."),
        (0.001, "It is still guessing blindly."),
    ],
)
def test_a_loss_is_told_as_a_sentence(share, said):
    assert words.guessed(share)["en"] == said


@given(st.floats(0, 1))
def test_every_share_has_a_sentence_in_both_languages(share):
    for now in (True, False):
        told = words.guessed(share, now=now)
        assert set(told) == set(strings.LANGUAGES)
        assert all(said and "{" not in said for said in told.values())


def test_sizes_and_times_are_short():
    assert [words.size(n) for n in (900, 2_430_000, 3.2e9)] == ["900 B", "2.43 MB", "3.2 GB"]
    assert [words.count(n) for n in (8_000, 10_812_000)] == ["8,000", "10.8 M"]
    assert [words.duration(s)["en"] for s in (42, 200, 9_000)] == ["42 s", "3 min", "2.5 h"]
    assert [words.duration(s)["zh"] for s in (42, 200)] == ["42 秒", "3 分钟"]


def test_a_cpu_is_named_in_the_readers_language():
    chinese = nodes.spoken(words.device_name(Device("cpu", "CPU, 2 cores", 1, None)), "zh")
    assert chinese == f"CPU（{os.cpu_count()} 核）"
    assert words.device_name(Device("cuda", "NVIDIA T4", 1, None)) == "NVIDIA T4"


def test_a_bar_never_leaves_its_frame():
    line = next(part for part in nodes.bar(1.7)[2:] if part[0] == "div.k-line")
    assert line[1] == ["i", {"--share": "1.0000"}]


def test_a_blind_guesser_is_told_as_one():
    even = [guesses.Guess("a", 1.2 / 4_000)]
    assert "1 in 4,000" in flat_words(guesses.blind(even, 4_000))
    assert guesses.blind([guesses.Guess("a", 0.2)], 4_000) == []
    assert guesses.chance(0.25) == "25.0 %" and guesses.chance(1 / 4_000)["en"] == "1 in 4,000"


def test_no_value_of_a_chooser_can_be_taken_for_a_label():
    assert all(key.startswith(page.MARK) for key in page.I18N.translations["en"])


def test_a_persons_words_stay_plain_strings(desk):
    run_id = pasted(desk, extra=f"{MARKUP} " * 3 + "The end of it.")
    report, *_ = text.show(desk, run_id)
    strings_in = [s for s in flat(report) if "onerror" in s]
    assert not any(isinstance(s, str) and s.startswith("<div") for s in strings_in)
    view = fill_mask.words_view(MARKUP + " <mask>")
    assert view[0] == "div.k-words" and "onerror" in flat(view)


def test_a_warning_holds_no_markup():
    error = page.warning(UserError("file_empty", name=MARKUP), "en")
    assert "<img" not in error.message and "&lt;img" in error.message
    assert "请" in page.warning(UserError("choose_run"), "zh").message
