"""What several Runs need is computed once, whole or not there, and gone with the last Run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from kantai import keeping, stages
from kantai.errors import UserError
from kantai.jobs import Jobs
from kantai.limits import ALLOWANCES
from kantai.readers import Document
from kantai.recipes import Budget
from kantai.registry import Registry
from kantai.shelf import Shelf, key_of
from kantai.tokenizer import Cancelled
from kantai.workspace import SHELF, Run
from tests.conftest import at_once, small_text, tiny_settings
from tests.test_jobs import wait_for

OWNERS = ("one pupil", "another pupil", "a third")
SLOW = """
import sys, time
from pathlib import Path
from kantai.shelf import Shelf

root, name = Path(sys.argv[1]), sys.argv[2]

def make(folder):
    with open(root / "made.txt", "a") as note:
        note.write(name)
    for part in range(3):
        (folder / f"{part}.txt").write_text("part of it " * 1000)
        time.sleep(0.2)

Shelf(root / "shelf").take("abc", make, root / name)
"""


def documents(extra: str = "") -> list[Document]:
    text = "\n\n".join([*small_text(), extra])
    return [Document("mill.txt", text, len(text.encode()), "utf-8", 0)]


def rules() -> list[str]:
    from kantai.cleaning import CLEANING_RULES

    return list(CLEANING_RULES)


@pytest.fixture
def registry(tmp_path) -> Registry:
    return Registry(tmp_path / "runs")


def new_run(registry: Registry, owner: str, *, extra: str = "", **changes: object) -> Run:
    settings = replace(tiny_settings(Budget(max_steps=3)), **changes)
    run = registry.open(registry.new(settings, name="mill", owner=owner))
    keeping.keep_documents(run, documents(extra), rules())
    return run


def counted(monkeypatch, name: str, module=stages) -> list[int]:
    """Every call of a stage's work, a little slower than it is."""
    calls, real = [], getattr(module, name)

    def work(*given, **named):
        calls.append(1)
        time.sleep(0.3)
        return real(*given, **named)

    monkeypatch.setattr(module, name, work)
    return calls


def entries(registry: Registry) -> list[str]:
    folder = registry.root / SHELF
    return [path.name for path in folder.iterdir() if path.is_dir()]


def test_the_same_text_and_vocabulary_at_once_are_computed_once(registry, monkeypatch):
    cleaned = counted(monkeypatch, "build_corpus", keeping)
    learned = counted(monkeypatch, "train_tokenizer")
    runs: list[Run] = []
    at_once(*(lambda o=owner: runs.append(new_run(registry, o)) for owner in OWNERS))
    at_once(*(lambda r=run: stages.learn_tokenizer(r) for run in runs))
    assert (len(runs), len(cleaned), len(learned)) == (3, 1, 1)
    first, *others = runs
    for other in others:
        assert other.texts("train") == first.texts("train") and other.report == first.report
        assert other.tokenizer().full.to_str() == first.tokenizer().full.to_str()
    assert first.tokenizer().learned > 261


@pytest.mark.parametrize("change", ["text", "rules", "name", "seed", "vocab_size", "frequency"])
def test_whatever_differs_is_computed_for_itself(registry, monkeypatch, change):
    first = new_run(registry, OWNERS[0])
    stages.learn_tokenizer(first)
    cleaned = counted(monkeypatch, "build_corpus", keeping)
    learned = counted(monkeypatch, "train_tokenizer")
    settings = {"seed": {"seed": 1}, "vocab_size": {"vocab_size": 290}, "frequency":
                {"min_frequency": 5}}.get(change, {})  # fmt: skip
    settings = replace(tiny_settings(Budget(max_steps=3)), **settings)
    run = registry.open(registry.new(settings, name="mill", owner=OWNERS[1]))
    brought = documents("Another end." if change == "text" else "")
    brought = [replace(brought[0], name="other.txt")] if change == "name" else brought
    keeping.keep_documents(run, brought, rules()[: -1 if change == "rules" else None])
    stages.learn_tokenizer(run)
    of_tokenizer = change in ("vocab_size", "frequency")
    assert len(cleaned) == (0 if of_tokenizer else 1)
    # the vocabulary hangs on the training text alone, whatever it was made from
    assert len(learned) == int(of_tokenizer or run.texts("train") != first.texts("train"))


def test_processes_that_begin_at_once_make_it_once(tmp_path):
    (tmp_path / "shelf").mkdir()
    command = [sys.executable, "-c", SLOW, str(tmp_path)]
    children = [subprocess.Popen([*command, name], cwd=Path.cwd()) for name in "abcd"]
    assert [child.wait(60) for child in children] == [0] * 4
    assert len((tmp_path / "made.txt").read_text()) == 1
    for name in "abcd":
        assert sorted(os.listdir(tmp_path / name)) == ["0.txt", "1.txt", "2.txt"]


def test_one_who_was_killed_at_it_leaves_no_half(tmp_path):
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    child = subprocess.Popen([sys.executable, "-c", SLOW, str(tmp_path), "a"], cwd=Path.cwd())
    while not (shelf / ".abc.tmp" / "1.txt").is_file():
        assert child.poll() is None
        time.sleep(0.01)
    child.kill()
    child.wait()
    assert not (tmp_path / "a").exists()
    Shelf(shelf).take("abc", lambda f: (f / "w.txt").write_text("whole"), tmp_path / "b")
    assert (tmp_path / "b" / "w.txt").read_text() == "whole"
    assert os.listdir(tmp_path / "b") == ["w.txt"] and not (shelf / ".abc.tmp").exists()


def test_what_failed_is_tried_again_by_the_next(registry, monkeypatch):
    run = new_run(registry, OWNERS[0])
    with pytest.raises(Cancelled):
        stages.learn_tokenizer(run, cancelled=lambda: True)
    assert not run.has_tokenizer
    assert stages.learn_tokenizer(run).learned > 261


def test_who_waits_may_give_up(registry, monkeypatch):
    counted(monkeypatch, "train_tokenizer")
    first, second = (new_run(registry, owner) for owner in OWNERS[:2])
    begun, told = threading.Event(), []

    def wait():
        begun.wait(10)
        with pytest.raises(Cancelled):
            stages.learn_tokenizer(second, lambda *t: told.append(t), lambda: True)

    def learn():
        stages.learn_tokenizer(first, lambda *t: begun.set())

    real = stages.train_tokenizer
    monkeypatch.setattr(
        stages, "train_tokenizer", lambda *g, **n: (begun.set(), time.sleep(1), real(*g, **n))[2]
    )
    at_once(learn, wait)
    assert first.has_tokenizer and not second.has_tokenizer and told


def test_damaged_files_are_made_anew(registry):
    first = new_run(registry, OWNERS[0])
    stages.learn_tokenizer(first)
    (first.tokenizer_folder / "tokenizer.json").write_text("damaged, and by its link on the shelf")
    second = new_run(registry, OWNERS[1])
    assert stages.learn_tokenizer(second).learned > 261


def test_without_links_it_is_copied(registry, monkeypatch):
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError("no links here")))
    first, second = (new_run(registry, owner) for owner in OWNERS[:2])
    assert first.texts("train") == second.texts("train")
    assert (second.folder / "text" / "train.jsonl").stat().st_nlink == 1


def test_a_workers_vocabulary_is_the_one_that_the_page_learned(registry):
    first = new_run(registry, OWNERS[0])
    stages.learn_tokenizer(first)
    second = new_run(registry, OWNERS[1])
    jobs = Jobs(registry, device="cpu")
    jobs.start(second.folder.name)
    wait_for(jobs, second.folder.name, "finished")
    one, other = (run.tokenizer_folder / "tokenizer.json" for run in (first, second))
    assert one.samefile(other)


def test_a_command_lines_run_needs_no_shelf(tmp_path):
    run = Run.create(tmp_path / "mine", tiny_settings(Budget(max_steps=3)))
    keeping.keep_documents(run, documents(), rules())
    assert stages.learn_tokenizer(run).learned > 261
    assert os.listdir(tmp_path) == ["mine"]


# --- the disk -------------------------------------------------------------------------------------


def test_a_shared_file_counts_once_for_all(registry):
    first = new_run(registry, OWNERS[0])
    alone = registry._disk_bytes()
    new_run(registry, OWNERS[1])
    text = sum(file.stat().st_size for file in (first.folder / "text").iterdir())
    assert text > 10_000 and registry._disk_bytes() < alone + text / 4


def test_a_deleted_text_is_gone_with_the_last_run_that_had_it(registry):
    first, second = (new_run(registry, owner) for owner in OWNERS[:2])
    assert len(entries(registry)) == 1
    registry.delete(first.folder.name, OWNERS[0])
    assert len(entries(registry)) == 1 and second.texts("train")
    registry.delete(second.folder.name, OWNERS[1])
    assert entries(registry) == []
    left = [path for path in registry.root.rglob("*") if path.is_file() and path.stat().st_size]
    assert left == []


def test_the_limit_of_the_disk_counts_what_is_shared(tmp_path):
    registry = Registry(tmp_path / "runs")
    old = new_run(registry, OWNERS[0], extra="Only here. " * 3_000)
    os.utime(old.folder / "run.json", (1, 1))
    newest = new_run(registry, OWNERS[0])
    most = registry._disk_bytes() - 1_000
    tight = Registry(tmp_path / "runs", replace(ALLOWANCES["local"], disk_bytes=most))
    assert tight.make_room(set()) == [old.folder.name]
    assert tight._disk_bytes() <= most and newest.texts("train") and len(entries(tight)) == 1
    smaller = Registry(tmp_path / "runs", replace(ALLOWANCES["local"], disk_bytes=1_000))
    with pytest.raises(UserError) as error:
        smaller.make_room(set())
    assert error.value.key == "disk_over_limit" and newest.texts("train")


def test_what_nobody_has_goes_before_any_run(tmp_path):
    registry = Registry(tmp_path / "runs")
    old = new_run(registry, OWNERS[0])
    os.utime(old.folder / "run.json", (1, 1))
    new_run(registry, OWNERS[0])
    registry.shelf.take("00", lambda f: (f / "big").write_bytes(b"0" * 200_000), tmp_path / "gone")
    shutil.rmtree(tmp_path / "gone")
    most = registry._disk_bytes() - 100_000
    tight = Registry(tmp_path / "runs", replace(ALLOWANCES["local"], disk_bytes=most))
    assert tight.make_room(set()) == [] and "00" not in entries(tight)


def test_keys_tell_parts_apart():
    assert key_of("ab", "c") != key_of("a", "bc") and key_of("a\ud800") == key_of("a\ud800")
