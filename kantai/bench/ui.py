"""What the page costs: seconds to its first answer, bytes of an update, latency of the poll.

A real server on Runs of its own, polled as a browser polls, once without a training and once
with one, so that both are of the same machine in the same minute.
"""

from __future__ import annotations

import statistics
import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kantai.bench.server import (
    Asker,
    Server,
    begin_training,
    percentile,
    question,
    served,
    wait_for_training,
)

SECONDS = 60.0  # of the training, and as many polls
PAUSE = 1.0  # seconds between two polls, as the page does it while a training runs
VOCAB = 1_000


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
    with TemporaryDirectory() as folder, served(Path(folder), arguments.password) as server:
        first, size = server.first_page_seconds, server.page_bytes
        say(f"first page: {first:.1f} s after the start, {size:,} bytes", arguments)
        answers: dict[str, Any] = {"first_page_seconds": first, "page_bytes": size}
        for name, polls in measured(server, arguments.seconds or SECONDS).items():
            answers[name] = asdict(polls)
            say(
                f"{name:>9}: {polls.count} updates, {polls.mean_bytes:,.0f} bytes (largest "
                f"{polls.largest_bytes:,}), answered in {1e3 * polls.median_seconds:.1f} ms "
                f"(95 of 100 in {1e3 * polls.p95_seconds:.1f} ms)",
                arguments,
            )
    return answers


def measured(server: Server, seconds: float) -> dict[str, Polls]:
    """Polls of a Run that nobody trains, then of one that trains."""
    client, line = server.client(), server.line()
    owner, given = client.predict(api_name="/new_owner"), question(server.url, line)
    idle = Asker(line, given, client.predict(owner, "", "", api_name="/new_run"))
    idle()  # what is loaded at the first poll is no part of the others
    quiet = polled(idle, lambda: len(idle.seconds) <= max(3.0, seconds), PAUSE / 5)
    training = Asker(line, given, begin_training(client, owner, "seconds", seconds, VOCAB))
    wait_for_training(training)
    busy = polled(training, lambda: training.state == "training", PAUSE)
    return {"idle": quiet, "training": busy}


def polled(ask: Asker, go_on: Callable[[], bool], pause: float) -> Polls:
    """Ask while `go_on()`: mean and largest size, median and 95th percentile of the seconds."""
    before = len(ask.seconds)
    while go_on():
        ask()
        time.sleep(pause)
    sizes, seconds = ask.bytes[before:], ask.seconds[before:]
    middle = statistics.median(seconds)
    return Polls(len(sizes), statistics.mean(sizes), max(sizes), middle, percentile(seconds, 0.95))
