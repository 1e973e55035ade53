"""Files -> Documents: one text each, whatever the format.

`READERS` is a table: a new format is one function and one row. Whatever a person may bring
must end in text or in one clear sentence (UserError). Archives are opened by
`kantai.archives`, tables by `kantai.columns`. Knows nothing of cleaning.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from kantai import pdf
from kantai.archives import UNPACKERS, check_ratio, inner_suffix, opened_gzip, unpack
from kantai.columns import (
    Row,
    Rows,
    choose_column,
    csv_rows,
    json_rows,
    jsonl_rows,
    parquet_length,
    parquet_rows,
    text_of,
    texts_of,
)
from kantai.decoding import REPLACEMENT, Decoded, decode
from kantai.errors import UserError
from kantai.parts import HEAD, LINES, decoded_parts
from kantai.sources import Limits, Source, open_source, parsing

# One's own disk is the limit; what has no parts (`PARTED`) must still fit into memory.
STREAMED = Limits(max_file_bytes=10**15, part_bytes=16_000_000)
PAGE_BREAK = "\f"

# How files begin that are not text, whatever they are called.
MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"%PDF-": "PDF",
    b"PK\x03\x04": "ZIP",
    b"\x1f\x8b\x08": "GZIP",
    b"BZh91AY&SY": "BZIP2",
    b"\xfd7zXZ\0": "XZ",
    b"7z\xbc\xaf\x27\x1c": "7Z",
    b"Rar!\x1a\x07": "RAR",
    b"(\xb5/\xfd": "ZSTD",
    b"PAR1\x15": "Parquet",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "DOC/XLS",
    b"{\\rtf": "RTF",
    b"SQLite format 3\0": "SQLite",
    b"\x7fELF": "ELF",
    b"OggS\0": "OGG",
    b"ID3\x03": "MP3",
    b"ID3\x04": "MP3",
}
# Control characters that text has no use for; tabs, line and page ends and escapes are fine.
_CONTROL = re.compile("[\x00-\x06\x0e-\x1a\x1c-\x1f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Document:
    """A text and where it comes from.

    `name` is the file's name, "a.zip/b.txt" inside an archive; `bytes` its size as read, after
    inflating; `invalid_bytes` how many of them no encoding explains (U+FFFD in `text`). A long
    file may come in several of them: `goes_on` is true for all but its first.
    """

    name: str
    text: str
    bytes: int
    encoding: str
    invalid_bytes: int
    goes_on: bool = False


Reader = Callable[[Source], Decoded]


def read_files(
    paths: Sequence[str | os.PathLike[str]],
    *,
    column: str | None = None,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> list[Document]:
    """Read files of the kinds in `READERS`, and archives of them, in the order given.

    `column` names the column of text in tables; without it, it is found. Raises UserError
    for whatever a person can mend: a missing file, a picture named .txt, a locked archive.
    """
    if not paths:
        raise UserError("no_files", suffixes=_suffixes())
    documents: list[Document] = []
    left = limits.max_text_bytes
    for path in paths:
        for document in _read_path(Path(path), column, replace(limits, max_text_bytes=left)):
            left = max(1, left - len(document.text))
            documents.append(document)
    return documents


def stream_files(
    paths: Sequence[str | os.PathLike[str]],
    *,
    column: str | None = None,
    limits: Limits = STREAMED,
) -> Iterator[Document]:
    """Like `read_files`, one document after another: only one is in memory at a time.

    A long file of a kind in `PARTED` comes in parts, and may be longer than the memory.
    """
    if not paths:
        raise UserError("no_files", suffixes=_suffixes())
    for path in paths:
        yield from _read_path(Path(path), column, limits)


def _read_path(path: Path, column: str | None, limits: Limits) -> Iterator[Document]:
    with open_source(path, column, limits) as source:
        if source.suffix in PARTED and source.size > limits.part_bytes:
            yield from _read_in_parts(source)
            return
        if _is_long_gzip(source):
            with opened_gzip(source) as inner:
                yield from _read_in_parts(inner, archive=source)
            return
        if source.suffix not in UNPACKERS:
            yield _read(source)
            return
        documents = [*_read_members(source)]
        if not documents:
            raise UserError("file_empty", name=source.name)
        yield from documents


def _read_members(archive: Source) -> Iterator[Document]:
    """The files in an archive, except empty ones, which are common there."""
    for member in unpack(archive, READERS):
        try:
            yield _read(member)
        except UserError as error:
            if error.key != "file_empty":
                raise


def _read(source: Source) -> Document:
    reader = READERS.get(source.suffix)
    if reader is None:
        raise UserError("file_unsupported", name=source.name, suffixes=_suffixes())
    decoded = reader(source) if source.size else Decoded("", "utf-8", 0)
    if not decoded.text or decoded.text.isspace():
        raise UserError("file_empty", name=source.name)
    return Document(source.name, decoded.text, source.size, decoded.encoding, decoded.invalid_bytes)


def _is_long_gzip(source: Source) -> bool:
    """Whether it is worth inflating a part at a time; a Parquet file is not read in order."""
    inner = inner_suffix(source.name) if source.suffix == ".gz" else ""
    return inner in PARTED and inner != ".parquet" and source.size > source.limits.part_bytes / 4


def _read_in_parts(source: Source, archive: Source | None = None) -> Iterator[Document]:
    """A file that is too long to be held; a part without text is passed over."""
    goes_on, total = False, 0
    for decoded, size in PARTED[source.suffix](source):
        total += size
        if archive:
            check_ratio(archive, total)
        if decoded.text and not decoded.text.isspace():
            text, encoding, invalid = decoded.text, decoded.encoding, decoded.invalid_bytes
            yield Document(source.name, text, size, encoding, invalid, goes_on)
            goes_on = True
    if not goes_on:
        raise UserError("file_empty", name=source.name)


def _suffixes() -> str:
    return " ".join([*READERS, *UNPACKERS])


# -- one reader a format ------------------------------------------------------------------


def read_text(source: Source) -> Decoded:
    """Plain text or Markdown."""
    return decode(_plain_bytes(source))


def read_csv(source: Source) -> Decoded:
    """Comma-separated values, or semicolons, tabs, bars."""
    return _table(source, lambda text: csv_rows(text, source.name, None))


def read_tsv(source: Source) -> Decoded:
    """Tab-separated values."""
    return _table(source, lambda text: csv_rows(text, source.name, "\t"))


def read_json(source: Source) -> Decoded:
    """A list of objects or strings, an object of lists, or objects in objects."""
    return _table(source, lambda text: json_rows(text, source.name, source.column))


def read_jsonl(source: Source) -> Decoded:
    """One object or string a line."""
    return _table(source, lambda text: jsonl_rows(text, source.name))


def read_parquet(source: Source) -> Decoded:
    """Read in batches, so that no more than the text is in memory."""
    with parsing(source, "Parquet"):
        return Decoded(_column(source, parquet_rows(source.handle, source.name)), "utf-8", 0)


def read_pdf(source: Source) -> Decoded:
    """The text layer, page after page, with a form feed between them.

    A page that cannot be read stands as one U+FFFD and is counted as an invalid byte.
    """
    limits = source.limits
    bounds = pdf.Bounds(
        limits.max_pdf_pages, limits.max_text_bytes, limits.max_pdf_seconds, limits.max_pdf_memory
    )
    try:
        pages = pdf.pages_apart(source.handle, bounds)
    except pdf.Unreadable as error:
        raise _refusal(source, error.key) from error
    text, broken = _SURROGATE.subn(REPLACEMENT, PAGE_BREAK.join(pages))
    if not any(map(str.isalpha, text)):
        raise UserError("pdf_without_text", name=source.name)
    return Decoded(text, "pdf", broken + pages.count(REPLACEMENT))


def _refusal(source: Source, key: str) -> UserError:
    """What is wrong with a PDF, in a sentence."""
    if key == "text_too_large":
        return source.too_much()
    most = source.limits.max_pdf_pages
    return UserError(key, name=source.name, kind="PDF", most=most)


def _table(source: Source, rows_of: Callable[[str], Rows]) -> Decoded:
    decoded = decode(_plain_bytes(source))
    with parsing(source, source.suffix[1:].upper()):
        text = _column(source, rows_of(decoded.text))
    return _mended(replace(decoded, text=text))


def _mended(decoded: Decoded) -> Decoded:
    """Without half a surrogate pair, as JSON can spell it."""
    text, broken = _SURROGATE.subn(REPLACEMENT, decoded.text)
    return replace(decoded, text=text, invalid_bytes=decoded.invalid_bytes + broken)


def _column(source: Source, rows: Rows) -> str:
    return text_of(rows, source.name, source.column, source.limits.max_text_bytes)


def _plain_bytes(source: Source) -> bytes:
    """All bytes of a file that should be text, unless it plainly is something else."""
    if source.size > source.limits.max_text_bytes:
        raise source.too_much()
    data = source.handle.read(source.size)
    _check_plain(source, data[:HEAD])
    return data


def _check_plain(source: Source, head: bytes) -> None:
    """Raise UserError where a file's beginning is no text's."""
    for magic, kind in MAGIC.items():
        if head.startswith(magic):
            raise UserError("file_not_text", name=source.name, kind=kind)
    text = decode(head).text
    controls = len(_CONTROL.findall(text))
    if controls > 4 and controls > len(text) / 20:
        raise UserError("file_binary", name=source.name)


READERS: dict[str, Reader] = {
    ".txt": read_text,
    ".md": read_text,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".json": read_json,
    ".jsonl": read_jsonl,
    ".parquet": read_parquet,
    ".pdf": read_pdf,
}


# -- the same in parts, each with the bytes it was ------------------------------------------

Parts = Iterator[tuple[Decoded, int]]


def text_parts(source: Source) -> Parts:
    """Plain text, cut between paragraphs."""
    _check_beginning(source)
    yield from decoded_parts(source.handle, source.limits.part_bytes)


def jsonl_parts(source: Source) -> Parts:
    """JSON Lines, cut between lines; the first part says which column holds the text."""
    _check_beginning(source)
    column, line = None, 1
    for decoded, size in decoded_parts(source.handle, source.limits.part_bytes, LINES):
        rows = jsonl_rows(decoded.text, source.name, line)
        with parsing(source, "JSONL"):
            column = column or choose_column(rows, source.name, source.column)
            texts = "\n\n".join(texts_of(chain.from_iterable(rows(column)), column))
        yield _mended(replace(decoded, text=texts)), size
        line += decoded.text.count("\n")


def parquet_parts(source: Source) -> Parts:
    """Parquet, some rows at a time."""
    with parsing(source, "Parquet"):
        rows, count = parquet_rows(source.handle, source.name), parquet_length(source.handle)
        column = choose_column(rows, source.name, source.column)
    texts: list[str] = []
    held = told = 0
    for number, row in enumerate(_read_well(source, rows(column)), 1):
        found = list(texts_of(row, column))
        texts += found
        held += sum(map(len, found))
        if held > source.limits.part_bytes or number == count:
            size = source.size * number // count - told
            yield Decoded("\n\n".join(texts), "utf-8", 0), size
            texts, held, told = [], 0, told + size


def _read_well(source: Source, rows: Iterable[Row]) -> Iterator[Row]:
    with parsing(source, "Parquet"):
        yield from rows


def _check_beginning(source: Source) -> None:
    _check_plain(source, source.handle.read(HEAD))
    source.handle.seek(0)


PARTED: dict[str, Callable[[Source], Parts]] = {
    ".txt": text_parts,
    ".md": text_parts,
    ".jsonl": jsonl_parts,
    ".parquet": parquet_parts,
}
