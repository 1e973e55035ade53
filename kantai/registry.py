"""All Runs under one root folder: their ids, their owners, their list.

An id is unguessable, and looked at before it meets a path: whoever has it may watch. What
changes a Run asks for the owner's secret, which stays in the owner's browser; the folder
holds its hash alone. Knows no queue and no screen.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import secrets
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kantai.errors import UserError
from kantai.events import Event, Failed, Finished, Validated
from kantai.files import told_plainly
from kantai.limits import ALLOWANCES, Allowance
from kantai.settings import Settings
from kantai.shelf import Shelf
from kantai.workspace import SHELF, Run, folder_bytes

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{15,63}")
NAME_LENGTH = 80
LOCK_SECONDS = 10.0
DAY = 86_400.0


@dataclass(frozen=True)
class RunInfo:
    """A line of the list of Runs."""

    id: str
    name: str
    created: float  # seconds since 1970
    state: str  # of state_of()
    preset: str
    bytes: int  # on the disk
    best_loss: float | None  # on held-out text, nats a hidden token
    seconds: float  # of training


def is_secret(owner: object) -> bool:
    """Whether it can be somebody's secret; a direct call may bring anything at all."""
    return isinstance(owner, str) and bool(owner)


def new_secret() -> str:
    """A secret for a new owner, to be kept in the owner's browser."""
    return secrets.token_urlsafe(32)


class Registry:
    """The root folder that holds the Runs, one folder each, named by its id."""

    def __init__(self, root: Path, allowance: Allowance = ALLOWANCES["local"]):
        self.root, self.allowance = Path(root).resolve(), allowance
        with told_plainly(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
        self.shelf, self.books = Shelf(self.root / SHELF), self.root / ".books"
        self._ids()  # a folder that cannot be read is told at once

    def new(self, settings: Settings, *, name: str, owner: str) -> str:
        """Begin a Run and return its id.

        Raises UserError for who keeps too many, and for an owner that is no secret: such a Run
        could never be changed nor deleted.
        """
        if not is_secret(owner):
            raise UserError("owner_needed")
        if math.isfinite(self.allowance.runs_each):
            kept = sum(self._may(run_id, owner) for run_id in self._ids())
            self.allowance.check("runs_each", kept + 1, "runs_over_limit")
        run_id = _new_id()
        with told_plainly(self.root):
            self.shelf.folder.mkdir(exist_ok=True)
        try:
            run = Run.create(self.root / run_id, settings)
            run.write_owner({"name": _clean(name) or settings.preset_name, "hash": _hash(owner)})
        except BaseException:
            self.take_back(run_id)
            raise
        return run_id

    def take_back(self, run_id: str) -> None:
        """Remove a Run that was just begun, of which nobody knows yet."""
        shutil.rmtree(self.root / run_id, ignore_errors=True)
        self.shelf.forget_unused()

    def open(self, run_id: str) -> Run:
        """The Run of this id. Raises UserError for one that is malformed or unknown."""
        if not self.has(run_id):
            raise UserError("unknown_run")
        return Run(self.root / run_id)

    def has(self, run_id: Any) -> bool:
        """Whether there is such a Run; anything at all may be asked."""
        well_formed = isinstance(run_id, str) and ID.fullmatch(run_id)
        with told_plainly(self.root, "not_readable"):
            return bool(well_formed) and (self.root / run_id / "run.json").is_file()

    def owns(self, run_id: str, owner: str | None) -> bool:
        """Whether `owner` is the secret of the one who began this Run."""
        known = str(self.open(run_id).owner.get("hash", ""))
        return is_secret(owner) and hmac.compare_digest(known.encode(), _hash(owner).encode())

    def list(self, owner: str | None) -> list[RunInfo]:
        """The Runs of this owner, newest first; none for nobody."""
        found = (self._info(run_id) for run_id in self._ids() if self._may(run_id, owner))
        return sorted(filter(None, found), key=lambda info: -info.created)

    def newest(self, most: int) -> list[str]:
        """The ids of everybody's newest Runs: for the page itself, never for a visitor."""
        return sorted(self._ids(), key=self._set_up, reverse=True)[:most]

    def rename(self, run_id: str, owner: str | None, name: str) -> None:
        """Give the Run another name. Raises UserError for another's Run or no name."""
        run = self.owned(run_id, owner)
        if not _clean(name):
            raise UserError("run_name_empty")
        run.write_owner(run.owner | {"name": _clean(name)})

    def hand_over(self, owner: str | None, heir: str) -> None:
        """Give all Runs of one owner to another; of nobody there are none."""
        with self.lock():
            for run_id in self._ids():
                if self._may(run_id, owner):
                    run = self.open(run_id)
                    run.write_owner(run.owner | {"hash": _hash(heir)})

    def delete(self, run_id: str, owner: str | None) -> None:
        """Delete the Run for good. Raises UserError for another's, or while it trains.

        The folder leaves under another name first: nobody ever meets half of it.
        """
        with self.lock():
            run = self.owned(run_id, owner)
            worker = run.worker()
            if worker and worker.alive:
                raise UserError("run_is_training")
            self._set_aside(run)
        self._sweep()

    def make_room(self, busy: Collection[str]) -> list[str]:
        """Hold the limit of the disk: the oldest Runs go, and their ids are returned.

        First what nobody has any more, then fetched books, then Runs: never one that trains or
        one of `busy`, and an owner's newest only where the owner did nothing for `idle_days`.
        Call it inside `lock()`. Raises UserError where all that may go is gone and it is still
        too much.
        """
        most = self.allowance.disk_bytes
        if math.isinf(most) or self._disk_bytes() <= most:
            return []
        self._sweep()
        self._shed_books(self._disk_bytes() - most)
        total, gone = self._disk_bytes(), []
        for run_id in self._may_go(busy):
            if total <= most:
                break
            total -= self._remove(run_id)
            gone.append(run_id)
            if total <= most:  # exactly: what it shared with others may still be there
                self._sweep()
                total = self._disk_bytes()
        self.allowance.check("disk_bytes", total, "disk_over_limit")
        return gone

    def _remove(self, run_id: str) -> int:
        """Remove the Run; the bytes that are free now, or once the shelf forgets them."""
        run = self.open(run_id)
        freed = own_bytes(run.folder)
        self._set_aside(run)
        shutil.rmtree(self._aside(run_id), ignore_errors=True)
        return freed

    def _shed_books(self, excess: float) -> None:
        """Remove the oldest fetched books until `excess` bytes are gone."""
        for file in sorted(self.books.glob("*"), key=_changed):
            if excess > 0:
                excess -= file.stat().st_size
                file.unlink(missing_ok=True)

    def _disk_bytes(self) -> int:
        """All Runs, books, and what Runs share; of a shared file each of them counts its part."""
        runs = sum(self.open(run_id).disk_bytes() for run_id in self._ids())
        return runs + folder_bytes(self.shelf.folder) + folder_bytes(self.books)

    def _may_go(self, busy: Collection[str]) -> list[str]:
        """The Runs that the limit of the disk may remove: oldest first, who left long ago last."""
        by_age = sorted(self._ids(), key=self._set_up)
        newest = {self._owner_of(run_id): run_id for run_id in by_age}
        others = [run_id for run_id in by_age if run_id not in newest.values()]
        idle = [run_id for run_id in by_age if run_id in newest.values() and self._is_idle(run_id)]
        return [i for i in (*others, *idle) if i not in busy and not self._works(i)]

    def _is_idle(self, run_id: str) -> bool:
        """Whether nothing was done with this Run, an owner's newest, for `idle_days`."""
        folder = self.root / run_id
        done = max(_changed(place) for place in (folder, folder / "events.jsonl"))
        return time.time() - done > self.allowance.idle_days * DAY

    def _set_up(self, run_id: str) -> float:
        return _changed(self.root / run_id / "run.json")

    def _owner_of(self, run_id: str) -> str:
        try:
            return self.open(run_id).owner.get("hash", "")
        except UserError:  # damaged: nobody's
            return ""

    def at_work(self) -> str | None:
        """A Run whose worker lives, if there is one; looks into every Run."""
        return next(filter(self._works, self._ids()), None)

    def _works(self, run_id: str) -> bool:
        worker = self.open(run_id).worker()
        return worker is not None and worker.alive

    def _ids(self) -> list[str]:
        with told_plainly(self.root, "not_readable"):
            return [folder.name for folder in self.root.iterdir() if self.has(folder.name)]

    def _set_aside(self, run: Run) -> None:
        with told_plainly(run.folder):
            run.folder.rename(self._aside(run.folder.name))

    def _aside(self, run_id: str) -> Path:
        return self.root / f".deleted-{run_id}"

    def _sweep(self) -> None:
        for folder in self.root.glob(".deleted-*"):
            shutil.rmtree(folder, ignore_errors=True)
        self.shelf.forget_unused()

    def owned(self, run_id: str, owner: str | None) -> Run:
        """The Run of this id, for its owner only. Raises UserError for anybody else."""
        if not self.owns(run_id, owner):
            raise UserError("not_owner")
        return self.open(run_id)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One at a time, over all threads and processes that use this root."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.root / ".lock", timeout=LOCK_SECONDS, poll_interval=0.01)
        try:
            with told_plainly(self.root):
                lock.acquire()
        except Timeout as error:
            raise UserError("queue_busy") from error
        try:
            yield
        finally:
            lock.release()

    def _may(self, run_id: str, owner: str | None) -> bool:
        try:
            return self.owns(run_id, owner)
        except UserError:  # deleted meanwhile, or damaged
            return False

    def _info(self, run_id: str) -> RunInfo | None:
        """The Run's line in the list; None for one that cannot be read."""
        try:
            run = self.open(run_id)
            record, last, result = run.record, run.last_events(), run.result or {}
            return RunInfo(
                id=run_id,
                name=run.owner.get("name", ""),
                created=record["created"],
                state=state_of(run),
                preset=record["preset_name"],
                bytes=run.disk_bytes(),
                best_loss=best_loss(last) or result.get("validation_loss"),
                seconds=max((getattr(event, "seconds", 0.0) for event in last), default=0.0),
            )
        except (UserError, KeyError, OSError):
            return None


def state_of(run: Run) -> str:
    """What a Run's own files say: new, preparing, training, finished, stopped or failed."""
    worker = run.worker()
    if worker:
        if not worker.alive:
            return "failed"
        return "training" if run.log_size > worker.log_from else "preparing"
    last = run.latest()
    if isinstance(last, Finished):
        return "stopped" if last.stopped == "stopped" else "finished"
    return "new" if last is None else "failed" if isinstance(last, Failed) else "stopped"


def best_loss(events: list[Event]) -> float | None:
    """The lowest loss on held-out text among the events."""
    ends = [event.best_loss for event in events if isinstance(event, Finished)]
    looks = [event.loss for event in events if isinstance(event, Validated)]
    return min((loss for loss in ends + looks if loss is not None), default=None)


def own_bytes(folder: Path) -> int:
    """What is free once this folder is gone: files that nobody else has, but perhaps the shelf."""
    known = (file.lstat() for file in folder.rglob("*") if file.is_file())
    return sum(one.st_size for one in known if one.st_nlink <= 2)


def _changed(place: Path) -> float:
    """When it was changed last; long ago where it is not there."""
    try:
        return place.stat().st_mtime
    except OSError:
        return 0.0


def _new_id() -> str:
    while not ID.fullmatch(run_id := secrets.token_urlsafe(16)):
        pass  # one in 32 begins with a dash or a line: awkward on command lines
    return run_id


def _hash(owner: str | None) -> str:
    secret = owner if is_secret(owner) else ""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _clean(name: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())[:NAME_LENGTH]
