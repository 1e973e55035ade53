"""A training that is killed or stopped leaves a Run that can be read and resumed.

At random moments and within each stage, twenty in all; and one that goes on afterwards ends
with the very weights of one that was left alone.
"""

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
RANDOM = 14  # kills; with those of STAGES they are twenty


def start(book, out, steps, save_every=0.05):
    command = [sys.executable, "-m", "kantai", "train", book, "--out", out, "--resume"]
    command += ["--vocab-size", 300, "--max-steps", steps, "--device", "cpu"]
    command += ["--save-every", save_every]
    return subprocess.Popen([*map(str, command)], stderr=subprocess.DEVNULL, stdout=-3)


def test_kills_at_random_moments(tmp_path):
    book, out = tmp_path / "mill.txt", tmp_path / "run"
    book.write_text("\n\n".join(small_text(300)), encoding="utf-8")
    dice, reached = random.Random(7), 0
    for number in range(RANDOM):
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
    assert not list(out.rglob("*.tmp"))  # what the killed ones were writing is swept


# Where a kill strikes: what can be seen in the Run's folder while the stage lasts.
STAGES = {
    "keeping the text": lambda out: [*out.glob(".text.*")],
    "learning the tokenizer": lambda out: (out / "run.json").exists() and has(out, "text"),
    "packing": lambda out: has(out, "tokenizer"),
    "examining": lambda out: ended(out) == 1,
    "writing the model": lambda out: [*out.glob(".model.*")],
    "writing the result": lambda out: has(out, "model") and not has(out, "result.json"),
}


def has(out, name):
    return (out / name).exists()


def ended(out) -> int:
    return sum(b'"finished"' in line for line in lines(out))


def test_a_kill_within_each_stage(tmp_path):
    book, out = tmp_path / "mill.txt", tmp_path / "run"
    book.write_text("\n\n".join(small_text(3_000)), encoding="utf-8")
    for name, seen in STAGES.items():
        child = start(book, out, 3)
        while not seen(out):
            assert child.poll() is None, f"it ended before it was seen {name}"
            time.sleep(0.001)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert not has(out, "result.json")
        if has(out, "run.json"):
            can_be_read(out, 0, 3)
    assert start(book, out, 3).wait(timeout=120) == 0
    run = Run.open(out)
    assert run.result["steps"] == 3 and FillMask.load(run.model_folder).fill("the old <mask>")
    assert not [*out.glob(".*")] and run.worker() is None


def test_ctrl_c_and_a_kill_change_no_weight(tmp_path):
    book, whole, halted = tmp_path / "mill.txt", tmp_path / "whole", tmp_path / "halted"
    book.write_text("\n\n".join(small_text(300)), encoding="utf-8")
    alone = start(book, whole, 60)
    for signal_, status, until in ((signal.SIGINT, 0, 8), (signal.SIGKILL, -9, 25)):
        child = start(book, halted, 60, save_every=0)
        while last_step(halted) < until:
            assert child.poll() is None
            time.sleep(0.002)
        os.kill(child.pid, signal_)
        assert child.wait(timeout=120) == status
        assert until <= last_step(halted) < 60
    assert Run.open(halted).result["stopped"] == "stopped"  # of Ctrl-C
    assert start(book, halted, 60).wait(timeout=120) == 0 == alone.wait(timeout=120)
    one, other = Run.open(whole), Run.open(halted)
    weights = [(run.model_folder / "model.safetensors").read_bytes() for run in (one, other)]
    assert weights[0] == weights[1] and one.result["steps"] == other.result["steps"] == 60
    assert one.result["validation_loss"] == other.result["validation_loss"]


def last_step(out) -> int:
    """Of the checkpoint that is being replaced all the time: its header, read from one file."""
    if not has(out, "checkpoint.safetensors"):
        return 0
    with open(out / "checkpoint.safetensors", "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return json.loads(header["__metadata__"]["progress"])["step"]


def lines(out):
    path = out / "events.jsonl"
    return path.read_bytes().splitlines() if path.exists() else []


def can_be_read(out, before: int, steps: int = STEPS) -> int:
    """Everything that is there can be read; returns the checkpoint's step, never less."""
    if not (out / "run.json").exists():
        return before
    run = Run.open(out)
    assert run.settings.budget.max_steps == steps
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
