"""A training that is examined and saved in time: it ends as much earlier as that will take.

Nobody knows beforehand how long an examination takes on a machine, so the new model answers a
small part of it first. Knows nothing of steps, files and screens.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from kantai.evaluation import Exam
from kantai.masking import MaskedRows

SAMPLE_TOKENS = 2_048  # of the examination that is tried
SAVED_A_SECOND = 200e6  # bytes, on an ordinary disk
LEAST = 0.01  # seconds of training: a budget that is spent already still buys one step


def seconds_to_train(
    left: Callable[[], float], examine: Callable[[Exam], object], exam: Exam, weight_bytes: int
) -> float:
    """Of the `left()` seconds those that examining and saving the model do not need.

    A look at the end of the training is reckoned with the examination.
    """
    rows = max(1, min(len(exam.rows), SAMPLE_TOKENS // exam.rows.shape[1]))
    examine(part_of(exam, 1))  # what is loaded and chosen at first use is paid only once
    began = time.perf_counter()
    examine(part_of(exam, rows))
    of_all = (time.perf_counter() - began) * (len(exam.rows) / rows + 1)
    return max(LEAST, left() - of_all - weight_bytes / SAVED_A_SECOND)


def part_of(exam: Exam, rows: int) -> Exam:
    """Its first rows."""
    masked = MaskedRows(*(tensor[:rows] for tensor in exam.masked.tensors))
    return Exam(exam.rows[:rows], exam.words[:rows], masked)
