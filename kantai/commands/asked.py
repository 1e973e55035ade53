"""What the arguments of `train` and `demo` ask for, checked before anything is done."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from kantai.errors import UserError

if TYPE_CHECKING:
    from kantai.recipes import Budget
    from kantai.settings import Settings


def settings_of(arguments: Namespace) -> Settings:
    """The settings that the arguments of `train` and `demo` ask for; checked here, at once."""
    from kantai.architectures import DEFAULT_PRESET, find_preset, with_rows
    from kantai.devices import check_precision, find_device
    from kantai.recipes import find_recipe, recipe_for
    from kantai.settings import Settings
    from kantai.tokenizer import TokenizerSettings

    recipe_name = arguments.recipe or "playground"
    precision = arguments.precision or "auto"
    find_recipe(recipe_name)
    name = arguments.preset or DEFAULT_PRESET["cpu"]
    find_preset(name)
    budget = asked_budget(arguments)
    if arguments.vocab_size is not None:
        TokenizerSettings(arguments.vocab_size)
    device = find_device(arguments.device)
    check_precision(device, precision)
    name = arguments.preset or DEFAULT_PRESET[device.kind]
    preset = with_rows(find_preset(name), arguments.vocab_size)
    recipe = recipe_for(recipe_name, device.kind)
    preset.check_block(recipe.block_size)
    return Settings(
        preset_name=name,
        preset=preset,
        recipe=recipe,
        budget=budget or recipe.budget,
        vocab_size=arguments.vocab_size or preset.vocab_size,
        precision=precision,
        seed=arguments.seed or 0,
        files=tuple(str(file) for file in arguments.files),
    )


def asked_budget(arguments: Namespace) -> Budget | None:
    """The budget that the options ask for, if any. Raises UserError for more than one."""
    from kantai.recipes import Budget

    seconds, total = arguments.seconds, getattr(arguments, "total_seconds", None)
    if seconds is not None and total is not None:
        raise UserError("one_budget")
    asked = (total if seconds is None else seconds, arguments.max_steps, arguments.epochs)
    return Budget(*asked) if any(value is not None for value in asked) else None


def check_resume(begun: Settings, arguments: Namespace) -> None:
    """A resumed Run keeps its settings. Raises UserError where other ones are asked for."""
    asked = {
        "FILE": (_names(begun.files), _names(arguments.files) if begun.files else None),
        "--preset": (begun.preset_name, arguments.preset),
        "--recipe": (begun.recipe.name, arguments.recipe),
        "--vocab-size": (begun.vocab_size or "auto", arguments.vocab_size),
        "--precision": (begun.precision, arguments.precision),
        "--seed": (begun.seed, arguments.seed),
    }
    for name, (there, wanted) in asked.items():
        if wanted is not None and wanted != there:
            raise UserError("resume_differs", folder=arguments.out, name=name, there=there)


def _names(files: Iterable[str | Path]) -> str:
    return ", ".join(Path(file).name for file in files)
