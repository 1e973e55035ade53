"""Polls: sixty who watch cost about as much as one, and nobody is told too little."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import urllib.error
import urllib.request

import pytest

from kantai.bench.ui import question
from kantai.errors import UserError
from kantai.events import Finished, Stepped
from kantai.jobs import Jobs
from kantai.processes import birth
from kantai.recipes import Budget
from kantai.registry import Registry
from kantai.ui import app, live
from kantai.ui.desk import Desk
from kantai.ui.polls import QuickPolls, Together
from kantai.workspace import Run, Worker
from tests.conftest import tiny_settings


def step(number: int) -> Stepped:
    return Stepped(number, number / 4, number / 40, 0.1, 6.0, 0.01, 1.2, 8_123.4, 0)


def training(registry: Registry) -> Run:
    """A Run that this very process is at, after one step."""
    settings = tiny_settings(Budget(seconds=30))
    run = registry.open(registry.new(settings, name="mill", owner="its owner"))
    run.write_worker(Worker(os.getpid(), birth(os.getpid()), 0))
    run.append(step(1))
    return run


def test_who_asks_the_same_at_once_is_answered_by_one_look():
    looks, go = [], threading.Event()

    def look(run, cursor):
        looks.append((run, cursor))
        go.wait(10)
        if run == "broken":
            raise UserError("unknown_run")
        return {"lasts": run == "trains", "cursor": cursor}

    async def ask():
        news = Together(look, 60.0, lambda answer: answer["lasts"])
        asked = [asyncio.ensure_future(news("trains", 7)) for _ in range(60)]
        await asyncio.sleep(0)
        asked[0].cancel()  # one who leaves takes nothing from the others
        go.set()
        answers = await asyncio.gather(*asked[1:])
        await news("trains", 8)
        for run in ("ended", "ended", "broken", "broken"):
            try:
                await news(run, 0)
            except UserError:
                assert run == "broken"
        return answers

    assert asyncio.run(ask()) == [{"lasts": True, "cursor": 7}] * 59
    ended, broken = ("ended", 0), ("broken", 0)  # neither is kept
    assert looks == [("trains", 7), ("trains", 8), ended, ended, broken, broken]


def test_watchers_are_told_up_to_the_same_step_and_the_end_to_the_last(tmp_path):
    registry = Registry(tmp_path / "runs")
    desk, run = Desk(registry, Jobs(registry, device="cpu")), training(registry)
    desk.jobs.state(run.folder.name)  # the queue notices the worker that it did not begin
    now = [0.0]
    desk.standing.clock = desk.log_ends.clock = lambda: now[0]
    told = live.pull(desk, run.folder.name, 0)
    run.append(step(2))
    assert live.pull(desk, run.folder.name, 0) == told and len(told["s"]) == 1
    now[0] += 1
    news = live.pull(desk, run.folder.name, told["cursor"])
    assert [row[0] for row in news["s"]] == [2]
    run.append(step(3))
    run.append(Finished(3, 1.0, "finished", 3, 5.5))
    run.clear_worker()  # within the same moment: there may be no next question
    news = live.pull(desk, run.folder.name, news["cursor"])
    assert [row[0] for row in news["s"]] == [3] and news["cursor"] == run.log_size


def asked(address: str, body: object) -> tuple[int, bytes]:
    kind = {"Content-Type": "application/json"}
    url, data = address + "gradio_api/component_server", json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, kind), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.fixture
def served(tmp_path):
    """Serves the page, once each call; its address."""
    open_pages = []

    def serve(**changes) -> str:
        blocks = app.build_app(tmp_path / "runs")
        open_pages.append(blocks)
        settings = app.launch_settings() | {"prevent_thread_lock": True, "quiet": True} | changes
        return blocks.launch(**settings, server_name="127.0.0.1")[1]

    yield serve
    for blocks in open_pages:
        blocks.close()


def test_the_quick_answer_is_gradios_own(served, tmp_path):
    quick = app.launch_settings()["app_kwargs"]["middleware"]
    slow = {"middleware": [row for row in quick if row.cls is not QuickPolls]}
    assert len(slow["middleware"]) == len(quick) - 1
    addresses = served(), served(app_kwargs=slow)
    name = training(Registry(tmp_path / "runs")).folder.name
    asks = {"data": [name, 0]}, {"data": ["../../etc/passwd", 0]}, {"fn_name": "none"}
    answers = [
        [asked(address, question(address) | {"data": [name, 0]} | changes) for changes in asks]
        for address in addresses
    ]  # fmt: skip
    assert answers[0] == answers[1]
    (status, told), (_, unknown), (refused, _) = answers[0]
    assert status == 200 and len(json.loads(told)["s"]) == 1
    assert json.loads(unknown)["gone"] and refused == 404
    for body in (None, [], "x", {"fn_name": "pull_events"}):  # Gradio says what is wrong with it
        assert asked(addresses[0], body)[0] >= 400


@pytest.mark.parametrize("quick", [True, False])
def test_a_malformed_poll_is_the_askers_mistake(served, tmp_path, quick, capfd):
    middleware = app.launch_settings()["app_kwargs"]["middleware"]
    kept = [row for row in middleware if quick or row.cls is not QuickPolls]
    address = served(app_kwargs={"middleware": kept})
    known, name = question(address), training(Registry(tmp_path / "runs")).folder.name
    wrong = (None, [], {}, "x", 5, [name], [name, "0"], [name, None], [None, 0], [name, 0.5],
             [name, True], [[name], 0], [name, 10**400], [name, 0, {}],
             [name, 0, "", [1]])  # fmt: skip
    for data in wrong:
        status, told = asked(address, known | {"data": data})
        assert 400 <= status < 500, (data, status, told)
    for data in ([name, -1], [name, 2**53 - 1], ["\ud800\0", 0], ["../x", 0, None, "zh"]):
        assert asked(address, known | {"data": data})[0] == 200, data
    assert "Traceback" not in capfd.readouterr().err


def test_with_a_password_no_poll_is_answered_to_a_stranger(served, tmp_path, monkeypatch):
    known = question(served())
    monkeypatch.setenv("KANTAI_PASSWORD", "apple")
    name = training(Registry(tmp_path / "runs")).folder.name
    assert asked(served(), known | {"data": [name, 0]})[0] == 401
