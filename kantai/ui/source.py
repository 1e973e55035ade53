"""Where a text comes from, as the screen has it: a sample, files, pasted words, a book.

Knows no Gradio.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kantai.errors import UserError
from kantai.limits import GB, Allowance
from kantai.sources import Limits, label
from kantai.strings import LANGUAGES
from kantai.ui.desk import FIRST_SAMPLES, Desk, sample_of
from kantai.ui.nodes import Node, Sentence, both, tag
from kantai.ui.progress import Tell

if TYPE_CHECKING:
    from kantai.readers import Document
    from kantai.workspace import Run

KINDS = ("sample", "files", "paste", "book")
MOST_FILES = 100
PASTED = "pasted.txt"
BOOK_FILE = re.compile(r"pg(\d+)\.txt")
LIMITS = ("upload_bytes", "text_characters")
PDF_PACE = 300_000  # bytes of a PDF that are read in a second, at the least
PDF_WEIGHT = 20  # bytes of memory that a byte of it may take
LONGEST_CHARACTER = 4  # bytes, in UTF-8 and in UTF-32


@dataclass(frozen=True)
class Source:
    """What was chosen and typed."""

    kind: str = "sample"
    sample: str = FIRST_SAMPLES["en"]
    files: Sequence[str] | None = None
    pasted: str = ""
    book: str | None = ""

    @classmethod
    def of(cls, run: Run) -> Source:
        """Where a Run's text came from; files and pasted words stay in the browser they were in."""
        files = [file["name"] for file in run.report["files"]]
        if sample := sample_of(run):
            return cls("sample", sample)
        if book := BOOK_FILE.fullmatch(", ".join(files)):
            return cls("book", book=book[1])
        return cls("paste" if files == [PASTED] else "files")

    def documents(self, cache: Path, tell: Tell, limits: Limits) -> list[Document]:
        """Read it; a book is fetched into `cache`. Raises UserError for what cannot be read."""
        from kantai.readers import Document, read_files
        from kantai.samples import load_sample

        tell("doing_read", 0.0)
        if self.kind == "sample":
            return read_files([load_sample(self.sample).path])
        if self.kind == "paste":
            data = len(self.pasted.encode("utf-8", "replace"))
            return [Document(PASTED, self.pasted, data, "utf-8", 0)]
        if self.kind == "book":
            from kantai.books import fetch_book

            if not (name := (self.book or "").strip()):
                raise UserError("no_book")
            return read_files([fetch_book(name, cache, progress=lambda s: tell("doing_fetch", s))])
        return read_files(self.files or (), limits=limits)

    def title(self, documents: Sequence[Document]) -> Sentence | str:
        """What the text is called, and its Run at first."""
        if self.kind == "sample":
            return both(f"sample_name_{self.sample}")
        if self.kind == "paste":
            return both("pasted_text")
        if self.kind == "book":
            return book_title(self.book or "")
        return Path(documents[0].name).stem.replace("_", " ")

    def read(self, desk: Desk, tell: Tell) -> list[Document]:
        """Its documents. Raises UserError for more than this place allows."""
        allowance = desk.registry.allowance
        allowance.check("text_characters", len(self.pasted or ""), "text_over_limit")
        if self.kind == "files":
            allowance.check("upload_bytes", files_bytes(self.files), "upload_over_limit")
        documents = self.documents(desk.registry.books, tell, limits_of(allowance))
        characters = sum(len(document.text) for document in documents)
        allowance.check("text_characters", characters, "text_over_limit")
        return documents


def files_bytes(files: Sequence[str] | None) -> int:
    """The size of all files. Raises UserError for none, too many, or one that is gone."""
    if not files or len(files) > MOST_FILES:
        raise UserError("choose_files", most=MOST_FILES)
    for file in map(Path, files):
        if not file.is_file():
            raise UserError("upload_gone", name=label(file.name))
    return sum(Path(file).stat().st_size for file in files)


def limits_of(allowance: Allowance) -> Limits:
    """What the readers hold to, so that no more is in memory than a text may have."""
    usual = Limits()
    text_bytes = min(usual.max_text_bytes, LONGEST_CHARACTER * allowance.text_characters)
    return replace(
        usual,
        max_text_bytes=int(text_bytes),
        max_file_bytes=int(min(usual.max_file_bytes, allowance.upload_bytes)),
        max_pdf_seconds=int(min(usual.max_pdf_seconds, allowance.upload_bytes / PDF_PACE + 10)),
        max_pdf_memory=int(min(usual.max_pdf_memory, allowance.upload_bytes * PDF_WEIGHT + GB)),
    )


def book_title(asked: str) -> str:
    """The title of a book on the list, else what it was asked by."""
    from kantai.books import BOOKS, book_number

    number = book_number(asked)
    return next((book.title for book in BOOKS.values() if book.number == number), asked.strip())


def books() -> list[tuple[str, str]]:
    """(title, number) of the books to choose from; a number stands for any other."""
    from kantai.books import BOOKS

    return [(f"{book.title} ({book.author})", str(book.number)) for book in BOOKS.values()]


def limits_view(desk: Desk) -> Node:
    """How much may be brought here, said before anybody brings too much."""
    allowance = desk.registry.allowance
    said = {name: " ".join(allowance.sentences(name, LIMITS)) for name in LANGUAGES}
    return tag("p.k-hint", said) if said["en"] else None
