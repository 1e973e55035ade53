"""The whole demo: through all tabs by itself, while the person watches.

It only opens tabs and does what a person would do there; the training belongs to the worker,
so a reload changes nothing. When the model is there, the page itself opens the last tab.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gradio as gr

from kantai.ui.desk import DEMO_SECONDS, Desk
from kantai.ui.page import Page
from kantai.ui.progress import Done, follow
from kantai.ui.tabs import pretrain, tokenizer
from kantai.ui.views import Tour

LOOK = 3.0  # seconds to look at a tab before the next


def tour(desk: Desk, owner: str, look: float = LOOK) -> Iterator[tuple[Any, Any]]:
    """Yields (where the tour is, the Run's id): text, tokenizer, model, training."""
    yield {"tab": "text"}, gr.skip()
    run_id = desk.sample_run(owner)
    yield {"tab": "text"}, run_id
    time.sleep(look)

    def learn(tell: Any) -> str:
        return tokenizer.learn_now(desk, run_id, owner, None, 2, tell)

    for step in follow(learn):
        if isinstance(step, Done):
            yield {"tab": "tokenizer"}, run_id
    time.sleep(look)
    yield {"tab": "model"}, run_id
    time.sleep(look)
    pretrain.start(desk, run_id, owner, *vars(pretrain.Plan(amount=DEMO_SECONDS)).values())
    yield {"tab": "pretrain", "then": "fill_mask", "run": run_id}, run_id


def at_once(desk: Desk, owner: str, sample: str, seconds: float) -> str:
    """The same without looking: the id of the Run, whose training waits or begins.

    Raises UserError for what cannot be, and then leaves nothing.
    """
    plan = pretrain.Plan(amount=seconds)
    plan.applied(desk.default_settings(), desk.device().kind)
    desk.registry.allowance.check("run_seconds", seconds, "run_over_limit")
    run_id = desk.sample_run(owner, sample)
    try:
        tokenizer.learn_now(desk, run_id, owner, None, 2, lambda key, share: None)
        return pretrain.start(desk, run_id, owner, *vars(plan).values())
    except BaseException:
        desk.registry.delete(run_id, owner)
        raise


def wire(page: Page, button: gr.Button) -> None:
    """The button, and the component that opens the tabs."""
    guide = Tour()
    page.on(button.click, tour, [page.owner], [guide, page.run], concurrency_limit=4)
