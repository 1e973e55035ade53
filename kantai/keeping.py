"""The first stage: documents are cleaned, split and kept in a Run.

Nothing of the text is held: documents come one after another, paragraphs go to the disk as they
come. Brings no torch, so that a text can be cleaned while the libraries load.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kantai.corpus import Corpus, build_corpus, split_corpus
from kantai.shelf import key_of_all
from kantai.workspace import Run, finish_text, keep_part

if TYPE_CHECKING:
    from kantai.readers import Document

Tell = Callable[[str, float], None]  # a key of kantai.strings and a share from 0 to 1
REUSED = "2"  # another number where cleaning or learning changes: nothing older is reused then


def silent(key: str, share: float) -> None:
    """A Tell that tells nobody."""


def keep_text(run: Run, corpus: Corpus) -> None:
    """Split the corpus and keep it in the Run, with its report."""
    run.fill("text", None, partial(_keep_split, corpus=corpus, seed=run.settings.seed))


def keep_documents(
    run: Run,
    documents: Iterable[Document],
    rules: Sequence[str],
    tell: Tell = silent,
    *,
    seed: int | None = None,
    size: int | None = None,
) -> None:
    """Clean the documents, split them and keep them in the Run; once for all who bring them.

    `documents` may be a generator, and the text larger than the memory; `size` is then how many
    bytes are to be read. `seed` is that of the Run's settings, unless it has none yet. Where
    anything fails, the Run is as it was.
    """
    chosen = run.settings.seed if seed is None else seed

    def make(folder: Path) -> None:
        corpus = build_corpus(
            documents,
            rules=rules,
            progress=lambda share, name: tell("doing_clean", share),
            size=size,
            keep=partial(keep_part, folder, "clean"),
        )
        _keep_split(folder, corpus, chosen)

    def told() -> Iterator[str]:
        yield from ("text", REUSED, str(chosen), *sorted(rules), "of")
        for d in documents:
            yield from (d.name, d.encoding, str((d.bytes, d.invalid_bytes, d.goes_on)), d.text)

    shared = isinstance(documents, Sequence)  # a generator can be read only once
    key = partial(key_of_all, told()) if shared else None
    run.fill("text", key, make, lambda: tell("doing_clean", 0.0))


def _keep_split(folder: Path, corpus: Corpus, seed: int) -> None:
    split = split_corpus(corpus.paragraphs, seed=seed, keep=partial(keep_part, folder))
    finish_text(folder, corpus.report.to_json() | {"validation_overlap": split.overlap})
