"""How well a model fills in what it never saw: masked loss, accuracy, word recovery.

All of it is measured on held-out rows with fixed masks, drawn on the CPU from one seed, so
that every model, every device and every baseline answers exactly the same questions.
Knows nothing of training and files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from kantai.architectures import masked_logits
from kantai.baselines import Baseline
from kantai.counting import OUTSIDE, gaps
from kantai.errors import UserError, cause
from kantai.masking import EVALUATION, IGNORED, MaskedRows, mask_rows
from kantai.packing import Packed
from kantai.tokenizer import MASK, SPECIAL_TOKENS

MASK_SEED = 20_200_402  # of the fixed validation masks
WORD_SHARE = 0.15
TOP = 5
ROWS = 64  # of an examination of whole words, at a time
T = TypeVar("T")


@dataclass(frozen=True)
class Exam:
    """Held-out rows with their fixed masks, and what is needed to mark the answers.

    rows:  [n, block] original ids   words: [n, block] word numbers   masked: the questions
    """

    rows: Tensor
    words: np.ndarray
    masked: MaskedRows


def set_exam(
    packed: Packed, block_size: int, vocab_size: int, *, most_rows: int | None = None
) -> Exam:
    """Cut held-out text into rows and hide 15 % of each, the same for everyone.

    `most_rows` keeps evenly spread rows where time is short.
    """
    ids, words = packed.rows(block_size)
    if most_rows is not None and len(ids) > most_rows:
        spread = np.linspace(0, len(ids) - 1, most_rows).astype(int)
        ids, words = ids[spread], words[spread]
    rows = torch.from_numpy(ids)
    masked = mask_rows(
        rows,
        EVALUATION,
        mask_id=MASK,
        vocab_size=vocab_size,
        special_tokens=len(SPECIAL_TOKENS),
        generator=torch.Generator().manual_seed(MASK_SEED),
    )
    return Exam(rows, words, masked)


@dataclass(frozen=True)
class Marks:
    """What an exam says: nats a hidden token, shares of right answers, nats a hidden byte.

    The last is NaN for a tokenizer whose tokens do not say which bytes they are.
    """

    loss: float
    top1: float
    top5: float
    nats_per_byte: float


@torch.no_grad()
def evaluate(
    model: Any, exam: Exam, token_bytes: np.ndarray, *, tokens_at_once: int = 8_192
) -> Marks:
    """Let `model` answer all questions of `exam`, on the device it is on."""
    rows = max(1, tokens_at_once // exam.rows.shape[1])
    return halving(partial(_evaluate, model, exam, token_bytes), rows)


def halving(work: Callable[[int], T], most: int) -> T:
    """Do `work(size)`, beginning with `most`, and with half the size where memory runs out.

    Raises UserError where not even a size of 1 fits.
    """
    try:
        return work(most)
    except RuntimeError as error:  # torch's OutOfMemoryError is one
        if cause(error) != "out_of_memory":
            raise
        if most <= 1:
            raise UserError("out_of_memory") from error
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    return halving(work, most // 2)


def _evaluate(model: Any, exam: Exam, token_bytes: np.ndarray, rows_at_once: int) -> Marks:
    lengths = torch.from_numpy(token_bytes)
    loss, right, right5, asked, bytes_asked = 0.0, 0, 0, 0, 0
    with _answering(model) as device:
        for part in exam.masked.pieces(rows_at_once):
            targets = part.targets.flatten()
            keep = targets != IGNORED
            targets = targets[keep].to(device)
            positions = part.flat_positions[keep].to(device)
            logits = masked_logits(model, part.inputs.to(device), positions).float()
            loss += torch.nn.functional.cross_entropy(logits, targets, reduction="sum").item()
            hits = logits.topk(TOP).indices == targets.unsqueeze(1)
            right += int(hits[:, 0].sum())
            right5 += int(hits.sum())
            asked += len(targets)
            bytes_asked += int(lengths[targets.cpu()].sum())
    a_byte = loss / bytes_asked if bytes_asked else math.nan
    return Marks(loss / asked, right / asked, right5 / asked, a_byte)


@contextmanager
def _answering(model: Any) -> Iterator[torch.device]:
    """The model in evaluation mode, for as long as it is asked; gives its device."""
    training = model.training
    model.eval()
    try:
        yield next(model.parameters()).device
    finally:
        model.train(training)


def hide_words(rows: np.ndarray, words: np.ndarray, seed: int = MASK_SEED) -> np.ndarray:
    """Choose 15 % of the whole words of each row: bool [n, block], all tokens of a word alike.

    The choice falls on words, not tokens, so it is the same for every vocabulary of one text.
    Words that a row's edge cuts are left alone.
    """
    random = np.random.default_rng(seed)
    hidden = np.zeros(rows.shape, dtype=bool)
    for row, numbers in enumerate(words):
        whole = np.unique(numbers[numbers >= 0])
        whole = whole[(whole != numbers[0]) & (whole != numbers[-1])]
        count = max(1, round(WORD_SHARE * len(whole))) if len(whole) else 0
        hidden[row] = np.isin(numbers, random.choice(whole, count, replace=False))
    return hidden


@dataclass(frozen=True)
class WordRecovery:
    """Share of hidden whole words that come back exactly: first guess, and among five."""

    top1: float
    top5: float
    words: int


# (rows with hidden tokens [n, block], hidden [n, block]) -> log-probabilities [hidden, vocab]
Guesser = Callable[[Tensor, Tensor], Tensor]


def model_guesser(model: Any) -> Guesser:
    """Answers of a masked language model, special tokens ruled out."""

    def guess(rows: Tensor, hidden: Tensor) -> Tensor:
        device = next(model.parameters()).device
        inputs = rows.masked_fill(hidden, MASK).to(device)
        positions = hidden.flatten().nonzero().squeeze(1).to(device)
        logits = masked_logits(model, inputs, positions).float()
        logits[:, : len(SPECIAL_TOKENS)] = -torch.inf
        return logits.log_softmax(-1)

    return guess


def counting_guesser(baseline: Baseline) -> Guesser:
    """Answers of a baseline; a neighbour that is hidden itself is no help to it."""

    def guess(rows: Tensor, hidden: Tensor) -> Tensor:
        seen = rows.masked_fill(hidden, OUTSIDE).numpy()
        contexts, _ = gaps(seen, hidden.numpy())
        return torch.from_numpy(baseline.probabilities(contexts)).log()

    return guess


@torch.no_grad()
def word_recovery(model: Any, exam: Exam) -> WordRecovery:
    """How many hidden whole words `model` gets back (see `recovered_words`)."""
    guess = model_guesser(model)
    with _answering(model):
        return halving(lambda rows: recovered_words(guess, exam, rows_at_once=rows), ROWS)


def recovered_words(guess: Guesser, exam: Exam, *, rows_at_once: int = ROWS) -> WordRecovery:
    """Hide 15 % of whole words, all their tokens at once; count those that come back exactly.

    A word of several tokens is right if every token is; its five guesses are the five most
    probable combinations of the tokens' own five. Comparable across vocabularies.
    """
    hidden = hide_words(exam.rows.numpy(), exam.words)
    marks = np.zeros(3, np.int64)
    for start in range(0, len(exam.rows), rows_at_once):
        part = slice(start, start + rows_at_once)
        marks += mark_rows(guess, exam.rows[part], exam.words[part], hidden[part])
    return word_marks(marks)


def word_marks(marks: np.ndarray) -> WordRecovery:
    """Shares of the sums of `mark_rows`."""
    first, among, total = map(int, marks)
    return WordRecovery(first / max(1, total), among / max(1, total), total)


def mark_rows(
    guess: Guesser, rows: Tensor, words: np.ndarray, hidden: np.ndarray
) -> tuple[int, int, int]:
    """Of the words that are hidden in some rows: right at once, right among five, asked.

    rows: [n, block] ids   words: [n, block] word numbers   hidden: [n, block] whole words
    """
    asked = torch.from_numpy(hidden)
    if not asked.any():
        return 0, 0, 0
    values, tokens = guess(rows, asked).topk(TOP)
    hits = tokens.cpu() == rows[asked].unsqueeze(1)
    return _mark_words(values.cpu().numpy(), hits.numpy(), words[hidden])


def _mark_words(values: np.ndarray, hits: np.ndarray, numbers: np.ndarray) -> tuple[int, int, int]:
    """Right at once, right among five, words asked.

    values: [hidden, 5] log-probabilities   hits: [hidden, 5] True at the true token
    numbers: [hidden] word of each hidden token, equal ones stand together
    """
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    first = among = 0
    for tokens in np.split(np.arange(len(numbers)), starts[1:]):
        rank = _rank_of_truth(values[tokens], hits[tokens])
        first += rank == 0
        among += rank is not None and rank < TOP
    return first, among, len(starts)


def _rank_of_truth(values: np.ndarray, hits: np.ndarray) -> int | None:
    """How many combinations of tokens are more probable than the true word; None if not there.

    values, hits: [tokens of the word, 5]. The best five combinations of a longer prefix are
    made of the best five of the shorter one, so five are carried along.
    """
    if not hits.any(axis=1).all():
        return None
    best = [(0.0, True)]
    for logs, right in zip(values, hits, strict=True):
        longer = [(s + v, t and bool(r)) for s, t in best for v, r in zip(logs, right, strict=True)]
        best = sorted(longer, key=lambda item: -item[0])[:TOP]
    return next((rank for rank, (_, true) in enumerate(best) if true), None)
