"""How much is learned in equal time: the notebook's recipe beside the playground's.

Each side is a program of its own that has so many seconds from its start to the examined and
saved model: imports, reading, cleaning, tokenizer, compiling, examination included. A step that
is longer than what was left makes a side late; its seconds are printed. The notebook's side
trains its model of 83.5 M parameters on 52,000 asked tokens, so the figures of single tokens
cannot be compared; afterwards both, and the n-gram, are asked for the same hidden words of the
same held-out text (`same_words.py`). One after the other, never both at once.
"""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from kantai.errors import UserError
from kantai.samples import SAMPLES, load_sample

if TYPE_CHECKING:
    from kantai.evaluation import Guesser
    from kantai.workspace import Run

SECONDS = 60.0
# What is compared: label, preset (None: what suits the device) and recipe.
SIDES = (("notebook", "notebook", "notebook"), ("playground", None, "playground"))
COLUMNS = ("seconds_total", "seconds_training", "steps", "epochs", "tokens_per_second",
           "validation_loss", "top1", "top5", "nats_per_byte")  # fmt: skip
Say = Callable[[str, Namespace], None]


def run(arguments: Namespace, say: Say) -> dict[str, Any]:
    """Compare both sides on every text; a table at the end where there are several."""
    from transformers.utils import logging

    logging.disable_progress_bar()  # of every model that is loaded
    texts, answers = texts_of(arguments), {}
    for name, files in texts.items():
        say(f"{name}: {arguments.seconds or SECONDS:g} s a side, from its start", arguments)
        with TemporaryDirectory() as folder:
            answers[name] = compared(arguments, files, Path(folder), say)
    if len(answers) > 1:
        for line in table(answers):
            say(line, arguments)
    return {"seconds": arguments.seconds or SECONDS, "texts": answers}


def texts_of(arguments: Namespace) -> dict[str, list[str]]:
    """Name -> files: the given ones are one text, each sample or file after `--text` another."""
    texts = {Path(arguments.files[0]).name: arguments.files} if arguments.files else {}
    for name in arguments.text or ([] if texts else ["harbour"]):
        texts[name] = [str(load_sample(name).path if name in SAMPLES else name)]
    return {name: [str(file) for file in files] for name, files in texts.items()}


def compared(arguments: Namespace, files: list[str], folder: Path, say: Say) -> dict[str, Any]:
    """Train both sides on one text, then ask what only their models and texts can tell."""
    from kantai.workspace import Run

    answers: dict[str, Any] = {}
    for label, preset, recipe in SIDES:
        answers[label] = _result_of(_command(arguments, files, folder / label, preset, recipe))
        say(_line(label, answers[label]), arguments)
    runs = {label: Run(folder / label) for label, *_ in SIDES}
    answers["same_words"] = same_words(runs, arguments.device)
    answers["usual_masks"] = usual_masks(runs["playground"], arguments.device)
    answers["seconds_to_pass"] = seconds_to_pass(runs["playground"])
    _tell(answers, say, arguments)
    return answers | {"ratios": _ratios(answers)}


def same_words(runs: dict[str, Run], device: str | None) -> dict[str, dict[str, float]]:
    """The same hidden words, asked of every Run's model and of the n-gram of the last one's text.

    Raises RuntimeError where the Runs do not hold out the same text.
    """
    from kantai.baselines import NGram
    from kantai.bench.same_words import Side, recover, same_questions
    from kantai.evaluation import counting_guesser
    from kantai.packing import pack

    held_out = [run.texts("validation") for run in runs.values()]
    if any(texts != held_out[0] for texts in held_out):
        raise RuntimeError("the sides do not hold out the same text")
    sides = [Side(run.tokenizer(), run.settings.recipe.block_size) for run in runs.values()]
    questions = same_questions(held_out[0], sides)
    answers = {
        label: asdict(recover(_guesser(run, device), rows))
        for (label, run), rows in zip(runs.items(), questions, strict=True)
    }
    (*_, last), (*_, side) = runs.values(), sides
    ngram = NGram(pack(side.tokenizer, last.texts("train")), side.tokenizer.learned)
    return answers | {"ngram": asdict(recover(counting_guesser(ngram), questions[-1]))}


def _guesser(run: Run, device: str | None) -> Guesser:
    from kantai.evaluation import model_guesser

    return model_guesser(_model(run, device))


def _model(run: Run, device: str | None) -> Any:
    from transformers import AutoModelForMaskedLM

    from kantai.devices import find_device

    model = AutoModelForMaskedLM.from_pretrained(run.model_folder, local_files_only=True)
    return model.to(find_device(device).kind).eval()


def usual_masks(run: Run, device: str | None = None) -> dict[str, float]:
    """Marks of a Run's model where 15 % are chosen and 80/10/10 replaced, as others measure.

    A tenth of the asked tokens then stand there for all to see: some points more for everyone.
    """
    import torch

    from kantai.evaluation import MASK_SEED, Exam, evaluate, set_exam
    from kantai.masking import Masking, mask_rows
    from kantai.packing import pack_words
    from kantai.stages import EXAM_TOKENS
    from kantai.tokenizer import MASK, SPECIAL_TOKENS

    tokenizer, block = run.tokenizer(), run.settings.recipe.block_size
    packed = pack_words(tokenizer, run.texts("validation"))
    exam = set_exam(packed, block, tokenizer.learned, most_rows=EXAM_TOKENS // block)
    masked = mask_rows(
        exam.rows, Masking(0.15), mask_id=MASK, vocab_size=tokenizer.learned,
        special_tokens=len(SPECIAL_TOKENS), generator=torch.Generator().manual_seed(MASK_SEED),
    )  # fmt: skip
    exam = Exam(exam.rows, exam.words, masked)
    return asdict(evaluate(_model(run, device), exam, tokenizer.token_bytes()))


def seconds_to_pass(run: Run) -> dict[str, float | None]:
    """Seconds of training until a Run's validation loss was below each baseline's."""
    from kantai.events import Started, Validated

    events = run.events()
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
    command += ["--total-seconds", str(arguments.seconds or SECONDS), "--recipe", recipe]
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


def _tell(answers: dict[str, Any], say: Say, arguments: Namespace) -> None:
    """What stands beside the two sides' own figures."""
    for name, score in answers["playground"]["baselines"].items():
        passed = answers["seconds_to_pass"][name]
        told = "never passed" if passed is None else f"passed after {passed:.1f} s of training"
        words = f"loss {score['loss']:.2f}, top-1 {score['top1']:.1%}, top-5 {score['top5']:.1%}"
        say(f"{name:>12}: {words}; {told} by the playground", arguments)
    for name, score in answers["same_words"].items():
        say(
            f"{name:>12}: of the same {score['words']:,} hidden words {score['top1']:.1%}, "
            f"among five guesses {score['top5']:.1%}",
            arguments,
        )
    usual = answers["usual_masks"]
    say(
        f"playground, masked 80/10/10: loss {usual['loss']:.2f}, top-1 {usual['top1']:.1%}",
        arguments,
    )


def table(answers: dict[str, Any]) -> list[str]:
    """A line for each text: whole words recovered, nats a byte, and the seconds that it took."""
    labels = [label for label, *_ in SIDES]
    lines = [f"{'text':>20}: " + ", ".join((*labels, "ngram")) + " (words; nats/byte; seconds)"]
    for name, answer in answers.items():
        words = ", ".join(f"{answer['same_words'][who]['top1']:.1%}" for who in (*labels, "ngram"))
        nats = ", ".join(f"{answer[who]['nats_per_byte']:.3f}" for who in labels)
        seconds = ", ".join(f"{answer[who]['seconds_total']:.0f}" for who in labels)
        lines.append(f"{name[-20:]:>20}: {words}; {nats}; {seconds}")
    return lines


def _ratios(answers: dict[str, Any]) -> dict[str, float]:
    """Ours to the notebook's; of the words those that were the same for both."""
    ours, theirs = answers["playground"], answers["notebook"]
    pairs = {name: (ours[name], theirs[name]) for name in ("tokens_per_second", "nats_per_byte")}
    words = answers["same_words"]
    pairs["same_words_top1"] = (words["playground"]["top1"], words["notebook"]["top1"])
    return {name: own / other if other else float("inf") for name, (own, other) in pairs.items()}
