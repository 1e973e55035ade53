"""A model counted, asked, examined, taken away: `parameters`, `fill-mask`, `evaluate`, `export`."""

from __future__ import annotations

import math
from argparse import Namespace
from dataclasses import asdict
from typing import Any

from kantai.commands.common import read_corpus, say
from kantai.errors import UserError
from kantai.progress import Bars

USUAL_VOCAB = 8_000  # of a table whose text is not known


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


def export(arguments: Namespace) -> dict[str, Any]:
    """A Run as a zip, a notebook, a script, or a repository on the Hub."""
    from kantai.export import EXPORTS
    from kantai.workspace import Run

    if arguments.out and arguments.out.is_dir():
        raise UserError("out_is_folder", path=arguments.out)
    where = EXPORTS[arguments.to](Run.open(arguments.run), arguments.out, arguments.repo)
    say(str(where), arguments)
    return {"to": arguments.to, "where": str(where)}
