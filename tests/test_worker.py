"""The process that trains, by itself: its last word, its log, its signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from kantai.errors import UserError
from kantai.events import Failed, Finished, Started, Stepped
from kantai.recipes import Budget
from kantai.tokenizer import Cancelled
from kantai.worker import OOM_SCORE, Desk, explain
from kantai.workspace import Run, Worker
from tests.conftest import tiny_settings


@pytest.fixture
def run(tmp_path, paragraphs, tokenizer):
    run = Run.create(tmp_path / "run", tiny_settings(Budget(seconds=90)))
    run.write_texts({"train": paragraphs[30:], "validation": paragraphs[:30]}, {"files": []})
    run.write_tokenizer(tokenizer)
    return run


def start(run, *arguments):
    command = [sys.executable, "-m", "kantai.worker", str(run.folder), "--device", "cpu"]
    return subprocess.Popen([*command, *arguments], stdout=-3, stderr=-3)


def test_sigterm_keeps_the_weights(run):
    run.ask_stop()  # of an earlier training: a worker started by hand does not mind
    child = start(run)
    deadline = time.monotonic() + 60
    while not any(isinstance(event, Stepped) for event in run.events()):
        assert child.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    worker = run.worker()
    assert worker.pid == child.pid and worker.alive and worker.doing == "doing_train"
    if OOM_SCORE.exists():  # where memory runs out it goes, and not the server that began it
        score = Path(f"/proc/{child.pid}/oom_score_adj")
        assert int(score.read_text()) == 800 > int(OOM_SCORE.read_text())
    assert os.name != "posix" or os.getpriority(os.PRIO_PROCESS, child.pid) > 0
    child.send_signal(signal.SIGTERM)
    assert child.wait(timeout=60) == 0
    events = run.events()
    assert isinstance(events[0], Started) and isinstance(events[-1], Finished)
    assert events[-1].stopped == run.result["stopped"] == "stopped" and run.worker() is None
    assert run.load_checkpoint().progress["step"] == events[-1].step == run.result["steps"]


def test_a_mistake_is_a_sentence_and_a_defect_a_sentence_and_a_log(run):
    (run.folder / "checkpoint.safetensors").write_bytes(b"not tensors")
    (run.tokenizer_folder / "tokenizer.json").write_text("[]")
    assert start(run).wait(timeout=60) == 1
    first = run.events()[-1]
    assert isinstance(first, Failed) and first.key == "broken_tokenizer" and first.message
    (run.folder / "text" / "train.jsonl").write_text('"cut sho')
    assert start(run).wait(timeout=60) == 1
    second = run.events()[-1]
    assert isinstance(second, Failed) and "Traceback" in run.log_file.read_text()
    assert run.worker() is None and "Traceback" not in first.message + second.message


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (UserError("one_budget"), "one_budget"),
        (torch.OutOfMemoryError("CUDA out of memory."), "out_of_memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "out_of_memory"),
        (RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be"), "out_of_memory"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), "out_of_memory"),
        (MemoryError(), "out_of_memory"),
        (OSError(28, "No space left on device"), "disk_full"),
        (ZeroDivisionError("division by zero"), "worker_broke"),
    ],
)
def test_every_error_becomes_a_sentence_in_both_languages(run, error, key):
    told = explain(error, run)
    assert told.key == key and told.message("en") != told.message("zh")


def test_the_desk_takes_no_second_worker_and_hears_of_a_stop(run):
    desk = Desk(run)
    assert run.worker() == desk.worker and run.worker().alive
    desk.tell("doing_pack", 0.5)
    assert (run.worker().doing, run.worker().share) == ("doing_pack", 0.5)
    run.ask_stop()
    with pytest.raises(Cancelled):
        desk.tell("doing_pack", 0.6)
    run.append(Started(0, "cpu", "fp32", 1, 1, 1, 1))
    desk.tell("doing_evaluate", 0.0)  # what was trained is examined and kept
    parent = os.getppid()
    from kantai.processes import birth

    run.write_worker(Worker(parent, birth(parent), 0))
    with pytest.raises(UserError, match="training"):
        Desk(run)
