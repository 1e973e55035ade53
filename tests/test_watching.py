"""Watched sentences: one real word hidden in each, asked without touching the model."""

from __future__ import annotations

import pytest

from kantai.architectures import build_model, find_preset
from kantai.events import Validated, from_lines, to_line
from kantai.tokenizer import MASK, TokenizerSettings, train_tokenizer
from kantai.watching import Watch, choose_gaps, hide_longest
from tests.conftest import small_text

TEXTS = small_text(80) + ["这条河很古老。姐妹磨面粉，唱着歌。两个姐妹坐在磨坊旁边，唱着歌。"] * 4


@pytest.fixture(scope="module")
def watch():
    sentences = [s for text in TEXTS for s in (text[:60].rpartition(" ")[0] + ".", text)]
    tokenizer = train_tokenizer(sentences, TokenizerSettings(400))
    return Watch(tokenizer, sentences)


def test_a_hidden_word_is_one_whole_token(watch):
    assert len({gap.word for gap in watch.gaps}) == 3
    for gap in watch.gaps:
        ids = list(gap.ids)
        assert ids[gap.place] == MASK and gap.word.isalpha()
        ids[gap.place] = gap.answer
        assert watch.tokenizer.decode(ids[1:-1]) == gap.before + gap.word + gap.after


def test_part_of_a_word_is_never_hidden(watch):
    assert hide_longest(watch.tokenizer, "so sisterhoods go", 4) is None
    assert hide_longest(watch.tokenizer, "so sisters go", 4).word == "sisters"
    assert choose_gaps(watch.tokenizer, ["short", "1234 5678 9101 1121 3141", ""]) == []


def test_what_reads_like_a_sentence_is_chosen_before_lists_and_code(watch):
    code = ['stone_river ::= "mill" ( "flour", river', "* the old river ran past a quiet mill"]
    prose = TEXTS[:40]
    chosen = choose_gaps(watch.tokenizer, code * 40 + [f"{text[:60]}." for text in prose])
    assert len(chosen) == 3 and all(gap.before[0].isalpha() for gap in chosen)
    only_code = choose_gaps(watch.tokenizer, [f"# {text[:50]}" for text in prose])
    assert len(only_code) == 3 and all(gap.before.startswith("# ") for gap in only_code)


def test_asking_changes_nothing_and_fits_an_event(watch):
    import torch

    preset = find_preset("nano", hidden_size=32, num_hidden_layers=1, dropout=0.5)
    model = build_model(preset, watch.tokenizer.learned).train()
    first, again = watch(model), watch(model)
    assert first == again and model.training
    for (answer, *guesses), gap in zip(first, watch.gaps, strict=True):
        with torch.no_grad():
            logits = model.eval()(input_ids=torch.tensor([gap.ids])).logits[0, gap.place]
        shares = logits[5:].softmax(0)
        assert answer == pytest.approx(float(shares[gap.answer - 5]), abs=1e-4)
        assert guesses[0][1] == pytest.approx(float(shares.max()), abs=1e-4)
    line = to_line(Validated(9_999, 999.123456, 5.123456, 0.123456, 0.123456, True, first))
    assert len(line.encode()) < 1_000 and next(from_lines([line])).seen == first
