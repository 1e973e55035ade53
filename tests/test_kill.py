"""A training killed at twenty random moments leaves a Run that can be read and resumed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

from kantai.fill_mask import FillMask
from kantai.workspace import Run
from tests.conftest import small_text

STEPS = 1_000_000  # never reached before a kill


def start(book, out, steps):
    command = [sys.executable, "-m", "kantai", "train", book, "--out", out, "--resume"]
    command += ["--vocab-size", 300, "--max-steps", steps, "--save-every", 0.05, "--device", "cpu"]
    return subprocess.Popen([*map(str, command)], stderr=subprocess.DEVNULL, stdout=-3)


def test_twenty_kills_at_random_moments(tmp_path):
    book, out = tmp_path / "mill.txt", tmp_path / "run"
    book.write_text("\n\n".join(small_text(300)), encoding="utf-8")
    dice, reached = random.Random(7), 0
    for number in range(20):
        child = start(book, out, STEPS)
        wait_until_it_trains = number % 2 == 0
        began = len(lines(out))
        deadline = time.monotonic() + 60
        while wait_until_it_trains and len(lines(out)) < began + 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(dice.uniform(0, 1.5))
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        reached = can_be_read(out, reached)
    assert reached > 0
    steps = reached + 5
    assert start(book, out, steps).wait(timeout=120) == 0
    run = Run.open(out)
    assert run.result["steps"] == steps and run.result["stopped"] == "finished"
    assert FillMask.load(run.model_folder).fill("the old <mask> ran")


def lines(out):
    path = out / "events.jsonl"
    return path.read_bytes().splitlines() if path.exists() else []


def can_be_read(out, before: int) -> int:
    """Everything that is there can be read; returns the checkpoint's step, never less."""
    if not (out / "run.json").exists():
        return before
    run = Run.open(out)
    assert run.settings.budget.max_steps == STEPS
    if run.has_text:
        assert run.texts("train") and run.texts("validation") and run.report["files"]
    if run.has_tokenizer:
        assert run.tokenizer().learned == 300
    broken = [line for line in lines(out)[:-1] if not json_object(line)]
    assert len(run.events()) >= len(lines(out)) - 1 - len(broken)
    checkpoint = run.load_checkpoint()
    step = checkpoint.progress["step"] if checkpoint else before
    assert step >= before
    return step


def json_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
