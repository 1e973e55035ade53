"""The way from files to a trained model, one function a stage, each over a Run.

    keep_text -> learn_tokenizer -> prepare -> pretrain_run

The command line, the worker and the page all walk this way; each stage reads what the one
before left in the Run, so that any of them can be done again or go on after a pause.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kantai.architectures import Work, build_model, longest_row, work_per_token
from kantai.baselines import BaselineScore, score_baselines
from kantai.deadline import seconds_to_train
from kantai.devices import Device, check_precision, find_device
from kantai.errors import UserError
from kantai.evaluation import Exam, Marks, WordRecovery, evaluate, set_exam, word_recovery
from kantai.events import Event, Finished, Noticed, Started, Validated
from kantai.files import sweep
from kantai.folders import load_for_exam
from kantai.keeping import REUSED, Tell, silent
from kantai.libraries import meanwhile
from kantai.packing import Packed, line_rows, pack_words, spread
from kantai.pretraining import Pretraining
from kantai.rows import LineExamples, PackedText
from kantai.settings import Settings
from kantai.shelf import Hold, key_of
from kantai.tokenizer import (
    SPECIAL_TOKENS,
    ByteLevelBPE,
    Cancelled,
    TokenizerSettings,
    suggest_vocab_size,
    train_tokenizer,
)
from kantai.watching import Watch
from kantai.workspace import Run, model_folder

LEARNED_FROM = 200_000_000  # characters that a vocabulary is learned from, at most
COUNTED = 20_000_000  # tokens that the baselines count, at most
LEAST_TOKENS = 256  # fewer than that cannot be learned from
COMPILE_FROM = 240.0  # seconds of budget on a GPU: a compilation takes up to 20
USUAL_BLOCK = 64  # in which a model is examined that brings no recipe
EXAM_TOKENS = 60_000  # of the final examination, at most
LOOK_TOKENS = {"cpu": 8_192, "mps": 16_384, "cuda": 32_768}  # of the looks in between


def learn_tokenizer(
    run: Run,
    tell: Tell = silent,
    cancelled: Callable[[], bool] = lambda: False,
    hold: Hold = nullcontext,
) -> ByteLevelBPE:
    """Learn the vocabulary from the training part alone, and keep it in the Run.

    Of a large text an evenly spread part is enough. Once for all who learn the same from the
    same text. The Run gets it inside of `hold()`, which may refuse. Raises Cancelled.
    """
    texts, settings = run.texts("train"), run.settings
    asked = settings.vocab_size or suggest_vocab_size(texts.characters)
    wanted = TokenizerSettings(asked, settings.min_frequency)

    def make(folder: Path) -> None:
        learned = train_tokenizer(
            texts.every(-(-texts.characters // LEARNED_FROM)),
            wanted,
            progress=lambda share: tell("doing_tokenizer", share),
            cancelled=cancelled,
        )
        learned.save(folder)

    def waiting() -> None:
        tell("doing_tokenizer", 0.0)
        if cancelled():
            raise Cancelled

    def key() -> str:
        return key_of("tokenizer", REUSED, str(wanted), texts.digest())

    run.fill("tokenizer", key, make, waiting, hold)
    return run.tokenizer()


@dataclass(frozen=True)
class Material:
    """All that a training works on; the baselines answer the same exam as the model.

    They count and answer while the model is made ready: who asks for them may have to wait.
    """

    tokenizer: ByteLevelBPE
    stream: np.ndarray  # [tokens] training ids, mapped from the disk
    packed: Packed  # held-out ids and words
    exam: Exam  # the final examination
    answered: Future[dict[str, BaselineScore]]

    @property
    def baselines(self) -> dict[str, BaselineScore]:
        return self.answered.result()


def prepare(
    run: Run, tell: Tell = silent, told: dict[str, dict[str, float]] | None = None
) -> Material:
    """Pack both parts of the text and let the baselines answer the exam, unless they `told`."""
    settings, tokenizer = run.settings, run.tokenizer()
    settings.preset.check_block(settings.recipe.block_size)
    stream = run.stream(tokenizer, lambda share: tell("doing_pack", share))
    packed = pack_words(tokenizer, run.texts("validation"))
    if len(stream) < LEAST_TOKENS:
        raise UserError("text_too_short_to_train", tokens=len(stream), least=LEAST_TOKENS)
    block = settings.recipe.block_size
    exam = set_exam(packed, block, tokenizer.learned, most_rows=EXAM_TOKENS // block)
    tell("doing_baselines", 0.0)
    if told is None:
        answered = meanwhile(partial(baselines_of, tokenizer, stream, exam))
    else:
        answered = Future()
        answered.set_result({name: BaselineScore(**score) for name, score in told.items()})
    return Material(tokenizer, stream, packed, exam, answered)


def told_baselines(material: Material) -> dict[str, dict[str, float]]:
    """What the baselines answered, as plain values."""
    return {name: asdict(score) for name, score in material.baselines.items()}


def baselines_of(
    tokenizer: ByteLevelBPE, stream: np.ndarray, exam: Exam
) -> dict[str, BaselineScore]:
    """What counting alone answers to the exam; of a long stream, counting an even part of it."""
    return score_baselines(
        spread(stream, COUNTED),
        exam.rows.numpy(),
        exam.masked.hidden().numpy(),
        tokenizer.learned,
        special_ids=range(len(SPECIAL_TOKENS)),
    )


def new_pretraining(
    run: Run, material: Material, device: Device, clock: Callable[[], float] = time.perf_counter
) -> Pretraining:
    """The Run's model and training on `device`, at its last checkpoint if there is one."""
    settings, tokenizer = run.settings, material.tokenizer
    recipe, seed = settings.recipe, settings.seed
    precision = settings.precision if settings.precision != "auto" else recipe.precision
    check_precision(device, precision)
    model = build_model(settings.preset, tokenizer.learned, seed=seed, device=device.kind)
    if recipe.examples == "lines":
        lines = line_rows(tokenizer, run.texts("train"), recipe.block_size)
        text: PackedText | LineExamples = LineExamples(lines, recipe.batch_size, seed)
    else:
        text = PackedText(material.stream, recipe.block_size, recipe.batch_size, seed)
    looks = set_exam(
        material.packed,
        recipe.block_size,
        tokenizer.learned,
        most_rows=LOOK_TOKENS[device.kind] // recipe.block_size,
    )
    training = Pretraining(
        model, text, looks, tokenizer.token_bytes(), recipe, settings.budget,
        precision=precision, seed=seed, clock=clock, compiled=worth_compiling(run, device),
    )  # fmt: skip
    training.watch = Watch(tokenizer, run.texts("validation"))
    checkpoint = run.load_checkpoint(device.kind)
    if checkpoint is not None:
        training.restore(checkpoint)
    return training


def worth_compiling(run: Run, device: Device) -> bool:
    """Whether the seconds that compiling costs come back within the budget.

    ZeroGPU, where nothing can be compiled, allows no budget that long.
    """
    return device.kind == "cuda" and (run.settings.budget.seconds or 0.0) >= COMPILE_FROM


def pretrain_run(
    run: Run,
    device: Device,
    tell: Tell = silent,
    *,
    stop: Callable[[], bool] = lambda: False,
    pause: Callable[[], bool] = lambda: False,
    save_every: float = 20.0,
    left: Callable[[], float] | None = None,
    baselines: dict[str, dict[str, float]] | None = None,
) -> Iterator[Event]:
    """Train the Run to the end of its budget, examine the model and save it.

    `left()` seconds remain for all of that, where it is given; the budget then follows from it.
    `baselines`: of `told_baselines`, where these have answered already.

    Every event is in the Run's log before it is yielded; after the last one, a Finished, the
    Run has `model/` and `result.json`. Where `pause()` is true it ends with a checkpoint alone.
    """
    sweep(run.folder)
    material = prepare(run, tell, baselines)
    tell("doing_train", 0.0)
    training = new_pretraining(run, material, device)
    token_bytes = material.tokenizer.token_bytes()
    if left is not None:
        size = sum(w.nbytes for w in training.weights)
        trial = partial(examine, training.model, token_bytes=token_bytes)
        training.allow(seconds_to_train(left, trial, material.exam, size))
    last: Finished | None = None
    for event in _logged(run, _training_events(run, training, material, stop, pause, save_every)):
        last = event if isinstance(event, Finished) else last
        yield event
    if last is None:
        return
    tell("doing_evaluate", 0.0)
    marks, words = examine(training.model, material.exam, token_bytes)
    tell("doing_save", 0.0)
    silence_special_tokens(training.model)
    run.write_model(training.model, material.tokenizer)
    run.write_result(result_of(run, training, material, device, last, marks, words))


def _training_events(
    run: Run,
    training: Pretraining,
    material: Material,
    stop: Callable[[], bool],
    pause: Callable[[], bool],
    every: float,
) -> Iterator[Event]:
    yield Started(
        step=training.progress.step,
        device=training.device.type,
        precision=training.precision,
        parameters=sum(w.numel() for w in training.weights),
        tokens_train=len(material.stream),
        tokens_validation=len(material.packed.ids),
        steps_per_epoch=training.text.steps_per_epoch,
        baselines=told_baselines(material),
        watched=training.watch.sentences,
    )
    if training.progress.step == 0:
        yield from _shortened(run, material)
    yield from training.run(
        stop=lambda: stop() or run.stop_asked(),
        pause=pause,
        save=run.save_checkpoint,
        save_every=every,
    )


def _shortened(run: Run, material: Material) -> Iterator[Noticed]:
    """What was learned from a part of a large text, and not from all of it."""
    if run.report.get("characters", 0) > LEARNED_FROM:
        yield Noticed(0, "tokenizer_of_part", {"characters": LEARNED_FROM})
    if len(material.stream) > COUNTED:
        yield Noticed(0, "baselines_of_part", {"tokens": COUNTED, "all": len(material.stream)})


def _logged(run: Run, events: Iterator[Event]) -> Iterator[Event]:
    for event in events:
        run.append(event)
        yield event


def examine(model: Any, exam: Exam, token_bytes: np.ndarray) -> tuple[Marks, WordRecovery]:
    """The final examination: hidden tokens, then hidden whole words."""
    return evaluate(model, exam, token_bytes), word_recovery(model, exam)


def silence_special_tokens(model: Any) -> None:
    """Give special tokens no chance as an answer, in transformers' own pipeline too.

    They are never asked for in training, so their bias in the output layer says nothing; a
    very low one rules them out for good.
    """
    import torch

    with torch.no_grad():
        model.get_output_embeddings().bias[: len(SPECIAL_TOKENS)] = -1e4


def result_of(
    run: Run,
    training: Pretraining,
    material: Material,
    device: Device,
    finished: Finished,
    marks: Marks,
    words: WordRecovery,
) -> dict[str, Any]:
    """The figures of a training, by the names of the command line's contract."""
    settings, p, tokenizer = run.settings, training.progress, material.tokenizer
    speed = p.tokens / max(p.step_seconds, 1e-9)
    work = training_work(settings, training)
    best = next((e for e in reversed(run.events()) if isinstance(e, Validated) and e.best), None)
    return {
        "run": str(run.folder),
        "preset": settings.preset_name,
        "recipe": settings.recipe.name,
        "architecture": settings.preset.architecture,
        "device": device.name,
        "precision": training.precision,
        "parameters": sum(w.numel() for w in training.weights),
        "vocab_size": training.model.config.vocab_size,
        "vocab_asked": tokenizer.asked,
        "vocab_learned": tokenizer.learned,
        "tokens_train": len(material.stream),
        "tokens_validation": len(material.packed.ids),
        "steps": p.step,
        "best_step": best.step if best else 0,
        "epochs": round(p.step / training.text.steps_per_epoch, 3),
        "seconds_total": None,
        "seconds_training": round(p.seconds, 2),
        "tokens_per_second": round(speed),
        "mfu": round(work.total * speed / device.peak_flops, 4) if device.peak_flops else None,
        "train_loss": p.loss,
        "validation_loss": marks.loss,
        "nats_per_byte": marks.nats_per_byte,
        "top1": marks.top1,
        "top5": marks.top5,
        "word_recovery_top1": words.top1,
        "word_recovery_top5": words.top5,
        "baselines": told_baselines(material),
        "stopped": finished.stopped,
    }


def training_work(settings: Settings, training: Pretraining) -> Work:
    """FLOPs a token of this training, as it is really done."""
    recipe = settings.recipe
    tokens = None if recipe.all_logits else training.tokens
    return work_per_token(training.model.config, recipe.block_size, recipe.answered_share, tokens)


def evaluate_folder(folder: Path, paragraphs: list[str], asked: str | None) -> dict[str, Any]:
    """Examine a trained model on other text; a Run's training text gives the baselines.

    Raises UserError where the folder holds no model, or one that cannot be asked.
    """
    device, run = find_device(asked), Run(folder)
    model, tokenizer = load_for_exam(model_folder(folder))
    block = run.settings.recipe.block_size if run.has_text else USUAL_BLOCK
    block = min(block, longest_row(model))
    exam = set_exam(
        pack_words(tokenizer, paragraphs), block, tokenizer.learned, most_rows=EXAM_TOKENS // block
    )
    marks, words = examine(model.to(device.kind), exam, tokenizer.token_bytes())
    baselines = None
    if run.has_text:
        scores = baselines_of(tokenizer, run.stream(tokenizer), exam)
        baselines = {name: asdict(score) for name, score in scores.items()}
    return asdict(marks) | {
        "tokens": exam.rows.numel(),
        "word_recovery_top1": words.top1,
        "word_recovery_top5": words.top5,
        "baselines": baselines,
    }
