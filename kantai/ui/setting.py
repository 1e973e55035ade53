"""The whole setting of a Run as a link: what the address says, checked, and a Run that has it.

    ?sample=harbour&vocab_size=4000&preset=mini&recipe=playground&seconds=120

Whoever opens it gets a Run of their own with these settings, so that every tab shows them. The
text itself travels only where it is a sample; a fork takes any text along. Knows no Gradio.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from kantai.architectures import ARCHITECTURES, PRESETS, find_preset
from kantai.errors import UserError
from kantai.samples import SAMPLES
from kantai.tokenizer import TokenizerSettings
from kantai.ui.desk import Desk, sample_of
from kantai.ui.tabs import model, pretrain

if TYPE_CHECKING:
    from kantai.settings import Settings
    from kantai.workspace import Run

LONGEST = 2_000  # characters of an address that are read


def whole(words: str) -> int:
    return int(words)


def figure(words: str) -> float:
    """A finite number. Raises ValueError for anything else."""
    number = float(words)
    if not math.isfinite(number):
        raise ValueError(words)
    return number


def within(least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers in a range. It raises ValueError for others."""

    def read(words: str) -> int:
        number = int(words)
        if not least <= number <= most:
            raise ValueError(words)
        return number

    return read


def one_of(known: Any) -> Callable[[str], str]:
    """A reader of words that must be in a table. It raises ValueError for others."""

    def read(words: str) -> str:
        if words not in known:
            raise ValueError(words)
        return words

    return read


SIZES = model.SIZES
# Name in the address -> what reads its value.
READERS: dict[str, Callable[[str], Any]] = {
    "sample": one_of(SAMPLES),
    "vocab_size": whole,
    "min_frequency": whole,
    "preset": one_of(PRESETS),
    "architecture": one_of(ARCHITECTURES),
    "dropout": figure,
    **{name: within(*model.SLIDERS[name][:2]) for name in SIZES},
    "recipe": one_of(pretrain.RECIPE_NAMES),
    "seconds": figure,
    "max_steps": whole,
    "epochs": figure,
    "batch_size": whole,
    "block_size": whole,
    "learning_rate": figure,
    "mlm_probability": figure,
    "seed": within(0, 2**31 - 1),
}


@dataclass(frozen=True)
class Setting:
    """What a link says; what it does not say is as usual on this device."""

    values: dict[str, Any]

    @classmethod
    def read(cls, query: str) -> Setting | None:
        """The setting in an address, after its "?"; None where it holds none.

        Raises UserError for a value that cannot be.
        """
        values = {}
        for name, words in parse_qsl(query.lstrip("?")[:LONGEST]):
            if name not in READERS:
                continue
            try:
                values[name] = READERS[name](words)
            except ValueError as error:
                raise UserError("setting_wrong", name=name, asked=words[:40]) from error
        return cls(values) if values else None

    def query(self) -> str:
        """The setting as it stands in an address."""
        whole = {k: int(v) for k, v in self.values.items() if isinstance(v, float) and v == int(v)}
        return urlencode(self.values | whole)

    def applied(self, usual: Settings, device_kind: str) -> Settings:
        """The usual settings with these. Raises UserError for what cannot be."""
        values = self.values
        preset = self._preset(usual)
        vocab = values.get("vocab_size", usual.vocab_size)
        frequency = values.get("min_frequency", usual.min_frequency)
        TokenizerSettings(vocab or 8_000, frequency)  # checks both
        named = replace(
            usual, preset=preset, vocab_size=vocab, min_frequency=frequency,
            preset_name=model.name_of(values.get("preset", usual.preset_name), preset),
        )  # fmt: skip
        return self._plan(usual).applied(named, device_kind)

    def _preset(self, usual: Settings) -> Any:
        values = self.values
        known = find_preset(values.get("preset", usual.preset_name))
        changed = {k: values[k] for k in ("architecture", "dropout", *SIZES) if k in values}
        return replace(known, **changed)

    def _plan(self, usual: Settings) -> pretrain.Plan:
        budgets = [unit for unit in pretrain.UNITS if unit in self.values]
        if len(budgets) > 1:
            raise UserError("budget_needed", most=f"{pretrain.MOST_AMOUNT:,}")
        unit, amount = pretrain.amount_of(usual)
        if budgets:
            unit, amount = budgets[0], self.values[budgets[0]]
        names = {field.name for field in fields(pretrain.Plan)} - {"unit", "amount"}
        others = {name: value for name, value in self.values.items() if name in names}
        return pretrain.Plan(unit=unit, amount=amount, **others)

    def begin(self, desk: Desk, owner: str) -> str:
        """A new Run of the sample with this setting; its id. Raises UserError."""
        usual = desk.default_settings()
        self.applied(usual, desk.device().kind)  # nothing begins where it cannot be
        run_id = desk.sample_run(owner, self.values.get("sample"))
        run = desk.registry.owned(run_id, owner)
        run.write_settings(self.applied(run.settings, desk.device().kind))
        return run_id


def setting_of(run: Run, device_kind: str) -> Setting:
    """The setting of a Run, as a link carries it; only what is not the recipe's own."""
    settings = run.settings
    unit, amount = pretrain.amount_of(settings)
    values = {"sample": sample_of(run), "vocab_size": settings.vocab_size,
              "min_frequency": settings.min_frequency, **_model(settings),
              "recipe": settings.recipe.name, unit: amount,
              **_changes(settings, device_kind), "seed": settings.seed}  # fmt: skip
    return Setting({name: value for name, value in values.items() if value is not None})


def _model(settings: Settings) -> dict[str, Any]:
    name, preset = settings.preset_name, settings.preset
    if PRESETS.get(name) == preset:
        return {"preset": name}
    sizes = {key: getattr(preset, key) for key in ("architecture", "dropout", *SIZES)}
    return {"preset": model.nearest(preset), **sizes}


def _changes(settings: Settings, device_kind: str) -> dict[str, Any]:
    """The numbers of the plan that differ from the recipe's own on this device."""
    from kantai.recipes import recipe_for

    names = ("batch_size", "block_size", "learning_rate", "mlm_probability")
    here = pretrain.numbers_of(settings.recipe)
    own = pretrain.numbers_of(recipe_for(settings.recipe.name, device_kind))
    return {n: a for n, a, b in zip(names, here, own, strict=True) if a != b}
