"""How speed and memory grow with the batch, the layers and the hidden size.

One table each, from the same preset; ratios are to the table's first row. Every row is measured
in a process of its own, so that none finds memory that another left behind. On a processor the
memory is what the process holds more than before, on a GPU what torch allocated.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from kantai.bench.data import watched
from kantai.bench.speed import VOCAB, Speed, measure_steps
from kantai.samples import load_sample

if TYPE_CHECKING:
    from kantai.architectures import Preset
    from kantai.recipes import Recipe

# What is changed, and to how many times the preset's or the recipe's own value.
FACTORS: dict[str, tuple[float, ...]] = {
    "batch_size": (0.5, 1, 2, 4),
    "num_hidden_layers": (0.5, 1, 2, 4),
    "hidden_size": (0.5, 1, 2, 4),
}


@dataclass(frozen=True)
class Row:
    """One measurement: the value of what was changed, and what it costs."""

    changed: str
    value: int
    parameters: int
    tokens_per_second: float
    memory: int


def run(arguments: Namespace, say: Callable[[str, Namespace], None]) -> dict[str, Any]:
    """A table for each row of FACTORS."""
    from kantai.architectures import DEFAULT_PRESET, find_preset
    from kantai.corpus import build_corpus
    from kantai.devices import find_device
    from kantai.readers import read_files
    from kantai.recipes import recipe_for
    from kantai.tokenizer import TokenizerSettings, train_tokenizer

    device = find_device(arguments.device)
    files = arguments.files or [load_sample("harbour").path]
    paragraphs = build_corpus(read_files(files)).paragraphs
    tokenizer = train_tokenizer(paragraphs, TokenizerSettings(arguments.vocab_size or VOCAB))
    name = arguments.preset or DEFAULT_PRESET[device.kind]
    constant = {"first_block_size": None, "last_mlm_probability": None}  # every step is alike
    preset, recipe = find_preset(name), recipe_for("playground", device.kind, **constant)
    answers: dict[str, list[dict[str, Any]]] = {}
    for changed, factors in FACTORS.items():
        say(f"{changed} (preset {name}, {device.name})", arguments)
        rows: list[Row] = []
        for factor in factors:
            value, model, way = scaled(preset, recipe, changed, factor)
            speed = alone(changed, model, way, paragraphs, tokenizer.full.to_str(), device)
            rows.append(
                Row(changed, value, speed.parameters, speed.tokens_per_second, speed.memory)
            )
            say(_line(rows[-1], rows[0]), arguments)
        answers[changed] = [asdict(row) for row in rows]
    return {"device": device.name, "preset": name, "tables": answers}


def scaled(
    preset: Preset, recipe: Recipe, changed: str, factor: float
) -> tuple[int, Preset, Recipe]:
    """The new value, and model and recipe with it; heads keep their size as a model grows wider."""
    if changed == "batch_size":
        way = replace(recipe, batch_size=int(recipe.batch_size * factor))
        return way.batch_size, preset, way
    if changed == "num_hidden_layers":
        layers = max(1, int(preset.num_hidden_layers * factor))
        return layers, replace(preset, num_hidden_layers=layers), recipe
    wider = replace(
        preset,
        hidden_size=int(preset.hidden_size * factor),
        intermediate_size=int(preset.intermediate_size * factor),
        num_attention_heads=max(1, int(preset.num_attention_heads * factor)),
    )
    return wider.hidden_size, wider, recipe


def alone(*given: Any) -> Speed:
    """`measure_row` in a new process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure_row, *given).result()


def measure_row(
    name: str, preset: Preset, recipe: Recipe, paragraphs: list[str], tokenizer: str, device: Any
) -> Speed:
    """Steps of one model; `tokenizer` as its JSON, for it travels between processes."""
    from tokenizers import Tokenizer

    from kantai import pretraining  # noqa: F401 (what it imports is no part of the memory)
    from kantai.tokenizer import ByteLevelBPE

    bpe = ByteLevelBPE(Tokenizer.from_str(tokenizer))
    with watched() as memory:
        speed = measure_steps(name, preset, recipe, paragraphs, bpe, device)
    return speed if speed.memory else replace(speed, memory=memory.peak - memory.before)


def _line(row: Row, first: Row) -> str:
    return (
        f"{row.value:>8}: {row.parameters / 1e6:6.1f} M parameters, "
        f"{row.tokens_per_second:11,.0f} tokens/s "
        f"({row.tokens_per_second / first.tokens_per_second:5.2f} ×), "
        f"{row.memory / 1e6:7,.0f} MB ({row.memory / max(1, first.memory):5.2f} ×)"
    )
