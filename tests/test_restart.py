"""A real server, killed in the midst of a training: the worker goes on, its successor knows all."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import kantai
from kantai.events import Stepped
from kantai.workspace import Run
from tests.conftest import small_text, until

HOUSE = Path(kantai.__file__).parents[1]
STARTUP = 120.0  # seconds, on a machine that is busy with other tests


def free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return line.getsockname()[1]


class Server:
    """`python app.py` over a folder of Runs, at a port of its own."""

    def __init__(self, runs: Path, port: int):
        own = {"KANTAI_RUNS": str(runs), "GRADIO_SERVER_PORT": str(port),
               "GRADIO_SERVER_NAME": "127.0.0.1"}  # fmt: skip
        command = [sys.executable, "app.py"]
        self.process = subprocess.Popen(command, cwd=HOUSE, env=os.environ | own, stdout=-3)
        self.client = self._connected(f"http://127.0.0.1:{port}")

    def _connected(self, address: str):
        from gradio_client import Client

        deadline = time.monotonic() + STARTUP
        while True:
            try:
                return Client(address, verbose=False)
            except Exception:  # of many kinds, until it listens
                assert self.process.poll() is None and time.monotonic() < deadline
                time.sleep(0.3)

    def ask(self, name: str, *values: object):
        return self.client.predict(*values, api_name="/" + name)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def serve(tmp_path):
    servers: list[Server] = []

    def start(port: int) -> Server:
        servers.append(Server(tmp_path / "runs", port))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()
    for folder in (tmp_path / "runs").glob("*/worker.json"):
        worker = Run(folder.parent).worker()
        if worker and worker.alive:
            os.kill(worker.pid, signal.SIGKILL)


def pulled(server: Server, run: str, cursor: int) -> tuple[list[dict], int]:
    """All that the server tells after a cursor."""
    told: list[dict] = []
    while (answer := server.ask("events", run, cursor))["cursor"] != cursor:
        told, cursor = told + answer["events"], answer["cursor"]
    return told, cursor


def test_a_server_killed_while_it_trains_loses_nothing_and_the_next_one_goes_on(serve, tmp_path):
    port = free_port()
    first = serve(port)
    owner = first.ask("new_owner")
    run_id = first.ask("new_run", owner, "\n\n".join(small_text()), "mill")
    run_id = first.ask("learn_tokenizer", run_id, owner, 300, 2)
    run_id = first.ask("start", run_id, owner, "playground", "seconds", 300)
    run = Run(tmp_path / "runs" / run_id)
    until(lambda: run.latest(Stepped) is not None)
    before, cursor = pulled(first, run_id, 0)
    worker = run.worker()
    first.kill()
    reached = run.latest(Stepped).step
    until(lambda: run.latest(Stepped).step > reached)  # nobody serves, and it goes on
    with open(run.folder / "events.jsonl", "ab") as log:
        log.write(b'{"event": "stepped", "st')  # as if it had been cut short as well
    second = serve(port)
    assert run.worker().pid == worker.pid and second.ask("state", run_id)["state"] == "training"
    second.ask("stop", run_id, owner)
    until(lambda: second.ask("state", run_id)["state"] == "stopped")
    after, end = pulled(second, run_id, cursor)
    assert end == run.log_size and pulled(second, run_id, 0)[0] == before + after
    steps = [event["step"] for event in before + after if event["event"] == "stepped"]
    assert steps == sorted(set(steps)) and steps[-1] > reached
    kinds = [event["event"] for event in before + after]
    assert kinds.count("started") == kinds.count("finished") == 1 and "failed" not in kinds
    lines = (run.folder / "events.jsonl").read_bytes().splitlines()
    whole = [json.loads(line) for line in lines if line.endswith(b"}")]
    assert whole == before + after and len(lines) == len(whole) + 1  # the half one is passed over
    assert [info["id"] for info in second.ask("runs", owner)] == [run_id]
    assert second.ask("fill_mask", run_id, "the old <mask> ran", 3)
