"""Paragraphs in a file, one JSON string a line, read as they are asked for.

So a text of any length costs no memory but 8 bytes a paragraph. Knows no folder: the path is
given.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import BinaryIO, overload

import numpy as np

from kantai.errors import UserError
from kantai.files import hash_of, replace

_BLOCK = 1 << 20  # bytes looked through at a time


class Texts(Sequence[str]):
    """The paragraphs of a file, in order; equal to a list of the same paragraphs.

    A slice is a list. The file is opened anew at each look, so that it may be deleted between;
    where it is gone or damaged, every look raises UserError.
    """

    def __init__(self, path: Path):
        self.path = path

    @classmethod
    def write(cls, path: Path, texts: Iterable[str]) -> Texts:
        """Write `texts` as they come; the file is whole or not there."""
        replace(path, lambda temporary: _write_lines(temporary, texts))
        return cls(path)

    def __iter__(self) -> Iterator[str]:
        return self.every(1)

    def every(self, step: int) -> Iterator[str]:
        """The first paragraph, and each one `step` further."""
        with self._open() as lines:
            for line in islice(lines, 0, None, step):
                yield self._text(line)

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        places = range(len(self))[index]
        with self._open() as file:
            if isinstance(places, int):
                return self._read(file, places)
            return [self._read(file, place) for place in places]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(map(str.__eq__, self, other))

    __hash__ = None  # what it holds is in a file that may be written anew

    @cached_property
    def characters(self) -> int:
        """Of all paragraphs together."""
        return sum(map(len, self))

    @property
    def size(self) -> int:
        """Bytes of the file."""
        try:
            return self.path.stat().st_size
        except OSError as error:
            raise self._damaged() from error

    def digest(self) -> str:
        """The hash of the whole file."""
        with self._open() as file:
            return hash_of(file)

    @cached_property
    def _starts(self) -> np.ndarray:
        """Where each line begins, and the end of the last one: int64 [paragraphs + 1]."""
        starts, done = [np.zeros(1, np.int64)], 0
        with self._open() as file:
            while block := file.read(_BLOCK):
                ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n"))
                starts.append(ends + (done + 1))
                done += len(block)
        return np.concatenate(starts)

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        try:
            file = open(self.path, "rb")  # noqa: SIM115 (closed below)
        except OSError as error:
            raise self._damaged() from error
        with file:
            yield file

    def _read(self, file: BinaryIO, place: int) -> str:
        start, end = self._starts[place : place + 2].tolist()
        file.seek(start)
        return self._text(file.read(end - start))

    def _text(self, line: bytes) -> str:
        try:
            text = json.loads(line)
        except ValueError as error:
            raise self._damaged() from error
        if not isinstance(text, str):
            raise self._damaged()
        return text

    def _damaged(self) -> UserError:
        *_, folder, name = self.path.parts
        return UserError("broken_run", folder=self.path.parents[1], file=f"{folder}/{name}")


def _write_lines(path: Path, texts: Iterable[str]) -> None:
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for text in texts:
            file.write(json.dumps(text, ensure_ascii=False) + "\n")
