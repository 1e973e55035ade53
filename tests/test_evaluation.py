"""The examination: the same for everyone, and marked right."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from kantai.architectures import Preset, build_model
from kantai.evaluation import (
    _mark_words,
    _rank_of_truth,
    evaluate,
    hide_words,
    set_exam,
    word_recovery,
)
from kantai.masking import IGNORED
from kantai.packing import pack_words
from tests.conftest import small_text


@pytest.fixture(scope="module")
def exam(tokenizer):
    return set_exam(pack_words(tokenizer, small_text(40, seed=2)), 32, tokenizer.learned)


class Knowing(torch.nn.Module):
    """Stands for a model that gives the true token `odds` times the weight of any other."""

    def __init__(self, exam, vocab: int, odds: float):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.truth, self.vocab, self.odds = exam.rows, vocab, odds

    def logits(self, rows, positions):
        number = next(i for i, row in enumerate(self.truth) if self.matches(row, rows[0]))
        truth = self.truth[number : number + len(rows)].flatten()[positions]
        return torch.nn.functional.one_hot(truth, self.vocab) * math.log(self.odds)

    def matches(self, row, seen):
        return bool(((row == seen) | (seen == 4)).all())


@pytest.mark.parametrize("odds", [1.0001, 50.0, 1e6])
def test_loss_and_accuracy_are_those_of_a_known_guesser(exam, tokenizer, monkeypatch, odds):
    vocab = tokenizer.learned
    model = Knowing(exam, vocab, odds)
    monkeypatch.setattr("kantai.evaluation.masked_logits", lambda m, rows, at: m.logits(rows, at))
    marks = evaluate(model, exam, tokenizer.token_bytes(), tokens_at_once=64)
    assert marks.loss == pytest.approx(-math.log(odds / (odds + vocab - 1)), rel=1e-2)
    assert marks.top1 == marks.top5 == 1.0
    asked = exam.masked.targets[exam.masked.targets != IGNORED]
    mean_bytes = tokenizer.token_bytes()[asked.numpy()].mean()
    assert marks.nats_per_byte == pytest.approx(marks.loss / mean_bytes, rel=1e-4)
    assert word_recovery(model, exam).top1 == 1.0


def test_the_exam_is_the_same_for_everyone(exam, tokenizer):
    again = set_exam(pack_words(tokenizer, small_text(40, seed=2)), 32, tokenizer.learned)
    assert torch.equal(exam.masked.inputs, again.masked.inputs)
    share = (exam.masked.targets != IGNORED).float().sum() / exam.rows.numel()
    assert share == pytest.approx(0.15, abs=0.01)


def test_an_untrained_model_knows_nothing(exam, tokenizer):
    model = build_model(Preset("modernbert", 32, 2, 2, 64, 130), tokenizer.learned)
    marks = evaluate(model, exam, tokenizer.token_bytes())
    assert marks.loss == pytest.approx(math.log(tokenizer.learned), abs=0.3)
    assert word_recovery(model, exam).top1 < 0.2
    assert model.training  # as it was before


def test_whole_words_are_hidden(exam):
    hidden = hide_words(exam.rows.numpy(), exam.words)
    for row, numbers in enumerate(exam.words):
        for number in np.unique(numbers[hidden[row]]):
            assert number >= 0 and hidden[row][numbers == number].all()
    assert 0.08 < hidden.mean() < 0.2


def test_words_of_several_tokens_rank_among_combinations():
    logs = np.log([[0.6, 0.3, 0.05, 0.03, 0.02], [0.5, 0.4, 0.05, 0.03, 0.02]])
    best, second = np.eye(5, dtype=bool)[[0, 0]], np.eye(5, dtype=bool)[[0, 1]]
    assert _rank_of_truth(logs, best) == 0
    assert _rank_of_truth(logs, second) == 1  # .6 × .4, after .6 × .5
    assert _rank_of_truth(logs, np.zeros((2, 5), dtype=bool)) is None
    numbers = np.array([7, 7])
    assert _mark_words(logs, best, numbers) == (1, 1, 1)
    assert _mark_words(logs, second, numbers) == (0, 1, 1)
