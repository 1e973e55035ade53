"""How fast a training step is: tokens a second, for each preset, beside the notebook's way.

The notebook's way (`notebook_way.py`) is its model in float32, logits at every position, a data
loader, lines padded to the longest of their batch; its tokens are the real ones, without
padding. All sides take steps on the same text in one run, after a warm-up; figures are medians.
"""

from __future__ import annotations

import statistics
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kantai.samples import load_sample

if TYPE_CHECKING:
    from kantai.architectures import Preset
    from kantai.recipes import Recipe

WARM_UP, STEPS = 3, 10
BLOCK, LARGE_BATCH = 128, 512  # tokens a row; rows a step that fill a large GPU
ENOUGH = 10.0  # seconds of one side: a slow one is measured on fewer steps, at least one
VOCAB = 8_000


@dataclass(frozen=True)
class Speed:
    """One side: real tokens a second, seconds a step, the share of the peak, bytes at most."""

    name: str
    parameters: int
    tokens_per_second: float
    step_seconds: float
    first_seconds: float  # of the first step, with all that is prepared in it
    mfu: float | None
    memory: int


def run(arguments: Namespace, say: Callable[[str, Namespace], None]) -> dict[str, Any]:
    """Measure the notebook's way and every preset that is asked for."""
    from kantai.architectures import DEFAULT_PRESET, find_preset
    from kantai.corpus import build_corpus
    from kantai.devices import find_device
    from kantai.readers import read_files
    from kantai.tokenizer import TokenizerSettings, train_tokenizer

    device = find_device(arguments.device)
    files = arguments.files or [str(load_sample("harbour").path)]
    documents = read_files([Path(f) for f in files])
    lines = [line for document in documents for line in document.text.splitlines()]
    paragraphs = build_corpus(documents).paragraphs
    tokenizer = train_tokenizer(paragraphs, TokenizerSettings(arguments.vocab_size or VOCAB))
    wanted = [arguments.preset] if arguments.preset else ["notebook", DEFAULT_PRESET[device.kind]]
    answers = [the_notebooks_way(lines, tokenizer, device)]
    _tell(answers, say, arguments)
    for preset in dict.fromkeys(wanted):
        for name, recipe, compiled in sides_of(device.kind):
            name = f"{preset}, {name}"
            answers.append(
                measure_steps(
                    name, find_preset(preset), recipe, paragraphs, tokenizer, device, compiled
                )
            )
            _tell(answers, say, arguments)
    muon = muon_beside_torch(wanted[-1], tokenizer.learned, device.kind)
    say(
        f"a step of Muon: ours {1e3 * muon['ours']:.1f} ms, torch.optim.Muon "
        f"{1e3 * muon['torch']:.1f} ms ({muon['torch'] / muon['ours']:.1f} ×)",
        arguments,
    )
    return {"device": device.name, "sides": [asdict(s) for s in answers], "muon_seconds": muon}


def sides_of(kind: str) -> list[tuple[str, Recipe, bool]]:
    """What is measured of a preset: its name, recipe, and whether its layers are compiled.

    All mask 15 % in rows of 128, as the notebook did.
    """
    from kantai.masking import Masking
    from kantai.recipes import recipe_for

    own = recipe_for("playground", kind, block_size=128, masking=Masking(0.15))
    own = replace(own, first_block_size=None, last_mlm_probability=None)
    large = replace(own, batch_size=LARGE_BATCH)
    return [("our loop", own, False)] + (
        [(f"compiled, {LARGE_BATCH} rows", large, True)] if kind == "cuda" else []
    )


def _tell(answers: list[Speed], say: Callable[[str, Namespace], None], where: Namespace) -> None:
    """A line for the last answer, beside the first."""
    speed = answers[-1]
    ratio = speed.tokens_per_second / answers[0].tokens_per_second
    say(
        f"{speed.name:>28}: {speed.parameters / 1e6:6.1f} M parameters, "
        f"{speed.tokens_per_second:11,.0f} tokens/s ({ratio:.1f} ×), "
        f"{1e3 * speed.step_seconds:8.1f} ms a step, first {speed.first_seconds:.1f} s"
        + (f", MFU {speed.mfu:.1%}" if speed.mfu else "")
        + (f", {speed.memory / 2**30:.1f} GiB" if speed.memory else ""),
        where,
    )


def muon_beside_torch(preset: str, vocab_size: int, kind: str) -> dict[str, float]:
    """Median seconds of one optimizer step on a preset's hidden matrices."""
    import torch

    from kantai.architectures import build_model, find_preset
    from kantai.optimizers import Muon, hidden_matrices

    def median_step(optimizer: torch.optim.Optimizer) -> float:
        seconds = []
        for _ in range(3):
            began = time.perf_counter()
            optimizer.step()
            if kind == "cuda":
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - began)
        return statistics.median(seconds)

    matrices = hidden_matrices(build_model(find_preset(preset), vocab_size, device=kind))
    for weight in matrices:
        weight.grad = torch.randn_like(weight)
    return {
        "ours": median_step(Muon(matrices)),
        "torch": median_step(torch.optim.Muon(matrices)),
    }


def the_notebooks_way(lines: list[str], tokenizer: Any, device: Any) -> Speed:
    """The notebook's model, trained as its `Trainer` did, on the file's own lines."""
    from kantai.architectures import build_model, find_preset, work_per_token
    from kantai.bench import notebook_way
    from kantai.packing import line_rows

    model = build_model(find_preset("notebook"), tokenizer.learned, device=device.kind)
    rows = line_rows(tokenizer, lines, BLOCK)
    taken = notebook_way.steps(model, rows, _synchronize(device.kind))
    work = work_per_token(model.config, BLOCK, 1.0).total
    return _speed("the notebook's way", model, taken, work, device)


def measure_steps(
    name: str,
    preset: Preset,
    chosen: Recipe,
    paragraphs: list[str],
    tokenizer: Any,
    device: Any,
    compiled: bool = False,
) -> Speed:
    """Steps of one model and recipe on `device`, with the training loop's own code."""
    from kantai.architectures import build_model, work_per_token
    from kantai.evaluation import set_exam
    from kantai.packing import pack, pack_words
    from kantai.pretraining import PackedText, Pretraining
    from kantai.recipes import Budget

    model = build_model(preset, tokenizer.learned, device=device.kind)
    text = PackedText(pack(tokenizer, paragraphs), chosen.block_size, chosen.batch_size, 0)
    exam = set_exam(pack_words(tokenizer, paragraphs[:50]), chosen.block_size, tokenizer.learned)
    training = Pretraining(
        model, text, exam, tokenizer.token_bytes(), chosen, Budget(max_steps=10**6),
        precision=chosen.precision, compiled=compiled,
    )  # fmt: skip
    synchronize = _synchronize(device.kind)

    def taken() -> Iterator[tuple[int, float]]:
        model.train()
        while True:
            before, began = training.progress.tokens, time.perf_counter()
            list(training._step(0.5))
            synchronize()
            yield training.progress.tokens - before, time.perf_counter() - began

    share = chosen.masking.mlm_probability
    work = work_per_token(model.config, chosen.block_size, share).total
    return _speed(name, model, taken(), work, device)


def _synchronize(kind: str) -> Callable[[], None]:
    """Waits until the device has done all that it was told."""
    import torch

    return torch.cuda.synchronize if kind == "cuda" else lambda: None


def _speed(
    name: str, model: Any, steps: Iterator[tuple[int, float]], work: float, device: Any
) -> Speed:
    """Take steps, some to warm up, and give the median of the others; `work` is FLOPs a token."""
    import torch

    if device.kind == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    first = next(steps)  # compiling and recording are part of it, so its time is told apart
    taken: list[tuple[int, float]] = []
    began = time.perf_counter()
    for step in steps:
        taken.append(step)
        if len(taken) == WARM_UP + STEPS or time.perf_counter() - began > ENOUGH:
            break
    taken = taken[min(WARM_UP, len(taken) - 1) :]
    rate = statistics.median(tokens / seconds for tokens, seconds in taken)
    return Speed(
        name=name,
        parameters=sum(w.numel() for w in model.parameters()),
        tokens_per_second=rate,
        step_seconds=statistics.median(seconds for _, seconds in taken),
        first_seconds=first[1],
        mfu=work * rate / device.peak_flops if device.peak_flops else None,
        memory=torch.cuda.max_memory_allocated() if device.kind == "cuda" else 0,
    )
