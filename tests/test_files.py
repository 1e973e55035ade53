"""Files that are whole or not there, whoever writes them at the same time or is killed at it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kantai import stages
from kantai.errors import UserError
from kantai.files import replace_folder, sweep, write_text
from kantai.recipes import Budget
from kantai.registry import Registry
from kantai.workspace import SHELF
from tests.conftest import at_once, tiny_settings

HELD = """
import sys, time
from pathlib import Path
from kantai.files import replace, replace_folder

def hold(path):
    (path / "part" if path.is_dir() else path).write_text("half")
    print("begun", flush=True)
    time.sleep(60)

{"file": replace, "folder": replace_folder}[sys.argv[1]](Path(sys.argv[2]), hold)
"""


def test_threads_that_write_the_same_file_do_not_meet(tmp_path):
    def write(letter: str) -> None:
        for _ in range(100):
            write_text(tmp_path / "note", letter * 5_000)

    at_once(*(lambda c=c: write(c) for c in "abcd"))
    assert len(set((tmp_path / "note").read_text())) == 1
    assert os.listdir(tmp_path) == ["note"]


def test_threads_that_fill_the_same_folder_do_not_meet(tmp_path):
    def fill(folder: Path) -> None:
        for name in "xyz":
            (folder / name).write_text(name * 2_000)

    def write() -> None:
        for _ in range(40):
            replace_folder(tmp_path / "model", fill)

    at_once(*[write] * 4)
    assert {f.name: f.read_text()[:1] for f in (tmp_path / "model").iterdir()} == dict(
        zip("xyz", "xyz", strict=True)
    )
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_writer_left_is_swept_and_a_living_ones_is_not(tmp_path, kind):
    command = [sys.executable, "-c", HELD, kind, str(tmp_path / "weights")]
    child = subprocess.Popen(command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"begun\n"
    (tmp_path / ".hidden.tmp").write_text("somebody's own")
    sweep(tmp_path)
    assert len(os.listdir(tmp_path)) == 2
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    sweep(tmp_path)
    assert os.listdir(tmp_path) == [".hidden.tmp"]


@pytest.mark.parametrize("shelf", [True, False])
def test_work_that_ends_after_its_run_was_deleted_leaves_nothing(tmp_path, paragraphs, shelf):
    registry = Registry(tmp_path / "runs")
    run_id = registry.new(tiny_settings(Budget(max_steps=3)), name="mill", owner="anna")
    run = registry.open(run_id)
    run.write_texts({"train": paragraphs, "validation": paragraphs[:9]}, {"files": []})
    if not shelf:
        (registry.root / SHELF).rmdir()
    told = []

    def tell(key: str, share: float) -> None:
        if not told:
            registry.delete(run_id, "anna")
        told.append(key)

    with pytest.raises(UserError) as error:
        stages.learn_tokenizer(run, tell)
    assert error.value.key == "folder_gone" and told
    left = [place.name for place in registry.root.rglob("*") if place.name != SHELF]
    assert not [name for name in left if not name.startswith(".lock")]


def test_a_save_after_a_delete_makes_no_ghost(tmp_path):
    registry = Registry(tmp_path / "runs")
    run = registry.open(registry.new(tiny_settings(Budget(max_steps=3)), name="", owner="anna"))
    registry.delete(run.folder.name, "anna")
    for save in (lambda: run.write_settings(tiny_settings(Budget(max_steps=4))), run.ask_stop):
        with pytest.raises(UserError) as error:
            save()
        assert error.value.key == "folder_gone" and not run.folder.exists()
