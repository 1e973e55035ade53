"""What several commands share: a line for people, and the files as a cleaned text."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from kantai.progress import Bars

if TYPE_CHECKING:
    from kantai.corpus import Corpus
    from kantai.readers import Document


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
