"""Fill-mask: the pipeline's own answers, readable, without special tokens."""

from __future__ import annotations

import pytest
import torch

from kantai.architectures import Preset, build_model
from kantai.errors import UserError
from kantai.fill_mask import FillMask
from kantai.stages import silence_special_tokens
from kantai.tokenizer import SPECIAL_TOKENS


@pytest.fixture(scope="module", params=["modernbert", "roberta", "roberta-prelayernorm"])
def folder(request, tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    model = build_model(Preset(request.param, 32, 2, 2, 64, 130), tokenizer.learned, seed=1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(3)  # so that answers differ clearly
    silence_special_tokens(model)
    model.save_pretrained(folder)
    tokenizer.save(folder)
    return folder


SENTENCES = ["the old <mask> ran past", "<mask> river and a <mask>.", "纯粹<mask>批判。"]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_answers_are_those_of_the_pipeline(folder, sentence):
    from transformers import pipeline

    theirs = pipeline("fill-mask", model=str(folder), top_k=10)(sentence)
    theirs = theirs if isinstance(theirs[0], list) else [theirs]
    ours = FillMask.load(folder).fill(sentence, 10)
    for our, their in zip(ours, theirs, strict=True):
        assert [c.token for c in our] == [
            FillMask.load(folder).tokenizer.convert_ids_to_tokens(t["token"]) for t in their
        ]
        assert [c.probability for c in our] == pytest.approx([t["score"] for t in their], rel=1e-4)
        assert not {c.token for c in our} & set(SPECIAL_TOKENS)
    if len(ours) == 1:
        assert [c.sequence for c in ours[0]] == [t["sequence"].strip() for t in theirs[0]]


def test_every_way_to_write_a_gap_is_the_same(folder):
    filler = FillMask.load(folder)
    answers = [filler.fill(f"the old {gap} ran") for gap in ("<mask>", "[MASK]", "___", "______")]
    assert all(answer == answers[0] for answer in answers)


def test_tokens_are_readable(folder):
    texts = [c.text for c in FillMask.load(folder).fill("纯粹<mask>批判", 100)[0]]
    assert not any("Ġ" in text or "ç" in text for text in texts)


def test_rows_without_a_token_are_no_answer(folder, tokenizer):
    preset = Preset("roberta", 32, 2, 2, 64, 130, vocab_size=tokenizer.learned + 5_000)
    filler = FillMask(build_model(preset, tokenizer.learned), FillMask.load(folder).tokenizer)
    candidates = filler.fill("the old <mask> ran", 100)[0]
    known = {tokenizer.full.id_to_token(index) for index in range(tokenizer.learned)}
    assert len(candidates) == 100 and {candidate.token for candidate in candidates} <= known


def test_mistakes_are_told(folder, tmp_path):
    filler = FillMask.load(folder)
    with pytest.raises(UserError, match="holds no <mask>"):
        filler.fill("the old mill")
    with pytest.raises(UserError, match="shorten it"):
        filler.fill("the <mask> " + "mill " * 600)
    with pytest.raises(UserError, match="1 to 100"):
        filler.fill("a <mask>", 0)
    with pytest.raises(UserError, match="holds no trained model"):
        FillMask.load(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        FillMask.load(tmp_path)
