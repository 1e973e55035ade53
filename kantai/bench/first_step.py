"""How long one waits, from the start of the worker's process to the first step that it tells of.

A real worker at a Run whose text and vocabulary are there, as on the page when Start is pressed.
It tells of its steps some times a second, so the first one may have been up to 0.25 s earlier.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kantai.architectures import find_preset
from kantai.corpus import split_corpus
from kantai.events import Started, Stepped
from kantai.recipes import Budget, recipe_for
from kantai.workspace import Run, Settings

BUDGET = 120.0  # seconds that the training is asked for; it is ended after its first step
PATIENCE = 300.0


def first_step(preset: str, paragraphs: list[str], tokenizer: Any, kind: str) -> dict[str, float]:
    """Seconds until the training has begun, and until its first step is told of."""
    with TemporaryDirectory() as folder:
        recipe = recipe_for("playground", kind)
        settings = Settings(preset, find_preset(preset), recipe, Budget(seconds=BUDGET))
        run = Run.create(Path(folder) / "run", settings)
        split = split_corpus(paragraphs)
        run.write_texts({"train": split.train, "validation": split.validation}, {})
        run.write_tokenizer(tokenizer)
        command = [sys.executable, "-m", "kantai.worker", str(run.folder), "--device", kind]
        began = time.perf_counter()
        process = subprocess.Popen(command)
        try:
            return {
                name: _wait_for(run, kinds, process) - began
                for name, kinds in (("begun", Started), ("first_step", Stepped))
            }
        finally:
            process.kill()
            process.wait()


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
