"""What a reader reads from: an open file, its name, and how much may come of it.

Knows nothing of formats.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import BinaryIO

from kantai.errors import UserError


@dataclass(frozen=True)
class Limits:
    """How much is read before giving up: sizes in bytes, for all files of a call together.

    Raises ValueError for a limit below 1.
    """

    max_file_bytes: int = 2_000_000_000  # one file on the disk
    max_text_bytes: int = 1_000_000_000  # all that is read from it, and all text kept
    max_archive_members: int = 10_000
    max_expansion_ratio: int = 100  # inflated size over the archive's own,
    free_expansion_bytes: int = 10_000_000  # beyond this much: small files may be repetitive
    max_pdf_pages: int = 20_000
    max_pdf_seconds: int = 600  # of the processor, for one PDF
    max_pdf_memory: int = 4_000_000_000  # of the process that reads it
    part_bytes: int = 10**15  # plain text that is longer comes in parts, not bound by the above

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ValueError(f"{field.name} must be 1 or more.")


@dataclass(frozen=True)
class Source:
    """An open file with what a reader may need to know.

    `suffix` says the format, ".txt" for "a.txt.gz"; `size` is in bytes; `column` is the column
    of text that a person named.
    """

    name: str
    suffix: str
    handle: BinaryIO
    size: int
    limits: Limits
    column: str | None = None

    def too_much(self) -> UserError:
        """The error to raise when more text comes out of it than is allowed."""
        most = megabytes(self.limits.max_text_bytes)
        return UserError("text_too_large", name=self.name, most=most)


@contextmanager
def open_source(path: Path, column: str | None, limits: Limits) -> Iterator[Source]:
    """A regular file of allowed size, open; else UserError."""
    name = label(path.name or str(path))
    with _opened(path, name) as handle:
        size = os.fstat(handle.fileno()).st_size
        if size > limits.max_file_bytes:
            raise UserError("file_too_large", name=name, most=megabytes(limits.max_file_bytes))
        yield Source(name, path.suffix.lower(), handle, size, limits, column)


@contextmanager
def _opened(path: Path, name: str) -> Iterator[BinaryIO]:
    """A regular file, open; whatever prevents that in a sentence."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise UserError("file_is_folder", name=name)
        if not stat.S_ISREG(mode):  # a pipe or a device may never end
            raise UserError("file_not_regular", name=name)
        handle = open(path, "rb")  # noqa: SIM115 (closed below)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError("file_missing", name=label(str(path))) from error
    except OSError as error:
        raise UserError("file_unreadable", name=name, reason=error.strerror or error) from error
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        raise UserError("file_missing", name=label(str(path))) from error  # a NUL in the name
    with handle:
        yield handle


@contextmanager
def parsing(source: Source, kind: str) -> Iterator[None]:
    """Whatever a library stumbles over in a person's file is the file's fault, in one sentence."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:
        raise UserError("file_broken", name=source.name, kind=kind) from error


def label(name: str) -> str:
    """A name that can be shown: no control characters, no broken ones."""
    return "".join(c if c.isprintable() else "\ufffd" for c in name)


def megabytes(size: int) -> str:
    """A size for a sentence: "1,000 MB"."""
    return f"{size / 1e6:,.0f} MB" if size >= 1_000_000 else f"{size:,} B"
