"""Slow work with its progress, as a generator that a page can follow. Knows no Gradio."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

Tell = Callable[[str, float], None]
EVERY = 0.25  # seconds between two looks


@dataclass(frozen=True)
class Doing:
    """What is being done: a key of kantai.strings, and a share from 0 to 1."""

    key: str
    share: float


@dataclass(frozen=True)
class Done:
    """The work's result."""

    value: Any


def follow(work: Callable[[Tell], Any], every: float = EVERY) -> Iterator[Doing | Done]:
    """Do `work(tell)` in a thread; yield what it tells when that changes, its result last.

    What the work raises is raised here.
    """
    told: list[Doing] = []
    result: list[Any] = []
    error: list[BaseException] = []

    def run() -> None:
        try:
            result.append(work(lambda key, share: told.append(Doing(key, share))))
        except BaseException as problem:
            error.append(problem)

    thread = threading.Thread(target=copy_context().run, args=(run,), daemon=True)
    thread.start()
    shown: Doing | None = None
    while thread.is_alive():
        thread.join(every)
        if told and told[-1] != shown:
            shown = told[-1]
            yield shown
    if error:
        raise error[0]
    yield Done(result[0])
