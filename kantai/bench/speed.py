"""How fast a training step is: tokens a second, for each preset, beside the notebook's way.

The notebook's way is its recipe on its own model: float32, logits at every position, lines
padded to the longest of their batch; its tokens are the real ones, without padding. All sides
take steps on the same text in one run, after a warm-up; figures are medians.
"""

from __future__ import annotations

import statistics
import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from kantai.samples import load_sample

WARM_UP, STEPS = 3, 10
ENOUGH = 10.0  # seconds of one side: a slow one is measured on fewer steps, at least one
VOCAB = 8_000


@dataclass(frozen=True)
class Speed:
    """One side: real tokens a second, seconds a step, the share of the peak, bytes at most."""

    name: str
    parameters: int
    tokens_per_second: float
    step_seconds: float
    mfu: float | None
    memory: int


def run(arguments: Namespace, say: Callable[[str, Namespace], None]) -> dict[str, Any]:
    """Measure the notebook's way and every preset that is asked for."""
    from kantai.architectures import DEFAULT_PRESET
    from kantai.corpus import build_corpus
    from kantai.devices import find_device
    from kantai.readers import read_files
    from kantai.tokenizer import TokenizerSettings, train_tokenizer

    device = find_device(arguments.device)
    files = arguments.files or [str(load_sample("harbour").path)]
    paragraphs = build_corpus(read_files([Path(f) for f in files])).paragraphs
    tokenizer = train_tokenizer(paragraphs, TokenizerSettings(arguments.vocab_size or VOCAB))
    wanted = [arguments.preset] if arguments.preset else ["notebook", DEFAULT_PRESET[device.kind]]
    sides = [("notebook", "notebook")] + [(name, "playground") for name in dict.fromkeys(wanted)]
    answers = []
    for preset, recipe in sides:
        speed = measure(preset, recipe, paragraphs, tokenizer, device)
        answers.append(speed)
        ratio = speed.tokens_per_second / answers[0].tokens_per_second
        say(
            f"{speed.name:>28}: {speed.parameters / 1e6:6.1f} M parameters, "
            f"{speed.tokens_per_second:11,.0f} tokens/s ({ratio:.1f} ×), "
            f"{1e3 * speed.step_seconds:8.1f} ms a step"
            + (f", MFU {speed.mfu:.1%}" if speed.mfu else "")
            + (f", {speed.memory / 2**30:.1f} GiB" if speed.memory else ""),
            arguments,
        )
    muon = muon_beside_torch(wanted[-1], tokenizer.learned, device.kind)
    say(
        f"a step of Muon: ours {1e3 * muon['ours']:.1f} ms, torch.optim.Muon "
        f"{1e3 * muon['torch']:.1f} ms ({muon['torch'] / muon['ours']:.1f} ×)",
        arguments,
    )
    return {"device": device.name, "sides": [asdict(s) for s in answers], "muon_seconds": muon}


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


def measure(preset: str, recipe: str, paragraphs: list[str], tokenizer: Any, device: Any) -> Speed:
    """Steps of one preset and recipe on `device`, with the training loop's own code."""
    import torch

    from kantai.architectures import build_model, find_preset, work_per_token
    from kantai.evaluation import set_exam
    from kantai.packing import line_rows, pack, pack_words
    from kantai.pretraining import LineExamples, PackedText, Pretraining
    from kantai.recipes import Budget, recipe_for

    chosen = recipe_for(recipe, device.kind)
    model = build_model(find_preset(preset), tokenizer.learned, device=device.kind)
    if chosen.examples == "lines":
        rows = line_rows(tokenizer, paragraphs, chosen.block_size)
        text: Any = LineExamples(rows, chosen.batch_size, 0)
    else:
        stream = pack(tokenizer, paragraphs)
        text = PackedText(stream, chosen.block_size, chosen.batch_size, 0)
    exam = set_exam(pack_words(tokenizer, paragraphs[:50]), chosen.block_size, tokenizer.learned)
    training = Pretraining(
        model, text, exam, tokenizer.token_bytes(),
        replace(chosen, first_block_size=None, last_mlm_probability=None),
        Budget(max_steps=10**6), precision=chosen.precision,
    )  # fmt: skip

    def synchronize() -> None:
        if device.kind == "cuda":
            torch.cuda.synchronize()

    if device.kind == "cuda":
        torch.cuda.reset_peak_memory_stats()
    seconds, tokens = [], []
    first = time.perf_counter()
    for number in range(WARM_UP + STEPS):
        before, began = training.progress.tokens, time.perf_counter()
        if seconds and began - first > ENOUGH:
            break
        list(training._step(0.5))
        synchronize()
        if number >= WARM_UP or time.perf_counter() - first > ENOUGH:
            seconds.append(time.perf_counter() - began)
            tokens.append(training.progress.tokens - before)
    step = statistics.median(seconds)
    rate = statistics.median(t / s for t, s in zip(tokens, seconds, strict=True))
    share = 1.0 if chosen.all_logits else chosen.masking.mlm_probability
    work = work_per_token(model.config, chosen.block_size, share).total
    return Speed(
        name=f"{preset}, recipe {recipe}",
        parameters=sum(w.numel() for w in model.parameters()),
        tokens_per_second=rate,
        step_seconds=step,
        mfu=work * rate / device.peak_flops if device.peak_flops else None,
        memory=torch.cuda.max_memory_allocated() if device.kind == "cuda" else 0,
    )
