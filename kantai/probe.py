"""How fast a model trains here: a few real steps on made-up tokens, timed.

A model whose single step would take too long to wait for is estimated instead: from the work of
one of its tokens (FLOPs) and the rate at which a small model was seen to work. Knows no text,
and nothing of who asks.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kantai.architectures import (
    DEFAULT_PRESET,
    PRESETS,
    Preset,
    build_config,
    build_model,
    work_per_token,
)
from kantai.devices import Device
from kantai.recipes import Budget, Recipe, recipe_for
from kantai.tokenizer import SPECIAL_TOKENS

MOST_WORK = {"cpu": 5e10, "mps": 1e12, "cuda": 2e13}  # FLOPs of a step that is waited for
REPORTS = 4  # of a quarter of a second each; the first one warms up
PATIENCE = 2.0  # seconds after which what was seen so far must do
ENOUGH = 10_000  # steps: the probe is stopped long before
ROWS = 64  # of the made-up text, in batches
YARDSTICK_VOCAB = 4_096
PEAK_SHARE = 0.3  # of a GPU's peak that a training of this kind reaches
Build = Callable[..., Any]


@dataclass(frozen=True)
class Speed:
    """Tokens a second of a training, and whether its own steps were timed."""

    tokens_per_second: float
    measured: bool


def training_speed(
    preset: Preset, vocab_size: int, recipe: Recipe, device: Device, build: Build = build_model
) -> Speed:
    """Time real steps of this model on `device`, or estimate where one step takes too long.

    Takes a second or two. `build` is what makes a model, for callers who take turns at it.
    Raises UserError where no such model can be.
    """
    work = token_work(preset, vocab_size, recipe)
    if work * recipe.batch_size * recipe.block_size <= MOST_WORK[device.kind]:
        return Speed(timed(preset, vocab_size, recipe, device, build), True)
    return Speed(reached(device, build) / work, False)


def supposed_speed(preset: Preset, vocab_size: int, recipe: Recipe, device: Device) -> Speed | None:
    """The same without touching the device; None where its maker's peak is not known."""
    if not device.peak_flops:
        return None
    rate = PEAK_SHARE * device.peak_flops
    return Speed(rate / token_work(preset, vocab_size, recipe), False)


def token_work(preset: Preset, vocab_size: int, recipe: Recipe) -> float:
    """Floating-point operations a token, forward and backward."""
    config = build_config(preset, vocab_size)
    return work_per_token(config, recipe.block_size, recipe.answered_share).total


def reached(device: Device, build: Build = build_model) -> float:
    """FLOPs a second that the device's own default preset reaches in training."""
    preset, recipe = PRESETS[DEFAULT_PRESET[device.kind]], recipe_for("playground", device.kind)
    speed = timed(preset, YARDSTICK_VOCAB, recipe, device, build)
    return speed * token_work(preset, YARDSTICK_VOCAB, recipe)


def timed(
    preset: Preset, vocab_size: int, recipe: Recipe, device: Device, build: Build = build_model
) -> float:
    """Tokens a second of real steps, as in the middle of a training."""
    import torch

    from kantai.events import Stepped
    from kantai.pretraining import Pretraining
    from kantai.rows import PackedText

    recipe = replace(
        recipe, masking=recipe.masking_at(0.5), last_mlm_probability=None, first_block_size=None
    )
    block, batch = recipe.block_size, recipe.batch_size
    stream = np.random.default_rng(0).integers(
        len(SPECIAL_TOKENS), vocab_size, (ROWS * batch + 1) * block, dtype=np.int32
    )
    model = build(preset, vocab_size, device=device.kind)
    training = Pretraining(
        model, PackedText(stream, block, batch, seed=0), _exam(stream[:block], vocab_size),
        np.ones(vocab_size, np.int64), recipe, Budget(max_steps=ENOUGH),
    )  # fmt: skip
    speeds: list[float] = []
    until = time.perf_counter() + PATIENCE

    def seen_enough() -> bool:
        return len(speeds) >= REPORTS or bool(speeds and time.perf_counter() > until)

    for event in training.run(stop=seen_enough):
        if isinstance(event, Stepped):
            speeds.append(event.tokens_per_second)
    del training, model
    if device.kind == "cuda":
        torch.cuda.empty_cache()
    return statistics.median(speeds[1:] or speeds)


def _exam(row: np.ndarray, vocab_size: int) -> Any:
    """The least there is to look at: one row."""
    from kantai.evaluation import set_exam
    from kantai.packing import Packed

    ids = row.astype(np.int64)
    return set_exam(Packed(ids, np.arange(len(ids))), len(ids), vocab_size)
