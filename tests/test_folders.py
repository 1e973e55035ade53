"""Folders of other makers: any masked language model answers, whatever its tokenizer's ids."""

from __future__ import annotations

import json
import math

import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing

from kantai.__main__ import main
from kantai.architectures import Preset, build_model
from kantai.errors import UserError
from kantai.evaluation import evaluate, set_exam
from kantai.fill_mask import FillMask
from kantai.folders import Borrowed, Renumbered, load_for_exam
from kantai.masking import IGNORED
from kantai.packing import pack_words
from kantai.stages import evaluate_folder
from kantai.tokenizer import MASK
from tests.conftest import small_text

SIZES = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    "max_position_embeddings": 48,
}  # fmt: skip
BERT = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def word_pieces(paragraphs):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=120, special_tokens=BERT, show_progress=False)
    tokenizer.train_from_iterator(paragraphs, trainer)
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 3), ("[SEP]", 4)]
    )
    return transformers.BertTokenizer(tokenizer_object=tokenizer)


def byte_pieces_with_the_mask_last(paragraphs):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=290, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(paragraphs, trainer)
    named = {f"{n}_token": f"<{n}>" for n in ("bos", "eos", "pad", "mask")}  # none for unknown
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named)


def bert(size: int):
    config = transformers.BertConfig(vocab_size=size, **SIZES)
    return transformers.BertForMaskedLM(config)


def roberta(size: int):
    """Its padding is id 7, so positions begin at 8: 40 of 48 can be used."""
    config = transformers.RobertaConfig(vocab_size=size, pad_token_id=7, **SIZES)
    return transformers.RobertaForMaskedLM(config)


MAKERS = {"bert": (word_pieces, bert), "roberta": (byte_pieces_with_the_mask_last, roberta)}


@pytest.fixture(params=MAKERS)
def folder(request, paragraphs, tmp_path):
    torch.manual_seed(0)
    make_tokenizer, make_model = MAKERS[request.param]
    tokenizer = make_tokenizer(paragraphs)
    model = make_model(len(tokenizer) + 3)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4)  # so that no two answers are alike
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


def test_ids_are_renumbered_and_a_text_holds_no_special_ones(folder):
    _, tokenizer = load_for_exam(folder)
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    assert isinstance(tokenizer, Borrowed)
    text = "the old river ran past"
    [ids] = tokenizer.encode([text])
    assert tokenizer.order[ids].tolist() == theirs(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.order[MASK] == theirs.mask_token_id
    assert MASK not in tokenizer.encode([f"the {theirs.mask_token} ran"])[0]
    assert sorted(tokenizer.order) == list(range(tokenizer.learned))


def test_the_marks_are_those_of_the_model_asked_in_its_own_numbers(folder, monkeypatch):
    monkeypatch.setattr("kantai.folders.MOST_LOGITS", 5 * 16 * 300)  # a few rows at a time
    model, tokenizer = load_for_exam(folder)
    assert isinstance(model, Renumbered)
    exam = set_exam(pack_words(tokenizer, small_text(30, seed=3)), 16, tokenizer.learned)
    marks = evaluate(model, exam, tokenizer.token_bytes())
    order = torch.from_numpy(tokenizer.order)
    asked = exam.masked.targets != IGNORED
    truth = order[exam.masked.targets[asked]]
    with torch.no_grad():
        logits = model.model.eval()(order[exam.masked.inputs]).logits[:, :, order]
    rows, _ = asked.nonzero(as_tuple=True)
    answers = logits[rows, exam.masked.positions[asked]]
    loss = torch.nn.functional.cross_entropy(answers, exam.masked.targets[asked])
    assert marks.loss == pytest.approx(loss.item(), rel=1e-4)
    assert marks.top1 == pytest.approx((order[answers.argmax(1)] == truth).float().mean().item())


def test_any_folder_is_examined_on_the_command_line(folder, tmp_path, capfd):
    text = tmp_path / "mill.txt"
    text.write_text("\n\n".join(small_text(40, seed=4)), encoding="utf-8")
    assert main(["evaluate", str(folder), str(text), "--device", "cpu", "--json"]) == 0
    marks = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert marks["loss"] > 0 and 0 <= marks["word_recovery_top1"] <= 1
    assert marks["baselines"] is None
    known = transformers.AutoTokenizer.from_pretrained(folder).bos_token is not None
    assert (marks["nats_per_byte"] is not None) is known  # byte-level tokens say their bytes


def test_a_short_table_of_positions_is_not_overrun(folder):
    marks = evaluate_folder(folder, small_text(40, seed=4), "cpu")  # 64 a row would not fit
    assert math.isfinite(marks["loss"]) and marks["tokens"] > 500
    filler = FillMask.load(folder)
    mask = filler.tokenizer.mask_token
    most = 48 - (8 if filler.tokenizer.bos_token else 0)
    with pytest.raises(UserError, match=f"reads {most}:"):
        filler.fill(f"{mask} " + "the " * 60)


def test_a_tokenizer_that_the_model_has_no_rows_for_is_told(tokenizer, tmp_path):
    build_model(Preset("roberta", 32, 2, 2, 64, 130), 300).save_pretrained(tmp_path)
    tokenizer.save(tmp_path)
    told = f"300 embedding rows and the tokenizer {tokenizer.learned}"
    for ask in (FillMask.load, load_for_exam):
        with pytest.raises(UserError, match=told):
            ask(tmp_path)


def test_a_tokenizer_without_a_mask_is_told(folder):
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text())
    settings.pop("mask_token", None)
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(settings))
    (folder / "special_tokens_map.json").unlink(missing_ok=True)
    with pytest.raises(UserError, match="has no mask"):
        load_for_exam(folder)
