"""What happens in a training, as small records: one JSON line each, and back.

A worker appends them to a file, a page or a command line reads them; a reader of another
version skips kinds it does not know. Knows nothing of who writes or reads.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from kantai.records import fitting


@dataclass(frozen=True)
class Started:
    """The training begins, or goes on after a pause (`step` > 0)."""

    step: int
    device: str
    precision: str
    parameters: int
    tokens_train: int
    tokens_validation: int
    steps_per_epoch: int
    baselines: dict[str, dict[str, float]] = field(default_factory=dict)
    watched: list[list[str]] = field(default_factory=list)  # before, hidden word, after


@dataclass(frozen=True)
class Stepped:
    """Where the training stands after `step` steps and `seconds`, `share` of its budget."""

    step: int
    seconds: float
    share: float
    epoch: float
    loss: float | None  # nats a hidden token, mean since the last look; None: not finite
    learning_rate: float
    gradient_norm: float | None
    tokens_per_second: float
    memory: int  # bytes taken on the GPU; without one, what the process holds


@dataclass(frozen=True)
class Validated:
    """The model answered the fixed validation masks; `best` if never better before.

    `seen`: for each watched sentence the hidden word's probability, then the first guesses.
    """

    step: int
    seconds: float
    loss: float | None
    top1: float
    top5: float
    best: bool
    seen: list[list[Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Noticed:
    """Something a person should know: a key of `kantai.strings` and what fills its gaps."""

    step: int
    key: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finished:
    """The training ended by itself: `stopped` is finished, early or stopped."""

    step: int
    seconds: float
    stopped: str
    best_step: int
    best_loss: float | None


@dataclass(frozen=True)
class Failed:
    """The training ended with an error; `message` says what to do.

    `key` and `values`, where known, give the same sentence in other languages.
    """

    step: int
    message: str
    key: str = ""
    values: dict[str, Any] = field(default_factory=dict)


Event = Started | Stepped | Validated | Noticed | Finished | Failed
KINDS = {kind.__name__.lower(): kind for kind in Event.__args__}


def to_line(event: Event) -> str:
    """The event as one JSON line, numbers that are not finite as null."""
    record = {"event": type(event).__name__.lower()} | asdict(event)
    return json.dumps(finite(record), ensure_ascii=False, allow_nan=False)


def finite(value: Any) -> Any:
    """The same with None for numbers that are not finite, which JSON does not know."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return value


def from_lines(lines: Iterable[str]) -> Iterator[Event]:
    """The events of a log. A line cut short by a kill, or of another version, is passed over."""
    for line in lines:
        try:
            record = json.loads(line)
            event = fitting(KINDS[record["event"]], record)
        except (ValueError, KeyError, TypeError):
            continue
        yield event
