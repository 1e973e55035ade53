"""What the page costs: seconds to its first answer, bytes of an update, latency of the poll.

A real server on Runs of its own, polled as a browser polls, once without a training and once
with one, so that both are of the same machine in the same minute.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HOUSE = Path(__file__).parents[2]
SECONDS = 20.0  # of the training, and of the polling without one at most
PAUSE = 1.0  # seconds between two polls, as the page does it while a training runs
IDLE_POLLS = 15
VOCAB = 1_000
PATIENCE = 180.0  # seconds until the server answers, or a training begins


@dataclass(frozen=True)
class Polls:
    """Bytes of an answer and seconds until it was there."""

    count: int
    mean_bytes: float
    largest_bytes: int
    median_seconds: float
    p95_seconds: float


def run(arguments: Namespace, say: Callable[[str, Namespace], None]) -> dict[str, Any]:
    """Start the server, measure, stop it."""
    with TemporaryDirectory() as folder, served(Path(folder)) as (url, first_page, size):
        say(f"first page: {first_page:.1f} s after the start, {size:,} bytes", arguments)
        answers: dict[str, Any] = {"first_page_seconds": first_page, "page_bytes": size}
        for name, polls in measured(url, arguments.seconds or SECONDS).items():
            answers[name] = asdict(polls)
            say(
                f"{name:>9}: {polls.count} updates, {polls.mean_bytes:,.0f} bytes (largest "
                f"{polls.largest_bytes:,}), answered in {1e3 * polls.median_seconds:.1f} ms "
                f"(95 of 100 in {1e3 * polls.p95_seconds:.1f} ms)",
                arguments,
            )
    return answers


def measured(url: str, seconds: float) -> dict[str, Polls]:
    """Polls of one Run: before its training begins, and while it trains."""
    from gradio_client import Client

    client = Client(url, verbose=False)
    owner = client.predict(api_name="/new_owner")
    run = client.predict(owner, "", "", api_name="/new_run")
    run = client.predict(run, owner, VOCAB, 2, api_name="/learn_tokenizer")
    ask = asker(url)
    ask(run, 0)  # what is loaded at the first poll is no part of the others
    idle = summary(poll(ask, run, lambda state, number: number < IDLE_POLLS))
    run = client.predict(run, owner, "playground", "seconds", seconds, api_name="/start")
    wait_for_training(ask, run)
    training = summary(poll(ask, run, lambda state, number: state == "training"))
    return {"idle": idle, "training": training}


def wait_for_training(ask: Callable[[str, int], bytes], run: str) -> None:
    """Raises TimeoutError where the training does not begin, RuntimeError where it ended."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        state = json.loads(ask(run, 0))["status"]["state"]
        if state == "training":
            return
        if state not in ("waiting", "preparing"):
            raise RuntimeError(f"the training is {state} before it was measured")
        time.sleep(0.2)
    raise TimeoutError("the training did not begin")


def poll(
    ask: Callable[[str, int], bytes], run: str, go_on: Callable[[str, int], bool]
) -> Iterator[tuple[int, float]]:
    """(bytes, seconds) of every answer after its own cursor, while `go_on(state, number)`."""
    cursor, number, state = 0, 0, "training"
    while go_on(state, number):
        began = time.perf_counter()
        body = ask(run, cursor)
        yield len(body), time.perf_counter() - began
        answer = json.loads(body)
        cursor, state, number = answer["cursor"], answer["status"]["state"], number + 1
        time.sleep(PAUSE if state == "training" else PAUSE / 5)


def summary(polls: Iterator[tuple[int, float]]) -> Polls:
    """Mean and largest size; median and 95th percentile of the seconds."""
    sizes, seconds = zip(*polls, strict=True)
    ordered = sorted(seconds)
    return Polls(
        len(sizes),
        statistics.mean(sizes),
        max(sizes),
        statistics.median(ordered),
        ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))],
    )


def asker(url: str) -> Callable[[str, int], bytes]:
    """Asks for a Run's news as the header of the page does."""
    given = question(url)

    def ask(run: str, cursor: int) -> bytes:
        body = json.dumps({**given, "data": [run, cursor]}).encode()
        request = urllib.request.Request(
            f"{url}gradio_api/component_server", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    return ask


def question(url: str) -> dict[str, Any]:
    """What the header of the page sends besides the Run and the cursor."""
    with urllib.request.urlopen(f"{url}config") as answer:
        components = json.load(answer)["components"]
    header = next(
        c["id"] for c in components if "pull_events" in json.dumps(c["props"].get("server_fns", []))
    )
    return {"session_hash": "bench", "component_id": header, "fn_name": "pull_events"}


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, float, int]]:
    """A server with Runs in `folder`: its address, seconds to the first page, the page's bytes."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    environment = os.environ | {
        "KANTAI_RUNS": str(folder / "runs"),
        "GRADIO_TEMP_DIR": str(folder / "gradio"),
        "GRADIO_SERVER_PORT": str(port),
    }
    url = f"http://127.0.0.1:{port}/"
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=HOUSE, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        size = first_answer(url, process)
        yield url, time.perf_counter() - began, size
    finally:
        process.terminate()
        process.wait(30)


def first_answer(url: str, process: subprocess.Popen[bytes]) -> int:
    """Bytes of the first page that is answered. Raises RuntimeError where the server ends."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return len(answer.read())
        except OSError:
            if process.poll() is not None:
                raise RuntimeError("the server ended before it answered") from None
            time.sleep(0.02)
    raise TimeoutError("the server did not answer")
