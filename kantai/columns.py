"""Rows of a table -> text: find the column that holds it.

CSV, JSON, JSON Lines and Parquet all become rows of (column, string) pairs; a column inside
nested objects goes by its own name, wherever it stands:

    {"id": 7, "article": {"title": "Tides", "paragraphs": ["The moon ...", "Twice ..."]}}
    ->  ("title", "Tides"), ("paragraphs", "The moon ..."), ("paragraphs", "Twice ...")

The column with the longest texts is taken (names such as "text" count for more), or the one
a person names. Its strings become paragraphs, a blank line between them. Knows no files.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, BinaryIO

from kantai.errors import UserError
from kantai.sources import megabytes

if TYPE_CHECKING:
    import pyarrow

Row = Iterable[tuple[str, str]]
Rows = Callable[["str | None"], Iterable[Row]]  # from the start; of one column where known

SAMPLE_ROWS = 1_000  # rows looked at to choose a column
BATCH_ROWS = 256  # rows of a Parquet file in memory at a time
UNNAMED = "text"  # what bare strings are filed under
PREFERRED = frozenset(
    [
        *("text", "texts", "content", "contents", "body", "document", "article", "story"),
        *("sentence", "sentences", "paragraph", "paragraphs", "passage"),
        *("文本", "内容", "內容", "正文", "文章", "句子"),
    ]
)
MOST_COLUMNS = 10_000  # of a CSV file: wider ones take seconds, and are no text
SHOWN = 20  # columns named in a message

# Numbers hold no text: reading them as 0 saves memory, and no length can hurt.
_DECODER = json.JSONDecoder(parse_int=lambda _: 0, parse_float=lambda _: 0)
_LINE = re.compile(r"[^\r\n]*(?:\r*\n|\r+|\Z)")
_QUOTED = re.compile('"[^"]*"')
_SENTENCE = re.compile("[.!?。！？…]$")
_ADDRESS = re.compile(r"[a-z]+://|www\.|data:", re.IGNORECASE)


# -- choosing -----------------------------------------------------------------------------


def text_of(rows: Rows, name: str, column: str | None, most: int) -> str:
    """The text of one column: `column`, or the one that holds most text.

    `name` is the file's, for messages; `most` the characters allowed. Raises UserError for
    an unknown column, for a table without text, and for too much of it.
    """
    chosen = choose_column(rows, name, column)
    parts, size = [], 0
    for value in texts_of(chain.from_iterable(rows(chosen)), chosen):
        parts.append(value)
        size += len(value) + 2
        if size > most:
            raise UserError("text_too_large", name=name, most=megabytes(most))
    if not parts:
        raise UserError("column_empty", name=name, column=chosen)
    return "\n\n".join(parts)


def texts_of(row: Row, column: str) -> Iterator[str]:
    """What stands in this column of a row, or of many end to end; nothing that is empty."""
    return filter(None, (value.strip() for key, value in row if key == column))


def choose_column(rows: Rows, name: str, column: str | None) -> str:
    """The name of the column to read, judged by the first rows, by all where need be."""
    for sample in (islice(rows(None), SAMPLE_ROWS), rows(None)):
        scores = column_scores(sample)
        if column is None and any(scores.values()):
            return max(scores, key=lambda key: scores[key])
        if column is not None:
            for known in (column, column.rpartition(".")[2]):
                if known in scores:
                    return known
    if column is None:
        raise UserError("table_without_text", name=name)
    raise UserError("column_unknown", name=name, column=column, columns=_listed(scores))


def column_scores(rows: Iterable[Row]) -> dict[str, float]:
    """How much each column looks like the text: the mean length of what reads as text.

    >>> column_scores([[("id", "a1b2"), ("text", "The moon.")], [("text", "Twice a day.")]])
    {'id': 4.0, 'text': 42.0}
    """
    counts: dict[str, int] = {}
    lengths: dict[str, int] = {}
    for key, value in chain.from_iterable(rows):
        counts[key] = counts.get(key, 0) + bool(value.strip())
        lengths[key] = lengths.get(key, 0) + (len(value) if reads_as_text(value) else 0)
    weights = {key: 4 if key.strip().lower() in PREFERRED else 1 for key in counts}
    return {key: weights[key] * lengths[key] / max(1, counts[key]) for key in counts}


def reads_as_text(value: str) -> bool:
    """Not a number, a date, an address, nor a long code without spaces."""
    start = value[:200].strip()
    if _ADDRESS.match(start) or not any(map(str.isalpha, start)):
        return False
    return len(start) <= 20 or " " in start or not start.isascii()


def _listed(columns: Iterable[str]) -> str:
    names = [name if name.isprintable() else ascii(name) for name in columns]
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")


# -- CSV ----------------------------------------------------------------------------------


def csv_rows(text: str, name: str, delimiter: str | None) -> Rows:
    """Rows of a CSV text, `delimiter` found by itself if None.

    Ragged rows lose nothing: what is beyond the header belongs to the last column. The first
    row names the columns, unless it reads like a row of text itself; then they are 1, 2, ...
    Raises UserError for more columns than anybody reads.
    """
    delimiter = delimiter or _delimiter(text)
    # An odd number of quotes cannot be quoting: with tabs we can do without.
    plain = delimiter == "\t" and text.count('"') % 2 == 1
    quoting = csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL
    csv.field_size_limit(2**31 - 1)

    def cells() -> Iterator[list[str]]:
        lines = (match.group().replace("\0", "") for match in _LINE.finditer(text))
        return (row for row in csv.reader(lines, delimiter=delimiter, quoting=quoting) if row)

    first = next(cells(), [])
    if len(first) > MOST_COLUMNS:
        raise UserError("too_many_columns", name=name, columns=len(first), most=MOST_COLUMNS)
    header = [cell.strip() for cell in first] if _is_header(first) else []

    def rows(_column: str | None) -> Iterator[Row]:
        names = header or [str(i + 1) for i in range(len(first))]
        for row in islice(cells(), 1 if header else 0, None):
            tail = row[len(names) - 1 :]
            row = [*row[: len(names) - 1], delimiter.join(tail)] if tail else row
            yield zip(names, row, strict=False)

    return rows


def _delimiter(text: str) -> str:
    """The separator that every one of the first lines has, outside of quotes."""
    lines = [line for line in _QUOTED.sub("", text[:10_000]).splitlines() if line][:10]
    counts = {sign: [line.count(sign) for line in lines] for sign in ",;\t|"}
    return max(counts, key=lambda sign: (min(counts[sign], default=0), sum(counts[sign])))


def _is_header(cells: list[str]) -> bool:
    """Short, different names; one that means text settles it."""
    names = [cell.strip() for cell in cells]
    if PREFERRED.intersection(name.lower() for name in names):
        return True
    short = all(len(name) <= 40 and len(name.split()) <= 4 for name in names)
    return short and len(set(names)) == len(names) and not any(map(_SENTENCE.search, names))


# -- JSON ---------------------------------------------------------------------------------


def json_rows(text: str, name: str, column: str | None) -> Rows:
    """Rows of a JSON text: a list's elements, or one object. Also JSON Lines under that name."""
    try:
        data = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return jsonl_rows(text, name)
        raise UserError("json_broken", name=name, line=error.lineno, place=error.colno) from error
    except RecursionError as error:
        raise UserError("json_deep", name=name) from error
    if isinstance(data, dict) and column is None:
        data = [_one_object(data)]
    return lambda _column: map(strings, data if isinstance(data, list) else [data])


def jsonl_rows(text: str, name: str, first: int = 1) -> Rows:
    """Rows of JSON Lines: one object, list or string a line; `first` is the first one's number."""

    def rows(_column: str | None) -> Iterator[Row]:
        for number, match in enumerate(_LINE.finditer(text), first):
            line = match.group()
            if not line.strip():
                continue
            try:
                yield strings(_DECODER.decode(line))
            except (json.JSONDecodeError, RecursionError) as error:
                raise UserError("jsonl_broken", name=name, line=number) from error

    return rows


def _one_object(data: dict[str, Any]) -> Any:
    """A single object: where no name occurs twice, all that reads as text belongs together."""
    found = list(strings(data))
    if len(found) == len({key for key, _ in found}):
        return [value for _, value in found if reads_as_text(value)] or data
    return data


def strings(value: Any, key: str = UNNAMED) -> Iterator[tuple[str, str]]:
    """All strings in nested lists and objects, in order, each with the name nearest to it.

    Numbers as names count as places in a list.

    >>> list(strings({"a": ["x", {"b": "y"}], "0": "z"}))
    [('a', 'x'), ('b', 'y'), ('text', 'z')]
    """
    todo = [(key, value)]
    while todo:
        key, value = todo.pop()
        if isinstance(value, bytes):
            value = _text_in(value)
        if isinstance(value, str):
            yield key, value
        elif isinstance(value, dict):
            items = [(key if name.isdigit() else name, item) for name, item in value.items()]
            todo.extend(reversed(items))
        elif isinstance(value, (list, tuple)):
            todo.extend((key, item) for item in reversed(value))


def _text_in(value: bytes) -> str | None:
    """A Parquet column may hold text as plain bytes; pictures are not text."""
    try:
        return None if b"\0" in value else value.decode("utf-8")
    except UnicodeDecodeError:
        return None


# -- Parquet ------------------------------------------------------------------------------


def parquet_rows(handle: BinaryIO, name: str) -> Rows:
    """Rows of a Parquet file, a few hundred in memory at a time, and only columns of text."""
    from pyarrow.parquet import ParquetFile

    file = ParquetFile(handle)
    for raw in (False, True):  # text as such, else perhaps as plain bytes
        fields = {f.name: {*_leaves(f.name, f.type, raw)} for f in file.schema_arrow}
        if any(fields.values()):
            break
    else:
        raise UserError("table_without_text", name=name)

    def rows(column: str | None) -> Iterator[Row]:
        wanted = [field for field, leaves in fields.items() if leaves and column in (None, *leaves)]
        for batch in file.iter_batches(BATCH_ROWS, columns=wanted):
            yield from map(strings, batch.to_pylist())

    return rows


def parquet_length(handle: BinaryIO) -> int:
    """How many rows a Parquet file has."""
    from pyarrow.parquet import ParquetFile

    return ParquetFile(handle).metadata.num_rows


def _leaves(name: str, kind: pyarrow.DataType, raw: bool) -> Iterator[str]:
    """The names under which `strings` will find text in a column of this type."""
    from pyarrow import types

    texts = (types.is_string, types.is_large_string, types.is_string_view)
    kinds = (*texts, types.is_binary, types.is_large_binary) if raw else texts
    if types.is_dictionary(kind):
        kind = kind.value_type
    if any(is_kind(kind) for is_kind in kinds):
        yield name
    elif types.is_struct(kind):
        for field in kind:
            yield from _leaves(name if field.name.isdigit() else field.name, field.type, raw)
    elif types.is_nested(kind):
        for i in range(kind.num_fields):
            yield from _leaves(name, kind.field(i).type, raw)
