"""The curve begins within three seconds of the training's first step."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.browser.test_page import begin, start, state_is, until

MOST = 3.0  # seconds from the first step to the first point
WATCH = """() => {
    const look = setInterval(() => {
        if (!document.querySelector('.k-loss')?.data?.[0].x.length) return;
        clearInterval(look);
        window.pointAt = Date.now() / 1000;
    }, 10);
}"""


def test_the_first_point_is_drawn_soon_after_the_first_step(visit, server):
    page = visit()
    begin(page)
    run = page.evaluate("kantai.store.run")
    watcher = visit(f"?run={run}&tab=pretrain", width=390)
    until(watcher, "kantai.store.status")
    for one in (page, watcher):
        one.evaluate(WATCH)
    start(page, 30)
    stepped = first_step(server.runs / run / "events.jsonl")
    for one, who in ((page, "its owner"), (watcher, "who watches")):
        until(one, "window.pointAt")
        took = one.evaluate("window.pointAt") - stepped
        print(f"{who}: the first point {took:.2f} s after the first step")
        assert 0 < took <= MOST, who
    page.click(".k-stop")
    state_is(page, "stopped")


def first_step(log: Path) -> float:
    """When the first step was taken: the worker tells of a few together, with their seconds."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        lines = log.read_text(encoding="utf-8").split("\n")[:-1] if log.exists() else []
        told = next((e for e in map(json.loads, lines) if e["event"] == "stepped"), None)
        if told:
            return time.time() - told["seconds"] * (1 - 1 / told["step"])
        time.sleep(0.01)
    raise AssertionError("no step was told of")
