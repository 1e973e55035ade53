"""The queue, with real workers: what people press, and what befalls a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from kantai.errors import UserError
from kantai.events import Failed, Finished, Started
from kantai.fill_mask import FillMask
from kantai.jobs import Jobs, JobState, budget_of, is_spent
from kantai.processes import birth, end
from kantai.recipes import Budget
from kantai.registry import Registry, new_secret
from kantai.strings import text
from kantai.workspace import Worker
from tests.conftest import tiny_settings

LONG = Budget(seconds=90)  # so that no worker outlives a killed test by much
OWNER = new_secret()


@pytest.fixture
def registry(tmp_path):
    registry = Registry(tmp_path / "runs")
    yield registry
    for info in registry.list(OWNER):
        Jobs(registry).stop(info.id)
        worker = registry.open(info.id).worker()
        if worker:
            end(worker.pid, worker.born)  # never this very process


def new_run(registry, paragraphs, tokenizer, budget, *, ready=True) -> str:
    run_id = registry.new(tiny_settings(budget), name="mill", owner=OWNER)
    run = registry.open(run_id)
    run.write_texts({"train": paragraphs[30:], "validation": paragraphs[:30]}, {"files": []})
    if ready:
        run.write_tokenizer(tokenizer)
    return run_id


def wait_for(jobs, run_id, *states, seconds=60.0) -> JobState:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = jobs.state(run_id)
        if state.state in states:
            return state
        time.sleep(0.05)
    raise AssertionError(f"still {state}, log: {jobs.registry.open(run_id).log_end()}")


def wait_for_steps(jobs, run_id) -> None:
    run = jobs.registry.open(run_id)
    wait_for(jobs, run_id, "training")
    deadline = time.monotonic() + 60
    while '"stepped"' not in (run.folder / "events.jsonl").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def kinds(registry, run_id) -> list[type]:
    return [type(event) for event in registry.open(run_id).events()]


def test_a_training_to_the_end_from_text_alone_and_twice_is_once(registry, paragraphs, tokenizer):
    run_id = new_run(registry, paragraphs, tokenizer, Budget(max_steps=20), ready=False)
    jobs, other = Jobs(registry, device="cpu"), Jobs(registry, device="cpu")
    assert jobs.state(run_id) == JobState("new")
    presses = [threading.Thread(target=j.start, args=(run_id,)) for j in (jobs, other) * 3]
    for press in presses:
        press.start()
    for press in presses:
        press.join()
    assert jobs.state(run_id).state == "preparing"
    assert wait_for(jobs, run_id, "finished", "failed").state == "finished"
    run = registry.open(run_id)
    assert kinds(registry, run_id).count(Started) == 1
    assert run.result["steps"] == 20 and run.worker() is None
    assert FillMask.load(run.model_folder).fill("the old <mask> ran")
    jobs.file.write_text(json.dumps({"waiting": [], "running": run_id}))  # nobody noticed yet
    with pytest.raises(UserError, match="already finished"):
        jobs.start(run_id)
    run.write_settings(replace(run.settings, budget=Budget(max_steps=30)))
    assert not is_spent(run, budget_of(run.record))


def test_stop_keeps_a_model_and_start_goes_on(registry, paragraphs, tokenizer):
    run_id = new_run(registry, paragraphs, tokenizer, LONG)
    jobs = Jobs(registry, device="cpu")
    jobs.start(run_id)
    jobs.stop(run_id)  # before it began: as if never started
    assert wait_for(jobs, run_id, "new", "failed", seconds=5).state == "new"
    jobs.start(run_id)
    wait_for_steps(jobs, run_id)
    jobs.stop(run_id)
    assert jobs.state(run_id).state in ("training", "stopped")
    assert wait_for(jobs, run_id, "stopped", "failed").state == "stopped"
    run = registry.open(run_id)
    reached = run.result["steps"]
    assert run.result["stopped"] == "stopped" and FillMask.load(run.model_folder)
    run.write_settings(replace(run.settings, budget=Budget(max_steps=reached + 3)))
    jobs.start(run_id)
    wait_for(jobs, run_id, "finished")
    assert run.result["steps"] == reached + 3


def test_a_killed_worker_is_told_with_advice_and_a_deaf_one_is_ended(
    registry, paragraphs, tokenizer, monkeypatch
):
    run_id = new_run(registry, paragraphs, tokenizer, LONG)
    jobs, run = Jobs(registry, device="cpu"), registry.open(run_id)
    jobs.start(run_id)
    wait_for_steps(jobs, run_id)
    with open(run.log_file, "a") as log:
        log.write("the last words\n")
    os.kill(run.worker().pid, signal.SIGKILL)
    state = wait_for(jobs, run_id, "failed", seconds=5)
    assert state.key == "worker_killed" and "signal 9" in state.message()
    assert "信号 9" in state.message("zh") and state.log.endswith("the last words")
    assert kinds(registry, run_id)[-1] is Failed
    assert jobs.state(run_id) == state  # said once
    jobs.start(run_id)
    wait_for(jobs, run_id, "training")
    os.kill(run.worker().pid, signal.SIGSTOP)
    monkeypatch.setattr("kantai.jobs.PATIENCE", 0.3)
    jobs.stop(run_id)
    assert jobs.state(run_id).state == "training"
    assert wait_for(jobs, run_id, "failed", seconds=5).key == "worker_hung"


def test_three_in_order_one_leaves_one_is_deleted(registry, paragraphs, tokenizer):
    registry.allowance = replace(registry.allowance, waiting=3)
    jobs = Jobs(registry, device="cpu")
    first, second, third, fourth = (
        new_run(registry, paragraphs, tokenizer, Budget(max_steps=4)) for _ in range(4)
    )
    for run_id in (first, second, third, fourth):
        jobs.start(run_id)
    with pytest.raises(UserError, match="waiting already"):
        jobs.start(new_run(registry, paragraphs, tokenizer, LONG))
    places = [jobs.state(run_id) for run_id in (second, third, fourth)]
    assert [(state.state, state.place) for state in places] == [("waiting", n) for n in (1, 2, 3)]
    assert 0 < places[0].wait_seconds < places[1].wait_seconds < places[2].wait_seconds
    with pytest.raises(UserError, match="stop it first"):
        registry.delete(first, OWNER)
    jobs.stop(second)
    registry.delete(third, OWNER)
    assert jobs.state(second).state == "new" and jobs.state(fourth).place == 1
    wait_for(jobs, first, "finished")
    jobs.start(second)
    wait_for(jobs, second, "finished")
    ends = [run.events()[-1] for run in map(registry.open, (first, fourth, second))]
    assert all(isinstance(end, Finished) for end in ends)
    times = [r.folder.joinpath("result.json").stat().st_mtime
             for r in map(registry.open, (first, fourth, second))]  # fmt: skip
    assert times == sorted(times)


def test_another_server_finds_the_worker_and_the_queue(registry, paragraphs, tokenizer):
    run_id, waiting = (new_run(registry, paragraphs, tokenizer, LONG) for _ in range(2))
    Jobs(registry, device="cpu").start(run_id)
    Jobs(registry, device="cpu").start(waiting)
    later = Jobs(Registry(registry.root), device="cpu")
    pid = registry.open(run_id).worker().pid
    wait_for_steps(later, run_id)
    assert registry.open(run_id).worker().pid == pid
    assert later.state(waiting).place == 1
    os.kill(pid, signal.SIGKILL)
    state = wait_for(later, run_id, "failed", seconds=5)
    assert state.key in ("worker_vanished", "worker_killed")
    assert wait_for(later, waiting, "preparing", "training", seconds=8)
    later.stop(waiting)


def test_a_number_given_away_again_is_not_the_worker(registry, paragraphs, tokenizer):
    run_id = new_run(registry, paragraphs, tokenizer, LONG)
    record = {"pid": os.getpid(), "born": time.time() - 1e6, "log_from": 0}
    (registry.open(run_id).folder / "worker.json").write_text(json.dumps(record))
    assert Jobs(registry).state(run_id).state == "failed"
    assert Jobs(registry).state(run_id).message() == text("worker_vanished")


def test_what_cannot_start_says_so(registry, paragraphs, tokenizer):
    jobs = Jobs(registry, device="cpu")
    empty = registry.new(tiny_settings(LONG), name="", owner=OWNER)
    with pytest.raises(UserError, match="no text"):
        jobs.start(empty)
    with pytest.raises(UserError, match="no run at this address"):
        jobs.start("../../etc")
    short = new_run(registry, paragraphs[:31], tokenizer, LONG)
    jobs.start(short)
    state = wait_for(jobs, short, "failed")
    assert state.key == "text_too_short_to_train" and "词元" in state.message("zh")


@pytest.mark.parametrize("lost", [None, "", "{", "[]", '{"waiting": 7}', '{"running": ["x"]}'])
def test_a_lost_queue_file_brings_no_second_training(registry, paragraphs, tokenizer, lost):
    run_id, other = (new_run(registry, paragraphs, tokenizer, LONG) for _ in range(2))
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        run, jobs = registry.open(run_id), Jobs(registry, device="cpu")
        run.write_worker(Worker(child.pid, birth(child.pid), 0))
        if lost is not None:
            jobs.file.write_text(lost)
        jobs.start(other)
        assert (jobs.state(other).state, jobs.state(other).place) == ("waiting", 1)
        assert json.loads(jobs.file.read_text()) == {"waiting": [other], "running": run_id}
        assert jobs.running == run_id and registry.open(other).worker() is None
        jobs.stop(other)
    finally:
        child.kill()
        child.wait()


def test_a_broken_queue_file_begins_anew(registry):
    jobs = Jobs(registry)
    for broken in ("{", "7", '{"waiting": "abc"}'):
        jobs.file.write_text(broken)
        jobs.tick()
        assert json.loads(jobs.file.read_text()) == {"waiting": [], "running": None}
    jobs.file.write_text('{"waiting": ["../../etc"], "running": "gone"}')
    jobs.tick()
    assert json.loads(jobs.file.read_text()) == {"waiting": [], "running": None}
