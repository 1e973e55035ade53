"""Two tabs, or two servers, press at the same moment: one of them is first, and nothing mixes."""

from __future__ import annotations

import json
import threading
from functools import partial

import pytest

from kantai import stages
from kantai.errors import UserError
from kantai.events import Started
from kantai.jobs import Jobs
from kantai.processes import end
from kantai.registry import Registry
from kantai.ui.desk import Desk
from kantai.ui.tabs import model, pretrain, tokenizer
from tests.conftest import at_once, tiny_settings, until
from tests.test_jobs import wait_for

OWNER = "anna"


@pytest.fixture
def desks(tmp_path):
    """Two servers over the same Runs, as each tab may meet another."""
    made = [Desk(r, Jobs(r, device="cpu")) for r in (Registry(tmp_path / "runs") for _ in "ab")]
    yield made
    registry = made[0].registry
    for run_id in registry._ids():
        worker = registry.open(run_id).worker()
        if worker:
            end(worker.pid, worker.born)  # never this very process


@pytest.fixture
def run_id(desks, paragraphs):
    from kantai.recipes import Budget

    registry = desks[0].registry
    run_id = registry.new(tiny_settings(Budget(seconds=90)), name="mill", owner=OWNER)
    texts = {"train": paragraphs[30:], "validation": paragraphs[:30]}
    registry.open(run_id).write_texts(texts, {"files": [], "characters": 30_000})
    return run_id


def meet(monkeypatch, desks) -> None:
    """Each sees that the Run is fresh before the other goes on: the worst moment there is."""
    gate, real = threading.Barrier(len(desks)), Desk.workable

    def workable(self, *given, **named):
        found = real(self, *given, **named)
        gate.wait(20)
        return found

    monkeypatch.setattr(Desk, "workable", workable)


def pressed(*works) -> list[object]:
    """What each gave back, or the key of what it was told."""

    def press(work) -> object:
        try:
            return work()
        except UserError as error:
            return error.key

    return at_once(*(partial(press, work) for work in works))


def queued(desk: Desk, run_id: str) -> int:
    """How often the Run has the device, or waits for it."""
    queue = json.loads(desk.jobs.file.read_text())
    return [queue["running"], *queue["waiting"]].count(run_id)


def begun(run) -> int:
    """How often a training began, or went on."""
    return sum(isinstance(event, Started) for event in run.events())


def start(desk: Desk, run_id: str, steps: int):
    return lambda: pretrain.start(desk, run_id, OWNER, "playground", "max_steps", steps, 8, 32)


def test_two_starts_by_different_plans_train_the_first_one_and_tell_the_other(
    desks, run_id, monkeypatch
):
    meet(monkeypatch, desks)
    plans = (4, 7)
    answers = pressed(*(start(desk, run_id, n) for desk, n in zip(desks, plans, strict=True)))
    assert sorted(map(str, answers)) == sorted([run_id, "run_begun"])
    first = plans[answers.index(run_id)]
    wait_for(desks[0].jobs, run_id, "finished")
    run = desks[0].registry.open(run_id)
    assert run.settings.budget.max_steps == run.result["steps"] == first
    assert len(desks[0].registry.list(OWNER)) == 1


def test_two_starts_by_the_same_plan_are_one(desks, run_id, monkeypatch):
    meet(monkeypatch, desks)
    assert pressed(*(start(desk, run_id, 4) for desk in desks)) == [run_id] * 2
    assert queued(desks[0], run_id) == 1
    until(lambda: desks[0].jobs.state(run_id).state == "finished" and not desks[0].jobs.running)
    run = desks[0].registry.open(run_id)
    assert run.result["steps"] == 4 and begun(run) == 1


def test_a_start_that_comes_after_the_end_changes_nothing(desks, run_id, monkeypatch):
    """The other tab had looked before the first one began, and presses when it is over."""
    monkeypatch.setattr(Desk, "workable", lambda self, run_id, *given, **named: run_id)
    desk, other = desks
    start(desk, run_id, 4)()
    wait_for(desk.jobs, run_id, "finished")
    run = desk.registry.open(run_id)
    before = run.settings
    assert pressed(start(other, run_id, 7), start(other, run_id, 4)) == ["run_begun", run_id]
    assert run.settings == before and begun(run) == 1 and other.jobs.running is None


def test_a_resume_of_what_goes_on_already_leaves_its_budget(desks, run_id):
    desk, other = desks
    start(desk, run_id, 4)()
    wait_for(desk.jobs, run_id, "finished")
    run = desk.registry.open(run_id)
    pretrain.resume(desk, run_id, OWNER, "seconds", 60)
    until(lambda: begun(run) == 2)
    before = run.settings
    pretrain.resume(other, run_id, OWNER, "max_steps", 12)
    assert run.settings == before and other.jobs.running == run_id
    other.jobs.stop(run_id)
    wait_for(other.jobs, run_id, "stopped")
    assert begun(run) == 2


def test_a_run_that_began_keeps_its_model_and_its_vocabulary(desks, run_id, monkeypatch):
    desk, other = desks
    run = desk.registry.open(run_id)
    learning, begun, real = threading.Event(), threading.Event(), stages.train_tokenizer

    def train_tokenizer(*given, **named):
        learning.set()
        assert begun.wait(20)
        return real(*given, **named)

    monkeypatch.setattr(stages, "train_tokenizer", train_tokenizer)

    def learn():
        return tokenizer.learn_now(desk, run_id, OWNER, 320, 2, lambda key, share: None)

    def begin():
        assert learning.wait(20)
        other.jobs.start(run_id)
        begun.set()

    assert pressed(learn, begin) == ["run_begun", None]
    wait_for(other.jobs, run_id, "training")
    before = run.settings
    monkeypatch.setattr(Desk, "workable", lambda self, run_id, *given, **named: run_id)
    fields = model.choose("mini")
    assert pressed(lambda: model.use(desk, run_id, OWNER, *fields), learn) == ["run_begun"] * 2
    assert run.settings == before
    other.jobs.stop(run_id)
    wait_for(other.jobs, run_id, "stopped")
    assert run.result["vocab_learned"] == run.tokenizer().learned


def test_two_resumes_at_once_go_on_once(desks, run_id):
    jobs = desks[0].jobs
    start(desks[0], run_id, 4)()
    wait_for(jobs, run_id, "finished")
    answers = pressed(
        *(lambda d=desk, n=n: pretrain.resume(d, run_id, OWNER, "max_steps", n)
          for desk, n in zip(desks, (9, 12), strict=True))
    )  # fmt: skip
    assert answers == [None, None] and queued(desks[0], run_id) == 1
    until(lambda: jobs.state(run_id).state == "finished" and not jobs.running)
    run = desks[0].registry.open(run_id)
    assert begun(run) == 2
    assert run.result["steps"] == run.settings.budget.max_steps in (9, 12)
