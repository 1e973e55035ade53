"""What all tests share: no network, a small text, a tokenizer learned from it once."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

os.environ.update(
    HF_HUB_OFFLINE="1",
    GRADIO_ANALYTICS_ENABLED="False",
    OMP_WAIT_POLICY="PASSIVE",
    TOKENIZERS_PARALLELISM="false",
)

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is slow now and then: what a test finds must not follow from that.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

WORDS = "the old river ran past a quiet mill where two sisters ground corn into flour and sang"


def small_text(paragraphs: int = 300, seed: int = 0) -> list[str]:
    """Paragraphs of random words: enough to learn a small vocabulary from, quick to read."""
    dice = random.Random(seed)
    words = WORDS.split()
    return [" ".join(dice.choices(words, k=dice.randint(8, 24))) + "." for _ in range(paragraphs)]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser comes last: while it is open, Playwright's event loop runs in this thread."""
    items.sort(key=lambda item: item.path.parent.name == "browser")


@pytest.fixture(scope="session")
def paragraphs() -> list[str]:
    return small_text()


@pytest.fixture(scope="session")
def tokenizer(paragraphs):
    from kantai.tokenizer import TokenizerSettings, train_tokenizer

    texts = [*paragraphs, "Kant: <mask> </s>", "纯粹理性批判。思维离不开概念。"] * 2
    return train_tokenizer(texts, TokenizerSettings(400))


@pytest.fixture
def kantai(capfd):
    """Run the command line in a process of its own: status, standard output, standard error."""
    import subprocess

    def run(*arguments: object, timeout: float = 300, limit=None) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "kantai", *map(str, arguments)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, preexec_fn=limit
        )
        return done.returncode, done.stdout, done.stderr

    return run


def at_once(*works: Callable[[], object]) -> list[object]:
    """Do all of it at the same time: what each gave back. Raises what one of them raised."""
    with ThreadPoolExecutor(len(works)) as pool:
        return [done.result() for done in [pool.submit(work) for work in works]]


def until(true: Callable[[], object], seconds: float = 120.0) -> None:
    """Wait until it is true; fail where that takes too long."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def tiny_settings(budget):
    """Settings of a Run whose model trains in no time."""
    from kantai.architectures import find_preset
    from kantai.recipes import recipe_for
    from kantai.settings import Settings

    preset = find_preset("nano", hidden_size=32, num_hidden_layers=2, intermediate_size=64)
    recipe = recipe_for("playground", "cpu", batch_size=8)
    return Settings("nano", preset, recipe, budget, vocab_size=300)
