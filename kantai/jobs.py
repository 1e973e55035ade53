"""The queue: one training at a time, the others wait; all of it stands in files.

    start() -> waiting -> preparing -> training -> finished, stopped or failed

The queue is one small file in the registry's root; what a Run does is told by the Run's own
files. So any process can tell the state of any Run, a server may end and another begin: the
workers go on, and are found again by number and birth. Knows no screen, and nothing of how a
worker trains.
"""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kantai.errors import UserError
from kantai.events import Event, Failed, Finished, Stepped
from kantai.files import write_text
from kantai.limits import shown
from kantai.processes import birth, end
from kantai.records import fitting
from kantai.registry import Registry, state_of
from kantai.strings import text
from kantai.workers import Workers
from kantai.workspace import Run, Worker

if TYPE_CHECKING:
    from kantai.settings import Settings
    from kantai.spaces import Lender

Change = Callable[["Settings"], "Settings"]
BudgetRecord = dict[str, float | None]  # name -> how much; None: not by this
PATIENCE = 120.0  # seconds to react to Stop: a step and a checkpoint of a large model on a CPU
GRACE = 2.0  # seconds that a training may go over its limit: it is about to end by itself
DISK_FULL = errno.ENOSPC  # the exit status of a worker that could not write its last word
SPENT = {"seconds": "seconds_training", "max_steps": "steps", "epochs": "epochs"}  # of a result
LEAST_FREE = 1_000_000  # bytes; with less a disk is full
AROUND = 15.0  # seconds that a worker takes before and after its training
UNKNOWN = 120.0  # seconds supposed for a budget of steps or epochs, before its first step


@dataclass(frozen=True)
class JobState:
    """What a Run is doing, for a person to read."""

    state: str  # new, waiting, preparing, training, finished, stopped or failed
    place: int = 0  # in the queue: 1 is next
    wait_seconds: float = 0.0  # expected
    doing: str = ""  # of a worker: a key of kantai.strings
    share: float = 0.0  # of what it is doing, or of the training's budget
    key: str = ""  # of what went wrong
    values: dict[str, Any] = field(default_factory=dict)
    words: str = ""  # of what went wrong, in English

    def message(self, language: str = "en") -> str:
        """What went wrong and what to do; empty where nothing did."""
        try:
            return text(self.key, language, **self.values) if self.key else self.words
        except (KeyError, ValueError, TypeError):  # an event of another version
            return self.words

    @property
    def log(self) -> str:
        """The end of what a failed worker printed."""
        return str(self.values.get("log", ""))


@dataclass
class Queue:
    """Who waits, in order, and who has the device."""

    waiting: list[str] = field(default_factory=list)
    running: str | None = None


class Jobs:
    """Starts and stops the training of a registry's Runs, one at a time."""

    def __init__(
        self,
        registry: Registry,
        *,
        device: str | None = None,
        lender: Lender | None = None,
        spare: bool = False,
    ):
        """`lender` trains where a GPU is lent call by call; elsewhere each Run has a process.

        `spare`: such a process may stand by for the next Run.
        """
        self.registry, self.device, self.lender = registry, device, lender
        self.workers = Workers(device, spare=spare and not lender)
        self.file = registry.root / "queue.json"
        self.stops: dict[str, float] = {}  # id -> when its stop was seen first
        self.children: dict[int, subprocess.Popen] = {}  # only to hear how they ended

    # --- what a person may ask ----------------------------------------------------------------

    def start(self, run_id: str, change: Change | None = None, *, fresh: bool = False) -> None:
        """Train the Run, or go on with it, as soon as it is its turn; twice is once.

        `change` gives it other settings in the same moment; a Run that waits or trains already
        keeps its own. `fresh`: only one that was never trained; where another tab was quicker
        with other settings, nothing is changed (UserError run_begun).

        Raises UserError for a Run without text, one that spent its budget, a full queue, and
        for what is beyond the registry's allowance.
        """
        with self._changing() as queue:
            run = self.registry.open(run_id)
            ending = queue.running == run_id and run.stop_asked()
            busy = run_id in queue.waiting or (queue.running == run_id and not ending)
            if busy or (fresh and run.log_size):
                if fresh and change and change(run.settings) != run.settings:
                    raise UserError("run_begun")
                return
            if not run.has_text:
                raise UserError("run_without_text")
            settings = change(run.settings) if change else None
            budget = asdict(settings.budget) if settings else budget_of(run.record)
            if is_spent(run, budget) and not ending:
                raise UserError("already_finished")
            self._check(run, queue, budget)
            self.registry.make_room({run_id, *queue.waiting, queue.running})
            if settings:
                run.write_settings(settings)
            if self.lender:
                self.lender.remember(run_id)
            queue.waiting.append(run_id)

    @contextmanager
    def unbegun(self, run_id: str) -> Iterator[Run]:
        """The Run, for a quick change that no Start can cross.

        Raises UserError where it was begun already, in another tab perhaps.
        """
        with self._changing() as queue:
            run = self.registry.open(run_id)
            worker = run.worker()
            works = worker is not None and worker.alive
            if run_id in (queue.running, *queue.waiting) or works or run.log_size:
                raise UserError("run_begun")
            yield run

    def make_room(self) -> None:
        """Hold the limit of the disk before a new Run begins. Raises UserError where it is full."""
        with self._changing() as queue:
            self.registry.make_room({*queue.waiting, queue.running})

    def stop(self, run_id: str) -> None:
        """Leave the queue, or end the training and keep its weights.

        A worker that has not begun to train is ended at once: it has nothing to keep.
        """
        with self._changing() as queue:
            run = self.registry.open(run_id)
            if run_id in queue.waiting:
                queue.waiting.remove(run_id)
            worker = run.worker()
            if worker and worker.alive:
                run.ask_stop()
                if run.log_size == worker.log_from:
                    end(worker.pid, worker.born)

    def state(self, run_id: str) -> JobState:
        """What the Run is doing now. Raises UserError for an unknown Run."""
        run = self.registry.open(run_id)
        with suppress(UserError):  # busy: what the files say is true all the same
            self.tick()
        worker, told = run.worker(), state_of(run)
        if worker and told == "failed":  # by hand, or dead since the tick
            with suppress(UserError), self.registry.lock():
                self._settle(run)
            told = state_of(run)
        elif worker and worker.alive:
            return working(run, worker, told)
        queue = self._read()
        if run_id in queue.waiting:
            place = queue.waiting.index(run_id)
            ahead = [queue.running, *queue.waiting[:place]]
            wait = sum(self._expected(other) for other in ahead if other)
            return JobState("waiting", place + 1, wait)
        if self.lender and run_id in self.lender.unsaid:
            error = self.lender.unsaid[run_id]
            values = {name: str(value) for name, value in error.values.items()}
            return JobState("failed", key=error.key, values=values, words=str(error))
        return ended(run, told)

    @property
    def changed(self) -> int:
        """Another number after every change of the queue."""
        return self.file.stat().st_mtime_ns if self.file.is_file() else 0

    @property
    def running(self) -> str | None:
        """The Run that has the device."""
        return self._read().running

    def tick(self) -> None:
        """Notice workers that ended; let the next one begin. Call it about once a second."""
        queue = self._known()
        if queue is None or queue.running or queue.waiting:
            with self._changing():
                pass

    def watch(self, every: float = 1.0) -> threading.Thread:
        """A thread that ticks for as long as this process lives."""

        def run() -> None:
            while True:
                with suppress(UserError, OSError):  # a full disk, a busy lock: next time
                    self.tick()
                time.sleep(every)

        thread = threading.Thread(target=run, daemon=True, name="jobs")
        thread.start()
        return thread

    def _check(self, run: Run, queue: Queue, budget: BudgetRecord) -> None:
        """Raise UserError for what this Run, or the queue, may not have."""
        allowance = self.registry.allowance
        allowance.check("waiting", len(queue.waiting) + 1, "queue_full")
        allowance.check("run_seconds", budget.get("seconds") or 0, "run_over_limit")
        if self._over_time(run) >= 0:
            raise UserError("run_time_spent", most=shown("run_seconds", allowance.run_seconds))

    def _over_time(self, run: Run) -> float:
        return trained_seconds(run) - self.registry.allowance.run_seconds

    # --- the queue's file ---------------------------------------------------------------------

    def _read(self) -> Queue:
        return self._known() or Queue()

    def _known(self) -> Queue | None:
        """What the file says; None where it is not there, or damaged."""
        try:
            return fitting(Queue, json.loads(self.file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, AttributeError):
            return None

    @contextmanager
    def _changing(self) -> Iterator[Queue]:
        """The queue as it is now, for one at a time; then all moves up, and it is written.

        Where its file was lost, a worker that lives is found among the Runs: no second one may
        begin beside it.
        """
        with self.registry.lock():
            before = self._known()
            queue = self._read() if before else Queue(running=self.registry.at_work())
            self._notice(queue)
            yield queue
            self._move_up(queue)
            if queue != before:
                write_text(self.file, json.dumps(asdict(queue)))

    def _notice(self, queue: Queue) -> None:
        """Leave out Runs that were deleted, and a worker that ended."""
        queue.waiting = [run_id for run_id in queue.waiting if self.registry.has(run_id)]
        if queue.running and not self._is_busy(queue.running):
            queue.running = None

    def _move_up(self, queue: Queue) -> None:
        while queue.waiting and queue.running is None:
            run_id = queue.waiting.pop(0)
            run = self.registry.open(run_id)
            try:
                self._launch(run)
                queue.running = run_id
            except UserError as error:
                with suppress(UserError):  # where not even that can be written, the next one
                    run.fail(error)

    def _is_busy(self, run_id: str) -> bool:
        """Whether the Run's worker still works; one that died gets its last word here."""
        if not self.registry.has(run_id):
            return False
        run = self.registry.open(run_id)
        worker = run.worker()
        if worker and worker.alive:
            if self._waited_for(run) > PATIENCE and not isinstance(run.latest(), Finished):
                end(worker.pid, worker.born)
            elif not run.stop_asked() and self._over_time(run) > GRACE:
                run.ask_stop()  # a budget of steps knows no seconds
            return True
        self._settle(run)
        return False

    def _waited_for(self, run: Run) -> float:
        """Seconds since this process first saw a stop asked for, whatever the clock is set to."""
        if not run.stop_asked():
            self.stops.pop(run.folder.name, None)
            return 0.0
        return time.monotonic() - self.stops.setdefault(run.folder.name, time.monotonic())

    def _expected(self, run_id: str) -> float:
        try:
            return expected_seconds(self.registry.open(run_id))
        except (UserError, KeyError):
            return 0.0

    # --- workers ------------------------------------------------------------------------------

    def _launch(self, run: Run) -> None:
        """Start the Run's worker, unless one is at it. Raises UserError where that fails.

        The worker waits until its number is written down: no moment exists in which it works
        and nobody knows.
        """
        worker = run.worker()
        if worker and worker.alive:
            return
        self._settle(run)
        run.clear_stop()
        if self.lender:
            return self.lender.begin(run, lambda: expected_training(run))
        child = self.workers.begin(run)
        self.children = {pid: c for pid, c in self.children.items() if c.poll() is None}
        self.children[child.pid] = child
        try:
            run.write_worker(Worker(child.pid, birth(child.pid) or 0.0, run.log_size))
        except UserError:
            child.kill()
            raise
        finally:
            child.stdin.close()

    def _settle(self, run: Run) -> None:
        """Where a worker died without a last word, say how it ended and what to do."""
        worker = run.worker()
        if worker is None or worker.alive:
            return
        status = self._status(worker.pid)
        began, last = run.log_size > worker.log_from, run.latest()
        never_began = run.stop_asked() and not began  # stopped in time: as if never started
        if not never_began and not (began and isinstance(last, Failed)):
            error = death(status, asked=run.stop_asked(), last=last, path=run.folder)
            run.fail(error, log=run.log_end())
        run.clear_worker()

    def _status(self, pid: int) -> int | None:
        """How a process ended that this one started; None for another server's."""
        child = self.children.pop(pid, None)
        with suppress(subprocess.TimeoutExpired):  # its threads may take a moment to end
            return child.wait(timeout=3.0) if child else None
        return None


def death(status: int | None, *, asked: bool, last: Event | None, path: Path) -> UserError:
    """Why a worker died, by its exit status: -9 is signal 9, None is not known."""
    if status == DISK_FULL:
        return UserError("disk_full", place=path)
    if asked and not isinstance(last, Finished):
        return UserError("worker_hung")
    if status is None:
        return UserError("worker_vanished")
    if status < 0:
        return UserError("worker_killed", signal=-status)
    return UserError("worker_crashed", status=status)


def working(run: Run, worker: Worker, told: str) -> JobState:
    """The state of a Run whose worker is at work."""
    doing, share = worker.doing, worker.share
    if told == "training":
        step = run.latest(Stepped)
        share = step.share if step else 0.0
    if doing == "doing_train":
        doing = "doing_stop" if run.stop_asked() else doing
    return JobState(told, doing=doing, share=share)


def ended(run: Run, told: str) -> JobState:
    """The state of a Run that nobody works at."""
    last = run.latest()
    if told == "failed" and isinstance(last, Failed):
        return JobState(told, key=last.key, values=last.values, words=last.message)
    if told != "failed":
        return JobState(told)
    disk = shutil.disk_usage(run.folder.parent)  # which is there, though the Run be deleted now
    if disk.free < LEAST_FREE:  # its end could not be written down
        return JobState(told, key="disk_full", values={"place": str(run.folder)})
    return JobState(told, key="worker_vanished")


def is_spent(run: Run, budget: BudgetRecord) -> bool:
    """Whether the Run was trained to the end of this budget; a larger one makes it go on."""
    if (run.result or {}).get("stopped") != "finished" or state_of(run) != "finished":
        return False
    return all(
        done(run, name) >= 0.99 * value
        for name, value in budget.items()
        if value is not None and name in SPENT
    )


def done(run: Run, unit: str) -> float:
    """How much a finished training took, in a budget's unit; 0 for any other."""
    result = run.result if state_of(run) == "finished" else None
    return (result or {}).get(SPENT[unit], 0)


def budget_of(record: dict[str, Any]) -> BudgetRecord:
    """The budget as `run.json` has it."""
    budget = record.get("budget")
    known = budget.items() if isinstance(budget, dict) else ()
    return {name: value for name, value in known if isinstance(value, int | float)}


def trained_seconds(run: Run) -> float:
    """How long the Run has trained, over all its resumes."""
    step = run.latest(Stepped)
    return step.seconds if step else 0.0


def expected_seconds(run: Run) -> float:
    """How long the Run will have the device, as far as one can tell."""
    return expected_training(run) + AROUND


def expected_training(run: Run) -> float:
    """How long the Run will train, as far as one can tell."""
    budget, step = budget_of(run.record).get("seconds"), run.latest(Stepped)
    if budget is not None:
        return max(0.0, budget - trained_seconds(run))
    if step is None or step.share <= 0:
        return UNKNOWN
    return step.seconds / step.share * max(0.0, 1 - step.share)
