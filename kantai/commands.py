"""One function a command: arguments in, the JSON answer out, words for people on the way.

Heavy libraries are imported by the commands that need them, so that `--help` and mistakes
answer at once.
"""

from __future__ import annotations

import math
import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kantai.errors import UserError
from kantai.progress import Bars

if TYPE_CHECKING:
    from kantai.corpus import Corpus, LineByLine
    from kantai.readers import Document
    from kantai.recipes import Budget
    from kantai.workspace import Run, Settings

NOTEBOOK_VOCAB = 52_000
USUAL_VOCAB = 8_000  # of a table whose text is not known
LINES_SAMPLED = 200_000  # of a large text, enough to say what the notebook would have lost
LINES_KEPT = 20_000  # of these, while a Run's own vocabulary is learned


def say(words: str, arguments: Namespace) -> None:
    """A line for people, not mixed into what `--json` prints for programs."""
    print(words, file=sys.stderr if arguments.json else sys.stdout, flush=True)


def read_corpus(arguments: Namespace, bars: Bars) -> tuple[list[Document], Corpus]:
    """Read and clean the files of a command."""
    from kantai.corpus import build_corpus
    from kantai.readers import read_files

    bars("doing_read", 0.0)
    documents = read_files(arguments.files, column=arguments.column)
    corpus = build_corpus(
        documents,
        rules=chosen_rules(arguments),
        progress=lambda share, name: bars("doing_clean", share),
    )
    return documents, corpus


def chosen_rules(arguments: Namespace) -> list[str]:
    """All rules but those that are not wanted. Raises UserError for one that is not there."""
    from kantai.cleaning import CLEANING_RULES, choose_rules

    unwanted = arguments.without_rule or []
    choose_rules(unwanted)
    return [name for name in CLEANING_RULES if name not in unwanted]


# --- inspect ----------------------------------------------------------------------------------


def inspect(arguments: Namespace) -> dict[str, Any]:
    """The corpus report, the split's overlap, and what the notebook's reading would lose."""
    from kantai.corpus import split_corpus

    with Bars() as bars:
        documents, corpus = read_corpus(arguments, bars)
        split = split_corpus(corpus.paragraphs)
        lines = notebook_reading(documents, bars)
    report = replace(corpus.report, validation_overlap=split.overlap, line_by_line=lines)
    _tell_report(report.to_json(), arguments)
    return report.to_json()


def notebook_reading(documents: list[Document], bars: Bars) -> LineByLine:
    """What one line an example, cut at 128, makes of the text as it came."""
    from kantai.corpus import line_by_line
    from kantai.tokenizer import TokenizerSettings, train_tokenizer

    def lines() -> Iterator[str]:
        return islice(lines_of(documents), LINES_SAMPLED)

    tokenizer = train_tokenizer(
        lines(),
        TokenizerSettings(NOTEBOOK_VOCAB),
        progress=lambda share: bars("doing_tokenizer", share),
    )
    return line_by_line(lines(), lambda rows: [len(ids) for ids in tokenizer.encode(rows)])


def lines_of(documents: Iterable[Document]) -> Iterator[str]:
    """The lines of files as they came."""
    return (line for document in documents for line in document.text.splitlines())


def _tell_report(report: dict[str, Any], arguments: Namespace) -> None:
    for file in report["files"]:
        wrong = f", {file['invalid_bytes']:,} invalid bytes" if file["invalid_bytes"] else ""
        say(f"{file['name']}: {file['bytes']:,} bytes, {file['encoding']}{wrong}", arguments)
    for rule in report["rules"]:
        if rule["changed"]:
            say(
                f"  {rule['name']}: {rule['changed']:,} places, "
                f"{rule['removed_characters']:,} characters removed",
                arguments,
            )
            for example in rule["examples"]:
                say(f"      {_short(example['before'])}", arguments)
                say(f"   -> {_short(example['after'])}", arguments)
    say(
        f"{report['paragraphs']:,} paragraphs, {report['words']:,} words, "
        f"{report['characters']:,} characters; {report['duplicate_paragraphs']:,} duplicates "
        f"left out; {report['validation_overlap']:.1%} of the held-out 8-grams occur in training",
        arguments,
    )
    lines = report["line_by_line"]
    say(
        f"A line an example, cut at 128 tokens: {lines['examples']:,} examples, "
        f"{lines['tokens_lost_fraction']:.1%} of the tokens lost, "
        f"{lines['padding_fraction']:.1%} of each batch padding",
        arguments,
    )


def _short(example: str, most: int = 100) -> str:
    shown = repr(example)[1:-1]
    return shown if len(shown) <= most else shown[: most - 1] + "…"


# --- train ------------------------------------------------------------------------------------


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


def check_resume(begun: Settings, arguments: Namespace) -> None:
    """A resumed Run keeps its settings. Raises UserError where other ones are asked for."""
    asked = {
        "FILE": (_names(begun.files), _names(arguments.files) if begun.files else None),
        "--preset": (begun.preset_name, arguments.preset),
        "--recipe": (begun.recipe.name, arguments.recipe),
        "--vocab-size": (begun.vocab_size or "auto", arguments.vocab_size),
        "--precision": (begun.precision, arguments.precision),
        "--seed": (begun.seed, arguments.seed),
    }
    for name, (there, wanted) in asked.items():
        if wanted is not None and wanted != there:
            raise UserError("resume_differs", folder=arguments.out, name=name, there=there)


def _names(files: Iterable[str | Path]) -> str:
    return ", ".join(Path(file).name for file in files)


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
    from kantai.corpus import line_by_line

    tokenizer = stages.learn_tokenizer(run, bars)
    if lines:
        lost = line_by_line(lines, lambda rows: [len(ids) for ids in tokenizer.encode(rows)])
        run.write_report(run.report | {"line_by_line": asdict(lost)})


def settings_of(arguments: Namespace) -> Settings:
    """The settings that the arguments of `train` and `demo` ask for; checked here, at once."""
    from kantai.architectures import DEFAULT_PRESET, find_preset, with_rows
    from kantai.devices import check_precision, find_device
    from kantai.recipes import find_recipe, recipe_for
    from kantai.tokenizer import TokenizerSettings
    from kantai.workspace import Settings

    recipe_name = arguments.recipe or "playground"
    precision = arguments.precision or "auto"
    find_recipe(recipe_name)
    name = arguments.preset or DEFAULT_PRESET["cpu"]
    find_preset(name)
    budget = asked_budget(arguments)
    if arguments.vocab_size is not None:
        TokenizerSettings(arguments.vocab_size)
    device = find_device(arguments.device)
    check_precision(device, precision)
    name = arguments.preset or DEFAULT_PRESET[device.kind]
    preset = with_rows(find_preset(name), arguments.vocab_size)
    recipe = recipe_for(recipe_name, device.kind)
    preset.check_block(recipe.block_size)
    return Settings(
        preset_name=name,
        preset=preset,
        recipe=recipe,
        budget=budget or recipe.budget,
        vocab_size=arguments.vocab_size or preset.vocab_size,
        precision=precision,
        seed=arguments.seed or 0,
        files=tuple(str(file) for file in arguments.files),
    )


def asked_budget(arguments: Namespace) -> Budget | None:
    """The budget that the options ask for, if any. Raises UserError for more than one."""
    from kantai.recipes import Budget

    seconds, total = arguments.seconds, getattr(arguments, "total_seconds", None)
    if seconds is not None and total is not None:
        raise UserError("one_budget")
    asked = (total if seconds is None else seconds, arguments.max_steps, arguments.epochs)
    return Budget(*asked) if any(value is not None for value in asked) else None


def _pretrain(run: Run, arguments: Namespace, bars: Bars) -> dict[str, Any]:
    from kantai import stages
    from kantai.devices import find_device

    device, total = find_device(arguments.device), getattr(arguments, "total_seconds", None)
    events = stages.pretrain_run(
        run, device, bars, stop=bars.interrupted, save_every=arguments.save_every,
        left=(lambda: arguments.started + total - time.monotonic()) if total else None,
    )  # fmt: skip
    for event in events:
        bars.show(event)
    result = run.result | {"seconds_total": round(time.monotonic() - arguments.started, 2)}
    run.write_result(result)
    return result


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


# --- parameters, fill-mask, evaluate ------------------------------------------------------------


def parameters(arguments: Namespace) -> dict[str, Any]:
    """The parameter table of a preset, from a model without memory."""
    from kantai.architectures import (
        DEFAULT_PRESET,
        build_model,
        find_preset,
        parameter_table,
        with_rows,
    )
    from kantai.tokenizer import TokenizerSettings

    asked = arguments.vocab_size
    preset = with_rows(find_preset(arguments.preset or DEFAULT_PRESET["cpu"]), asked)
    asked = preset.vocab_size or (USUAL_VOCAB if asked is None else asked)
    TokenizerSettings(asked)
    model = build_model(preset, asked, device="meta")
    table = parameter_table(model)
    for row in table:
        shape = " × ".join(map(str, row.shape))
        tied = f"  = {row.tied_to}" if row.tied_to else ""
        say(f"{row.number:4d}  {row.name:<60} {shape:>16} {row.parameters:>12,}{tied}", arguments)
    total = sum(row.parameters for row in table)
    say(f"{total:,} parameters in {len(table)} tensors", arguments)
    answer = {
        "total": total,
        "trainable": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "tensors": [{k: v for k, v in asdict(row).items() if k != "number"} for row in table],
    }
    return answer | ({"config": model.config.to_dict()} if arguments.config else {})


def fill_mask(arguments: Namespace) -> dict[str, Any]:
    """Guesses for each mask of a sentence."""
    from kantai.fill_mask import FillMask, check_question
    from kantai.workspace import model_folder

    check_question(arguments.sentence, arguments.top_k)
    filler = FillMask.load(model_folder(arguments.run))
    answers = filler.fill(arguments.sentence, arguments.top_k)
    for candidates in answers:
        for candidate in candidates:
            say(
                f"{candidate.probability:7.1%}  {candidate.text:<20} {candidate.sequence}",
                arguments,
            )
        say("", arguments)
    return {"masks": [[asdict(candidate) for candidate in answer] for answer in answers]}


def evaluate(arguments: Namespace) -> dict[str, Any]:
    """Examine a model on files it was not trained on; a Run brings its own baselines."""
    from kantai.workspace import model_folder

    if not (model_folder(arguments.run) / "config.json").is_file():
        raise UserError("no_model", folder=arguments.run)
    with Bars() as bars:
        _, corpus = read_corpus(arguments, bars)

        from kantai import stages

        bars("doing_evaluate", 0.0)
        answer = stages.evaluate_folder(arguments.run, corpus.paragraphs, arguments.device)
    a_byte = answer["nats_per_byte"]
    bytes_told = "" if math.isnan(a_byte) else f"{a_byte:.3f} nats a byte, "
    say(
        f"loss {answer['loss']:.2f}, top-1 {answer['top1']:.1%}, top-5 {answer['top5']:.1%}, "
        f"{bytes_told}"
        f"whole words {answer['word_recovery_top1']:.1%}",
        arguments,
    )
    for name, score in (answer["baselines"] or {}).items():
        say(f"{name:>18}: loss {score['loss']:.2f}, top-1 {score['top1']:.1%}", arguments)
    return answer


# --- demo, export, fetch, bench -----------------------------------------------------------------


def demo(arguments: Namespace) -> dict[str, Any]:
    """The whole way on a sample text, then its probe sentences."""
    from kantai.samples import load_sample

    sample = load_sample(arguments.sample)
    arguments.files, arguments.vocab_size = [sample.path], sample.vocab_size
    arguments.out = arguments.out or Path("runs") / time.strftime("demo-%Y%m%d-%H%M%S")
    arguments.total_seconds = DEMO_SECONDS if arguments.seconds is None else None
    for name, value in DEMO_SETTINGS.items():
        setattr(arguments, name, value)
    result = train(arguments)
    probes = probe_answers(arguments.out, sample.probes)
    for probe in probes:
        guesses = ", ".join(probe["guesses"])
        say(
            f"{probe['sentence']}\n    {probe['answer']}: rank {probe['rank']}  ({guesses})",
            arguments,
        )
    seconds = round(time.monotonic() - arguments.started, 2)
    right = sum(probe["rank"] <= 3 for probe in probes)
    say(f"{right} of {len(probes)} among the first three, {seconds:.0f} s in all", arguments)
    return result | {"seconds_total": seconds, "probes": probes}


DEMO_SECONDS = 55.0  # to the examined and saved model; the probe sentences take one more
DEMO_SETTINGS: dict[str, Any] = {
    "recipe": None,
    "max_steps": None,
    "epochs": None,
    "precision": None,
    "resume": False,
    "save_every": 20.0,
    "column": None,
    "without_rule": None,
}


def probe_answers(folder: Path, probes: Any) -> list[dict[str, Any]]:
    """Each probe sentence with the rank of its known answer among the model's guesses."""
    from kantai.fill_mask import FillMask
    from kantai.workspace import model_folder

    filler = FillMask.load(model_folder(folder))
    answers = []
    for probe in probes:
        candidates = filler.fill(probe.sentence, top_k=100)[0]
        texts = [candidate.text for candidate in candidates]
        rank = texts.index(probe.answer) + 1 if probe.answer in texts else len(texts) + 1
        answers.append(
            {
                "sentence": probe.sentence,
                "answer": probe.answer,
                "rank": rank,
                "guesses": texts[:3],
            }
        )
    return answers


def export(arguments: Namespace) -> dict[str, Any]:
    """A Run as a zip, a notebook, a script, or a repository on the Hub."""
    from kantai.export import EXPORTS
    from kantai.workspace import Run

    if arguments.out and arguments.out.is_dir():
        raise UserError("out_is_folder", path=arguments.out)
    where = EXPORTS[arguments.to](Run.open(arguments.run), arguments.out, arguments.repo)
    say(str(where), arguments)
    return {"to": arguments.to, "where": str(where)}


def fetch(arguments: Namespace) -> dict[str, Any]:
    """A public book, kept in a folder."""
    from kantai.books import fetch_book

    with Bars() as bars:
        path = fetch_book(
            arguments.book, arguments.to, progress=lambda share: bars("doing_fetch", share)
        )
    say(str(path), arguments)
    return {"book": arguments.book, "path": str(path)}


def bench(arguments: Namespace) -> dict[str, Any]:
    """One question, answered by ratios in one run."""
    from importlib import import_module

    return import_module(f"kantai.bench.{arguments.question}").run(arguments, say)
