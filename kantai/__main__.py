"""The command line: the same functions as the page's tabs, for scripts and headless machines.

With `--json` the last line on standard output is one JSON object; progress goes to standard
error. What a user can mend is one sentence on standard error and exit status 2.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from kantai import commands
from kantai.devices import use_threads_politely
from kantai.errors import UserError, explain
from kantai.events import finite
from kantai.processes import age
from kantai.strings import text as sentence


def a_place(text: str) -> Path:
    """A path; an empty one would be wherever the program stands."""
    if not text.strip():
        raise argparse.ArgumentTypeError(sentence("name_a_folder"))
    return Path(text)


def above_0(text: str) -> float:
    """A finite number above 0."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(sentence("number_above", least=0))
    return value


def from_0(text: str) -> float:
    """A finite number, 0 or more."""
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(sentence("number_from", least=0))
    return value


# One row an argument: flags or name, and what argparse wants to know of it.
FILES = (["files"], {"nargs": "+", "metavar": "FILE", "help": "text to learn from"})
JSON = (["--json"], {"action": "store_true", "help": "one JSON object as the last line"})
COLUMN = (["--column"], {"help": "the text column of tables, where it is not found by itself"})
RULES = (["--without-rule"], {"action": "append", "metavar": "RULE", "help": "a rule not to use"})
DEVICE = (["--device"], {"choices": ["cpu", "cuda", "mps"], "help": "default: the best there is"})
PRESET = (["--preset"], {"help": "a model's size; default: what suits the device"})
RECIPE = (["--recipe"], {"help": "how to train: playground (default) or notebook"})
VOCAB = (["--vocab-size"], {"type": int, "help": "default: what suits the length of the text"})
SEED = (["--seed"], {"type": int, "help": "of all that is drawn by lot; default: 0"})
PRECISION = (["--precision"], {"choices": ["auto", "fp32", "bf16", "fp16"]})
OUT = (["--out"], {"type": a_place, "required": True, "metavar": "RUN", "help": "the Run's folder"})
RUN = (["run"], {"type": a_place, "metavar": "RUN", "help": "a Run's folder, or a model's"})
SECONDS = (["--seconds"], {"type": above_0, "help": "how long to train"})
TOTAL = (
    ["--total-seconds"],
    {"type": above_0, "metavar": "S", "help": "from the start to the examined and saved model"},
)
STEPS = (["--max-steps"], {"type": int})
EPOCHS = (["--epochs"], {"type": float})
RESUME = (["--resume"], {"action": "store_true", "help": "go on where a Run left off"})
SAVE_EVERY = (
    ["--save-every"],
    {"type": from_0, "default": 20.0, "metavar": "SECONDS", "help": "between checkpoints"},
)
TOP_K = (["--top-k"], {"type": int, "default": 5})
MEGABYTES = (["--megabytes"], {"type": above_0, "help": "data: grow the text to this size"})
TEXT = (
    ["--text"],
    {"nargs": "+", "metavar": "NAME", "help": "learn: samples or files, each a text of its own"},
)
BATCH = (["--batch-size"], {"type": int, "metavar": "ROWS", "help": "speed: rows a step"})
COMPILED = (["--compiled"], {"action": "store_true", "help": "speed: layers compiled"})
WATCHERS = (["--watchers"], {"type": int, "default": 60, "help": "load: of one live run"})
PEOPLE = (["--people"], {"type": int, "default": 10, "help": "load: who use the other tabs"})
HOURS = (["--hours"], {"type": float, "help": "load: whose polls are made faster (default: 1)"})
PASSWORD = (["--password"], {"default": "", "help": "load and ui: a page that asks for it"})
BUDGET = (SECONDS, STEPS, EPOCHS)
QUESTIONS = ("speed", "learn", "data", "fill", "scale", "ui", "load")  # of kantai.bench

# Name, what it does, how, and its arguments.
COMMANDS = (
    ("inspect", "the corpus report", commands.inspect, (FILES, COLUMN, RULES, JSON)),
    (
        "train",
        "from text to a model that fills masks",
        commands.train,
        (FILES, OUT, PRESET, RECIPE, VOCAB, *BUDGET, TOTAL, DEVICE, PRECISION, SEED, RESUME)
        + (SAVE_EVERY, COLUMN, RULES, JSON),
    ),
    (
        "parameters",
        "every tensor of a model",
        commands.parameters,
        (PRESET, VOCAB, (["--config"], {"action": "store_true", "help": "the config too"}), JSON),
    ),
    (
        "fill-mask",
        "guess the <mask> of a sentence",
        commands.fill_mask,
        (RUN, (["sentence"], {"help": 'such as "the critique of pure <mask>"'}), TOP_K, JSON),
    ),
    (
        "evaluate",
        "examine a model on any text, with the baselines",
        commands.evaluate,
        (RUN, FILES, DEVICE, COLUMN, RULES, JSON),
    ),
    (
        "export",
        "take a Run away",
        commands.export,
        (
            RUN,
            (["--to"], {"required": True, "choices": ["zip", "notebook", "script", "hub"]}),
            (["--out"], {"type": a_place, "metavar": "FILE", "help": "where to write it"}),
            (["--repo"], {"help": "the Hub's repository: owner/name"}),
            JSON,
        ),
    ),
    (
        "fetch",
        "fetch a public book by name or Project Gutenberg number",
        commands.fetch,
        (
            (["book"], {"help": "a name such as kant-pure-reason, or a number"}),
            (["--to"], {"type": a_place, "default": Path("books"), "metavar": "FOLDER"}),
            JSON,
        ),
    ),
    (
        "demo",
        "the whole way on the sample text",
        commands.demo,
        (
            (["--sample"], {"default": "harbour", "help": "harbour (English) or willow (中文)"}),
            (["--out"], {"type": a_place, "metavar": "RUN", "help": "default: runs/demo-..."}),
            SECONDS,
            DEVICE,
            PRESET,
            SEED,
            JSON,
        ),
    ),
    (
        "bench",
        "measure this machine: the notebook's recipe beside ours",
        commands.bench,
        (
            (["question"], {"choices": QUESTIONS, "help": "what to measure"}),
            (["files"], {"nargs": "*", "metavar": "FILE", "help": "default: the sample text"}),
            SECONDS,
            DEVICE,
            PRESET,
            VOCAB,
            (PRECISION[0], PRECISION[1] | {"default": "auto"}),
            BATCH,
            COMPILED,
            TEXT,
            MEGABYTES,
            WATCHERS,
            PEOPLE,
            HOURS,
            PASSWORD,
            JSON,
        ),
    ),
)


class Parser(argparse.ArgumentParser):
    """argparse's, whose mistakes are told like all others: in one line."""

    def error(self, message: str) -> NoReturn:
        raise UserError("command_line", message=" ".join(message.split()), program=self.prog)


def parser() -> argparse.ArgumentParser:
    """The parser of the table above."""
    top = Parser(prog="python -m kantai", description=__doc__.split("\n")[0])
    chosen = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, help_text, handler, arguments in COMMANDS:
        sub = chosen.add_parser(name, help=help_text, description=help_text)
        sub.set_defaults(handler=handler)
        for flags, options in arguments:
            sub.add_argument(*flags, **options)
    return top


def parse(argv: Sequence[str] | None, arguments: argparse.Namespace) -> None:
    """Fill `arguments` from the command line. Raises UserError for what it does not say well.

    Where any number of files may come, argparse settles for none if an option stands before
    them; they are then left over.
    """
    top = parser()
    _, left = top.parse_known_args(argv, arguments)
    if getattr(arguments, "files", None) == [] and not any(word.startswith("-") for word in left):
        arguments.files = left
    elif left:
        top.error(f"unrecognized arguments: {' '.join(left)}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 2 for what a user can mend."""
    use_threads_politely()
    print_any_character()
    arguments = argparse.Namespace()
    try:
        parse(argv, arguments)
        arguments.started = time.monotonic() - age()
        answer = arguments.handler(arguments)
        if arguments.json:
            print(as_json(answer), flush=True)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever reads has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        told = explain(error, place_of(arguments))
        if told is None:
            raise
        print(told, file=sys.stderr)
        return 2
    return 0


def place_of(arguments: argparse.Namespace) -> Path:
    """Where a command writes."""
    named = (getattr(arguments, name, None) for name in ("out", "to", "run"))
    return next((place for place in named if isinstance(place, Path)), Path())


def print_any_character() -> None:
    """A terminal that cannot show a character gets its number instead."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def as_json(answer: object) -> str:
    """One line; letters as such where standard output can take them all."""
    letters = (sys.stdout.encoding or "").lower().startswith("utf")
    return json.dumps(finite(answer), ensure_ascii=not letters, default=str, allow_nan=False)


if __name__ == "__main__":
    sys.exit(main())
