"""What goes wrong in front of a class, with real processes: what one sees, and nothing is lost.

Kills of the command line are in test_kill.py, of a queue's worker with advice in test_jobs.py.
"""

from __future__ import annotations

import json
import math
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import psutil
import pytest

from kantai import jobs as jobs_module
from kantai.errors import UserError
from kantai.events import Failed, Finished, Noticed, Started, Stepped, Validated, to_line
from kantai.fill_mask import FillMask
from kantai.jobs import Jobs
from kantai.processes import birth, end, is_alive
from kantai.recipes import Budget
from kantai.registry import Registry
from kantai.settings import Settings
from kantai.strings import text
from kantai.ui import live
from kantai.ui.desk import Desk
from kantai.ui.tabs import model
from kantai.workers import HOUSE
from kantai.workspace import Run, Worker
from tests.conftest import tiny_settings, until

OWNER = "anna"
LONG = Budget(seconds=90)  # so that no worker outlives a killed test by much
STATES = {"new", "stopped", "finished", "failed"}
SHOWN_WITHIN = 5.0  # seconds from a worker's death to its state "failed"


@pytest.fixture
def registry(tmp_path):
    registry = Registry(tmp_path / "runs")
    yield registry
    for run_id in registry._ids():
        worker = registry.open(run_id).worker()
        if worker:
            end(worker.pid, worker.born)  # never this very process


@pytest.fixture
def run_id(registry, paragraphs, tokenizer) -> str:
    run_id = registry.new(tiny_settings(LONG), name="mill", owner=OWNER)
    run = registry.open(run_id)
    run.write_texts({"train": paragraphs[30:], "validation": paragraphs[:30]}, {"files": []})
    run.write_tokenizer(tokenizer)
    return run_id


def seen(run: Run, kind: type, before: int = 0) -> bool:
    return sum(isinstance(event, kind) for event in run.events()) > before


def train_and_stop(jobs: Jobs, run_id: str) -> int:
    """Some steps, kept in a checkpoint by Stop: how many."""
    run = jobs.registry.open(run_id)
    jobs.start(run_id)
    until(lambda: seen(run, Stepped))
    jobs.stop(run_id)
    until(lambda: jobs.state(run_id).state == "stopped")
    return run.load_checkpoint().progress["step"]


# --- processes that die ---------------------------------------------------------------------------


def test_workers_killed_at_random_moments_are_shown_with_the_cause(registry, run_id):
    jobs, run, dice = Jobs(registry, device="cpu"), registry.open(run_id), random.Random(3)
    reached = train_and_stop(jobs, run_id)
    for number in range(3):
        jobs.start(run_id)
        until(lambda: run.worker() is not None)
        time.sleep(dice.uniform(0, 1.0) + 2.0 * number)
        os.kill(run.worker().pid, signal.SIGKILL)
        until(lambda: jobs.state(run_id).state == "failed", SHOWN_WITHIN)
        assert jobs.state(run_id).key == "worker_killed"
    checkpoint = run.load_checkpoint()
    assert checkpoint.progress["step"] >= reached > 0
    assert all(tensor.isfinite().all() for tensor in checkpoint.tensors.values())
    steps = checkpoint.progress["step"] + 3
    jobs.start(run_id, lambda settings: replace(settings, budget=Budget(max_steps=steps)))
    until(lambda: jobs.state(run_id).state == "finished")
    assert run.latest(Started).step == checkpoint.progress["step"]
    assert run.result["steps"] == steps and FillMask.load(run.model_folder).fill("the <mask> ran")


SERVER = """
import sys, time
from pathlib import Path
from kantai.jobs import Jobs
from kantai.registry import Registry
jobs = Jobs(Registry(Path(sys.argv[1])), device="cpu")
jobs.start(sys.argv[2])
jobs.watch(0.1)
time.sleep(120)
"""


def test_a_killed_server_costs_no_step_and_its_successor_can_stop_what_it_began(registry, run_id):
    command = [sys.executable, "-c", SERVER, registry.root, run_id]
    server = subprocess.Popen(list(map(str, command)), cwd=HOUSE)
    run = registry.open(run_id)
    until(lambda: seen(run, Stepped))
    server.kill()
    server.wait()
    told = sum(isinstance(event, Stepped) for event in run.events())
    until(lambda: seen(run, Stepped, before=told + 3))  # it does not merely end in peace
    later = Jobs(registry, device="cpu")
    assert later.state(run_id).state == "training" and not seen(run, Finished)
    later.stop(run_id)
    until(lambda: later.state(run_id).state == "stopped")
    assert not seen(run, Failed) and FillMask.load(run.model_folder).fill("the old <mask> ran")


def test_a_tokenizer_training_that_is_cancelled_leaves_the_run_as_it_was(registry):
    run_id = registry.new(tiny_settings(LONG), name="mill", owner=OWNER)
    run, dice = registry.open(run_id), random.Random(1)
    lines = ["".join(dice.choices("abcdefghijklmnop    ", k=400)) for _ in range(20_000)]
    run.write_texts({"train": lines, "validation": lines[:30]}, {"files": []})
    run.write_settings(replace(run.settings, vocab_size=30_000))
    jobs = Jobs(registry, device="cpu")
    jobs.start(run_id)
    until(lambda: jobs.state(run_id).doing == "doing_tokenizer")
    worker = run.worker()
    jobs.stop(run_id)
    until(lambda: jobs.state(run_id).state == "new", SHOWN_WITHIN)
    assert not run.has_tokenizer and not worker.alive and run.texts("train") == lines
    assert not [file for file in run.folder.rglob("*tokenizer*") if file.is_file()]


# --- a disk without room --------------------------------------------------------------------------


# Newer versions of safetensors write beside the file and rename by themselves, older ones do not.
IN_PLACE = """
import sys
from kantai import checkpoints, worker
from safetensors.torch import save
checkpoints.save_file = lambda tensors, path, metadata: path.write_bytes(save(tensors, metadata))
"""


def work_with_little_disk(run: Run, largest: int, save_every: float = 10.0) -> int:
    """A real worker whose files cannot grow beyond `largest` bytes; its exit status."""
    program = IN_PLACE + f"worker.SAVE_EVERY = {save_every}; sys.exit(worker.main())"
    command = [sys.executable, "-c", program, str(run.folder), "--device", "cpu"]
    limit = (largest, largest)
    held_back = {name: v for name, v in os.environ.items() if name != "PYTHONUNBUFFERED"}
    child = subprocess.Popen(
        command, cwd=HOUSE, env=held_back,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )  # fmt: skip
    return child.wait(timeout=120)


@pytest.mark.parametrize(("given_up", "status"), [(False, 120), (True, 28)])
def test_words_that_a_full_disk_did_not_take_leave_the_exit_status_alone(
    tmp_path, given_up, status
):
    program = "import sys; from kantai.worker import print_no_more; print('x' * 500);"
    program += f"{given_up} and print_no_more(); sys.exit(28)"
    held_back = {name: v for name, v in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with open(tmp_path / "log", "wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-c", program], cwd=HOUSE, env=held_back,
            stdout=log, stderr=subprocess.DEVNULL,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200)),
        )  # fmt: skip
        assert child.wait(timeout=60) == status


def test_a_disk_that_is_full_is_named_and_the_run_goes_on_when_there_is_room(registry, run_id):
    run, jobs = registry.open(run_id), Jobs(registry, device="cpu")
    run.write_settings(replace(run.settings, budget=Budget(max_steps=30)))
    assert work_with_little_disk(run, 200) == jobs_module.DISK_FULL  # not even for an event
    state = jobs.state(run_id)
    assert (state.state, state.key) == ("failed", "worker_vanished")  # not this process's child
    told = jobs_module.death(jobs_module.DISK_FULL, asked=False, last=None, path=run.folder)
    assert told.key == "disk_full"
    assert work_with_little_disk(run, 20_000) == 1  # not for weights
    state = jobs.state(run_id)
    assert (state.state, state.key) == ("failed", "disk_full") and "磁盘" in state.message("zh")
    assert not list(run.folder.rglob("*.tmp*")) and not run.model_folder.exists()
    jobs.start(run_id)
    until(lambda: jobs.state(run_id).state == "finished")
    assert run.result["steps"] == 30 and FillMask.load(run.model_folder).fill("the <mask> ran")


def test_a_disk_that_fills_up_while_a_checkpoint_is_saved_costs_no_earlier_one(registry, run_id):
    run, jobs = registry.open(run_id), Jobs(registry, device="cpu")
    reached = train_and_stop(jobs, run_id)
    file = run.folder / "checkpoint.safetensors"
    kept, room = file.read_bytes(), run.log_size + 50_000
    assert len(kept) > 2 * room
    assert work_with_little_disk(run, room, save_every=0.2) == 1
    assert (jobs.state(run_id).state, jobs.state(run_id).key) == ("failed", "disk_full")
    steps = run.latest(Stepped).step
    assert steps > reached and not seen(run, Finished, before=1)  # it was in the midst of it
    assert file.read_bytes() == kept and not list(run.folder.rglob("*.tmp*"))
    assert FillMask.load(run.model_folder).fill("the old <mask> ran")
    jobs.start(run_id, lambda settings: replace(settings, budget=Budget(max_steps=reached + 3)))
    until(lambda: jobs.state(run_id).state == "finished")
    assert run.latest(Started).step == reached and run.result["steps"] == reached + 3


def test_a_death_on_a_full_disk_is_told_as_such(registry, run_id, monkeypatch):
    run = registry.open(run_id)
    run.write_worker(Worker(os.getpid(), birth(os.getpid()) - 60, 0))
    full = shutil._ntuple_diskusage(10**9, 10**9, 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    monkeypatch.setattr(Run, "fail", lambda *a, **v: (_ for _ in ()).throw(full_disk(run)))
    assert Jobs(registry).state(run_id).message() == text("disk_full", place=run.folder)


def full_disk(run: Run) -> UserError:
    return UserError("disk_full", place=run.folder)


def test_what_may_not_be_written_says_so(tmp_path):
    for make in (lambda p: Registry(p), lambda p: Run.create(p, tiny_settings(LONG))):
        with pytest.raises(UserError) as error:
            make(type(tmp_path)("/proc/kantai/runs"))
        assert error.value.key == "not_writable"


# --- numbers and clocks ---------------------------------------------------------------------------


def test_a_loss_that_is_no_number_ends_the_training_with_its_best_weights(registry, run_id):
    run, jobs = registry.open(run_id), Jobs(registry, device="cpu")
    jobs.start(run_id)
    until(lambda: seen(run, Stepped))
    jobs.stop(run_id)
    until(lambda: jobs.state(run_id).state == "stopped")
    checkpoint = run.load_checkpoint()
    for name, tensor in checkpoint.tensors.items():
        if name.startswith("weights/"):
            tensor.fill_(math.nan)
    run.save_checkpoint(checkpoint)
    run.write_settings(replace(run.settings, budget=Budget(max_steps=2_000)))
    jobs.start(run_id)
    until(lambda: jobs.state(run_id).state not in ("preparing", "training"))
    assert FillMask.load(run.model_folder).fill("the old <mask> ran")[0][0].probability > 0
    notices = [event.key for event in run.events() if isinstance(event, Noticed)]
    assert "loss_not_finite" in notices and isinstance(run.latest(Finished), Finished)
    assert all(None is e.loss or math.isfinite(e.loss) for e in run.events() if hasattr(e, "loss"))


def test_a_clock_that_jumps_neither_loses_a_worker_nor_ends_one(registry, run_id, monkeypatch):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        run, jobs = registry.open(run_id), Jobs(registry)
        run.write_worker(Worker(child.pid, birth(child.pid), 0))
        jobs.file.write_text(json.dumps({"waiting": [], "running": run_id}))
        run.append(Noticed(3, "stopped_early"))
        run.ask_stop()
        past = time.time() - 7_200
        os.utime(run.folder / "stop", (past, past))
        if hasattr(psutil, "_pslinux"):  # where births are told by the time of day
            monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: past)
            monkeypatch.setattr(psutil._pslinux, "BOOT_TIME", past, raising=False)
        now = time.time()
        for jump in (0, -7_200, 7_200):
            monkeypatch.setattr(time, "time", lambda jump=jump: now + jump)
            jobs.tick()
            assert jobs.state(run_id).state == "training" and child.poll() is None
    finally:
        child.kill()
        child.wait()
    assert not is_alive(child.pid, birth(os.getpid()))


# --- folders that changed under one's hands -------------------------------------------------------


def test_a_run_deleted_while_it_is_watched(registry, run_id, monkeypatch):
    run, problems, told = registry.open(run_id), [], threading.Event()
    for step in range(300):
        run.append(Noticed(step, "stopped_early"))
    jobs = Jobs(registry)

    def watch() -> None:
        try:
            while True:
                jobs.state(run_id)
                registry.open(run_id).events_after(0)
                registry.list(OWNER)
        except UserError as error:
            problems.append(error.key)
        finally:
            told.set()

    def remove(folder, **given) -> None:
        met.append(registry.has(run_id))
        rmtree(folder, **given)

    rmtree, met = shutil.rmtree, []
    monkeypatch.setattr(shutil, "rmtree", remove)
    threading.Thread(target=watch, daemon=True).start()
    time.sleep(0.3)
    registry.delete(run_id, OWNER)
    assert told.wait(10) and problems == ["unknown_run"]
    assert met and not any(met)  # nobody meets half of it


def test_a_run_deleted_while_the_list_is_made_is_left_out(registry, run_id, monkeypatch):
    monkeypatch.setattr(registry, "_ids", lambda: [run_id])  # looked up before it was deleted
    assert len(registry.list(OWNER)) == 1
    registry.delete(run_id, OWNER)
    assert registry.list(OWNER) == []
    monkeypatch.setattr(registry, "_may", lambda run_id, owner: True)  # and that as well
    assert registry.list(OWNER) == []


def test_a_run_deleted_after_it_was_opened_is_gone_and_not_broken(registry, run_id):
    run = registry.open(run_id)
    registry.delete(run_id, OWNER)
    for name in ("record", "report", "settings", "changed"):
        with pytest.raises(UserError) as error:
            getattr(run, name)
        assert error.value.key == "unknown_run", name
    assert (run.result, run.owner, run.events_after(0), run.log_size) == (None, {}, ([], 0), 0)


def test_a_model_file_that_is_damaged_is_named(registry, run_id):
    run, jobs = registry.open(run_id), Jobs(registry, device="cpu")
    run.write_settings(replace(run.settings, budget=Budget(max_steps=2)))
    jobs.start(run_id)
    until(lambda: jobs.state(run_id).state == "finished")
    weights = run.model_folder / "model.safetensors"
    whole = weights.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"\xff" * 100):
        weights.write_bytes(damaged)
        with pytest.raises(UserError) as error:
            FillMask.load(run.model_folder)
        assert error.value.key == "broken_model"


def test_a_run_of_another_version_is_read_or_refused_in_a_sentence(registry, run_id):
    run = registry.open(run_id)
    record, settings = run.record, run.settings
    later = record | {"mood": 1, "preset": record["preset"] | {"rope": 2}}
    later["recipe"] = record["recipe"] | {"moon": 3}
    earlier = {key: value for key, value in record.items() if key not in ("version", "files")}
    for other in (later, earlier):
        assert Settings.from_json(other) == settings
    for missing in ("preset", "recipe", "budget"):
        broken = {key: value for key, value in record.items() if key != missing}
        (run.folder / "run.json").write_text(json.dumps(broken))
        with pytest.raises(UserError, match="run.json"):
            _ = run.settings
        Jobs(registry).state(run_id)
        assert isinstance(registry.list(OWNER), list)
    (run.folder / "events.jsonl").write_text(
        '{"event": "dreamt", "step": 1}\n{"event": "failed"}\n'
    )
    assert Jobs(registry).state(run_id).state == "new"


ODD = (None, "odd", -1, 7.5, [], {}, [["x"]], {"x": 1})
EVENTS = (
    Started(0, "cpu", "fp32", 1, 1, 1, 1, {"unigram": {"loss": 5.0}}, [["a", "b", "c"]]),
    Stepped(1, 1.0, 0.1, 0.1, 6.0, 0.01, 1.0, 9.0, 0),
    Validated(1, 1.0, 5.0, 0.1, 0.2, True, [[0.1, ["b", 0.1]]]),
    Noticed(1, "stopped_early", {"step": 1, "best_step": 1, "epochs": 2}),
    Finished(1, 1.0, "finished", 1, 5.0),
    Failed(1, "no", "worker_killed", {"signal": 9}),
)


def changed(record: dict) -> list[dict]:
    """The record without each of its keys, with something odd in its place, and with more."""
    made = [record | {"later": {"a": 1}}]
    for key in record:
        made.append({k: v for k, v in record.items() if k != key})
        made += [record | {key: odd} for odd in ODD]
    return made


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_events_of_another_version_are_told_as_far_as_they_can_be(registry, run_id, event):
    run, desk = registry.open(run_id), Desk(registry, Jobs(registry))
    log, sound = run.folder / "events.jsonl", json.loads(to_line(EVENTS[3]))
    for odd in changed(json.loads(to_line(event))):
        log.write_text(f"{json.dumps(odd)}\n{to_line(EVENTS[1])}\n{json.dumps(sound)}\n")
        desk.standing.seconds = desk.log_ends.seconds = 0
        answer = live.pull(desk, run_id, 0)
        assert json.dumps(answer) and answer["cursor"] == run.log_size
        assert answer["s"][-1][0] == 1 and answer["status"]["state"] == "stopped"
        assert len(registry.list(OWNER)) == 1
        log.write_text(json.dumps(odd) + "\n")  # the newest
        assert live.pull(desk, run_id, 0)["status"]["state"] in STATES
    log.write_text(to_line(event) + "\n")
    assert live.pull(desk, run_id, 0)["cursor"] == run.log_size


def test_a_notice_and_a_failure_of_another_version_are_told_in_its_own_words(registry, run_id):
    run, desk = registry.open(run_id), Desk(registry, Jobs(registry))
    run.append(Noticed(1, "from_the_future"))
    run.append(Noticed(2, "stopped_early", {"other": 1}))
    run.append(Failed(3, "It rained in.", "from_the_future"))
    told = live.pull(desk, run_id, 0)["n"]
    assert told == [[1, "from_the_future"], [2, "stopped_early"], [3, "It rained in."]]


def test_a_worker_file_of_another_version_names_nobody(registry, run_id):
    run = registry.open(run_id)
    known = {"pid": os.getpid(), "born": birth(os.getpid()), "log_from": 0}
    for missing in known:
        for odd in ("odd", [], None):
            (run.folder / "worker.json").write_text(json.dumps(known | {missing: odd}))
            assert run.worker() is None and Jobs(registry).state(run_id).state == "new"
    (run.folder / "worker.json").write_text("[]")
    assert run.worker() is None
    (run.folder / "worker.json").write_text(json.dumps(known | {"later": 1}))
    assert run.worker().alive


def test_a_run_of_another_version_opens_the_page_or_says_why_not(registry, run_id):
    run, desk = registry.open(run_id), Desk(registry, Jobs(registry))
    desk.ready()
    whole, said = run.record, set()
    odd = changed(whole)
    odd += [whole | {"preset": preset} for preset in changed(whole["preset"])]
    odd += [whole | {"budget": budget} for budget in changed(whole["budget"])]
    for record in odd:
        (run.folder / "run.json").write_text(json.dumps(record))
        desk.standing.seconds = desk.log_ends.seconds = 0  # written in place: nothing else tells
        assert live.pull(desk, run_id, 0)["status"]["state"] == "new"
        try:
            assert len(model.show(desk, run_id)) > 6
        except UserError as error:
            said.add(error.key)
    assert said == {"broken_run"}
    (run.folder / "run.json").write_text(json.dumps(whole | {"preset": whole["preset"] | {"x": 1}}))
    assert model.show(desk, run_id)[2] == whole["preset"]["dropout"]
