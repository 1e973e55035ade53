"""One function a command: arguments in, the JSON answer out, words for people on the way.

Heavy libraries are imported by the commands that need them, so that `--help` and mistakes
answer at once.
"""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Iterator
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
LINES_SAMPLED = 200_000  # of a large text, enough to say what the notebook would have lost


def say(words: str, arguments: Namespace) -> None:
    """A line for people, not mixed into what `--json` prints for programs."""
    print(words, file=sys.stderr if arguments.json else sys.stdout, flush=True)


def read_corpus(arguments: Namespace, bars: Bars) -> tuple[list[Document], Corpus]:
    """Read and clean the files of a command."""
    from kantai.cleaning import CLEANING_RULES, choose_rules
    from kantai.corpus import build_corpus
    from kantai.readers import read_files

    bars("doing_read", 0.0)
    documents = read_files(arguments.files, column=getattr(arguments, "column", None))
    unwanted = getattr(arguments, "without_rule", None) or []
    choose_rules(unwanted)  # a name that is not there is a mistake to be told
    rules = [name for name in CLEANING_RULES if name not in unwanted]
    corpus = build_corpus(
        documents, rules=rules, progress=lambda share, name: bars("doing_clean", share)
    )
    return documents, corpus


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
        every = (line for document in documents for line in document.text.splitlines())
        return islice(every, LINES_SAMPLED)

    tokenizer = train_tokenizer(
        lines(),
        TokenizerSettings(NOTEBOOK_VOCAB),
        progress=lambda share: bars("doing_tokenizer", share),
    )
    return line_by_line(lines(), lambda rows: [len(ids) for ids in tokenizer.encode(rows)])


def _tell_report(report: dict[str, Any], arguments: Namespace) -> None:
    for file in report["files"]:
        wrong = f", {file['invalid_bytes']:,} invalid bytes" if file["invalid_bytes"] else ""
        say(f"{file['name']}: {file['bytes']:,} bytes, {file['encoding']}{wrong}", arguments)
    for rule in report["rules"]:
        if rule["changed"]:
            say(
                f"  {rule['name']}: {rule['changed']:,} places, "
                f"{rule['removed_characters']:,} characters fewer",
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
    from kantai.workspace import Run

    libraries = preload(architecture.model_class for architecture in ARCHITECTURES.values())

    with Bars() as bars:
        if arguments.resume and (arguments.out / "run.json").exists():
            run = Run.open(arguments.out)
            _change_budget(run, arguments)
        else:
            run = _new_run(arguments)
        _fill_run(run, arguments, bars)
        libraries.join()
        result = _pretrain(run, arguments, bars)
    _tell_result(result, arguments)
    return result


def _new_run(arguments: Namespace) -> Run:
    from kantai.workspace import Run

    return Run.create(arguments.out, settings_of(arguments))


def settings_of(arguments: Namespace) -> Settings:
    """The settings that the arguments of `train` and `demo` ask for; checked here, at once."""
    from kantai.architectures import DEFAULT_PRESET, find_preset
    from kantai.devices import check_precision, find_device
    from kantai.recipes import find_recipe, recipe_for
    from kantai.tokenizer import TokenizerSettings
    from kantai.workspace import Settings

    find_recipe(arguments.recipe)
    name = arguments.preset or DEFAULT_PRESET["cpu"]
    find_preset(name)
    budget = asked_budget(arguments)
    if arguments.vocab_size is not None:
        TokenizerSettings(arguments.vocab_size)
    device = find_device(arguments.device)
    check_precision(device, arguments.precision)
    name = arguments.preset or DEFAULT_PRESET[device.kind]
    preset, recipe = find_preset(name), recipe_for(arguments.recipe, device.kind)
    preset.check_block(recipe.block_size)
    return Settings(
        preset_name=name,
        preset=preset,
        recipe=recipe,
        budget=budget or recipe.budget,
        vocab_size=arguments.vocab_size or preset.vocab_size,
        precision=arguments.precision,
        seed=arguments.seed,
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


def _change_budget(run: Run, arguments: Namespace) -> None:
    """A resumed Run keeps its settings; a new budget may be given to go on for longer."""
    run.clear_stop()
    budget = asked_budget(arguments)
    if budget:
        run.write_settings(replace(run.settings, budget=budget))


def _fill_run(run: Run, arguments: Namespace, bars: Bars) -> None:
    """Text and tokenizer, unless an earlier start left them there whole."""
    corpus = None if run.has_text else read_corpus(arguments, bars)[1]

    from kantai import stages

    if corpus is not None:
        stages.keep_text(run, corpus)
    if not run.has_tokenizer:
        stages.learn_tokenizer(run, bars)


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
    )
    from kantai.tokenizer import TokenizerSettings

    preset = find_preset(arguments.preset or DEFAULT_PRESET["cpu"])
    asked = arguments.vocab_size or preset.vocab_size or 8_000
    TokenizerSettings(asked)
    model = build_model(replace(preset, vocab_size=None), asked, device="meta")
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
    from kantai.fill_mask import GAP, FillMask
    from kantai.workspace import model_folder

    if not GAP.search(arguments.sentence):
        raise UserError("sentence_without_mask")
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
    say(
        f"loss {answer['loss']:.2f}, top-1 {answer['top1']:.1%}, top-5 {answer['top5']:.1%}, "
        f"{answer['nats_per_byte']:.3f} nats a byte, "
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
    arguments.files = [sample.path]
    arguments.out = arguments.out or Path("runs") / time.strftime("demo-%Y%m%d-%H%M%S")
    for name, value in DEMO_SETTINGS.items():
        if getattr(arguments, name, None) is None:
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


DEMO_SETTINGS: dict[str, Any] = {
    "seconds": 47.0,
    "recipe": "playground",
    "vocab_size": 4_000,
    "max_steps": None,
    "epochs": None,
    "precision": "auto",
    "resume": False,
    "save_every": 20.0,
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
