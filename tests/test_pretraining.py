"""The training loop, with real tiny trainings: it learns, stops, resumes, survives."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from kantai.architectures import Preset, build_model
from kantai.checkpoints import Checkpoint
from kantai.errors import UserError
from kantai.evaluation import Marks, set_exam
from kantai.events import Finished, Noticed, Stepped, Validated
from kantai.graphs import NotRecorded
from kantai.optimizers import OptimizerSettings
from kantai.packing import line_rows, pack, pack_words
from kantai.pretraining import Pretraining
from kantai.recipes import RECIPES, Budget, Recipe
from kantai.rows import LineExamples, PackedText
from tests.conftest import small_text

TINY = Preset("modernbert", 32, 2, 2, 64, 130)
DROPPING = replace(TINY, dropout=0.1)
RECIPE = Recipe(
    name="tiny",
    optimizer=OptimizerSettings("muon", 2e-2, 1e-2, weight_decay=0.1),
    batch_size=8,
    block_size=32,
    average=0.9,
)


@pytest.fixture
def training(tokenizer, paragraphs):
    """A maker of trainings that differ in what the test names."""
    stream = pack(tokenizer, paragraphs)
    held_out = pack_words(tokenizer, small_text(30, seed=1))

    def make(recipe=RECIPE, budget=None, seed=0, preset=TINY, **options):
        model = build_model(preset, tokenizer.learned, seed=seed)
        text = PackedText(stream, recipe.block_size, recipe.batch_size, seed)
        if recipe.examples == "lines":
            text = LineExamples(line_rows(tokenizer, paragraphs, recipe.block_size), 8, seed)
        exam = set_exam(held_out, 32, tokenizer.learned)
        budget = budget or Budget(max_steps=40)
        return Pretraining(
            model, text, exam, tokenizer.token_bytes(), recipe, budget, seed=seed, **options
        )

    return make


def kinds(events, kind):
    return [event for event in events if isinstance(event, kind)]


def weights(training):
    return torch.cat([w.flatten() for w in training.model.parameters()])


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_it_learns(training, tokenizer, optimizer):
    recipe = replace(RECIPE, optimizer=OptimizerSettings(optimizer, 1e-2, 1e-2, 0.1), patience=0)
    events = list(training(recipe, Budget(max_steps=80)).run())
    looks = kinds(events, Validated)
    assert looks[0].loss == pytest.approx(np.log(tokenizer.learned), abs=0.3)  # knows nothing
    assert looks[-1].loss < looks[0].loss - 2
    end = events[-1]
    assert isinstance(end, Finished) and end.stopped == "finished" and end.step == 80
    assert end.best_loss == min(look.loss for look in looks)
    steps = kinds(events, Stepped)
    assert steps[-1].share == 1.0 and steps[-1].tokens_per_second > 0


def test_the_notebooks_recipe_runs_on_padded_lines(training):
    recipe = replace(RECIPES["notebook"], block_size=32, batch_size=8)
    training = training(recipe, Budget(max_steps=3))
    assert kinds(list(training.run()), Finished)[0].step == 3
    assert training.progress.tokens < 3 * 8 * 32  # padding is not counted


def test_stop_and_resume_give_the_weights_of_an_uninterrupted_run(training):
    whole = training(preset=DROPPING)
    list(whole.run())
    first, saved = training(preset=DROPPING), []
    steps = itertools.count()
    list(first.run(stop=lambda: next(steps) >= 17, save=lambda c: saved.append(copy_of(c))))
    assert 0 < saved[-1].progress["step"] < 40
    second = training(seed=5, preset=DROPPING)  # other weights: all must come from the checkpoint
    second.seed, second.text.seed = 0, 0
    second.restore(saved[-1])
    list(second.run())
    assert second.progress.step == 40
    assert torch.equal(weights(whole), weights(second))
    assert whole.progress.best_loss == second.progress.best_loss


def copy_of(checkpoint: Checkpoint) -> Checkpoint:
    return Checkpoint({n: t.clone() for n, t in checkpoint.tensors.items()}, checkpoint.progress)


def test_a_stop_keeps_the_best_weights_and_says_so(training):
    training = training(budget=Budget(seconds=1_000))
    calls = itertools.count()
    events = list(training.run(stop=lambda: next(calls) >= 10))
    assert events[-1].stopped == "stopped" and events[-1].step == 10
    assert isinstance(events[-2], Validated)
    assert all(torch.equal(a, b) for a, b in zip(training.weights, training.best, strict=True))


def test_out_of_memory_halves_the_pieces_and_changes_nothing(training, monkeypatch):
    smooth = training(replace(RECIPE, average=0.0), Budget(max_steps=5))
    list(smooth.run())
    tight = training(replace(RECIPE, average=0.0), Budget(max_steps=5))
    loss = tight._loss

    def short_of_memory(part):
        if len(part.inputs) > 2:
            raise torch.OutOfMemoryError("the device's memory is full")
        return loss(part)

    monkeypatch.setattr(tight, "_loss", short_of_memory)
    told = kinds(list(tight.run()), Noticed)
    assert [n.values["rows"] for n in told] == [4, 2]
    assert tight.progress.pieces == 4 and tight.progress.step == 5
    assert torch.allclose(weights(smooth), weights(tight), atol=1e-3)


def test_steps_that_cannot_be_recorded_are_taken_one_by_one(training):
    plain, other = training(budget=Budget(max_steps=5)), training(budget=Budget(max_steps=5))
    list(plain.run())

    def refuses(questions):
        raise NotRecorded

    other.recorded = refuses
    told = kinds(list(other.run()), Noticed)
    assert [n.key for n in told] == ["not_recorded"] and other.progress.step == 5
    assert torch.equal(weights(plain), weights(other))


def test_memory_that_holds_not_even_one_row_is_told(training, monkeypatch):
    tight = training()
    monkeypatch.setattr(tight, "_loss", no_memory)
    with pytest.raises(UserError, match="smaller preset"):
        list(tight.run())


@pytest.mark.parametrize("rate", [0, -1, 1.5, float("nan")])
def test_rates_that_no_training_survives_are_refused(rate):
    with pytest.raises(UserError, match="learning rate"):
        OptimizerSettings("adamw", rate)


def test_an_error_that_is_not_memory_is_not_hidden(training, monkeypatch):
    broken = training()
    monkeypatch.setattr(broken, "_loss", lambda part: (_ for _ in ()).throw(RuntimeError("shape")))
    with pytest.raises(RuntimeError, match="shape"):
        list(broken.run())


@pytest.mark.parametrize("late", [False, True])
def test_a_loss_that_is_no_number_keeps_the_last_good_weights(training, late):
    training, saved = training(budget=Budget(max_steps=200)), []
    name = "_follow_average" if late else "_loss"  # late: the loss was still good
    usual = getattr(training, name)

    def poisoned(*arguments):
        if late and training.progress.step >= 20:
            training.weights[0].fill_(float("nan"))
        spoiled = not late and training.progress.step >= 20
        answer = usual(*arguments)
        return answer * float("nan") if spoiled else answer

    setattr(training, name, poisoned)
    events = list(training.run(save=lambda c: saved.append(copy_of(c)), save_every=0.0))
    assert events[-1].stopped == "early" and 20 < events[-1].step < 200
    assert kinds(events, Noticed)[0].key == "loss_not_finite"
    assert torch.isfinite(weights(training)).all()
    assert saved and all(t.isfinite().all() for c in saved for t in c.tensors.values())


@pytest.mark.parametrize("ending", ["finished", "early", "stopped"])
def test_every_ending_leaves_a_checkpoint_of_its_last_step(training, ending, monkeypatch):
    monkeypatch.setattr("kantai.pretraining.evaluate", marks_of(itertools.repeat(5.0, 99)))
    patience = {"early": replace(RECIPE, patience=1), "stopped": RECIPE, "finished": RECIPE}
    if ending == "early":
        monkeypatch.setattr("kantai.pretraining.evaluate", marks_of(itertools.count(5)))
    training, saved, calls = training(patience[ending]), [], itertools.count()
    stop = (lambda: next(calls) > 5) if ending == "stopped" else (lambda: False)
    events = list(training.run(stop=stop, save=lambda c: saved.append(c), save_every=1e9))
    assert events[-1].stopped == ending and len(saved) == 1
    assert saved[0].progress["step"] == events[-1].step > 0


def marks_of(losses):
    """Stands for `evaluate`: one mark after another."""
    return lambda *arguments: Marks(float(next(losses)), 0.1, 0.3, 1.0)


def test_it_stops_when_validation_has_turned(training, monkeypatch):
    losses = iter([6.0, 5.0, 4.0, 4.01, 4.5, 4.4, 4.6, *[9.0] * 99])  # 4.01 is not yet worse
    monkeypatch.setattr("kantai.pretraining.evaluate", marks_of(losses))
    training, kept = training(replace(RECIPE, patience=3), Budget(max_steps=400)), {}
    events = []
    for event in training.run():
        events.append(event)
        if isinstance(event, Validated) and event.best:
            kept = {event.step: [w.clone() for w in training.best]}
    looks, end = kinds(events, Validated), events[-1]
    assert [look.loss for look in looks] == [6.0, 5.0, 4.0, 4.01, 4.5, 4.4, 4.6]
    assert (end.stopped, end.best_step, end.best_loss) == ("early", looks[2].step, 4.0)
    assert kinds(events, Noticed)[0].values["best_step"] == looks[2].step
    assert all(map(torch.equal, training.weights, kept[looks[2].step]))


def test_a_look_that_memory_does_not_hold_is_taken_in_smaller_parts(training, monkeypatch):
    from kantai import evaluation

    usual, sizes = evaluation.masked_logits, []

    def short_of_memory(model, inputs, positions):
        if not model.training:
            sizes.append(len(inputs))
            if len(inputs) > 3:
                raise torch.OutOfMemoryError("the device's memory is full")
        return usual(model, inputs, positions)

    whole = kinds(list(training(budget=Budget(max_steps=1)).run()), Validated)
    monkeypatch.setattr(evaluation, "masked_logits", short_of_memory)
    parts = kinds(list(training(budget=Budget(max_steps=1)).run()), Validated)
    assert [p.loss for p in parts] == pytest.approx([w.loss for w in whole], rel=1e-5)
    assert max(sizes) > 3 and sizes[-1] <= 3

    with pytest.raises(ZeroDivisionError):
        evaluation.halving(lambda size: 1 / 0, 8)
    with pytest.raises(UserError, match="smaller preset"):
        evaluation.halving(no_memory, 8)


def no_memory(*arguments):
    raise torch.OutOfMemoryError("the device's memory is full")


def test_a_short_text_is_not_read_for_ever(training, monkeypatch):
    monkeypatch.setattr("kantai.pretraining.LEAST_STEPS", 10)
    training = training(replace(RECIPE, most_epochs=1.0), Budget(seconds=10_000))
    events = list(training.run())
    assert events[-1].stopped == "early"
    assert events[-1].step == max(10, training.text.steps_per_epoch)
    assert kinds(events, Noticed)[0].key == "read_enough"
    assert training.learning_rate < 0.2 * RECIPE.optimizer.learning_rate  # it ended calmly


def test_every_epoch_cuts_and_orders_the_text_anew():
    text = PackedText(np.arange(1_000), 10, 5, seed=0)
    epoch = [text.rows(step) for step in range(2 * text.steps_per_epoch)]
    rows = torch.cat(epoch[: text.steps_per_epoch])
    assert len(torch.unique(rows)) == rows.numel()  # nothing twice in an epoch
    assert (rows[:, 1:] - rows[:, :-1] == 1).all()
    other = torch.cat(epoch[text.steps_per_epoch :])
    assert not torch.equal(rows.sort(0).values, other.sort(0).values)


def test_a_text_shorter_than_a_block_still_has_rows():
    assert PackedText(np.arange(20), 64, 4, seed=0).rows(3).shape == (4, 20)


@pytest.mark.parametrize(
    "budget", [{}, {"seconds": 1, "epochs": 1}, {"seconds": 0}, {"max_steps": -5}]
)
def test_exactly_one_budget(budget):
    with pytest.raises(UserError, match="one budget"):
        Budget(**budget)
