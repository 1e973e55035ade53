"""Packing: no token lost, none invented; the notebook's rows as the notebook had them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kantai.packing import line_rows, pack, pack_words
from kantai.tokenizer import BOS, EOS, PAD

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), min_size=1)


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_the_stream_holds_every_text_in_order(tokenizer, texts):
    stream = pack(tokenizer, texts)
    words = pack_words(tokenizer, texts)
    assert stream.tolist() == words.ids.tolist()
    starts = np.flatnonzero(stream == BOS)
    pieces = np.split(stream, starts[1:])
    assert [tokenizer.decode(p[1:-1].tolist()) for p in pieces] == texts
    assert all(p[0] == BOS and p[-1] == EOS for p in pieces)
    assert ((words.words < 0) == (stream < 5)).all()


def test_a_word_is_one_word_in_every_vocabulary(tokenizer):
    packed = pack_words(tokenizer, ["the incomprehensible old mill stood by itself for years"] * 2)
    spaces = sum("Ġ" in tokenizer.full.id_to_token(i) for i in packed.ids.tolist())
    assert len(np.unique(packed.words[packed.words >= 0])) == spaces + 2  # the first has no space


def test_rows_are_whole_and_a_short_text_is_one_row(tokenizer, paragraphs):
    ids, words = pack_words(tokenizer, paragraphs).rows(64)
    assert ids.shape == words.shape and ids.shape[1] == 64
    short, _ = pack_words(tokenizer, ["the mill"]).rows(64)
    assert short.shape[0] == 1


def test_lines_are_cut_and_padded(tokenizer):
    rows = line_rows(tokenizer, ["the mill\nthe river", "", "the " * 50], 16)
    assert rows.shape == (3, 16)
    assert (rows[:, 0] == BOS).all() and rows[2, -1] == EOS
    assert (rows[0] == PAD).sum() > 0 and (rows[2] != PAD).all()
