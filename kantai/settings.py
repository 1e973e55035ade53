"""What a Run was asked to be, checked; kept as JSON and read back, of an earlier version too."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kantai.architectures import Preset
from kantai.errors import UserError
from kantai.records import fitting

if TYPE_CHECKING:
    from kantai.recipes import Budget, Recipe


@dataclass(frozen=True)
class Settings:
    """What a Run was asked to be; all that a resume needs to know.

    Raises UserError for a seed that no generator of random numbers takes.
    """

    preset_name: str
    preset: Preset
    recipe: Recipe
    budget: Budget
    vocab_size: int | None = None  # None: suggested by the length of the text
    min_frequency: int = 2
    precision: str = "auto"
    seed: int = 0
    files: tuple[str, ...] = ()
    created: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**63:
            raise UserError("seed_range", asked=self.seed)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Settings:
        """The settings of a `run.json`, of an earlier version too.

        Raises KeyError or TypeError where something is missing that has no default.
        """
        from kantai.recipes import Budget, recipe_from_json  # brings torch, which takes seconds

        return fitting(
            cls,
            record,
            preset=fitting(Preset, record["preset"]),
            recipe=recipe_from_json(record["recipe"]),
            budget=fitting(Budget, record["budget"]),
            files=tuple(record.get("files", ())),
        )
