"""Limits: held where the thing is done, told in one sentence, and never a person's work lost."""

from __future__ import annotations

import asyncio
import math
import os
import random
import subprocess
import sys
import time
import zipfile
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kantai.errors import UserError
from kantai.events import Stepped
from kantai.gate import Gate, allowed_hosts, host_of, password_check
from kantai.jobs import Jobs
from kantai.limits import ALLOWANCES, Allowance, Turnstile, chosen
from kantai.processes import birth
from kantai.recipes import Budget
from kantai.registry import Registry
from kantai.sources import Limits
from kantai.strings import LANGUAGES
from kantai.ui.desk import Desk
from kantai.ui.source import Source
from kantai.ui.tabs.text import keep
from kantai.workspace import Run, Worker
from tests.conftest import small_text, tiny_settings

OWNERS = ("anna", "boris", "chen")


def place(tmp_path, **limits) -> Registry:
    return Registry(tmp_path / "runs", replace(ALLOWANCES["local"], **limits))


def new(registry, owner="anna", *, age=0, size=0, budget=None) -> str:
    settings = tiny_settings(budget or Budget(seconds=30))
    run_id = registry.new(settings, name="mill", owner=owner)
    run = registry.open(run_id)
    run.write_texts({"train": ["a"], "validation": ["b"]}, {"files": []})
    (run.folder / "checkpoint.safetensors").write_bytes(bytes(size))
    then = time.time() - age
    os.utime(run.folder / "run.json", (then, then))
    return run_id


def test_the_place_is_chosen_by_name_and_a_space_knows_itself():
    assert chosen({}) is ALLOWANCES["local"]
    assert chosen({"SPACE_ID": "a/b"}) is ALLOWANCES["space"]
    assert chosen({"SPACE_ID": "a/b", "KANTAI_LIMITS": "class"}) is ALLOWANCES["class"]
    with pytest.raises(UserError, match="local, class, space"):
        chosen({"KANTAI_LIMITS": "clas"})
    with pytest.raises(ValueError):
        replace(ALLOWANCES["class"], waiting=0)


@pytest.mark.parametrize("name", ALLOWANCES)
def test_each_limit_is_told_beforehand_in_each_language(name):
    finite = [f for f in fields(Allowance) if math.isfinite(getattr(ALLOWANCES[name], f.name))]
    for language in LANGUAGES:
        told = ALLOWANCES[name].sentences(language)
        assert len(told) == len(set(told)) == len(finite)
    assert name == "local" or len(finite) == len(fields(Allowance))


def test_runs_a_person(tmp_path):
    registry = place(tmp_path, runs_each=2)
    kept = [new(registry) for _ in range(2)]
    with pytest.raises(UserError, match="keep 2 runs"):
        new(registry)
    new(registry, "boris")
    registry.delete(kept[0], "anna")
    new(registry)


def test_seconds_a_run_whatever_the_budget_counts(tmp_path):
    registry = place(tmp_path, run_seconds=60)
    jobs = Jobs(registry)
    with pytest.raises(UserError, match="60 seconds here"):
        jobs.start(new(registry, budget=Budget(seconds=61)))
    by_steps = new(registry, budget=Budget(max_steps=10**6))
    run = registry.open(by_steps)
    run.write_worker(Worker(os.getpid(), birth(os.getpid()), 0))
    jobs.file.write_text(f'{{"waiting": [], "running": "{by_steps}"}}')
    run.append(Stepped(5, 61.0, 0.5, 0.1, 6.0, 0.01, 1.0, 100.0, 0))
    jobs.tick()
    assert not run.stop_asked()  # about to end by itself
    run.append(Stepped(6, 63.0, 0.5, 0.1, 6.0, 0.01, 1.0, 100.0, 0))
    jobs.tick()
    assert run.stop_asked()
    run.clear_worker()
    with pytest.raises(UserError, match="trained for its 60 seconds"):
        jobs.start(by_steps)


def test_the_disk_is_held_and_what_goes_is_the_oldest_that_nobody_needs(tmp_path):
    registry = place(tmp_path, disk_bytes=520_000)
    jobs = Jobs(registry)
    old, older, newest = (new(registry, age=age, size=150_000) for age in (50, 90, 10))
    training = new(registry, "boris", age=200, size=100_000)
    new(registry, "boris", age=5)
    registry.open(training).write_worker(Worker(os.getpid(), birth(os.getpid()), 0))
    waiting = new(registry, "chen", age=300, size=100_000)
    new(registry, "chen", age=4)
    jobs.file.write_text(f'{{"waiting": ["{waiting}"], "running": "{training}"}}')
    jobs.make_room()
    assert [registry.has(i) for i in (older, old, newest, training, waiting)] == [
        False, True, True, True, True,
    ]  # fmt: skip
    assert not list(registry.root.glob(".deleted-*"))
    (registry.open(newest).folder / "log.txt").write_bytes(bytes(400_000))
    with pytest.raises(UserError, match="none may be removed"):
        jobs.make_room()
    assert not registry.has(old)
    assert all(registry.has(i) for i in (newest, training, waiting))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(OWNERS), st.integers(0, 3)), max_size=9),
       st.integers(1, 300_000))  # fmt: skip
def test_nobody_ever_loses_their_newest_run(tmp_path_factory, runs, most):
    registry = Registry(
        tmp_path_factory.mktemp("runs"), replace(ALLOWANCES["local"], disk_bytes=most)
    )
    made = [(owner, new(registry, owner, age=100 - n, size=size * 40_000))
            for n, (owner, size) in enumerate(runs)]  # fmt: skip
    newest = dict(made).values()
    try:
        gone = registry.make_room([])
    except UserError as error:
        assert error.key == "disk_over_limit"
        assert {i for _, i in made if registry.has(i)} == set(newest)
    else:
        assert not set(gone) & set(newest)
        left = sum(registry.open(i).disk_bytes() for _, i in made if registry.has(i))
        assert left <= most


def test_fetched_books_count_and_go_before_any_run(tmp_path):
    registry = place(tmp_path, disk_bytes=300_000)
    old, newest = new(registry, age=50, size=60_000), new(registry, age=10, size=60_000)
    registry.books.mkdir()
    for age, book in enumerate(("pg3.txt", "pg2.txt", "pg1.txt")):
        (registry.books / book).write_bytes(bytes(90_000))
        then = time.time() - 1_000 * (3 - age)
        os.utime(registry.books / book, (then, then))
    assert registry.make_room(set()) == []
    assert sorted(os.listdir(registry.books)) == ["pg1.txt"]  # the newest of them
    tight = place(tmp_path, disk_bytes=70_000)
    assert tight.make_room(set()) == [old]
    assert os.listdir(registry.books) == [] and registry.has(newest)


def test_the_newest_run_of_one_who_left_goes_last(tmp_path):
    registry = place(tmp_path, disk_bytes=200_000, idle_days=2)
    idle = {"chen": 3, "anna": 5, "boris": 9}
    runs = {owner: new(registry, owner, size=90_000) for owner in (*idle, "dan")}
    for owner, days in idle.items():
        for part in (registry.root / runs[owner] / "run.json", registry.root / runs[owner]):
            os.utime(part, (time.time() - days * 86_400,) * 2)
    log = registry.root / runs["boris"] / "events.jsonl"
    log.write_text("")  # what tells that he is still at it
    os.utime(log.parent, (1, 1))
    assert registry.make_room(set()) == [runs["anna"], runs["chen"]]
    with pytest.raises(UserError, match="none may be removed"):
        place(tmp_path, disk_bytes=100_000, idle_days=2).make_room(set())
    assert registry.has(runs["boris"]) and registry.has(runs["dan"])


def test_room_for_many_runs_is_made_in_a_few_looks(tmp_path, monkeypatch):
    registry = place(tmp_path, disk_bytes=50_000)
    for age in range(40):
        new(registry, age=age, size=4_000)
    looks, real = [], Run.disk_bytes

    def disk_bytes(self):
        looks.append(self.folder)
        return real(self)

    monkeypatch.setattr(Run, "disk_bytes", disk_bytes)
    gone = registry.make_room(set())
    assert len(gone) > 20 and len(looks) < 40 * 5


def test_a_text_and_an_upload_over_the_limit_are_refused_inside_the_handler(tmp_path):
    desk = Desk(place(tmp_path, text_characters=2_000, upload_bytes=3_000), None)
    big = tmp_path / "big.txt"
    sources = {
        "text_over_limit": Source("paste", pasted="x " * 1_001),
        "upload_over_limit": Source("files", files=[str(big)]),
    }
    big.write_text("x " * 1_501)
    for key, source in sources.items():
        with pytest.raises(UserError) as error:
            keep(desk, "", "anna", [], source, lambda key, share: None)
        assert error.value.key == key
    parts = [tmp_path / f"{n}.txt" for n in range(2)]
    for part in parts:
        part.write_text("\n\n".join(small_text(15)))
    with pytest.raises(UserError, match="2,000 characters"):
        keep(desk, "", "anna", [], Source("files", files=list(map(str, parts))), lambda k, s: None)


BOMB = """
import resource, sys
from pathlib import Path
from kantai.errors import UserError
from kantai.limits import ALLOWANCES
from kantai.registry import Registry
from kantai.ui.desk import Desk
from kantai.ui.source import Source

def most():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

folder = Path(sys.argv[1])
desk = Desk(Registry(folder / "runs", ALLOWANCES["space"]), None)
(folder / "small.txt").write_text("the old mill " * 9)
Source("files", files=[str(folder / "small.txt")]).read(desk, lambda k, s: None)
before = most()
try:
    Source("files", files=[sys.argv[2]]).read(desk, lambda k, s: None)
except UserError as error:
    print(error.key, most() - before)
"""


def test_a_bomb_is_refused_before_the_memory_is_spent(tmp_path):
    """Below the ratio of a bomb, and fifteen times what a text may have here."""
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("a.txt", random.Random(0).randbytes(1_600_000).hex() + "a\n" * 75_000_000)
    ratio = 153_200_000 / archive.stat().st_size
    assert Limits().max_expansion_ratio > ratio > 50
    command = [sys.executable, "-c", BOMB, str(tmp_path), str(archive)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert told[0] == "text_too_large" and int(told[1]) < 130_000  # kB; read whole it is 450 MB


def test_all_files_of_a_text_together_and_one_that_is_gone(tmp_path):
    desk = Desk(place(tmp_path, upload_bytes=3_000), None)
    parts = [tmp_path / f"{n}.txt" for n in range(3)]
    for part in parts:
        part.write_text("the mill " * 200)

    def key(files):
        with pytest.raises(UserError) as error:
            Source("files", files=[str(file) for file in files]).read(desk, lambda k, s: None)
        return error.value.key

    assert Source("files", files=[str(parts[0])]).read(desk, lambda k, s: None)
    assert key(parts) == "upload_over_limit" and key(parts * 40) == "choose_files"
    parts[0].unlink()
    assert key(parts[:1]) == "upload_gone" and key([]) == "choose_files"


def test_requests_a_minute_each_caller_alone_and_memory_stays_small():
    now = [0.0]
    turnstile = Turnstile(3, clock=lambda: now[0], callers=5)
    assert [turnstile.admits("a") for _ in range(5)] == [True, True, True, False, False]
    assert turnstile.admits("b")
    now[0] = 60.0
    assert turnstile.admits("a")
    assert all(turnstile.admits(n) for n in range(1_000)) and len(turnstile._calls) <= 6
    assert all(Turnstile(math.inf).admits("a") for _ in range(100))


def ask(gate, host, client="10.0.0.1") -> int:
    """What the gate answers: 200 where it lets the request through."""
    sent: list[dict] = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "client": (client, 1), "headers": [(b"host", host.encode())]}
    asyncio.run(gate(scope, None, send))
    return sent[0]["status"] if sent else 200


def test_the_gate_asks_for_the_host_and_counts():
    async def page(scope, receive, send):
        return None

    hosts = allowed_hosts({"KANTAI_HOSTS": "Room12.example, [::1],"})
    gate = Gate(page, hosts=hosts, turnstile=Turnstile(3))
    assert ask(gate, "room12.example:7860") == ask(gate, "[::1]:7860") == 200
    assert ask(gate, "evil.example") == ask(gate, "room12.example.evil.org") == ask(gate, "") == 421
    assert ask(gate, "room12.example") == 200 and ask(gate, "room12.example") == 429
    assert ask(gate, "127.0.0.1:7860", "10.0.0.2") == 200  # Gradio asks itself when it starts
    assert ask(Gate(page, hosts=allowed_hosts({}), turnstile=Turnstile(9)), "any") == 200
    assert host_of({"headers": []}) == ""


def test_the_password_is_off_unless_set():
    assert password_check({}) is None and password_check({"KANTAI_PASSWORD": ""}) is None
    check = password_check({"KANTAI_PASSWORD": "磨坊"})
    assert check("anybody", "磨坊") and not check("anybody", "mill") and not check("磨坊", "")
