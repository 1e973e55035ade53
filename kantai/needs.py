"""What a training needs of a device's memory, and the sentence where the device has less.

Page, endpoints and command line ask here. Knows no Run and no screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kantai.architectures import Memory, Preset, build_config, build_model, training_memory
from kantai.errors import UserError

if TYPE_CHECKING:
    from kantai.devices import Device
    from kantai.recipes import Recipe


def parameters_of(preset: Preset, vocab_size: int) -> int:
    """The parameters of a model that is never built."""
    model = build_model(preset, vocab_size, device="meta")
    return sum(weight.numel() for weight in model.parameters())


def memory_of(preset: Preset, vocab_size: int, recipe: Recipe, parameters: int) -> Memory:
    """What a training of this model needs, by part."""
    return training_memory(
        build_config(preset, vocab_size),
        parameters,
        tokens=recipe.batch_size * recipe.block_size,
        block_size=recipe.block_size,
        predicted_share=1.0 if recipe.all_logits else recipe.masking.mlm_probability,
        optimizer=recipe.optimizer.name,
        copies=2 if recipe.average else 1,
    )


def check_memory(memory: Memory, device: Device) -> None:
    """Raise UserError for a model that the device does not hold, however few rows a step has.

    It would take the memory of everybody who works here until the system ends it.
    """
    if memory.kept > device.memory > 0:
        raise UserError("memory_missing", need=size(memory.kept), there=size(device.memory))


def size(count: float) -> str:
    """Bytes in three figures.

    >>> size(2_430_000), size(900), size(3.2e9)
    ('2.43 MB', '900 B', '3.2 GB')
    """
    return scaled(count, (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)), " B")


def scaled(number: float, units: tuple[tuple[str, float], ...], least: str) -> str:
    """A number in the largest of these units that it fills; `least` stands after a smaller one."""
    for unit, worth in units:
        if number >= worth:
            figure = number / worth
            return f"{figure:.0f} {unit}" if figure >= 99.95 else f"{figure:.3g} {unit}"
    return f"{number:.0f}{least}"
