"""How fast a training step is, for each preset, beside the notebook's way.

The notebook's way (`notebook_way.py`) is its model in float32, logits at every position, a data
loader, lines padded to the longest of their batch; its tokens are the real ones, without
padding. All sides take steps on the same text in one run, after a warm-up; figures are medians.
A GPU is waited for after some steps only, as in a training: it computes while the processor
prepares what comes next.
Beside MFU, which needs a data sheet, stands the share of a matrix product's rate, measured in
the same run. On a processor large models take steps of few rows, or minutes would pass; the
memory there is all that the process holds, on a GPU what torch allocated.
"""

from __future__ import annotations

import gc
import statistics
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kantai.bench.memory import watched
from kantai.samples import load_sample

if TYPE_CHECKING:
    from kantai.architectures import Preset
    from kantai.recipes import Recipe

WARM_UP, TIMES = 3, 10
STEPS_AT_ONCE = {"cuda": 5}  # before the device is waited for; others: 1
BLOCK, LARGE_BATCH = 128, 512  # tokens a row; rows a step that fill a large GPU
LARGE_MODEL, FEW_ROWS = 30e6, 8  # parameters from which on a processor takes so few rows
ENOUGH = 10.0  # seconds of one side: a slow one is measured fewer times, at least once
VOCAB = 8_000
Say = Callable[[str, Namespace], None]


@dataclass(frozen=True)
class Speed:
    """One side: real tokens a second, seconds a step, shares of the peaks, bytes at most."""

    name: str
    parameters: int
    rows: int  # of a step
    precision: str
    tokens_per_second: float
    step_seconds: float
    first_seconds: float  # of the first step, with all that is prepared in it
    mfu: float | None  # of the data sheet's peak
    product_share: float | None  # of the measured matrix product's rate
    memory: int


@dataclass(frozen=True)
class Ground:
    """What all sides stand on: device, matrix product in FLOP/s, seconds a side, text."""

    device: Any
    product: float | None
    seconds: float
    paragraphs: list[str]
    tokenizer: Any


def run(arguments: Namespace, say: Say) -> dict[str, Any]:
    """Measure the notebook's way, every preset (or the one that is asked for), and the worker."""
    from kantai.architectures import DEFAULT_PRESET, PRESETS, find_preset
    from kantai.bench.first_step import first_step
    from kantai.bench.kernels import muon_beside_torch

    ground, lines = prepared(arguments)
    kind = ground.device.kind
    say(f"{ground.device.name}: a matrix product, {ground.product / 1e12:.2f} TFLOP/s", arguments)
    default = arguments.preset or DEFAULT_PRESET[kind]
    find_preset(default)
    answers = [the_notebooks_way(lines, ground)]
    _tell(answers, say, arguments)
    for preset in [arguments.preset] if arguments.preset else PRESETS:
        for name, recipe, compiled in sides_of(preset, kind, arguments):
            told = f"{preset}, {name}"
            answers.append(measure_steps(told, find_preset(preset), recipe, ground, compiled))
            _tell(answers, say, arguments)
    muon = muon_beside_torch(default, ground.tokenizer.learned, kind)
    say(
        f"a step of Muon: ours {1e3 * muon['ours']:.1f} ms, torch.optim.Muon "
        f"{1e3 * muon['torch']:.1f} ms ({muon['torch'] / muon['ours']:.1f} ×)",
        arguments,
    )
    worker = first_step(default, ground.paragraphs, ground.tokenizer, kind)
    say(
        f"a worker with {default}: the training begins {worker['begun']:.1f} s after its start, "
        f"the first step is done after {worker['first_step']:.1f} s; one that stood by: "
        f"{worker['ready_begun']:.1f} s, {worker['ready_first_step']:.1f} s",
        arguments,
    )
    return {
        "device": ground.device.name,
        "product_flops": ground.product,
        "sides": [asdict(side) for side in answers],
        "muon_seconds": muon,
        "worker_seconds": worker,
    }


def prepared(arguments: Namespace) -> tuple[Ground, list[str]]:
    """The ground, and the file's lines as they came. Raises UserError for what is not there."""
    import torch

    from kantai.bench.kernels import product_flops
    from kantai.corpus import build_corpus
    from kantai.devices import check_precision, find_device
    from kantai.pretraining import choose_precision
    from kantai.readers import read_files
    from kantai.tokenizer import TokenizerSettings, train_tokenizer

    device = find_device(arguments.device)
    check_precision(device, arguments.precision)
    precision = choose_precision(torch.device(device.kind), arguments.precision)
    documents = read_files([Path(f) for f in arguments.files or [load_sample("harbour").path]])
    lines = [line for document in documents for line in document.text.splitlines()]
    paragraphs = build_corpus(documents).paragraphs
    tokenizer = train_tokenizer(paragraphs, TokenizerSettings(arguments.vocab_size or VOCAB))
    product = product_flops(device.kind, precision)
    return Ground(device, product, arguments.seconds or ENOUGH, paragraphs, tokenizer), lines


def sides_of(preset: str, kind: str, arguments: Namespace) -> list[tuple[str, Recipe, bool]]:
    """What is measured of a preset: its name, recipe, and whether its layers are compiled.

    All mask 15 % in rows of 128, as the notebook did. A GPU also takes many rows, compiled,
    unless the arguments say what it is to do.
    """
    from kantai.masking import Masking
    from kantai.recipes import recipe_for

    own = recipe_for(
        "playground", kind, block_size=BLOCK, masking=Masking(0.15), first_block_size=None,
        last_mlm_probability=None, precision=arguments.precision,
    )  # fmt: skip
    rows = arguments.batch_size or _rows(preset, kind, own.batch_size)
    word = "compiled" if arguments.compiled else "our loop"
    sides = [(f"{word}, {rows} rows", replace(own, batch_size=rows), arguments.compiled)]
    if kind == "cuda" and not (arguments.compiled or arguments.batch_size):
        large = replace(own, batch_size=LARGE_BATCH)
        sides.append((f"compiled, {LARGE_BATCH} rows", large, True))
    return sides


def _rows(preset: str, kind: str, usual: int) -> int:
    from kantai.architectures import build_model, find_preset

    model = build_model(find_preset(preset), VOCAB, device="meta")
    large = sum(weight.numel() for weight in model.parameters()) > LARGE_MODEL
    return FEW_ROWS if kind == "cpu" and large else usual


def _tell(answers: list[Speed], say: Say, where: Namespace) -> None:
    """A line for the last answer, beside the first."""
    speed = answers[-1]
    ratio = speed.tokens_per_second / answers[0].tokens_per_second
    say(
        f"{speed.name:>32}: {speed.parameters / 1e6:5.1f} M parameters, {speed.precision}, "
        f"{speed.tokens_per_second:11,.0f} tokens/s ({ratio:.1f} ×), "
        f"{1e3 * speed.step_seconds:8.1f} ms a step, first {speed.first_seconds:.1f} s, "
        f"{speed.product_share:.1%} of a matrix product"
        + (f", MFU {speed.mfu:.1%}" if speed.mfu else "")
        + f", {speed.memory / 2**30:.2f} GiB",
        where,
    )


def the_notebooks_way(lines: list[str], ground: Ground) -> Speed:
    """The notebook's model, trained as its `Trainer` did, on the file's own lines."""
    from kantai.architectures import build_model, find_preset, work_per_token
    from kantai.bench import notebook_way
    from kantai.packing import line_rows

    kind = ground.device.kind
    model = build_model(find_preset("notebook"), ground.tokenizer.learned, device=kind)
    rows = FEW_ROWS if kind == "cpu" else notebook_way.BATCH
    examples = line_rows(ground.tokenizer, lines, BLOCK)
    taken = notebook_way.steps(model, examples, rows)
    work = work_per_token(model.config, BLOCK, 1.0).total
    name = f"the notebook's way, {rows} rows"
    return _speed(name, model, taken, work, ground, rows=rows, precision="fp32")


def measure_steps(
    name: str, preset: Preset, chosen: Recipe, ground: Ground, compiled: bool = False
) -> Speed:
    """Steps of one model and recipe, with the training loop's own code."""
    import torch

    from kantai.architectures import build_model, work_per_token
    from kantai.evaluation import set_exam
    from kantai.packing import pack, pack_words
    from kantai.pretraining import PackedText, Pretraining
    from kantai.recipes import Budget

    kind, tokenizer, block = ground.device.kind, ground.tokenizer, chosen.block_size
    torch.compiler.reset()  # what was compiled for others counts towards torch's limit
    model = build_model(preset, tokenizer.learned, device=kind)
    text = PackedText(pack(tokenizer, ground.paragraphs), block, chosen.batch_size, 0)
    exam = set_exam(pack_words(tokenizer, ground.paragraphs[:50]), block, tokenizer.learned)
    training = Pretraining(
        model, text, exam, tokenizer.token_bytes(), chosen, Budget(max_steps=10**6),
        precision=chosen.precision, compiled=compiled,
    )  # fmt: skip

    def taken() -> Iterator[int]:
        model.train()
        while True:
            before = training.progress.tokens
            list(training._step(0.5))
            yield training.progress.tokens - before

    share = chosen.masking.mlm_probability
    work = work_per_token(model.config, block, share, tokenizer.learned).total
    return _speed(
        name, model, taken(), work, ground, rows=chosen.batch_size, precision=training.precision
    )


def _speed(
    name: str, model: Any, steps: Iterator[int], work: float, ground: Ground, **told: Any
) -> Speed:
    """Take steps, some to warm up, and give the median of the others.

    steps: the real tokens of each, once it is taken   work: FLOPs a token
    """
    import torch

    gc.collect()  # what an earlier side left is no part of this one's memory
    device = ground.device
    if device.kind == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    with watched(every=0.2) as memory:
        _, first = _timed(steps, 1, device.kind)  # with compiling and recording: told apart
        taken = _some(steps, device.kind, ground.seconds)
    on_gpu = torch.cuda.max_memory_allocated() if device.kind == "cuda" else 0
    rate = statistics.median(tokens / seconds for tokens, seconds in taken)
    return Speed(
        name=name,
        parameters=sum(w.numel() for w in model.parameters()),
        tokens_per_second=rate,
        step_seconds=statistics.median(seconds for _, seconds in taken),
        first_seconds=first,
        mfu=work * rate / device.peak_flops if device.peak_flops else None,
        product_share=work * rate / ground.product if ground.product else None,
        memory=on_gpu or memory.peak,
        **told,
    )


def _timed(steps: Iterator[int], count: int, kind: str) -> tuple[float, float]:
    """Tokens and seconds of a step, the mean of `count` of them."""
    from kantai.bench.kernels import synchronize

    began = time.perf_counter()
    tokens = sum(islice(steps, count))
    synchronize(kind)()
    return tokens / count, (time.perf_counter() - began) / count


def _some(steps: Iterator[int], kind: str, most_seconds: float) -> list[tuple[float, float]]:
    """Tokens and seconds of some steps, without those to warm up; at least once."""
    taken: list[tuple[float, float]] = []
    began = time.perf_counter()
    while len(taken) < WARM_UP + TIMES:
        taken.append(_timed(steps, STEPS_AT_ONCE.get(kind, 1), kind))
        if time.perf_counter() - began > most_seconds:
            break
    return taken[min(WARM_UP, len(taken) - 1) :]
