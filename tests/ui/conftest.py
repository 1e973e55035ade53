"""A Desk with a text, a learned vocabulary and what a training leaves, and words out of nodes."""

from __future__ import annotations

import pytest

from kantai.events import Started, Stepped, Validated
from kantai.jobs import Jobs
from kantai.registry import Registry
from kantai.ui import live
from kantai.ui.desk import Desk
from kantai.ui.tabs import text, tokenizer
from tests.conftest import small_text

OWNER = "the owner's secret"
MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def desk(tmp_path) -> Desk:
    registry = Registry(tmp_path / "runs")
    return Desk(registry, Jobs(registry, device="cpu"))


def pasted(desk: Desk, extra: str = "") -> str:
    words_of_it = "\n\n".join([*small_text(), extra])
    source = text.Source("paste", pasted=words_of_it)
    return text.keep(desk, "", OWNER, list(text.CLEANING_RULES), source, lambda key, share: None)


@pytest.fixture
def run_id(desk) -> str:
    return pasted(desk)


@pytest.fixture
def learned(desk, run_id) -> str:
    return tokenizer.learn_now(desk, run_id, OWNER, 400, 2, lambda key, share: None)


def train(desk: Desk, run_id: str, steps: int = 4) -> None:
    """What a worker would leave behind."""
    run = desk.registry.open(run_id)
    scores = {name: {"loss": 5.0, "top1": 0.1, "top5": 0.2} for name in live.FAMILIES["live_"]}
    run.append(Started(0, "cpu", "fp32", 1000, 5000, 300, 10, scores))
    for step in range(1, steps + 1):
        run.append(Stepped(step, step / 4, step / 40, 0.1, 6.0, 0.01, 1.2, 8_123.4, 0))
    run.append(Validated(steps, steps / 4, 5.5, 0.34, 0.5, True))


def flat(node) -> list[str]:
    if isinstance(node, list):
        return [s for child in node for s in flat(child)]
    return [node] if isinstance(node, str) else []


def flat_words(node) -> str:
    """All English words of a node."""
    if isinstance(node, list):
        return " ".join(map(flat_words, node))
    return node.get("en", "") if isinstance(node, dict) else str(node)
