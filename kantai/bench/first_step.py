"""How long one waits, from the start of the worker's process to the first step that it tells of.

A real worker at a Run whose text and vocabulary are there, as on the page when Start is pressed:
one that begins then, and one that stood by, its libraries loaded, as on the page since the
vocabulary was learned. It tells of its steps some times a second, so the first one may have been
up to 0.25 s earlier.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kantai.architectures import find_preset
from kantai.corpus import split_corpus
from kantai.events import Started, Stepped
from kantai.recipes import Budget, recipe_for
from kantai.settings import Settings
from kantai.workers import Workers
from kantai.workspace import Run

BUDGET = 120.0  # seconds that the training is asked for; it is ended after its first step
PATIENCE = 300.0


def first_step(preset: str, paragraphs: list[str], tokenizer: Any, kind: str) -> dict[str, float]:
    """Seconds until the training has begun, and until its first step is told of.

    `begun` and `first_step` of a new process, `ready_begun` and `ready_first_step` of one that
    stood by.
    """
    recipe = recipe_for("playground", kind)
    settings = Settings(preset, find_preset(preset), recipe, Budget(seconds=BUDGET))
    split, told = split_corpus(paragraphs), {}
    with TemporaryDirectory() as folder:
        for before in ("", "ready_"):
            run = Run.create(Path(folder) / f"{before}run", settings)
            run.write_texts({"train": split.train, "validation": split.validation}, {})
            run.write_tokenizer(tokenizer)
            workers = Workers(kind, spare=bool(before))
            workers.make_ready()
            if workers.spare:
                _wait_until_idle(workers.spare)
            told |= {before + name: seconds for name, seconds in _waits(run, workers).items()}
    return told


def _waits(run: Run, workers: Workers) -> dict[str, float]:
    began = time.perf_counter()
    process = workers.begin(run)
    try:
        process.stdin.close()
        return {
            name: _wait_for(run, kinds, process) - began
            for name, kinds in (("begun", Started), ("first_step", Stepped))
        }
    finally:
        process.kill()
        process.wait()


def _wait_until_idle(process: subprocess.Popen[bytes]) -> None:
    """Until it has computed nothing for a second."""
    import psutil

    watched, before = psutil.Process(process.pid), -1.0
    while (now := sum(watched.cpu_times()[:2])) > before:
        before = now
        time.sleep(1.0)


def _wait_for(run: Run, kind: type, process: subprocess.Popen[bytes]) -> float:
    """When the log first holds such an event. Raises RuntimeError where the worker ends before."""
    until = time.perf_counter() + PATIENCE
    while time.perf_counter() < until:
        if run.latest(kind) is not None:
            return time.perf_counter()
        if process.poll() is not None:
            raise RuntimeError(f"the worker ended: {run.log_end()}")
        time.sleep(0.02)
    raise TimeoutError("the worker took no step")
