"""The tokenizer: every text comes back, every library loads it, special tokens stay out."""

from __future__ import annotations

import time
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kantai.errors import UserError
from kantai.tokenizer import (
    BOS,
    EOS,
    MASK,
    SPECIAL_TOKENS,
    ByteLevelBPE,
    Cancelled,
    TokenizerSettings,
    readable,
    suggest_vocab_size,
    train_tokenizer,
)

UNICODE = st.text(st.characters(exclude_categories=["Cs"]))


@settings(max_examples=300, deadline=None)
@given(UNICODE | st.lists(st.sampled_from([*SPECIAL_TOKENS, " ", "a", "的"])).map("".join))
def test_every_text_comes_back(tokenizer, text):
    ids = tokenizer.encode([text])[0]
    assert tokenizer.decode(ids) == text
    assert all(i >= len(SPECIAL_TOKENS) for i in ids)  # nothing in a text is a special token


@pytest.fixture(scope="module")
def saved(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer.save(folder)
    return folder


SENTENCES = ["the old <mask> ran", "a  mill ", "纯粹<mask>理性", "</s> and <s>", "", "x" * 3000]


def test_all_libraries_give_the_same_ids(tokenizer, saved):
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer, RobertaTokenizer

    plain = Tokenizer.from_file(str(saved / "tokenizer.json"))
    auto = AutoTokenizer.from_pretrained(saved)
    roberta = RobertaTokenizer.from_pretrained(saved)
    for sentence in SENTENCES:
        ids = plain.encode(sentence).ids
        assert ids == tokenizer.full.encode(sentence).ids
        assert ids == auto(sentence, truncation=True)["input_ids"]
        assert ids == roberta(sentence, truncation=True)["input_ids"]
        assert ids[0] == BOS and ids[-1] == EOS and len(ids) <= 512
    assert auto.mask_token_id == MASK and auto.model_max_length == 512
    assert {"vocab.json", "merges.txt"} <= {path.name for path in saved.iterdir()}


def test_the_mask_takes_the_space_before_it(tokenizer):
    ids = tokenizer.full.encode("the <mask> ran").ids
    assert ids == tokenizer.full.encode("the<mask> ran").ids
    assert ids.count(MASK) == 1


def test_loading_gives_the_same_tokenizer(tokenizer, saved):
    again = ByteLevelBPE.load(saved)
    assert again.asked == 400 and again.learned == tokenizer.learned
    assert again.encode(["the quiet mill"]) == tokenizer.encode(["the quiet mill"])
    assert [again.full.id_to_token(i) for i in range(5)] == list(SPECIAL_TOKENS)


def test_token_bytes_add_up_to_the_text(tokenizer):
    lengths = tokenizer.token_bytes()
    for text in ("the old river", "纯粹理性", "é\n\t"):
        assert sum(lengths[tokenizer.encode([text])[0]]) == len(text.encode())


def test_a_broken_or_missing_tokenizer_is_told(tmp_path):
    with pytest.raises(UserError, match="holds no tokenizer"):
        ByteLevelBPE.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"version": ')
    with pytest.raises(UserError, match="cannot be read"):
        ByteLevelBPE.load(tmp_path)


def test_a_vocabulary_must_hold_all_bytes():
    with pytest.raises(UserError, match="261"):
        TokenizerSettings(260)
    assert TokenizerSettings(261).vocab_size == 261


def test_learning_tells_its_progress(paragraphs):
    shares: list[float] = []
    tokenizer = train_tokenizer(paragraphs, TokenizerSettings(300), progress=shares.append)
    assert tokenizer.learned == 300
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(shares) > 10


def test_cancelling_ends_the_process_within_a_second():
    def endless():
        while True:
            yield "words without end"

    asked = time.monotonic()
    with pytest.raises(Cancelled):
        train_tokenizer(
            endless(), TokenizerSettings(), cancelled=lambda: time.monotonic() > asked + 0.5
        )
    assert time.monotonic() - asked < 1.5


def test_merges_are_the_most_frequent_pairs_first_and_rare_ones_are_left_alone():
    texts = ["low low low lower newer newer"]  # "lo" 4 times, "we" 3, "er" 3, "ne" 2
    often = train_tokenizer(texts, TokenizerSettings(400, min_frequency=4))
    assert often.merges == [("l", "o"), ("lo", "w")] and often.learned == 263
    usual = train_tokenizer(texts, TokenizerSettings(400, min_frequency=2))
    assert usual.merges[:2] == often.merges and ("n", "e") not in often.merges
    assert usual.learned == 261 + len(usual.merges)
    pieces = [usual.token_text(i) for i in usual.encode([" low"])[0]]
    assert pieces == [" low"] and len(often.encode([" low"])[0]) == 2


def test_bytes_a_token_are_those_of_the_text():
    tokenizer = train_tokenizer(["low low low low"], TokenizerSettings(263, min_frequency=2))
    assert len(tokenizer.encode(["lowlow"])[0]) == 2
    assert tokenizer.bytes_a_token(["lowlow"]) == 3.0
    assert tokenizer.bytes_a_token(["纯"]) == 1.0  # three bytes, each a token of its own
    assert tokenizer.bytes_a_token(["lowlow", "纯"]) == (6 + 3) / (2 + 3)
    assert tokenizer.bytes_a_token([]) == 0.0


@settings(max_examples=50, deadline=None)
@given(st.lists(UNICODE, min_size=1))
def test_no_text_reaches_the_rows_that_are_called_unreachable(texts):
    """All bytes that UTF-8 can hold are reached by some text; the others never."""
    tokenizer = bytes_alone()
    every = {i for ids in tokenizer.encode([*texts, ALL_BYTES_OF_UTF8]) for i in ids}
    beyond = set(range(len(SPECIAL_TOKENS), tokenizer.asked)) - every
    assert tokenizer.unreachable_rows() == len(beyond) + 1  # and <unk>
    assert tokenizer.asked - tokenizer.learned == 39


ALL_BYTES_OF_UTF8 = "".join(map(chr, [*range(0x800), *range(0x800, 0xD800, 64), 0xE000, 0xFFFF]))
ALL_BYTES_OF_UTF8 += "".join(chr(n) for n in range(0x10000, 0x110000, 4096))


@cache
def bytes_alone() -> ByteLevelBPE:
    """A tokenizer of 300 rows whose text taught it no merge."""
    return train_tokenizer(["ab"], TokenizerSettings(300))


def test_tokens_are_readable():
    assert readable("Ġreason") == " reason"
    assert readable("çº¯") == "纯"
    assert readable("ç") == "⟨E7⟩"


@given(st.integers(0, 10**10))
def test_suggestions_are_possible(characters):
    assert TokenizerSettings(suggest_vocab_size(characters)).vocab_size % 500 == 0
    assert suggest_vocab_size(characters) <= suggest_vocab_size(characters + 10**6)
