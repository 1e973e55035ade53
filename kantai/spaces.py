"""Training where a GPU is lent for a short while: a Space with ZeroGPU.

There a function gets a GPU only inside `@spaces.GPU(duration=…)`, for a visitor's request and
in a forked process: what goes in and comes out is pickled, nothing in memory stays. So a
training is cut into slices, each a call of its own that ends in a checkpoint, and the next one
resumes from the Run's folder. What needs no GPU is done before, in the server itself.
Elsewhere the decorator does nothing. Knows no screen and no queue.
"""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from contextvars import Context, copy_context
from pathlib import Path
from typing import Any, TypeVar

from kantai.errors import UserError
from kantai.events import Event, Finished, Started
from kantai.limits import is_zero_gpu
from kantai.tokenizer import Cancelled
from kantai.worker import SAVE_EVERY, Desk, explain, fail
from kantai.workspace import Run

Call = TypeVar("Call", bound=Callable[..., Any])
SLICE = 40.0  # seconds of one call in which it trains
LEAST = 5.0  # however little is left
AROUND = 20.0  # seconds that a call takes besides: loading, the last examination, saving
A_MEGABYTE = 1.0  # seconds more for each megabyte of text, which is read again in every call
WAIT = 300.0  # seconds for which a call may stand in line for its GPU
PATIENCE = 60.0  # seconds that a call may take to end after Stop
ENDED_BADLY = {"disk_full": "disk_full", "late": "gpu_silent"}  # what a call says -> its sentence
LATE = 5.0  # seconds after which nobody waits any more for a call that must be over


def gpu(
    duration: Callable[..., float], environment: Mapping[str, str] = os.environ
) -> Callable[[Call], Call]:
    """A decorator: a call gets a GPU for `duration` of its arguments; nothing changes elsewhere.

    Use it once a function, before the page is served: `spaces` keeps the first duration, and
    ends a Space that serves without any such function.
    """
    if not is_zero_gpu(environment):
        return lambda function: function
    import spaces

    return spaces.GPU(duration=duration)


class TooLate(Exception):
    """Nobody waits for this call any more."""


def seconds_asked(folder: str, seconds: float, *others: object) -> int:
    """How long the GPU is asked for, for a slice that trains for `seconds`."""
    megabytes = Run(Path(folder)).texts("train").size / 1_000_000
    return round(seconds + AROUND + A_MEGABYTE * megabytes)


def train_slice(
    folder: str,
    seconds: float,
    device: str | None,
    baselines: dict[str, dict[str, float]] | None,
    until: float,
) -> str:
    """Train the Run for `seconds` at most, from its last checkpoint; how it ended.

    "slice": there is more to do; "failed": the Run has its last word; "disk_full": there was no
    room for one; "late": nobody waits any more, and it did not touch the Run; else it is what
    Finished tells. Only plain values go in and out, and no error either: a pickled one would
    lose its sentence. `until` is of `time.monotonic`, one clock for all of a machine.
    """
    run = Run.open(Path(folder))
    try:
        return _train_slice(run, seconds, device, baselines, until)
    except Cancelled:
        return "cancelled"
    except TooLate:
        return "late"
    except Exception as error:
        traceback.print_exc()
        return "failed" if fail(run, explain(error, run)) == 1 else "disk_full"


def _train_slice(
    run: Run,
    seconds: float,
    device: str | None,
    baselines: dict[str, dict[str, float]] | None,
    until: float,
) -> str:
    from kantai import stages
    from kantai.devices import find_device, use_one_thread

    def in_time() -> None:
        if time.monotonic() > until:
            raise TooLate

    def tell(key: str, share: float) -> None:
        in_time()
        desk.tell(key, share)

    in_time()
    if is_zero_gpu(os.environ):
        use_one_thread()
    desk, over = Desk(run, run.worker()), threading.Event()
    bell = threading.Timer(seconds, over.set)
    bell.daemon = True
    last: Event | None = None
    for event in stages.pretrain_run(
        run, find_device(device), tell, pause=over.is_set, save_every=SAVE_EVERY,
        baselines=baselines,
    ):  # fmt: skip
        in_time()
        if isinstance(event, Started):
            bell.start()
        last = event
    return last.stopped if isinstance(last, Finished) else "slice"


class Lender:
    """Trains Runs in threads of this server, each in its visitor's own request.

    Whatever befalls a call, its Run is free again after a while: the worker that stands in its
    folder is this server itself, which nobody may end.
    """

    def __init__(self, *, device: str | None = None, environment: Mapping[str, str] = os.environ):
        self.call = gpu(seconds_asked, environment)(train_slice)
        self.device = device
        self.visitors: dict[str, Context] = {}  # id -> whose minutes are asked for
        self.unsaid: dict[str, UserError] = {}  # id -> the last word that no disk had room for

    def remember(self, run_id: str) -> None:
        """The Run is asked for in the present request."""
        self.visitors[run_id] = copy_context()
        self.unsaid.pop(run_id, None)

    def begin(self, run: Run, left: Callable[[], float]) -> None:
        """Train the Run; `left` tells the seconds of training still to do.

        Raises UserError where nobody's request is known, as after a restart.
        """
        visitor = self.visitors.pop(run.folder.name, None)
        if visitor is None:
            raise UserError("gpu_without_visitor")
        work = (self._work, run, Desk(run), left)
        threading.Thread(target=visitor.run, args=work, daemon=True, name="lent").start()

    def _work(self, run: Run, desk: Desk, left: Callable[[], float]) -> None:
        """Train, and leave the Run with a last word, and in any case without a worker."""
        try:
            self.train(run, desk, left)
        except Cancelled:
            pass  # the Run is what it was before
        except Exception as error:
            traceback.print_exc()
            told = self.unsaid[run.folder.name] = explain(error, run)
            with suppress(UserError):
                run.fail(told)
                del self.unsaid[run.folder.name]
        finally:
            with suppress(OSError):
                run.clear_worker()

    def train(self, run: Run, desk: Desk, left: Callable[[], float]) -> None:
        """Train the Run to its end, slice after slice.

        Raises UserError where no GPU is lent, as where a quota ended: the Run keeps its last
        checkpoint, and another call goes on from there. Cancelled: stopped before it began.
        """
        from kantai import stages

        if not run.has_text:
            raise UserError("run_without_text")
        if not run.has_tokenizer:
            stages.learn_tokenizer(run, desk.tell, cancelled=desk.stopping)
        baselines = stages.told_baselines(stages.prepare(run, desk.tell))
        how = "slice"
        while how == "slice":
            if desk.beginning and desk.stopping():
                raise Cancelled
            desk.tell("doing_gpu", 0.0)
            seconds = max(LEAST, min(SLICE, left()))
            how = self._lent(desk, str(run.folder), seconds, self.device, baselines)
        if how in ENDED_BADLY:
            raise UserError(ENDED_BADLY[how], place=run.folder)

    def _lent(self, desk: Desk, *asked: Any) -> str:
        """One call's answer, awaited for as long as it may take and no longer.

        One that hangs is left alone in its thread. Raises UserError gpu_silent for that, and
        gpu_refused for all that the lender of the GPU says.
        """
        answer: Future[str] = Future()
        until = time.monotonic() + WAIT + seconds_asked(*asked)
        call = (self._ask, answer, *asked, until)
        threading.Thread(target=copy_context().run, args=call, daemon=True, name="call").start()
        stopped: float | None = None
        while time.monotonic() < until + LATE:
            with suppress(NotYet):
                return answer.result(timeout=0.2)
            if desk.stopping():
                stopped = stopped or time.monotonic()
                until = min(until, stopped + PATIENCE)
        raise UserError("gpu_silent")

    def _ask(self, answer: Future[str], *asked: Any) -> None:
        try:
            how = self.call(*asked)
        except BaseException as error:  # of many kinds, and only the words are for people
            words = getattr(error, "message", error)  # of Gradio's; its str() adds quotes
            refused = UserError("gpu_refused", reason=words)
            refused.__cause__ = error
            answer.set_exception(refused)
        else:
            answer.set_result(how)
