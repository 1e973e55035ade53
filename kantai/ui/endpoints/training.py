"""Endpoints of a training: start, stop, and what happens."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from kantai.strings import LANGUAGES
from kantai.ui import demo, live
from kantai.ui.desk import Desk
from kantai.ui.tabs import pretrain as pretrain_tab
from kantai.workspace import Run


def known(desk: Desk, run: str) -> str:
    """The id of a Run, or none: then the sample is begun with. Raises UserError for an unknown."""
    if run:
        desk.registry.open(run)
    return run


def run_demo(desk: Desk, owner: str, sample: str = "harbour", seconds: float = 60.0) -> str:
    """The whole demo: a sample, its vocabulary, the usual model, the training queued. The id."""
    return demo.at_once(desk, owner, sample, seconds)


def start(
    desk: Desk,
    run: str,
    owner: str,
    recipe: str = "playground",
    unit: str = "seconds",
    amount: float = 60.0,
    batch_size: int = 0,
    block_size: int = 0,
    learning_rate: float = 0.0,
    mlm_probability: float = 0.0,
    seed: int = 0,
) -> str:
    """Queue the training; 0 means: as the recipe says. The id of what is trained."""
    more = (batch_size, block_size, learning_rate, mlm_probability, seed)
    return pretrain_tab.start(desk, known(desk, run), owner, recipe, unit, amount, *more)


def stop(desk: Desk, run: str, owner: str) -> None:
    """Leave the queue, or stop and keep the weights."""
    pretrain_tab.stop(desk, run, owner)


def resume(desk: Desk, run: str, owner: str, unit: str = "seconds", amount: float = 60.0) -> None:
    """Go on with a Run; the budget counts from its beginning."""
    pretrain_tab.resume(desk, run, owner, unit, amount)


def state(desk: Desk, run: str) -> dict[str, Any]:
    """What the Run is doing, and its result when there is one."""
    now = desk.jobs.state(run)
    message = {language: now.message(language) for language in LANGUAGES}
    return asdict(now) | {"message": message, "result": result_of(desk.registry.open(run))}


def result_of(run: Run) -> dict[str, Any] | None:
    """What a training came to, without the place of its folder on this machine."""
    result = run.result
    return result and {name: value for name, value in result.items() if name != "run"}


def events(desk: Desk, run: str, cursor: int = 0) -> dict[str, Any]:
    """What happened after a cursor (0: from the beginning), and the cursor to ask next."""
    found, after = desk.registry.open(run).events_after(cursor, live.PART)
    return {"events": found, "cursor": after}


HEAVY_ONES = (run_demo,)
ENDPOINTS = (run_demo, start, stop, resume, state, events)
