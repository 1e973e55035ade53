"""The process that trains one Run: python -m kantai.worker RUN_FOLDER [--device cpu]

With --standby it loads its libraries first and is then told the folder (`kantai.workers`).

It reads the Run, learns its tokenizer where there is none, trains, and appends every event to
the Run; `worker.json` says who it is and what it is doing, for as long as it works. It talks
to nobody: whoever wants to know reads the files. A stop file or SIGTERM asks it to stop: the
weights are kept. Knows no queue and no screen.
"""

from __future__ import annotations

import argparse
import errno
import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from kantai import errors
from kantai.architectures import ARCHITECTURES
from kantai.devices import use_threads_politely
from kantai.errors import UserError
from kantai.libraries import meanwhile, preload
from kantai.processes import birth
from kantai.tokenizer import Cancelled
from kantai.workspace import Run, Worker

OOM_SCORE = Path("/proc/self/oom_score_adj")  # proc(5): whom the kernel ends first, -1000 to 1000
ENDED_FIRST = 800
SAVE_EVERY = 10.0  # seconds of training that a kill may cost
TELL_EVERY = 0.4  # seconds between two writings of what it is doing


class Desk:
    """What the worker is doing, written where others read it; where it learns of a stop."""

    def __init__(self, run: Run, worker: Worker | None = None):
        """Claim the Run, unless `worker` did. Raises UserError where another is at it."""
        self.run, self.told = run, 0.0
        self.signalled = threading.Event()
        self.libraries: threading.Thread | None = None
        if worker is not None:
            self.worker = worker
            return
        here = os.getpid()
        other = run.worker()
        if other and other.pid != here and other.alive:
            raise UserError("trained_elsewhere", folder=run.folder)
        self.worker = Worker(here, birth(here) or 0.0, run.log_size)
        run.write_worker(self.worker)

    def stopping(self) -> bool:
        return self.signalled.is_set() or self.run.stop_asked()

    @property
    def beginning(self) -> bool:
        """Whether there is nothing yet that a stop would have to keep."""
        return self.run.log_size == self.worker.log_from

    def tell(self, key: str, share: float) -> None:
        """Say what is being done. Raises Cancelled where a stop came before the training."""
        if (
            self.beginning
            and threading.current_thread() is threading.main_thread()
            and self.stopping()
        ):
            raise Cancelled
        if key == "doing_train" and self.libraries:
            self.libraries.join()
        if key != self.worker.doing or time.monotonic() - self.told > TELL_EVERY:
            self.told = time.monotonic()
            self.worker = replace(self.worker, doing=key, share=round(share, 3))
            self.run.write_worker(self.worker)


def train(run: Run, desk: Desk, device: str | None) -> None:
    """From the Run's text to its model. Raises Cancelled where a stop came before training."""
    desk.tell("doing_begin", 0.0)

    from kantai import stages
    from kantai.devices import find_device, wake

    if not run.has_text:
        raise UserError("run_without_text")
    architecture = ARCHITECTURES[run.settings.preset.architecture]
    desk.libraries = preload([architecture.model_class])
    if device != "cpu":
        meanwhile(wake)
    if not run.has_tokenizer:
        stages.learn_tokenizer(run, desk.tell, cancelled=desk.stopping)
    found = find_device(device)
    for _ in stages.pretrain_run(run, found, desk.tell, stop=desk.stopping, save_every=SAVE_EVERY):
        pass  # each event is in the Run's log already


def explain(error: BaseException, run: Run) -> UserError:
    """The sentence that tells a person what to do about an error of any kind."""
    known = errors.explain(error, run.folder)
    return known or UserError("worker_broke", reason=errors.first_line(error))


def work(run: Run, device: str | None) -> int:
    """Train the Run in this process until a signal or a stop file; returns the exit status."""
    desk = Desk(run)
    for name in ("SIGTERM", "SIGINT"):
        signal.signal(getattr(signal, name), lambda number, frame: desk.signalled.set())
    return carry_out(run, lambda: train(run, desk, device))


def carry_out(run: Run, training: Callable[[], None]) -> int:
    """Do it, and leave the Run with a last word and without a worker; the exit status.

    Where not even that can be written, `worker.json` stays behind: its process is gone, and
    that tells of the failure.
    """
    status = 0
    try:
        training()
    except Cancelled:
        pass  # the Run is what it was before
    except Exception as error:
        status = fail(run, explain(error, run))
        with suppress(OSError):  # the log is on the same disk
            traceback.print_exc()
    if status != errno.ENOSPC:
        run.clear_worker()
    return status


def fail(run: Run, error: UserError) -> int:
    """Leave the last word; the exit status tells where the disk has no room even for that."""
    try:
        run.fail(error)
    except UserError as refusal:
        if refusal.key != "disk_full":
            raise
        return errno.ENOSPC
    return 1


def print_to(log: Path) -> None:
    """Send all that this process prints to a file, even from below Python."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(handle, stream.fileno())
    os.close(handle)
    faulthandler.enable()


def print_no_more() -> None:
    """What a full disk did not take is given up; else Python ends with a status of its own."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def stand_by() -> Path | None:
    """Load what every training needs, then wait to be told a Run's folder.

    None where whoever began it has gone, or wants it no more.
    """
    from kantai import stages  # noqa: F401

    preload(row.model_class for row in ARCHITECTURES.values()).join()
    told = sys.stdin.readline().strip()
    return Path(told) if told else None


def main(argv: Sequence[str] | None = None) -> int:
    """Train the Run of the given folder."""
    parser = argparse.ArgumentParser(prog="python -m kantai.worker", description=__doc__)
    parser.add_argument("run", nargs="?", type=Path, help="the Run's folder")
    parser.add_argument("--device", help="default: the best there is")
    parser.add_argument(
        "--wait", action="store_true", help="begin when standard input closes (the queue asks so)"
    )
    parser.add_argument(
        "--standby", action="store_true", help="load the libraries; standard input names the Run"
    )
    arguments = parser.parse_args(argv)
    if bool(arguments.run) == arguments.standby:
        parser.error("give a Run's folder, or --standby")
    use_threads_politely()
    if hasattr(os, "nice"):
        os.nice(5)  # the page goes first
    with suppress(OSError):  # Linux: and this process, where memory runs out
        OOM_SCORE.write_text(str(ENDED_FIRST))
    folder = stand_by() if arguments.standby else arguments.run
    if folder is None:
        return 0
    try:
        run = Run.open(folder)
        if arguments.wait or arguments.standby:
            sys.stdin.read()
        else:
            run.clear_stop()
        print_to(run.log_file)
        status = work(run, arguments.device)
        print_no_more()
        return status
    except UserError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
