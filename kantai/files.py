"""Files that are whole or not there: written under a temporary name, then renamed.

A process killed at any moment leaves either the old file or the new one, never half of one
(`os.replace` is atomic: POSIX rename(2)). Knows nothing of what the files mean.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from kantai.errors import UserError
from kantai.processes import birth

TEMPORARY = re.compile(r"\..+\.(\d+)\.[0-9a-f]{8}\.tmp")  # whose number is the writing process

# What the disk or its owner refuses, and the sentence for it.
REFUSALS = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EFBIG: "disk_full",
    errno.EACCES: "not_writable",
    errno.EPERM: "not_writable",
    errno.EROFS: "not_writable",
    errno.ENOENT: "not_writable",
    errno.ENOTDIR: "not_a_folder",
    errno.EEXIST: "not_a_folder",
}


@contextmanager
def told_plainly(path: Path, refused: str = "not_writable") -> Iterator[None]:
    """Turn what the disk refuses into a sentence that says what to do (UserError).

    `refused`: the sentence where it may not be done.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
        key = REFUSALS[error.errno]
        raise UserError(refused if key == "not_writable" else key, place=path) from error


@contextmanager
def _written_beside(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, of this writer alone: two may write the same at once.

    Raises UserError for what the disk refuses, and where the folder was deleted meanwhile.
    """
    try:
        with told_plainly(path.parent):
            yield path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    except UserError as error:
        if path.parent.is_dir():
            raise
        raise UserError("folder_gone", place=path.parent) from error


def sweep(folder: Path) -> None:
    """Remove the temporary files and folders of processes that were killed while they wrote."""
    for place in list(folder.rglob(".*.tmp")):
        writer = TEMPORARY.fullmatch(place.name)
        if writer and birth(int(writer[1])) is None:
            shutil.rmtree(place, True) if place.is_dir() else place.unlink(missing_ok=True)


def replace(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a temporary file beside `path`, then give it its name at once."""
    with _written_beside(path) as temporary:
        try:
            write(temporary)
            with open(temporary, "rb") as handle:
                os.fsync(handle.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, content: str) -> None:
    """Write UTF-8 text so that `path` is whole or unchanged."""
    replace(path, lambda temporary: temporary.write_text(content, encoding="utf-8", newline="\n"))


def hash_of(file: BinaryIO) -> str:
    """The hash of all that an open file holds, read a piece at a time."""
    digest = hashlib.sha256()
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()


def share_files(source: Path, target: Path) -> None:
    """Give the files of `source` to the folder `target` too: linked, or copied where that fails.

    A link is as good as a copy here, because no file is ever changed in place. Raises
    FileNotFoundError where `source` is gone.
    """
    for file in sorted(source.iterdir()):
        if file.is_file() and not file.is_symlink():
            try:
                os.link(file, target / file.name)
            except FileNotFoundError:
                raise
            except OSError:  # another disk, or a file system without links
                shutil.copyfile(file, target / file.name)


def replace_folder(path: Path, fill: Callable[[Path], object]) -> None:
    """Let `fill` make a folder beside `path`, then move it there, file by file if need be.

    Where `path` is new, one rename does it. Where it exists, each file is renamed over its
    predecessor, so that every file is whole at every moment. The folder that both stand in is
    never made: whoever deleted it meanwhile wants nothing there.
    """
    with _written_beside(path) as temporary:
        try:
            temporary.mkdir()
            fill(temporary)
            if not _moved_at_once(temporary, path):
                for file in sorted(temporary.iterdir()):
                    os.replace(file, path / file.name)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _moved_at_once(temporary: Path, path: Path) -> bool:
    """Whether one rename did it: not where `path` holds files, perhaps since this moment."""
    try:
        os.replace(temporary, path)
    except OSError:
        if path.is_dir():
            return False
        raise
    return True
