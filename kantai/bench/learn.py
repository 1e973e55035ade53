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
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kantai.errors import UserError
from kantai.samples import load_sample

if TYPE_CHECKING:
    import torch

    from kantai.evaluation import Exam
    from kantai.masking import Masking
    from kantai.workspace import Run

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
        answers["ngram_words"] = ngram_words(Path(folder) / "playground")
        answers["usual_masks"] = usual_masks(Path(folder) / "playground")
        answers["seconds_to_pass"] = seconds_to_pass(Path(folder) / "playground")
    for name, score in answers["playground"]["baselines"].items():
        say(f"{name:>12}: loss {score['loss']:.2f}, top-1 {score['top1']:.1%}", arguments)
    words, usual = answers["ngram_words"], answers["usual_masks"]
    say(
        f"{'ngram':>12}: whole words {words['top1']:.1%}, {words['top5']:.1%} among five", arguments
    )
    say(
        f"playground, masked 80/10/10: loss {usual['loss']:.2f}, top-1 {usual['top1']:.1%}",
        arguments,
    )
    for name, seconds in answers["seconds_to_pass"].items():
        told = "never" if seconds is None else f"after {seconds:.1f} s of training"
        say(f"playground passes {name} {told}", arguments)
    return answers | {"ratios": _ratios(answers)}


def _exam_of(run: Run, masking: Masking | None = None) -> Exam:
    """The final examination of a Run, or the same rows with other masks."""
    from kantai.evaluation import MASK_SEED, Exam, set_exam
    from kantai.masking import mask_rows
    from kantai.packing import pack_words
    from kantai.stages import EXAM_TOKENS
    from kantai.tokenizer import MASK, SPECIAL_TOKENS

    tokenizer, block = run.tokenizer(), run.settings.recipe.block_size
    packed = pack_words(tokenizer, run.texts("validation"))
    exam = set_exam(packed, block, tokenizer.learned, most_rows=EXAM_TOKENS // block)
    if masking is None:
        return exam
    masked = mask_rows(
        exam.rows, masking, mask_id=MASK, vocab_size=tokenizer.learned,
        special_tokens=len(SPECIAL_TOKENS), generator=_dice(MASK_SEED),
    )  # fmt: skip
    return Exam(exam.rows, exam.words, masked)


def _dice(seed: int) -> torch.Generator:
    import torch

    return torch.Generator().manual_seed(seed)


def ngram_words(folder: Path) -> dict[str, float]:
    """Whole words that the two-sided n-gram of a Run's training text gets back."""
    from kantai.baselines import NGram
    from kantai.evaluation import counting_guesser, recovered_words
    from kantai.packing import pack
    from kantai.workspace import Run

    run = Run(folder)
    tokenizer = run.tokenizer()
    ngram = NGram(pack(tokenizer, run.texts("train")), tokenizer.learned)
    return asdict(recovered_words(counting_guesser(ngram), _exam_of(run)))


def usual_masks(folder: Path) -> dict[str, float]:
    """Marks of a Run's model where 15 % are chosen and 80/10/10 replaced, as others measure.

    A tenth of the asked tokens then stand there for all to see: some points more for everyone.
    """
    from transformers import AutoModelForMaskedLM

    from kantai.evaluation import evaluate
    from kantai.masking import Masking
    from kantai.workspace import Run, model_folder

    run = Run(folder)
    model = AutoModelForMaskedLM.from_pretrained(model_folder(folder), local_files_only=True)
    return asdict(evaluate(model, _exam_of(run, Masking(0.15)), run.tokenizer().token_bytes()))


def seconds_to_pass(folder: Path) -> dict[str, float | None]:
    """Seconds of training until a Run's validation loss was below each baseline's."""
    from kantai.events import Started, Validated
    from kantai.workspace import Run

    events = Run(folder).events()
    bars = next(event for event in events if isinstance(event, Started)).baselines
    looks = [event for event in events if isinstance(event, Validated)]
    return {
        name: next((look.seconds for look in looks if look.loss < bar["loss"]), None)
        for name, bar in bars.items()
    }


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
