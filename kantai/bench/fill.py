"""How long a person waits for fill-mask's answer, for models of several sizes.

Cold: a program of its own, from its start to its end; then, with the libraries already there,
from the model's folder to the first answer. Warm: sentences of the text, one gap each, after a
few to warm up. Weights are random: how long an answer takes does not depend on them.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kantai.errors import UserError
from kantai.samples import load_sample

PRESETS = ("nano", "mini", "small", "notebook")
VOCAB = 8_000
WARM_UP, ANSWERS = 5, 60
LEAST_WORDS, MOST_WORDS = 8, 40  # of a sentence


@dataclass(frozen=True)
class Latency:
    """Seconds until an answer: of a new program, of a folder, and of a model that is loaded."""

    preset: str
    parameters: int
    process_seconds: float
    load_seconds: float
    median_seconds: float
    p95_seconds: float


def run(arguments: Namespace, say: Callable[[str, Namespace], None]) -> dict[str, Any]:
    """Measure every preset, or the one that is asked for; ratios are to the first."""
    from transformers.utils import logging

    from kantai.corpus import build_corpus
    from kantai.readers import read_files
    from kantai.tokenizer import TokenizerSettings, train_tokenizer

    logging.disable_progress_bar()  # of every model that is saved and loaded
    files = arguments.files or [load_sample("harbour").path]
    paragraphs = build_corpus(read_files(files)).paragraphs
    questions = questions_of(paragraphs, WARM_UP + ANSWERS)
    tokenizer = train_tokenizer(paragraphs, TokenizerSettings(arguments.vocab_size or VOCAB))
    answers: list[Latency] = []
    for name in [arguments.preset] if arguments.preset else PRESETS:
        with TemporaryDirectory() as folder:
            answers.append(measure(name, tokenizer, questions, Path(folder)))
        say(_line(answers[-1], answers[0]), arguments)
    return {"questions": len(questions), "presets": [asdict(answer) for answer in answers]}


def questions_of(paragraphs: list[str], most: int) -> list[str]:
    """Sentences of the text with the word in the middle hidden, at most so many."""
    found = []
    for paragraph in paragraphs:
        for sentence in re.split(r"(?<=[.!?]) ", paragraph):
            words = sentence.split()
            if LEAST_WORDS <= len(words) <= MOST_WORDS:
                words[len(words) // 2] = "<mask>"
                found.append(" ".join(words))
    if len(found) <= WARM_UP:
        raise UserError("bench_without_sentences", least=LEAST_WORDS, most=MOST_WORDS)
    return found[:most]


def measure(preset: str, tokenizer: Any, questions: list[str], folder: Path) -> Latency:
    """Save a new model of a preset and ask it."""
    from kantai.architectures import build_model, find_preset
    from kantai.fill_mask import FillMask

    model = build_model(find_preset(preset), tokenizer.learned)
    parameters = sum(weight.numel() for weight in model.parameters())
    model.save_pretrained(folder)
    tokenizer.save(folder)
    del model
    command = [sys.executable, "-m", "kantai", "fill-mask", str(folder), questions[0]]
    process = _seconds(lambda: _run(command))
    FillMask.load(folder)  # what the libraries import at their first use is no part of the next

    def load() -> FillMask:
        filler = FillMask.load(folder)
        filler.fill(questions[0])
        return filler

    loading = _seconds(load)
    filler = load()
    seconds = [_seconds(lambda q=question: filler.fill(q)) for question in questions][WARM_UP:]
    p95 = sorted(seconds)[min(len(seconds) - 1, round(0.95 * len(seconds)))]
    return Latency(preset, parameters, process, loading, statistics.median(seconds), p95)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2_000:])


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _line(answer: Latency, first: Latency) -> str:
    ratio = answer.median_seconds / first.median_seconds
    return (
        f"{answer.preset:>10}: {answer.parameters / 1e6:6.1f} M parameters, "
        f"new program {answer.process_seconds:5.2f} s, from its folder "
        f"{1e3 * answer.load_seconds:6.0f} ms, loaded {1e3 * answer.median_seconds:6.1f} ms "
        f"({ratio:.1f} ×; 95 of 100 within {1e3 * answer.p95_seconds:.1f} ms)"
    )
