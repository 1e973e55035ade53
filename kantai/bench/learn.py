"""How much is learned in equal time: the notebook's recipe beside the playground's.

Each side is a program of its own and counts from its start: imports, reading, cleaning,
tokenizer, training, examination, saving. The notebook's side trains its model of 83.5 M
parameters on 52,000 asked tokens; so that both can be compared across vocabularies, look at
whole words recovered and nats a byte, not at token accuracy. One after the other, never both
at once.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kantai.errors import UserError
from kantai.samples import load_sample

# What is compared: label, preset (None: what suits the device) and recipe.
SIDES = (("notebook", "notebook", "notebook"), ("playground", None, "playground"))
COLUMNS = ("seconds_total", "steps", "epochs", "tokens_per_second", "validation_loss", "top1",
           "nats_per_byte", "word_recovery_top1", "word_recovery_top5")  # fmt: skip


def run(arguments: Namespace, say: Callable[[str, Namespace], None]) -> dict[str, Any]:
    """Train both sides for the same seconds of training; returns the figures of each."""
    files = arguments.files or [str(load_sample("harbour").path)]
    answers: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for label, preset, recipe in SIDES:
            command = _command(arguments, files, Path(folder) / label, preset, recipe)
            answers[label] = _result_of(command)
            say(_line(label, answers[label]), arguments)
    for name, score in answers["playground"]["baselines"].items():
        say(f"{name:>12}: loss {score['loss']:.2f}, top-1 {score['top1']:.1%}", arguments)
    return answers | {"ratios": _ratios(answers)}


def _command(
    arguments: Namespace, files: list[str], out: Path, preset: str | None, recipe: str
) -> list[str]:
    command = [sys.executable, "-m", "kantai", "train", *files, "--out", str(out), "--json"]
    command += ["--seconds", str(arguments.seconds or 60), "--recipe", recipe]
    command += ["--device", arguments.device] if arguments.device else []
    preset = preset or arguments.preset
    command += ["--preset", preset] if preset else []
    if recipe != "notebook" and arguments.vocab_size:
        command += ["--vocab-size", str(arguments.vocab_size)]
    return command


def _result_of(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 2:
        raise UserError("bench_refused", words=done.stderr.strip().splitlines()[-1])
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2_000:])
    return json.loads(done.stdout.splitlines()[-1])


def _line(label: str, result: dict[str, Any]) -> str:
    figures = ", ".join(f"{name} {result[name]:,.4g}" for name in COLUMNS)
    return f"{label:>12}: {result['parameters'] / 1e6:.1f} M parameters, {figures}"


def _ratios(answers: dict[str, Any]) -> dict[str, float]:
    ours, theirs = answers["playground"], answers["notebook"]
    return {
        name: ours[name] / theirs[name] if theirs[name] else float("inf")
        for name in ("tokens_per_second", "top1", "word_recovery_top1", "nats_per_byte")
    }
