"""Training where a GPU is lent for a short while: a Space with ZeroGPU.

There a function gets a GPU only inside `@spaces.GPU(duration=…)`, for a visitor's request and
in a forked process: what goes in and comes out is pickled, nothing in memory stays. So a
training is cut into slices, each a call of its own that ends in a checkpoint, and the next one
resumes from the Run's folder. Elsewhere the decorator does nothing. Knows no screen and no queue.
"""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable, Mapping
from contextvars import Context, copy_context
from pathlib import Path
from typing import Any, TypeVar

from kantai.errors import UserError
from kantai.events import Event, Finished, Started
from kantai.limits import is_zero_gpu
from kantai.tokenizer import Cancelled
from kantai.worker import SAVE_EVERY, Desk, carry_out, explain, fail
from kantai.workspace import Run

Call = TypeVar("Call", bound=Callable[..., Any])
SLICE = 40.0  # seconds of one call in which it trains
LEAST = 5.0  # however little is left
AROUND = 20.0  # seconds that a call takes besides: loading, packing, the last examination


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


def seconds_asked(folder: str, seconds: float, device: str | None) -> int:
    """How long the GPU is asked for, for a slice that trains for `seconds`."""
    return round(seconds + AROUND)


def train_slice(folder: str, seconds: float, device: str | None) -> str:
    """Train the Run for `seconds` at most, from its last checkpoint; how it ended.

    "slice": there is more to do; "failed": the Run has its last word; else it is what Finished
    tells. Only plain values go in and out, and no error either: a pickled one would lose its
    sentence.
    """
    run = Run.open(Path(folder))
    try:
        return _train_slice(run, seconds, device)
    except Cancelled:
        return "cancelled"
    except Exception as error:
        fail(run, explain(error, run))
        traceback.print_exc()
        return "failed"


def _train_slice(run: Run, seconds: float, device: str | None) -> str:
    from kantai import stages
    from kantai.devices import find_device, use_one_thread

    if is_zero_gpu(os.environ):
        use_one_thread()
    desk, over = Desk(run, run.worker()), threading.Event()
    bell = threading.Timer(seconds, over.set)
    bell.daemon = True
    last: Event | None = None
    for event in stages.pretrain_run(
        run, find_device(device), desk.tell, pause=over.is_set, save_every=SAVE_EVERY
    ):
        if isinstance(event, Started):
            bell.start()
        last = event
    return last.stopped if isinstance(last, Finished) else "slice"


class Lender:
    """Trains Runs in threads of this server, each in its visitor's own request."""

    def __init__(self, *, device: str | None = None, environment: Mapping[str, str] = os.environ):
        self.call = gpu(seconds_asked, environment)(train_slice)
        self.device = device
        self.visitors: dict[str, Context] = {}  # id -> whose minutes are asked for

    def remember(self, run_id: str) -> None:
        """The Run is asked for in the present request."""
        self.visitors[run_id] = copy_context()

    def begin(self, run: Run, left: Callable[[], float]) -> None:
        """Train the Run; `left` tells the seconds of training still to do.

        Raises UserError where nobody's request is known, as after a restart.
        """
        visitor = self.visitors.pop(run.folder.name, None)
        if visitor is None:
            raise UserError("gpu_without_visitor")
        desk = Desk(run)
        work = (carry_out, run, lambda: self.train(run, desk, left))
        threading.Thread(target=visitor.run, args=work, daemon=True, name="lent").start()

    def train(self, run: Run, desk: Desk, left: Callable[[], float]) -> None:
        """Train the Run to its end, slice after slice.

        Raises UserError where no GPU is lent, as where a quota ended: the Run keeps its last
        checkpoint, and another call goes on from there. Cancelled: stopped before it began.
        """
        from kantai import stages

        if not run.has_text:
            raise UserError("run_without_text")
        if not run.has_tokenizer:  # needs no GPU
            stages.learn_tokenizer(run, desk.tell, cancelled=desk.stopping)
        while True:
            if desk.beginning and desk.stopping():
                raise Cancelled
            desk.tell("doing_gpu", 0.0)
            seconds = max(LEAST, min(SLICE, left()))
            try:
                how = self.call(str(run.folder), seconds, self.device)
            except Exception as error:  # of many kinds, and only the words are for people
                words = getattr(error, "message", error)  # of Gradio's; its str() adds quotes
                raise UserError("gpu_refused", reason=words) from error
            if how != "slice":
                return
