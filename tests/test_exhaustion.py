"""What goes wrong around a Run: memory, folders, damaged files, a sleeper, a broken upload."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from kantai import devices
from kantai.__main__ import main
from kantai.architectures import find_preset
from kantai.devices import allowed_memory, find_device
from kantai.errors import UserError
from kantai.events import Stepped
from kantai.jobs import Jobs
from kantai.recipes import Budget
from kantai.registry import Registry
from kantai.strings import text
from kantai.ui.desk import Desk
from kantai.ui.live import pull
from kantai.ui.tabs import pretrain
from kantai.workers import HOUSE
from kantai.workspace import Run
from tests.conftest import tiny_settings

OWNER = "anna"
NOBODY = 65_534
ENOUGH = 6 * 2**30  # bytes of addresses: room for the libraries, not for 8 GB of weights
SLEEP = 600 * 4  # steps that are told while a browser sleeps ten minutes


@pytest.fixture
def registry(tmp_path) -> Registry:
    return Registry(tmp_path / "runs")


@pytest.fixture
def run_id(registry, paragraphs, tokenizer) -> str:
    run_id = registry.new(tiny_settings(Budget(max_steps=3)), name="mill", owner=OWNER)
    run = registry.open(run_id)
    run.write_texts({"train": paragraphs[30:], "validation": paragraphs[:30]}, {"files": []})
    run.write_tokenizer(tokenizer)
    return run_id


def work(run, preexec=None) -> int:
    """A real worker at the Run; its exit status."""
    command = [sys.executable, "-m", "kantai.worker", str(run.folder), "--device", "cpu"]
    return subprocess.Popen(command, cwd=HOUSE, preexec_fn=preexec).wait(timeout=120)


def test_memory_that_is_exhausted_is_named_and_a_smaller_model_goes_on(registry, run_id):
    run, jobs = registry.open(run_id), Jobs(registry)
    settings = run.settings
    run.write_settings(replace(settings, preset=find_preset("nano", intermediate_size=2**22)))
    limit = (ENOUGH, ENOUGH)
    assert work(run, lambda: resource.setrlimit(resource.RLIMIT_AS, limit)) == 1
    state = jobs.state(run_id)
    assert (state.state, state.key) == ("failed", "out_of_memory") and "内存" in state.message("zh")
    assert run.texts("train") and run.tokenizer().learned
    run.write_settings(settings)
    assert work(run) == 0 and jobs.state(run_id).state == "finished"


@pytest.mark.parametrize("note", [b"", b"{", b"{}", b'{"asked": "many"}', b"\xff", b"7"])
def test_a_note_beside_the_tokenizer_that_is_damaged_is_named(registry, run_id, note):
    run = registry.open(run_id)
    (run.tokenizer_folder / "kantai_tokenizer.json").write_bytes(note)
    with pytest.raises(UserError) as error:
        run.tokenizer()
    assert error.value.key == "broken_tokenizer"


@pytest.mark.parametrize("damaged", [b'"whole"\n"cut sho', b"7\n", b'"\xff"\n', None])
def test_a_text_file_that_is_damaged_is_named(registry, run_id, damaged):
    run = registry.open(run_id)
    path = run.folder / "text" / "train.jsonl"
    path.write_bytes(damaged) if damaged else path.unlink()
    with pytest.raises(UserError, match="text/train.jsonl") as error:
        list(run.texts("train"))
    assert error.value.key == "broken_run"
    if damaged and b"cut" in damaged:
        assert work(run) == 1 and Jobs(registry).state(run_id).key == "broken_run"


def test_a_model_larger_than_the_machine_does_not_begin(registry, run_id):
    desk, run = Desk(registry, Jobs(registry, device="cpu")), registry.open(run_id)
    whole = run.settings
    desk._device = replace(desk.device(), memory=100_000)
    for press in (
        lambda: pretrain.start(desk, run_id, OWNER, "playground", "max_steps", 3),
        lambda: pretrain.resume(desk, run_id, OWNER, "max_steps", 3),
    ):
        with pytest.raises(UserError) as error:
            press()
        assert error.value.key == "memory_missing" and "100 kB" in str(error.value)
    assert run.settings == whole and desk.jobs.state(run_id).state == "new"
    memory = pretrain.memory_here(desk, run_id, whole)
    tight = (memory.kept + memory.total) // 2  # a smaller piece of the batch fits: it may begin
    desk._device = replace(desk._device, memory=tight)
    shown, _ = pretrain.outlook(desk, run_id, "playground", "max_steps", 3)
    assert text("memory_short") in json.dumps(shown)
    pretrain.check_memory(desk, run_id, whole)


def test_the_command_line_says_it_too_and_does_not_begin(tmp_path, paragraphs, monkeypatch, capsys):
    real = find_device("cpu")
    monkeypatch.setitem(devices._DESCRIBE, "cpu", lambda: replace(real, memory=100_000))
    book, out = tmp_path / "mill.txt", tmp_path / "run"
    book.write_text("\n\n".join(paragraphs), encoding="utf-8")
    asked = ["--out", str(out), "--preset", "nano", "--vocab-size", "300", "--device", "cpu"]
    assert main(["train", str(book), *asked, "--max-steps", "3"]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    run = Run.open(out)
    assert said.startswith("This model needs") and "has 100 kB" in said
    assert run.has_tokenizer and not run.log_size and run.worker() is None
    monkeypatch.undo()
    assert main(["train", str(book), *asked, "--max-steps", "3", "--resume"]) == 0


def test_a_container_has_the_memory_that_it_is_given(tmp_path):
    limit, unlimited = tmp_path / "limit", tmp_path / "max"
    limit.write_text("123456\n")
    unlimited.write_text("max\n")
    assert allowed_memory((str(tmp_path / "none"), str(limit))) == 123_456
    assert allowed_memory((str(unlimited),)) == float("inf")
    assert 0 < find_device("cpu").memory < 2**50


def refusals(root: Path, run_id: str, answer) -> None:
    """In a process that is nobody's: what may be read is read, what may not be written says so."""
    if os.geteuid() == 0:
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
    registry, keys = Registry(root), []
    for change in (
        lambda: registry.new(tiny_settings(Budget(max_steps=3)), name="", owner=OWNER),
        lambda: registry.rename(run_id, OWNER, "other"),
        lambda: registry.delete(run_id, OWNER),
        lambda: Jobs(registry).start(run_id),
    ):
        try:
            change()
            keys.append("done")
        except UserError as error:
            keys.append(error.key)
    answer.send((keys, Jobs(registry).state(run_id).state, len(registry.list(OWNER))))


def test_a_folder_that_may_only_be_read_is_read_and_every_change_says_so(paragraphs, tokenizer):
    root = Path(tempfile.mkdtemp())  # pytest's own may not even be entered by others
    registry = Registry(root / "runs")
    run_id = registry.new(tiny_settings(Budget(max_steps=3)), name="mill", owner=OWNER)
    run = registry.open(run_id)
    run.write_texts({"train": paragraphs, "validation": paragraphs[:9]}, {"files": []})
    for place in (root, *root.rglob("*")):
        place.chmod(0o555 if place.is_dir() else 0o444)
    here, there = multiprocessing.Pipe(duplex=False)
    context = multiprocessing.get_context("fork")
    child = context.Process(target=refusals, args=(root / "runs", run_id, there))
    child.start()
    assert here.poll(60)
    keys, state, listed = here.recv()
    child.join()
    assert set(keys) == {"not_writable"} and (state, listed) == ("new", 1)


def unreadable(root: Path, answer) -> None:
    """In a process that is nobody's: a workspace that may not even be looked into."""
    known = Registry(root)
    if os.geteuid() == 0:
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
    keys = []
    for look in (lambda: Registry(root), lambda: known.list(OWNER), lambda: known.open("x" * 22)):
        try:
            look()
        except UserError as error:
            keys.append((error.key, error.message("zh") != str(error)))
    answer.send(keys)


def test_a_folder_that_may_not_be_read_says_so(tmp_path):
    root = Path(tempfile.mkdtemp()) / "runs"
    root.parent.chmod(0o755)
    Registry(root)
    root.chmod(0o000 if os.geteuid() == 0 else 0o311)
    here, there = multiprocessing.Pipe(duplex=False)
    context = multiprocessing.get_context("fork")
    child = context.Process(target=unreadable, args=(root, there))
    child.start()
    try:
        assert here.poll(60)
        assert here.recv() == [("not_readable", True)] * 3
    finally:
        child.join()
        root.chmod(0o755)
        shutil.rmtree(root.parent)


@pytest.mark.parametrize("damaged", [b"", b"{", b'{"model": 7}', b"\xff" * 100])
def test_a_tokenizer_file_that_is_damaged_is_named(registry, run_id, damaged):
    run = registry.open(run_id)
    (run.tokenizer_folder / "tokenizer.json").write_bytes(damaged)
    with pytest.raises(UserError) as error:
        run.tokenizer()
    assert str(run.tokenizer_folder) in str(error.value) or run_id in str(error.value)
    if damaged == b"{":
        assert work(run) == 1 and Jobs(registry).state(run_id).key == error.value.key


def test_a_browser_that_slept_ten_minutes_gets_every_event_once(registry, run_id):
    run, desk = registry.open(run_id), Desk(registry, Jobs(registry))
    cursor = 0
    for step in range(1, SLEEP):
        run.append(Stepped(step, step / 4, step / SLEEP, 0.1, 6.0, 0.01, 1.2, 8_123.4, 0))
        if step == 10:
            cursor = pull(desk, run_id, 0)["cursor"]
    got, answers, more = [], 0, True
    while more:
        news = pull(desk, run_id, cursor)
        got += [row[0] for row in news.get("s", [])]
        cursor, more, answers = news["cursor"], news.get("more", False), answers + 1
        assert len(json.dumps(news)) < 200_000
    assert got == list(range(11, SLEEP)) and answers > 1


def test_an_upload_that_breaks_off_leaves_nothing_and_the_next_one_works(tmp_path, monkeypatch):
    from kantai.ui import app

    uploads = tmp_path / "uploads"
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(uploads))
    blocks = app.build_app(tmp_path / "runs")
    settings = app.launch_settings() | {"prevent_thread_lock": True, "quiet": True}
    _, address, _ = blocks.launch(**settings, server_name="127.0.0.1")
    try:
        port = int(address.rstrip("/").rpartition(":")[2])
        part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
        head = b"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900000\r\n"
        head += b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
                line.sendall(head + part + b"the mill " * 20_000)
        body = part + b"the old mill\r\n--x--\r\n"
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        asked = urllib.request.Request(address + "gradio_api/upload", body, kind)
        [kept] = json.load(urllib.request.urlopen(asked, timeout=30))
        assert Path(kept).read_text() == "the old mill"
        assert [file for file in uploads.rglob("*") if file.is_file()] == [Path(kept)]
        assert not [place for place in (tmp_path / "runs").iterdir() if place.is_dir()]
    finally:
        blocks.close()
