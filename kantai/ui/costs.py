"""What a training costs on this device: memory by part, and time from a short probe.

Plain calls that give nodes; knows no Gradio.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from kantai import needs
from kantai.architectures import Memory, Preset
from kantai.ui import nodes
from kantai.ui.desk import (
    ONE_MODEL_AT_A_TIME,
    Desk,
    first_sample,
    parameter_count,
    sample_corpus,
    text_tokens,
)
from kantai.ui.nodes import Node, both, tag
from kantai.ui.words import device_name, duration, size
from kantai.workspace import Run

if TYPE_CHECKING:
    from kantai.devices import Device
    from kantai.probe import Speed
    from kantai.recipes import Recipe

TOKENS_A_WORD = 1.3  # before there is a tokenizer
ONE_PROBE_AT_A_TIME = threading.Lock()


@lru_cache(maxsize=64)
def memory_of(preset: Preset, vocab_size: int, recipe: Recipe) -> Memory:
    """What a training of this model needs, by part."""
    return needs.memory_of(preset, vocab_size, recipe, parameter_count(preset, vocab_size))


def memory_card(memory: Memory, device: Device) -> Node:
    """The memory of a training as one line, cut by what it is for; and how much there is."""
    parts = [(name, value) for name, value in vars(memory).items() if value]
    line = [
        tag("i", title=both(f"memory_{name}"), __share=f"{value / memory.total:.4f}", __n=str(n))
        for n, (name, value) in enumerate(parts)
    ]
    keys = [
        tag("span", tag("i", __n=str(n)), both(f"memory_{name}"), " ", tag("b", size(value)))
        for n, (name, value) in enumerate(parts)
    ]
    there = {"need": size(memory.total), "there": size(device.memory)}
    aside = both("memory_of_device", **there) if device.memory else size(memory.total)
    warm = memory.total > device.memory > 0
    return nodes.card(
        both("memory_by_part"), tag("div.k-memory", *line), tag("div.k-keys", *keys),
        *([tag("p.k-hint.k-warm", both("memory_short"))] if warm else []), aside=aside,
    )  # fmt: skip


def time_cards(
    desk: Desk, run: Run | None, preset: Preset, vocab_size: int, recipe: Recipe
) -> Iterator[Node]:
    """How fast it trains here and how long one pass takes; first that it is being timed."""
    device, tokens = desk.device(), tokens_of(run)
    if desk.device_is_busy:
        yield waiting_card("time_when_free")
        return
    if desk.jobs.lender:
        from kantai.probe import supposed_speed

        speed = supposed_speed(preset, vocab_size, recipe, device)
        yield time_card(speed, tokens, device) if speed else waiting_card("time_unknown")
        return
    yield waiting_card("time_being_measured")
    yield time_card(speed_of(preset, vocab_size, recipe, device), tokens, device)


def waiting_card(key: str) -> Node:
    return nodes.card(both("time_title"), tag("p.k-hint", both(key)))


def time_card(speed: Speed, tokens: float, device: Device) -> Node:
    """The speed in a sentence, and where it comes from."""
    rate = speed.tokens_per_second
    said = both("time_here", speed=f"{two_figures(rate):,.0f}", time=duration(tokens / rate))
    source = both(
        "time_measured" if speed.measured else "time_estimated", device=device_name(device)
    )
    return nodes.card(both("time_title"), tag("p.k-saying", said), tag("p.k-hint", source))


def two_figures(number: float) -> float:
    """A figure no more exact than it is known.

    >>> two_figures(7_146), two_figures(0.123)
    (7100.0, 0.12)
    """
    return float(f"{number:.2g}")


def tokens_of(run: Run | None) -> float:
    """How many tokens one pass over the text reads, as far as it is known yet."""
    if run is None:
        return TOKENS_A_WORD * sample_corpus(first_sample()).report.to_json()["words"]
    return text_tokens(run) or TOKENS_A_WORD * run.report["words"]


def speed_of(preset: Preset, vocab_size: int, recipe: Recipe, device: Device) -> Speed:
    """Timed once for each model, recipe and device; two at once would see half a machine each."""
    with ONE_PROBE_AT_A_TIME:
        return _speed_of(preset, vocab_size, recipe, device)


@lru_cache(maxsize=64)
def _speed_of(preset: Preset, vocab_size: int, recipe: Recipe, device: Device) -> Speed:
    from kantai.probe import training_speed

    return training_speed(preset, vocab_size, recipe, device, build=carefully_built)


def carefully_built(*arguments: Any, **options: Any) -> Any:
    """A model, built while nobody else builds one."""
    from kantai.architectures import build_model

    with ONE_MODEL_AT_A_TIME:
        return build_model(*arguments, **options)
