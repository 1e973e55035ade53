"""A class: some watch one live run, some use the other tabs; each has a connection of its own."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kantai.bench.server import Asker, Line
from kantai.events import Stepped, Validated
from kantai.workspace import Run

SENTENCE = "The fisherman sat on the quay and mended his <mask>."
SAME_LOSS = 1e-3  # the page is told losses to three decimals


class Watcher:
    """One browser that follows the run: what it was told, and how long each answer took."""

    def __init__(self, ask: Asker):
        self.ask = ask
        self.steps: list[tuple[int, float | None]] = []
        self.looks: list[tuple[int, float | None]] = []

    def act(self) -> None:
        """Ask once, and again while there is more, as the page does."""
        more = True
        while more:
            news = self.ask()
            self.steps += [(row[0], row[4]) for row in news.get("s", ())]
            self.looks += [(row[0], row[2]) for row in news.get("v", ())]
            more = bool(news.get("more"))

    def saw_all(self, run: Run) -> bool:
        """Whether its curves are the log's."""
        events = run.events()
        return all(
            alike(seen, [(e.step, e.loss) for e in events if isinstance(e, kind)])
            for seen, kind in ((self.steps, Stepped), (self.looks, Validated))
        )


def alike(seen: list[tuple[int, float | None]], logged: list[tuple[int, float | None]]) -> bool:
    """Whether the same points are in the same order, none twice and none missing."""
    return len(seen) == len(logged) and all(
        step == known and (loss == was or (loss and was and abs(loss - was) < SAME_LOSS))
        for (step, loss), (known, was) in zip(seen, logged, strict=True)
    )


class Person:
    """Somebody who uses the other tabs: one thing after another, with time to think."""

    def __init__(self, line: Line, owner: str, run: str, number: int):
        """Numbers begin with different things."""
        things: list[tuple[str, list[Any]]] = [
            ("text_report", [run]),
            ("tokenize", [run, SENTENCE]),
            ("parameters", [run]),
            ("fill_mask", [run, SENTENCE, 5]),
            ("state", [run]),
            ("runs", [owner]),
            ("compare", [run, run, "", 5]),
        ]
        self.line, self.session = line, f"bench-{number}"  # a browser's is its own, and stays
        self.seconds: list[tuple[str, float]] = []
        self.things = itertools.islice(itertools.cycle(things), number % len(things), None)

    def act(self) -> None:
        """One call of an endpoint, to its answer."""
        name, given = next(self.things)
        began = time.perf_counter()
        asked = json.loads(
            self.line(f"/gradio_api/call/{name}", {"data": given, "session_hash": self.session})
        )
        answer = self.line(f"/gradio_api/call/{name}/{asked['event_id']}")
        self.seconds.append((name, time.perf_counter() - began))
        if b"event: complete" not in answer:
            raise RuntimeError(f"{name} answered {answer[:200]!r}")


@dataclass
class Crowd:
    """Everybody at work in a thread of their own while `on` is set, `faster` than people are."""

    on: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    faults: list[str] = field(default_factory=list)
    faster: float = 1.0
    threads: list[threading.Thread] = field(default_factory=list)

    def join(self, acts: list[Callable[[], object]], pause: float) -> None:
        """Let these act every `pause` seconds, one after another."""
        for number, act in enumerate(acts):
            given = (act, pause, number / len(acts))
            self.threads.append(threading.Thread(target=self._work, args=given, daemon=True))
            self.threads[-1].start()

    def _work(self, act: Callable[[], object], pause: float, share: float) -> None:
        """Act again and again; `share` of a pause later at first."""
        due = time.monotonic() + pause * share
        while not self.over.is_set():
            if not self.on.wait(2.0):
                due = time.monotonic() + pause * share
                continue
            if self.over.wait(max(0.0, due - time.monotonic())):
                return
            try:
                act()
            except Exception as error:  # any of them is a fault of the page under load
                self.faults.append(f"{type(error).__name__}: {error}")
            due = max(due + pause / self.faster, time.monotonic())

    def leave(self) -> None:
        """Wait until nobody acts any more."""
        self.over.set()
        self.on.set()
        for thread in self.threads:
            thread.join(60)
