"""On a GPU: half precision, recorded steps, going on; skipped where there is none."""

from __future__ import annotations

import gc
import itertools
import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch

from kantai.__main__ import main
from kantai.architectures import Preset, build_model
from kantai.checkpoints import Checkpoint
from kantai.evaluation import evaluate, set_exam
from kantai.events import Failed, Noticed, Stepped, Validated
from kantai.optimizers import OptimizerSettings
from kantai.packing import pack, pack_words
from kantai.pretraining import Pretraining
from kantai.recipes import Budget, Recipe
from kantai.rows import PackedText
from kantai.strings import text
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
    def make(precision, graphs=True, steps=60, seed=0, recipe=RECIPE):
        model = build_model(PRESET, tokenizer.learned, seed=seed, device="cuda")
        text = PackedText(pack(tokenizer, paragraphs), 32, recipe.batch_size, seed)
        exam = set_exam(pack_words(tokenizer, small_text(30, seed=1)), 32, tokenizer.learned)
        return Pretraining(
            model, text, exam, tokenizer.token_bytes(), recipe, Budget(max_steps=steps),
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


@contextmanager
def full_card(left):
    """Something else holds the GPU's memory, all but so many bytes."""
    gc.collect()
    torch.cuda.empty_cache()
    taken = torch.empty(torch.cuda.mem_get_info()[0] - left, dtype=torch.uint8, device="cuda")
    try:
        yield
    finally:
        del taken
        torch.cuda.empty_cache()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("graphs", [False, True])
def test_a_batch_too_large_for_the_card_is_taken_in_pieces_and_learns_the_same(
    training, precision, graphs
):
    large = replace(RECIPE, batch_size=4_096)
    roomy = training(precision, graphs, recipe=large)
    assert not kinds(roomy.run(), Noticed)
    tight = training(precision, graphs, recipe=large)
    with full_card(100 * 2**20):
        noticed = kinds(tight.run(), Noticed)
    assert {told.key for told in noticed} == {"out_of_memory_smaller"}
    assert tight.progress.pieces == 2 ** len(noticed) > 1
    assert tight.progress.step == 60
    assert tight.progress.best_loss == pytest.approx(roomy.progress.best_loss, abs=0.05)


@pytest.mark.parametrize("left", [200, 1_000])  # MiB: no program may begin; no model fits
def test_a_card_that_others_have_filled_is_named_and_the_training_goes_on_later(tmp_path, left):
    book, out = tmp_path / "mill.txt", tmp_path / "run"
    book.write_text("\n\n".join(small_text(400)), encoding="utf-8")
    train = [sys.executable, "-m", "kantai", "train", book, "--out", out, "--preset", "notebook",
             "--vocab-size", "300", "--max-steps", "2", "--device", "cuda"]  # fmt: skip
    worker = [sys.executable, "-m", "kantai.worker", out, "--device", "cuda"]
    with full_card(left * 2**20):
        ended = subprocess.run(train, capture_output=True, text=True, timeout=200)
        assert ended.returncode == 2 and text("out_of_memory") in ended.stderr
        assert "Traceback" not in ended.stderr
        assert subprocess.run(worker, timeout=200).returncode == 1
    run = Run.open(out)
    assert run.latest(Failed).key == "out_of_memory"
    assert run.texts("train") and run.tokenizer().learned
    assert subprocess.run(worker, timeout=200).returncode == 0
    assert run.result["steps"] == 2 and run.result["precision"] == "bf16"
