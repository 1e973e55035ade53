"""Ids that open nothing else, secrets that stay with their owner, a list, a clean delete."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kantai.errors import UserError
from kantai.events import Failed, Finished, Started, Stepped, Validated
from kantai.processes import birth, is_alive
from kantai.recipes import Budget
from kantai.registry import Registry, new_secret, state_of
from kantai.workspace import Run, Worker
from tests.conftest import tiny_settings

OWNER, OTHER = new_secret(), new_secret()
STARTED = Started(0, "cpu", "fp32", 1, 1, 1, 1)
STEPPED = Stepped(5, 2.5, 0.5, 0.1, 6.0, 0.01, 1.0, 100.0, 0)


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "root")


def new(registry, name="mill", owner=OWNER) -> str:
    return registry.new(tiny_settings(Budget(max_steps=5)), name=name, owner=owner)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A root beside a Run that is outside of it, and must stay out of reach."""
    place = tmp_path_factory.mktemp("place")
    Run.create(place / "outside_of_the_root", tiny_settings(Budget(max_steps=5)))
    return Registry(place / "root")


ODD = ["../outside_of_the_root", "..", "", ".", "a/../../outside_of_the_root", "x" * 22 + "\n",
       "%2e%2e", "\0" * 22, "C:" + "x" * 20, None, 7, ["x" * 22], "x" * 5000]  # fmt: skip


@given(st.one_of(st.sampled_from(ODD), st.text(), st.text("./\\x", max_size=40)))
def test_no_id_leads_out_of_the_root(guarded, asked):
    with pytest.raises(UserError) as error:
        guarded.open(asked)
    assert error.value.key == "unknown_run"


def test_malformed_and_unknown_sound_the_same(guarded):
    sentences = set()
    for asked in ("../x", "abcdefghijklmnopqrstuv"):
        with pytest.raises(UserError) as error:
            guarded.open(asked)
        sentences.add(str(error.value))
    assert len(sentences) == 1


def test_owners(registry):
    run_id = new(registry)
    assert registry.owns(run_id, OWNER)
    assert not any(registry.owns(run_id, who) for who in (OTHER, "", None))
    files = registry.open(run_id).folder.rglob("*")
    assert all(OWNER.encode() not in file.read_bytes() for file in files if file.is_file())
    for act in (lambda: registry.rename(run_id, OTHER, "x"), lambda: registry.delete(run_id, None)):
        with pytest.raises(UserError, match="Only the browser"):
            act()
    for nobody in ("", None, 7, ["x"]):
        with pytest.raises(UserError) as error:
            new(registry, owner=nobody)
        assert error.value.key == "owner_needed"
    assert len(registry._ids()) == 1


def test_a_run_that_could_not_be_begun_leaves_nothing(registry, monkeypatch):
    def write_owner(self, record):
        raise UserError("disk_full", place=self.folder)

    monkeypatch.setattr(Run, "write_owner", write_owner)
    with pytest.raises(UserError) as error:
        new(registry)
    assert error.value.key == "disk_full"
    assert [p for p in registry.root.iterdir() if not p.name.startswith(".")] == []


def test_names(registry):
    run_id = new(registry, name="  The\tmill \x00 of 磨坊 ")
    assert [info.name for info in registry.list(OWNER)] == ["The mill of 磨坊"]
    registry.rename(run_id, OWNER, "x" * 1000)
    assert registry.list(OWNER)[0].name == "x" * 80 and registry.owns(run_id, OWNER)
    with pytest.raises(UserError, match="needs a name"):
        registry.rename(run_id, OWNER, " \n")


def test_the_list_is_the_owners_and_passes_over_what_is_broken(registry):
    first, second, broken = new(registry), new(registry), new(registry)
    new(registry, owner=OTHER)
    run = registry.open(first)
    for event in (STARTED, STEPPED, Validated(5, 3.0, 4.5, 0.1, 0.2, True)):
        run.append(event)
    run.append(Finished(5, 3.0, "finished", 5, 4.5))
    (registry.root / broken / "run.json").write_text("{")
    infos = registry.list(OWNER)
    assert [info.id for info in infos] == [second, first] and not registry.list(None)
    assert (infos[1].best_loss, infos[1].seconds, infos[1].state) == (4.5, 3.0, "finished")
    assert infos[1].bytes == run.disk_bytes() > 500 and infos[0].best_loss is None


def test_delete_leaves_nothing_and_waits_for_the_training(registry):
    run_id = new(registry)
    run = registry.open(run_id)
    run.write_worker(Worker(os.getpid(), birth(os.getpid()), 0))
    with pytest.raises(UserError, match="stop it first"):
        registry.delete(run_id, OWNER)
    run.clear_worker()
    registry.delete(run_id, OWNER)
    assert not registry.has(run_id)
    assert not [f for f in registry.root.rglob("*") if f.is_file() and f.stat().st_size]


def test_the_state_follows_from_the_files(registry):
    run = registry.open(new(registry))
    told = [state_of(run)]
    run.write_worker(Worker(os.getpid(), birth(os.getpid()), 0))
    told.append(state_of(run))
    run.append(STARTED)
    told.append(state_of(run))
    run.clear_worker()
    for event in (STEPPED, Finished(5, 3.0, "stopped", 5, 4.5), Finished(5, 3.0, "early", 5, 4.5),
                  Failed(5, "no"), STARTED):  # fmt: skip
        run.append(event)
        told.append(state_of(run))
    run.write_worker(Worker(os.getpid(), birth(os.getpid()) - 60, 0))
    told.append(state_of(run))
    assert told == ["new", "preparing", "training", "stopped", "stopped", "finished", "failed",
                    "stopped", "failed"]  # fmt: skip


def test_a_process_is_told_by_its_birth_and_a_zombie_is_dead():
    child = subprocess.Popen([sys.executable, "-c", ""])
    born = birth(child.pid)
    assert birth(os.getpid()) < (born or math.inf)  # its parent was born before it
    deadline = time.monotonic() + 20
    while is_alive(child.pid, born or 0.0) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert child.returncode is None and not is_alive(child.pid, born or 0.0)  # not asked after yet
    child.wait()


@settings(deadline=None)
@given(st.lists(st.text(max_size=30), max_size=30), st.integers(1, 200), st.integers(0, 40))
def test_pulls_give_every_whole_line_once(tmp_path_factory, messages, most, cut):
    run = Run(tmp_path_factory.mktemp("run"))
    for number, message in enumerate(messages):
        run.append(Failed(number, message))
    if messages:
        with open(run.folder / "events.jsonl", "r+b") as log:  # a kill cuts the last line
            log.truncate(max(0, run.log_size - cut))
        run.append(Failed(99, "after"))
    cursor, pulled = 0, []
    while True:
        records, later = run.events_after(cursor, most)
        pulled += [(record["step"], record["message"]) for record in records]
        if later == cursor:
            break
        cursor = later
    assert pulled == [(event.step, event.message) for event in run.events()]
    assert cursor == run.log_size
    again, _ = run.events_after(cursor + 10_000)
    assert len(again) == len(pulled) or run.log_size > 65_536
