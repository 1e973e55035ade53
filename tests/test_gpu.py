"""On a GPU: half precision, recorded steps, going on; skipped where there is none."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import torch

from kantai.__main__ import main
from kantai.architectures import Preset, build_model
from kantai.checkpoints import Checkpoint
from kantai.evaluation import evaluate, set_exam
from kantai.events import Noticed, Stepped, Validated
from kantai.optimizers import OptimizerSettings
from kantai.packing import pack, pack_words
from kantai.pretraining import Pretraining
from kantai.recipes import Budget, Recipe
from kantai.rows import PackedText
from kantai.workspace import Run
from tests.conftest import small_text

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")

PRESET = Preset("modernbert", 64, 2, 2, 128, 130)
RECIPE = Recipe(
    name="tiny", optimizer=OptimizerSettings("muon", 2e-2, 1e-2, weight_decay=0.1),
    batch_size=32, block_size=32, first_block_size=16, average=0.9, patience=0,
)  # fmt: skip
PRECISIONS = ["fp32", "bf16", "fp16"]


@pytest.fixture
def training(tokenizer, paragraphs):
    def make(precision, graphs=True, steps=60, seed=0):
        model = build_model(PRESET, tokenizer.learned, seed=seed, device="cuda")
        text = PackedText(pack(tokenizer, paragraphs), 32, 32, seed)
        exam = set_exam(pack_words(tokenizer, small_text(30, seed=1)), 32, tokenizer.learned)
        return Pretraining(
            model, text, exam, tokenizer.token_bytes(), RECIPE, Budget(max_steps=steps),
            precision=precision, graphs=graphs,
        )  # fmt: skip

    return make


def kinds(events, kind):
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_recorded_steps_learn_as_the_others_do(training, precision):
    ends = []
    for graphs in (False, True):
        one = training(precision, graphs)
        events = list(one.run())
        assert not kinds(events, Noticed)  # every step was recorded that should be
        assert (one.recorded is not None) is graphs
        assert kinds(events, Stepped)[-1].memory > 0
        looks = kinds(events, Validated)
        assert looks[-1].loss < looks[0].loss - 1.0
        ends.append(one.progress.best_loss)
    assert ends[0] == pytest.approx(ends[1], abs=0.05)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_training_goes_on_from_its_checkpoint(training, precision):
    whole = training(precision)
    list(whole.run())
    first, saved, calls = training(precision), [], itertools.count()

    def copy(checkpoint):
        tensors = {name: tensor.cpu().clone() for name, tensor in checkpoint.tensors.items()}
        saved.append(Checkpoint(tensors, checkpoint.progress))

    list(first.run(stop=lambda: next(calls) > 25, save=copy))
    second = training(precision, seed=5)
    second.seed, second.text.seed = 0, 0
    second.restore(saved[-1])
    assert 0 < second.progress.step < 60
    if precision == "fp16":
        assert second.scaler.get_scale() == saved[-1].progress["scale"] > 1
    list(second.run())
    assert second.progress.step == 60
    assert second.progress.best_loss == pytest.approx(whole.progress.best_loss, abs=0.05)
    marks = evaluate(second.model, second.exam, second.token_bytes)
    assert np.isfinite(marks.loss) and marks.top1 > 0.05


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_the_command_line_tells_speed_and_use_of_the_gpu(tmp_path, capfd, precision):
    book = tmp_path / "mill.txt"
    book.write_text("\n\n".join(small_text(400)), encoding="utf-8")
    arguments = ["train", book, "--out", tmp_path / "run", "--preset", "nano", "--max-steps"]
    options = ["--vocab-size", 300, "--device", "cuda", "--precision", precision, "--json"]
    for steps, more in ((20, []), (30, ["--resume"])):
        assert main([*map(str, [*arguments, steps, *options, *more])]) == 0
        result = json.loads(capfd.readouterr().out.splitlines()[-1])
        assert result["precision"] == precision and result["steps"] == steps
        assert result["tokens_per_second"] > 0 and np.isfinite(result["validation_loss"])
        assert result["mfu"] is None or 0 < result["mfu"] < 1
    assert Run.open(tmp_path / "run").result["steps"] == 30
