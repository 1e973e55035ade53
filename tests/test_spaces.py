"""ZeroGPU: slices that resume, under a `spaces` that forks and pickles as the real one does."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from pathlib import Path

import pytest

import kantai
from kantai import spaces
from kantai.errors import UserError
from kantai.events import Failed, Finished, Started, Stepped
from kantai.fill_mask import FillMask
from kantai.limits import is_zero_gpu
from kantai.recipes import Budget
from kantai.spaces import gpu, seconds_asked, train_slice
from kantai.storage import storage
from kantai.worker import Desk
from kantai.workspace import Run
from tests.conftest import small_text, tiny_settings

FAKES = Path(__file__).parent / "fakes"


@pytest.fixture
def zero(tmp_path, monkeypatch) -> Path:
    """This process is on ZeroGPU; the folder in which the fake tells of its calls."""
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setenv("SPACE_ID", "somebody/kantai")
    monkeypatch.setenv("FAKE_SPACES", str(tmp_path))
    monkeypatch.syspath_prepend(FAKES)
    monkeypatch.delitem(sys.modules, "spaces", raising=False)
    return tmp_path


def calls(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]


@pytest.fixture
def run(tmp_path, paragraphs, tokenizer):
    run = Run.create(tmp_path / "run", tiny_settings(Budget(seconds=2.5)))
    run.write_texts({"train": paragraphs[30:], "validation": paragraphs[:30]}, {"files": []})
    run.write_tokenizer(tokenizer)
    return run


def seen(run: Run, kind: type) -> list:
    return [event for event in run.events() if isinstance(event, kind)]


def test_elsewhere_the_decorator_does_nothing(monkeypatch):
    monkeypatch.delitem(sys.modules, "spaces", raising=False)  # another test's
    assert not is_zero_gpu({}) and is_zero_gpu({"SPACES_ZERO_GPU": "true"})
    assert gpu(seconds_asked, {})(print) is print
    assert "spaces" not in sys.modules


def test_a_slice_in_the_middle_leaves_a_checkpoint_and_nothing_else(zero, run):
    call = gpu(seconds_asked)(train_slice)
    Desk(run)
    until = time.monotonic() + 120
    assert call(str(run.folder), 0.7, "cpu", None, until) == "slice"
    reached = run.load_checkpoint().progress["step"]
    assert reached > 0 and calls(zero) == [{"seconds": 21, "visitor": None}]
    assert not seen(run, Finished) and not run.model_folder.exists() and run.result is None
    assert call(str(run.folder), 60.0, "cpu", None, until) in ("finished", "early")
    assert [event.step for event in seen(run, Started)] == [0, reached]
    steps = [event.step for event in seen(run, Stepped)]
    assert steps == sorted(set(steps)) and len(seen(run, Finished)) == 1
    assert FillMask.load(run.model_folder).fill("the old <mask> ran")


@pytest.fixture
def page(zero, monkeypatch):
    """The page as it is served there, its address, and the Runs' folder."""
    from kantai.ui import app

    monkeypatch.setattr(spaces, "SLICE", 2.0)
    monkeypatch.setattr(spaces, "LEAST", 1.0)
    blocks = app.build_app(zero / "runs")
    settings = app.launch_settings() | {"prevent_thread_lock": True, "quiet": True}
    _, address, _ = blocks.launch(**settings, server_name="127.0.0.1")
    yield address, zero / "runs"
    blocks.close()


class Visitor:
    """A browser with a token of its own, as a Space sends it along."""

    def __init__(self, address: str, name: str, paragraphs: int = 300):
        from gradio_client import Client

        self.client = Client(address, headers={"x-ip-token": name}, verbose=False)
        self.owner = self.ask("new_owner")
        run = self.ask("new_run", self.owner, "\n\n".join(small_text(paragraphs)), name)
        self.run = self.ask("learn_tokenizer", run, self.owner, 300, 2)

    def ask(self, name: str, *values):
        return self.client.predict(*values, api_name="/" + name)

    def start(self, seconds: float) -> None:
        self.ask("start", self.run, self.owner, "playground", "seconds", seconds)

    def until(self, *states: str, seconds: float = 120.0) -> dict:
        deadline = time.monotonic() + seconds
        while (now := self.ask("state", self.run))["state"] not in states:
            assert time.monotonic() < deadline and now["state"] != "failed", now
            time.sleep(0.2)
        return now


def test_visitors_train_in_lent_slices_and_queue_watch_and_stop_stay_the_same(page, zero):
    address, runs = page
    anna, boris = Visitor(address, "anna"), Visitor(address, "boris")
    anna.start(6)
    boris.start(60)
    assert anna.ask("state", anna.run)["state"] in ("preparing", "training")
    waiting = boris.ask("state", boris.run)
    assert (waiting["state"], waiting["place"]) == ("waiting", 1)
    told, cursor = [], 0
    while not told or told[-1]["event"] != "finished":
        answer = boris.ask("events", anna.run, cursor)  # whoever has the link may watch
        told, cursor = told + answer["events"], answer["cursor"]
        time.sleep(0.2)
    kinds = [event["event"] for event in told]
    assert kinds.count("started") > 1 and kinds.count("finished") == 1
    assert anna.until("finished")["result"]["seconds_training"] >= 5.9
    boris.until("training")
    boris.ask("stop", boris.run, boris.owner)
    boris.until("stopped")
    assert boris.ask("fill_mask", boris.run, "the old <mask> ran", 2)
    asked = calls(zero)
    assert {call["visitor"] for call in asked} == {"anna", "boris"}
    assert all(21 <= call["seconds"] <= 22 for call in asked)
    assert Run(runs / anna.run).worker() is None


def test_a_quota_that_ends_is_told_and_one_goes_on_later(page, zero):
    anna = Visitor(page[0], "anna")
    (zero / "quota").write_text("1")
    anna.start(5)
    said = anna.until("failed")["message"]
    assert "exceeded your ZeroGPU quota" in said["en"] and "配额" in said["zh"]
    run = Run(page[1] / anna.run)
    reached = run.load_checkpoint().progress["step"]
    assert reached > 0 and seen(run, Failed)[-1].key == "gpu_refused"
    (zero / "quota").unlink()
    anna.ask("resume", anna.run, anna.owner, "seconds", 5)
    anna.until("finished")
    assert reached in [event.step for event in seen(run, Started)]


def test_a_call_that_hangs_is_left_alone_and_touches_nothing_when_it_wakes(page, zero, monkeypatch):
    monkeypatch.setattr(spaces, "WAIT", 4.0 - spaces.AROUND)
    monkeypatch.setattr(spaces, "LATE", 0.5)
    (zero / "hang").touch()
    anna, boris = Visitor(page[0], "anna"), Visitor(page[0], "boris")
    anna.start(5)
    assert anna.until("failed", seconds=15)["key"] == "gpu_silent"
    monkeypatch.setattr(spaces, "WAIT", 60.0)
    run = Run(page[1] / anna.run)
    left = run.log_size, run.worker()
    (zero / "hang").unlink()  # it goes on, and comes too late
    boris.start(2)
    boris.until("finished")
    assert (run.log_size, run.worker()) == left and left[1] is None
    anna.ask("resume", anna.run, anna.owner, "seconds", 2)
    anna.until("finished")


def test_stop_leaves_a_call_that_hangs(page, zero, monkeypatch):
    monkeypatch.setattr(spaces, "PATIENCE", 0.5)
    monkeypatch.setattr(spaces, "LATE", 0.5)
    (zero / "hang").touch()
    anna = Visitor(page[0], "anna")
    anna.start(5)
    while not (zero / "calls.jsonl").exists():
        time.sleep(0.05)
    anna.ask("stop", anna.run, anna.owner)
    anna.until("failed", seconds=8)
    (zero / "hang").unlink()


def test_a_full_disk_frees_the_queue_and_is_told_all_the_same(page, zero, monkeypatch):
    anna, boris = Visitor(page[0], "anna"), Visitor(page[0], "boris")
    real, full = Run.append, threading.Event()

    def append(self, event):
        if full.is_set() and self.folder.name == anna.run:
            raise UserError("disk_full", place=self.folder)
        real(self, event)

    full.set()
    monkeypatch.setattr(Run, "append", append)  # the forks have it too
    anna.start(2)
    boris.start(2)
    assert anna.until("failed")["key"] == "disk_full"
    run = Run(page[1] / anna.run)
    assert run.worker() is None and not seen(run, Failed)
    boris.until("finished")
    full.clear()
    anna.ask("resume", anna.run, anna.owner, "seconds", 2)
    anna.until("finished")


def test_what_needs_no_gpu_is_done_before_and_a_larger_text_asks_for_more(page, zero, monkeypatch):
    from kantai import packing, stages

    here, told = os.getpid(), zero / "who.txt"

    def noted(real):
        def work(*given, **named):
            with open(told, "a") as note:
                note.write(f"{real.__name__} {os.getpid() == here}\n")
            return real(*given, **named)

        return work

    monkeypatch.setattr(packing, "pieces", noted(packing.pieces))
    monkeypatch.setattr(stages, "baselines_of", noted(stages.baselines_of))
    anna = Visitor(page[0], "anna", paragraphs=30_000)
    anna.start(5)
    anna.until("finished")
    assert sorted(told.read_text().splitlines()) == ["baselines_of True", "pieces True"]
    asked = [call["seconds"] for call in calls(zero)]
    megabytes = Run(page[1] / anna.run).texts("train").size / 1e6
    assert len(asked) > 1 and megabytes > 2 and max(asked) >= round(2 + 20 + megabytes) > 23


def test_the_disk_lasts_at_home_and_in_a_bucket():
    here, space = {}, {"SPACE_ID": "a/b"}
    nowhere, data = lambda place: False, lambda place: place == Path("/data")
    assert storage(here, nowhere).lasts and storage(here).folder == Path("runs")
    assert not storage(space, nowhere).lasts
    assert not storage(space | {"KANTAI_RUNS": "/tmp/runs"}, data).lasts
    assert storage(space | {"KANTAI_RUNS": "/data/class/runs"}, data).lasts
    assert storage(here | {"KANTAI_RUNS": "/srv/runs"}).folder == Path("/srv/runs")


def test_the_readme_is_a_space():
    house = Path(kantai.__file__).parents[1]
    _, front, _ = (house / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    told = dict(re.findall(r'^(\w+): "?([^"\n]*)"?$', front, re.MULTILINE))
    assert told["sdk"] == "gradio" and (house / told["app_file"]).is_file()
    assert told["python_version"] == "3.12" and told["startup_duration_timeout"]
    wanted = re.search(r"gradio>=([\d.]+),<(\d+)", (house / "requirements.txt").read_text())
    version = tuple(map(int, told["sdk_version"].split(".")))
    assert tuple(map(int, wanted[1].split("."))) <= version < (int(wanted[2]),)
