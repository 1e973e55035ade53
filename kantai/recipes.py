"""Recipes: how to train. One row each, every number in sight.

"notebook" repeats what thousands of readers ran; "playground" is what learns most in the
time given. What was tried for the second, and what each part brings, stands in the README.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from kantai.errors import UserError
from kantai.masking import Masking
from kantai.optimizers import OPTIMIZERS, SCHEDULES, OptimizerSettings
from kantai.records import fitting


@dataclass(frozen=True)
class Budget:
    """How long to train: exactly one of seconds, steps and epochs.

    Raises UserError for none, several, or less than nothing.
    """

    seconds: float | None = None
    max_steps: int | None = None
    epochs: float | None = None

    def __post_init__(self) -> None:
        given = [v for v in (self.seconds, self.max_steps, self.epochs) if v is not None]
        if len(given) != 1 or not 0 < given[0] <= 10_000_000:
            raise UserError("one_budget")

    def share(self, *, seconds: float, step: int, steps_per_epoch: int) -> float:
        """How much of the budget is spent: 0 at the start, 1 at the end."""
        if self.seconds is not None:
            return min(1.0, seconds / self.seconds)
        steps = self.max_steps or max(1, round(self.epochs * steps_per_epoch))
        return min(1.0, step / steps)


@dataclass(frozen=True)
class Recipe:
    """How to train: data, masks, optimizer, schedule, and when to look and to stop."""

    name: str
    optimizer: OptimizerSettings
    masking: Masking = Masking()
    last_mlm_probability: float | None = None  # where it differs: reached in a straight line
    schedule: str = "trapezoid"
    batch_size: int = 64  # rows a step
    block_size: int = 128  # tokens a row
    first_block_size: int | None = None  # rows are cut this short in the first part
    first_share: float = 0.5  # of the budget: how long that part is
    examples: str = "packed"  # or "lines": the notebook's, padded
    all_logits: bool = False  # True: the head answers at every position, as the notebook's did
    gradient_clip: float = 1.0
    average: float = 0.0  # decay of the weights' running average a step; 0: none
    precision: str = "auto"
    most_epochs: float | None = None  # where time is the budget: reading on learns by heart
    patience: int = 8  # looks without a better loss before it stops early; 0: never
    budget: Budget = Budget(seconds=60)

    def __post_init__(self) -> None:
        if self.optimizer.name not in OPTIMIZERS or self.schedule not in SCHEDULES:
            raise UserError("unknown_recipe", asked=self.name, known=", ".join(RECIPES))
        self.masking_at(1.0)
        if self.first_block_size and self.block_size % self.first_block_size:
            raise UserError(
                "first_block_divides", first=self.first_block_size, block=self.block_size
            )
        if not 1 <= self.batch_size <= 65_536:
            raise UserError("batch_range", asked=self.batch_size)

    @property
    def answered_share(self) -> float:
        """The share of all tokens that the head answers for, half way through the training."""
        return 1.0 if self.all_logits else self.masking_at(0.5).mlm_probability

    def masking_at(self, share: float) -> Masking:
        """The masking when `share` of the budget is spent; in steps of 5 %, to keep shapes."""
        if self.last_mlm_probability is None:
            return self.masking
        first = self.masking.mlm_probability
        now = first + (self.last_mlm_probability - first) * share
        return replace(self.masking, mlm_probability=round(now * 20) / 20)


RECIPES: dict[str, Recipe] = {
    "notebook": Recipe(
        name="notebook",
        optimizer=OptimizerSettings("adamw", 5e-5, 5e-5, weight_decay=0.0, betas=(0.9, 0.999)),
        schedule="linear",
        batch_size=64,
        block_size=128,
        examples="lines",
        all_logits=True,
        precision="fp32",
        patience=0,
        budget=Budget(epochs=1),
    ),
    "playground": Recipe(
        name="playground",
        optimizer=OptimizerSettings("muon", 1e-2, 4e-3, weight_decay=0.2, betas=(0.9, 0.95)),
        masking=Masking(0.4),
        last_mlm_probability=0.2,
        most_epochs=40,
    ),
}


def find_recipe(name: str, **changes: object) -> Recipe:
    """The recipe `name` with some settings changed. Raises UserError for an unknown name."""
    if name not in RECIPES:
        raise UserError("unknown_recipe", asked=name, known=", ".join(RECIPES))
    return replace(RECIPES[name], **changes)


def recipe_from_json(record: dict[str, Any]) -> Recipe:
    """The recipe that `dataclasses.asdict` and JSON made a record of."""
    optimizer = record["optimizer"]
    return fitting(
        Recipe,
        record,
        optimizer=fitting(OptimizerSettings, optimizer, betas=tuple(optimizer["betas"])),
        masking=fitting(Masking, record["masking"]),
        budget=fitting(Budget, record["budget"]),
    )


# What suits the device, on top of the recipe "playground". A CPU takes a few hundred steps in
# a minute: short rows and high rates then learn most. A GPU reads a book a hundred times in a
# minute: there, what keeps it from learning by heart decides. Short rows at first also cure
# RoBERTa's post-norm layout with learned positions, which else stays at word frequencies: where
# 32 places are to be told apart, and not 128, attention finds out that neighbours matter.
DEVICE_CHANGES: dict[str, dict[str, object]] = {
    "cpu": {
        "optimizer": OptimizerSettings("muon", 2e-2, 8e-3, weight_decay=0.1, betas=(0.9, 0.95)),
        "batch_size": 32,
        "block_size": 64,
        "first_block_size": 32,
    },
    "mps": {"batch_size": 64},
    "cuda": {
        "optimizer": OptimizerSettings(
            "muon", 2e-2, 4e-3, weight_decay=0.2, embedding_decay=3.0, betas=(0.9, 0.95)
        ),
        "last_mlm_probability": 0.15,
        "batch_size": 128,
        "first_block_size": 32,
        "average": 0.99,
        "most_epochs": 100,
    },
}


def recipe_for(name: str, device_kind: str, **changes: object) -> Recipe:
    """The recipe `name` as it suits `cpu`, `mps` or `cuda`, with some settings changed."""
    suited = DEVICE_CHANGES[device_kind] if name == "playground" else {}
    return find_recipe(name, **{**suited, **changes})
