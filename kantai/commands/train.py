"""From files to a model: `train`, the whole way, and `--resume`."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kantai.commands.asked import asked_budget, check_resume, settings_of
from kantai.commands.common import chosen_rules, say
from kantai.progress import Bars

if TYPE_CHECKING:
    from kantai.devices import Device
    from kantai.readers import Document
    from kantai.workspace import Run

LINES_KEPT = 20_000  # as they came, for what the notebook's way would have lost of them


def train(arguments: Namespace) -> dict[str, Any]:
    """From files to a model; `--resume` goes on with a Run that is there."""
    from kantai.architectures import ARCHITECTURES
    from kantai.libraries import preload

    libraries = preload(architecture.model_class for architecture in ARCHITECTURES.values())

    with Bars() as bars:
        resumed = arguments.resume and (arguments.out / "run.json").exists()
        run, lines = (_old_run if resumed else _new_run)(arguments, bars)
        with at_work(run):
            _go_on(run, arguments)
            _learn_tokenizer(run, lines, bars)
            libraries.join()
            result = _pretrain(run, arguments, bars)
    _tell_result(result, arguments)
    return result


def _new_run(arguments: Namespace, bars: Bars) -> tuple[Run, list[str]]:
    """A Run with its text, and lines as they came; no Run where the text cannot be read."""
    from kantai.workspace import Run

    settings = settings_of(arguments)
    run = Run(arguments.out)
    run.make_room()
    lines = _keep_text(run, arguments, bars, settings.seed)
    return Run.create(arguments.out, settings), lines


def _old_run(arguments: Namespace, bars: Bars) -> tuple[Run, list[str]]:
    """A Run that goes on; its text is read where an earlier start left none."""
    from kantai.workspace import Run

    run = Run.open(arguments.out)
    check_resume(run.settings, arguments)
    lines = [] if run.has_text else _keep_text(run, arguments, bars, run.settings.seed)
    return run, lines


def _keep_text(run: Run, arguments: Namespace, bars: Bars, seed: int) -> list[str]:
    """Read, clean and keep the files, one part after another; the first lines as they came."""
    from kantai.keeping import keep_documents
    from kantai.lines import lines_of
    from kantai.readers import stream_files

    rules, lines = chosen_rules(arguments), []

    def passing(documents: Iterable[Document]) -> Iterator[Document]:
        for document in documents:
            lines.extend(islice(lines_of([document]), LINES_KEPT - len(lines)))
            yield document

    bars("doing_read", 0.0)
    documents = passing(stream_files(arguments.files, column=arguments.column))
    size = sum(file.stat().st_size for file in map(Path, arguments.files) if file.is_file())
    keep_documents(run, documents, rules, bars, seed=seed, size=size)
    return lines


@contextmanager
def at_work(run: Run) -> Iterator[None]:
    """Say in the Run that this process trains it. Raises UserError where another one does."""
    from kantai.worker import Desk

    Desk(run)
    try:
        yield
    finally:
        run.clear_worker()


def _go_on(run: Run, arguments: Namespace) -> None:
    """No stop of before counts; a resumed Run may be given another budget."""
    run.clear_stop()
    budget = asked_budget(arguments)
    if budget:
        run.write_settings(replace(run.settings, budget=budget))


def _learn_tokenizer(run: Run, lines: list[str], bars: Bars) -> None:
    """The vocabulary, and what it says of the notebook's reading of the lines."""
    if run.has_tokenizer:
        return

    from kantai import stages
    from kantai.lines import line_by_line

    tokenizer = stages.learn_tokenizer(run, bars)
    if lines:
        lost = line_by_line(lines, lambda rows: [len(ids) for ids in tokenizer.encode(rows)])
        run.write_report(run.report | {"line_by_line": asdict(lost)})


def _pretrain(run: Run, arguments: Namespace, bars: Bars) -> dict[str, Any]:
    from kantai import stages
    from kantai.devices import find_device

    device, total = find_device(arguments.device), getattr(arguments, "total_seconds", None)
    _check_memory(run, device)
    events = stages.pretrain_run(
        run, device, bars, stop=bars.interrupted, save_every=arguments.save_every,
        left=(lambda: arguments.started + total - time.monotonic()) if total else None,
    )  # fmt: skip
    for event in events:
        bars.show(event)
    result = run.result | {"seconds_total": round(time.monotonic() - arguments.started, 2)}
    run.write_result(result)
    return result


def _check_memory(run: Run, device: Device) -> None:
    """Raise UserError, as the page does, for a model that the device does not hold."""
    from kantai.needs import check_memory, memory_of, parameters_of

    settings, vocab = run.settings, run.tokenizer().learned
    parameters = parameters_of(settings.preset, vocab)
    check_memory(memory_of(settings.preset, vocab, settings.recipe, parameters), device)


def _tell_result(result: dict[str, Any], arguments: Namespace) -> None:
    say(
        f"{result['parameters']:,} parameters on {result['device']} ({result['precision']}): "
        f"{result['steps']:,} steps, {result['epochs']:.1f} epochs in "
        f"{result['seconds_training']:.0f} s, {result['tokens_per_second']:,} tokens/s"
        + (f", MFU {result['mfu']:.1%}" if result["mfu"] else ""),
        arguments,
    )
    say(f"{'':>18}{'loss':>8}{'top-1':>9}{'top-5':>9}", arguments)
    for name, score in result["baselines"].items():
        say(f"{name:>18}{score['loss']:8.2f}{score['top1']:9.1%}{score['top5']:9.1%}", arguments)
    say(
        f"{'this model':>18}{result['validation_loss']:8.2f}{result['top1']:9.1%}"
        f"{result['top5']:9.1%}   whole words: {result['word_recovery_top1']:.1%}",
        arguments,
    )
    say(f"{result['run']} ({result['seconds_total']:.0f} s in all)", arguments)
