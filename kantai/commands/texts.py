"""Look at a text, or fetch one: `inspect` and `fetch`."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from typing import Any

from kantai.commands.common import read_corpus, say
from kantai.progress import Bars


def inspect(arguments: Namespace) -> dict[str, Any]:
    """The corpus report, the split's overlap, and what the notebook's reading would lose."""
    from kantai.corpus import split_corpus
    from kantai.lines import notebook_reading

    with Bars() as bars:
        documents, corpus = read_corpus(arguments, bars)
        split = split_corpus(corpus.paragraphs)
        lines = notebook_reading(documents, bars)
    report = replace(corpus.report, validation_overlap=split.overlap, line_by_line=lines)
    _tell_report(report.to_json(), arguments)
    return report.to_json()


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


def fetch(arguments: Namespace) -> dict[str, Any]:
    """A public book, kept in a folder."""
    from kantai.books import fetch_book

    with Bars() as bars:
        path = fetch_book(
            arguments.book, arguments.to, progress=lambda share: bars("doing_fetch", share)
        )
    say(str(path), arguments)
    return {"book": arguments.book, "path": str(path)}
