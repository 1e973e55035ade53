"""Archives -> the files within them, inflated in memory a piece at a time.

Nothing is believed that an archive says of itself: a bomb is a few kB that claim to be small
and grow to gigabytes, so what comes out is counted. Names inside are labels and never become
paths on the disk. Archives within archives are refused. A new kind is one function and one
row in `UNPACKERS`. Knows nothing of what the files hold.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from kantai.decoding import decode
from kantai.errors import UserError
from kantai.sources import Source, label, parsing

CHUNK = 1 << 20  # bytes inflated at a time


def unpack(archive: Source, suffixes: Collection[str]) -> Iterator[Source]:
    """The files of an archive whose suffix is among `suffixes`, one in memory at a time.

    Raises UserError for an archive that is broken, locked, crowded, nested, or a bomb.
    """
    for source in UNPACKERS[archive.suffix](archive, suffixes):
        if source.suffix in UNPACKERS:
            raise UserError("archive_nested", name=source.name)
        yield source


def unpack_gzip(archive: Source, suffixes: Collection[str]) -> Iterator[Source]:
    """The one file in a .gz. It keeps the archive's name: "a.csv.gz" holds a .csv."""
    suffix = inner_suffix(archive.name)
    if suffix not in (*suffixes, *UNPACKERS):
        raise UserError("archive_without_text", name=archive.name, suffixes=" ".join(suffixes))
    with parsing(archive, "GZIP"), gzip.open(archive.handle) as stream:
        source = _Inflater(archive).inflate(stream, archive.name, suffix)
    yield source


def inner_suffix(name: str) -> str:
    """The format of what a .gz of this name holds."""
    return Path(Path(name).stem).suffix.lower() or ".txt"


@contextmanager
def opened_gzip(archive: Source) -> Iterator[Source]:
    """The one file in a .gz, not inflated yet; who reads it counts (`check_ratio`)."""
    with parsing(archive, "GZIP"), gzip.open(archive.handle) as stream:
        yield replace(archive, suffix=inner_suffix(archive.name), handle=stream)


def check_ratio(archive: Source, total: int) -> None:
    """Raise UserError where more has come out of an archive, `total` bytes, than text ever does."""
    limits, ratio = archive.limits, total / archive.size
    if total > limits.free_expansion_bytes and ratio > limits.max_expansion_ratio:
        raise UserError("archive_bomb", name=archive.name)


def unpack_zip(archive: Source, suffixes: Collection[str]) -> Iterator[Source]:
    """The files in a .zip that can be read; folders, hidden and other files are passed over."""
    with parsing(archive, "ZIP"):
        opened = zipfile.ZipFile(archive.handle)
        members = opened.infolist()
    if len(members) > archive.limits.max_archive_members:
        most = archive.limits.max_archive_members
        raise UserError("archive_crowded", name=archive.name, most=most)
    wanted = [member for member in members if _suffix(member) in (*suffixes, *UNPACKERS)]
    if not wanted:
        raise UserError("archive_without_text", name=archive.name, suffixes=" ".join(suffixes))
    inflater = _Inflater(archive)
    for member in wanted:
        if member.flag_bits & 1:
            raise UserError("archive_locked", name=archive.name)
        name = f"{archive.name}/{_name(member)}"
        with parsing(archive, "ZIP"), opened.open(member) as stream:
            source = inflater.inflate(stream, name, _suffix(member))
        yield source


def _suffix(member: zipfile.ZipInfo) -> str:
    """A member's suffix; none for folders, hidden files and what macOS adds."""
    parts = member.filename.split("/")
    hidden = any(part.startswith(".") and part not in (".", "..") for part in parts)
    return "" if hidden or "__MACOSX" in parts else Path(parts[-1]).suffix.lower()


def _name(member: zipfile.ZipInfo) -> str:
    """A member's name as it was meant: Chinese Windows writes GB18030 and does not say so."""
    name = member.filename
    if not member.flag_bits & 0x800:  # not said to be UTF-8: then zipfile took it for cp437
        meant = decode(name.encode("cp437", "replace"))
        name = meant.text if meant.encoding == "gb18030" else name
    return label(name)


class _Inflater:
    """Inflates the members of one archive, and keeps count of what has come out of it.

    The ratio is taken to the whole archive's size, the one figure that cannot lie.
    """

    def __init__(self, archive: Source):
        self.archive, self.total = archive, 0

    def inflate(self, stream: BinaryIO, name: str, suffix: str) -> Source:
        limits, whole = self.archive.limits, io.BytesIO()
        while chunk := stream.read(CHUNK):
            whole.write(chunk)
            self.total += len(chunk)
            check_ratio(self.archive, self.total)
            if self.total > limits.max_text_bytes:
                raise self.archive.too_much()
        size = whole.tell()
        whole.seek(0)
        return replace(self.archive, name=name, suffix=suffix, handle=whole, size=size)


UNPACKERS: dict[str, Callable[[Source, Collection[str]], Iterator[Source]]] = {
    ".gz": unpack_gzip,
    ".zip": unpack_zip,
}
