"""Paragraphs in a file, one JSON string a line, read as they are asked for.

So a text of any length costs no memory but 8 bytes a paragraph. Knows no folder: the path is
given.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import BinaryIO, overload

import numpy as np

from kantai.files import replace

_BLOCK = 1 << 20  # bytes looked through at a time


class Texts(Sequence[str]):
    """The paragraphs of a file, in order; equal to a list of the same paragraphs.

    A slice is a list. The file is opened anew at each look, so that it may be deleted between.
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
        with open(self.path, "rb") as lines:
            yield from map(json.loads, islice(lines, 0, None, step))

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        places = range(len(self))[index]
        with open(self.path, "rb") as file:
            if isinstance(places, int):
                return self._read(file, places)
            return [self._read(file, place) for place in places]

    def _read(self, file: BinaryIO, place: int) -> str:
        start, end = self._starts[place : place + 2].tolist()
        file.seek(start)
        return json.loads(file.read(end - start))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(map(str.__eq__, self, other))

    __hash__ = None  # what it holds is in a file that may be written anew

    @cached_property
    def characters(self) -> int:
        """Of all paragraphs together."""
        return sum(map(len, self))

    @cached_property
    def _starts(self) -> np.ndarray:
        """Where each line begins, and the end of the last one: int64 [paragraphs + 1]."""
        starts, done = [np.zeros(1, np.int64)], 0
        with open(self.path, "rb") as file:
            while block := file.read(_BLOCK):
                ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n"))
                starts.append(ends + (done + 1))
                done += len(block)
        return np.concatenate(starts)


def _write_lines(path: Path, texts: Iterable[str]) -> None:
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for text in texts:
            file.write(json.dumps(text, ensure_ascii=False) + "\n")
