"""How speed and memory grow with the batch, the layers, the hidden size, and processes.

One table each, from the same preset; ratios are to the table's first row. Every row is measured
in a process of its own, so that none finds memory that another left behind. On a processor the
memory is what the process holds more than before, on a GPU what torch allocated. Processes are
those of `parallel.py`, one a GPU or sharing the processor's cores; memory is that of all.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from kantai.bench.memory import watched
from kantai.bench.parallel import measure_processes
from kantai.bench.speed import ENOUGH, VOCAB, Ground, Speed, measure_steps
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
    """A table for each row of FACTORS, and one of processes."""
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
    ground = Ground(device, None, arguments.seconds or ENOUGH, paragraphs, None)
    name = arguments.preset or DEFAULT_PRESET[device.kind]
    constant = {"first_block_size": None, "last_mlm_probability": None}  # every step is alike
    preset, recipe = find_preset(name), recipe_for("playground", device.kind, **constant)
    bpe = tokenizer.full.to_str()  # its JSON, for it travels between processes

    def told(changed: str, rows: Iterable[Row]) -> list[dict[str, Any]]:
        say(f"{changed} (preset {name}, {device.name})", arguments)
        known: list[Row] = []
        for row in rows:
            known.append(row)
            say(_line(row, known[0]), arguments)
        return [asdict(row) for row in known]

    tables = {
        changed: told(changed, _rows(changed, factors, preset, recipe, ground, bpe))
        for changed, factors in FACTORS.items()
    }
    counts = process_counts(device.kind)
    processes = measure_processes(
        counts, preset, recipe, tokenizer.learned, device.kind, ground.seconds
    )
    tables["processes"] = told("processes", (Row("processes", *figures) for figures in processes))
    return {"device": device.name, "preset": name, "tables": tables}


def process_counts(kind: str) -> list[int]:
    """1, 2, 4, ... up to the GPUs, or to the cores, that there are."""
    import torch

    most = torch.cuda.device_count() if kind == "cuda" else usable_cores() if kind == "cpu" else 1
    return [2**power for power in range(most.bit_length())]


def usable_cores() -> int:
    """Cores that this process may use."""
    known = hasattr(os, "sched_getaffinity")
    return len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1


def _rows(
    changed: str, factors: Iterable[float], preset: Preset, recipe: Recipe, ground: Ground, bpe: str
) -> Iterator[Row]:
    for factor in factors:
        value, model, way = scaled(preset, recipe, changed, factor)
        speed = alone(changed, model, way, ground, bpe)
        yield Row(changed, value, speed.parameters, speed.tokens_per_second, speed.memory)


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


def measure_row(name: str, preset: Preset, recipe: Recipe, ground: Ground, bpe: str) -> Speed:
    """Steps of one model; `bpe` is the tokenizer as JSON."""
    from tokenizers import Tokenizer

    from kantai import pretraining  # noqa: F401 (what it imports is no part of the memory)
    from kantai.tokenizer import ByteLevelBPE

    ground = replace(ground, tokenizer=ByteLevelBPE(Tokenizer.from_str(bpe)))
    with watched(every=0.2) as memory:
        speed = measure_steps(name, preset, recipe, ground)
    on_gpu = ground.device.kind == "cuda"
    return speed if on_gpu else replace(speed, memory=memory.peak - memory.before)


def _line(row: Row, first: Row) -> str:
    return (
        f"{row.value:>8}: {row.parameters / 1e6:6.1f} M parameters, "
        f"{row.tokens_per_second:11,.0f} tokens/s "
        f"({row.tokens_per_second / first.tokens_per_second:5.2f} ×), "
        f"{row.memory / 1e6:7,.0f} MB ({row.memory / max(1, first.memory):5.2f} ×)"
    )
