"""The text layer of a PDF, read in a process of its own, with a deadline and a bound on memory.

A PDF may be a few kB that a library works on for hours, or that grow to gigabytes; within the
server nothing could end that. Here the worst that happens is that the process is ended. It is
given the file as its standard input, and answers one JSON object. Knows no other format.
"""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import pypdf

REPLACEMENT = "\ufffd"  # stands for a page that cannot be read
PATIENCE = 5.0  # seconds beyond its processor's, for a machine that is busy with other things


@dataclass(frozen=True)
class Bounds:
    """How much is read of one file before giving up."""

    pages: int
    characters: int
    seconds: int  # of the processor
    memory: int  # bytes, where the system can hold a process to it


class Unreadable(Exception):
    """`key` says in which way, as in `kantai.strings`."""

    def __init__(self, key: str):
        super().__init__(key)
        self.key = key


def pages_apart(handle: BinaryIO, bounds: Bounds) -> list[str]:
    """The text of every page. Raises Unreadable. The process that reads it leaves nothing."""
    numbers = [str(value) for value in vars(bounds).values()]
    command = [sys.executable, "-m", "kantai.pdf", *numbers]
    with _on_disk(handle) as file:
        try:
            done = subprocess.run(
                command,
                cwd=Path(__file__).parents[1],  # where the package is, wherever the caller stands
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=PATIENCE * (1 + bounds.seconds),
            )
        except subprocess.TimeoutExpired as error:
            raise Unreadable("pdf_too_much") from error
    if done.returncode != 0:  # ended by the system: its seconds or its memory were spent
        raise Unreadable("pdf_too_much")
    answer = json.loads(done.stdout)
    if isinstance(answer, str):
        raise Unreadable(answer)
    return answer


@contextmanager
def _on_disk(handle: BinaryIO) -> Iterator[BinaryIO]:
    """The file from its beginning, as one that another process can read."""
    handle.seek(0)
    with tempfile.TemporaryFile() as file:
        shutil.copyfileobj(handle, file)
        file.flush()
        file.seek(0)
        yield file


def pages(handle: BinaryIO, bounds: Bounds) -> list[str]:
    """The same in this very process, without its bounds on seconds and memory."""
    found: list[str] = []
    left = bounds.characters
    try:
        for page in _unlocked(handle, bounds).pages:
            found.append(_page_text(page))
            left -= len(found[-1])
            if left < 0:
                raise Unreadable("text_too_large")
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # whatever a library stumbles over is the file's fault
        raise Unreadable("file_broken") from error
    return found


def _unlocked(handle: BinaryIO, bounds: Bounds) -> pypdf.PdfReader:
    import pypdf
    from pypdf.errors import DependencyError, FileNotDecryptedError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its remarks help no reader
    try:
        document = pypdf.PdfReader(handle)
        if document.is_encrypted and not document.decrypt(""):
            raise Unreadable("pdf_locked")
        count = len(document.pages)
    except (DependencyError, FileNotDecryptedError) as error:
        raise Unreadable("pdf_locked") from error
    if count > bounds.pages:
        raise Unreadable("pdf_too_long")
    return document


def _page_text(page: pypdf.PageObject) -> str:
    try:
        return page.extract_text()
    except MemoryError:
        raise
    except Exception:  # one page's defect must not cost the book
        return REPLACEMENT


def main(numbers: list[str]) -> None:
    """Read standard input within bounds; print the pages, or the key of what is wrong."""
    bounds = Bounds(*map(int, numbers))
    _hold(bounds)
    answer: Any
    try:
        answer = pages(sys.stdin.buffer, bounds)
    except Unreadable as error:
        answer = error.key
    except MemoryError:
        answer = "pdf_too_much"
    sys.stdout.write(json.dumps(answer))


def _hold(bounds: Bounds) -> None:
    """Let the system end this process at its bounds, where it can."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (bounds.seconds, bounds.seconds + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (bounds.memory, bounds.memory))


if __name__ == "__main__":
    main(sys.argv[1:])
