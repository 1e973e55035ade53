"""What many Runs need and one computes: kept once, under the hash of all that it is made from.

Thirty pupils who bring the same text, or learn the same vocabulary from it, compute it once:
the first makes it, who comes meanwhile waits, and all have the same files by links. A link is
as good as a copy, because no file of a Run is ever changed in place. What no Run has any more
is forgotten, so that a deleted text is gone. Knows nothing of what the files mean.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from filelock import FileLock, Timeout

from kantai.errors import UserError
from kantai.files import hash_of, replace_folder, share_files, told_plainly, write_text

Hold = Callable[[], AbstractContextManager]
TURN = 0.2  # seconds between two looks of one who waits


def key_of(*parts: str) -> str:
    """The hash of the parts; where one ends and the next begins counts too.

    >>> key_of("ab", "c") == key_of("a", "bc")
    False
    """
    return key_of_all(parts)


def key_of_all(parts: Iterable[str]) -> str:
    """The same for parts that come one after another and are not held."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode("utf-8", "surrogatepass")
        digest.update(f"{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()


class Shelf:
    """A folder of folders, each named by its key, with the sums of its files beside it."""

    def __init__(self, folder: Path):
        self.folder = folder

    def take(
        self,
        key: str,
        make: Callable[[Path], object],
        target: Path,
        meanwhile: Callable[[], object] = lambda: None,
        hold: Hold = nullcontext,
    ) -> None:
        """Fill the folder `target` with what `key` stands for; `make` fills a folder with it.

        It is made only where nobody did. While another makes it, `meanwhile` is called again
        and again and may raise to give up. Files that were damaged since are made anew. Only
        the moment in which `target` gets its files is inside of `hold()`.
        """
        with self._lock(key, meanwhile):
            kept = self.folder / key
            if not self._is_whole(key):
                self._make(key, make)
            try:
                with hold():
                    replace_folder(target, lambda folder: share_files(kept, folder))
            except BaseException:  # the target's Run was deleted meanwhile
                self._forget(key)
                raise

    def forget_unused(self) -> None:
        """Remove what no Run has any more, and what was left half made."""
        left = (file.name for file in self.folder.glob("*") if not file.name.startswith(".lock"))
        for key in {name.lstrip(".").split(".")[0] for name in left}:
            try:
                with self._lock(key, self._give_up):
                    self._forget(key)
            except (OSError, UserError):  # made or taken at this moment, or the disk says no
                continue

    def _forget(self, key: str) -> None:
        if not any(file.stat().st_nlink > 1 for file in (self.folder / key).glob("*")):
            self._remove(key)

    def _remove(self, key: str) -> None:
        shutil.rmtree(self.folder / key, ignore_errors=True)
        shutil.rmtree(self.folder / f".{key}.tmp", ignore_errors=True)
        for file in self.folder.glob(f"*{key}.json*"):
            file.unlink(missing_ok=True)

    def _give_up(self) -> None:
        raise Timeout(str(self.folder))

    def _make(self, key: str, make: Callable[[Path], object]) -> None:
        """Under another name first; the sums come last, so that half of it counts as nothing."""
        self._remove(key)
        temporary = self.folder / f".{key}.tmp"
        with told_plainly(self.folder):
            temporary.mkdir()
            try:
                make(temporary)
                temporary.rename(self.folder / key)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        write_text(self.folder / f"{key}.json", json.dumps(sums_of(self.folder / key)))

    def _is_whole(self, key: str) -> bool:
        try:
            known = json.loads((self.folder / f"{key}.json").read_text(encoding="utf-8"))
            return known == sums_of(self.folder / key)
        except (OSError, ValueError):
            return False

    @contextmanager
    def _lock(self, key: str, meanwhile: Callable[[], object]) -> Iterator[None]:
        """One at a time for this key, over all processes; a killed one's lock ends with it."""
        lock = FileLock(self.folder / f".lock-{key[:2]}", poll_interval=0.02)
        while not lock.is_locked:
            try:
                with told_plainly(self.folder):
                    lock.acquire(timeout=TURN)
            except Timeout:
                meanwhile()
        try:
            yield
        finally:
            lock.release()


def sums_of(folder: Path) -> dict[str, str]:
    """The hash of every file in a folder."""
    sums = {}
    for path in sorted(folder.iterdir()):
        with open(path, "rb") as file:
            sums[path.name] = hash_of(file)
    return sums
