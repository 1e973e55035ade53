"""Training where a GPU is lent for a short while: a Space with ZeroGPU.

There a function gets a GPU only inside `@spaces.GPU(duration=…)`, in a forked process: what goes
in and comes out is pickled, nothing in memory stays. So a training is cut into slices, each a
call of its own that ends in a checkpoint, and the next one resumes from the Run's folder.
Elsewhere the decorator does nothing. Knows no screen and no queue.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from kantai.events import Event, Finished
from kantai.workspace import Run

Call = TypeVar("Call", bound=Callable[..., Any])
SLICE = 40.0  # seconds of one call in which it trains
AROUND = 20.0  # seconds that a call takes besides: loading, packing, the last examination


def is_zero_gpu(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is a Space that lends its GPU call by call."""
    return environment.get("SPACES_ZERO_GPU", "").lower() in ("1", "true")


def gpu(duration: float, environment: Mapping[str, str] = os.environ) -> Callable[[Call], Call]:
    """A decorator: the function gets a GPU for `duration` seconds; it stays as it is elsewhere."""
    if not is_zero_gpu(environment):
        return lambda function: function
    import spaces

    return spaces.GPU(duration=round(duration))


def train_slice(folder: str, seconds: float, device: str | None) -> str:
    """Train the Run for `seconds` at most, from its last checkpoint; how it ended.

    "slice" means that the time of the call ran out and there is more to do; else it is what
    Finished tells: finished, early, or stopped by a person.
    """
    from kantai import stages
    from kantai.devices import find_device

    run, until = Run.open(Path(folder)), time.monotonic() + seconds
    if not run.has_tokenizer:
        stages.learn_tokenizer(run, cancelled=run.stop_asked)
    last: Event | None = None
    for event in stages.pretrain_run(
        run, find_device(device), stop=lambda: time.monotonic() > until
    ):
        last = event if isinstance(event, Finished) else last
    if last.stopped == "stopped" and not run.stop_asked():
        return "slice"
    return last.stopped


def train(
    run: Run, *, seconds: float = SLICE, device: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> str:  # fmt: skip
    """Train the Run to its end, slice after slice; how it ended.

    A slice that fails, where a quota ended for instance, raises what it raised: the Run keeps
    its last checkpoint, and calling again goes on from there.
    """
    call = gpu(seconds + AROUND, environment)(train_slice)
    while (ended := call(str(run.folder), seconds, device)) == "slice":
        pass
    return ended
