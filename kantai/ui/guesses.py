"""Guesses for a gap as bars: the text, and how sure. Knows no model and no Gradio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kantai.tokenizer import readable
from kantai.ui.nodes import Node, both, tag
from kantai.ui.words import visible

BLIND = 3  # times the share of one token: no better than blind
LEAST_PERCENT = 0.1  # below it "1 in 4,000" says more


@dataclass(frozen=True)
class Guess:
    """One candidate: its text and how sure."""

    text: str
    probability: float


def blind(column: Sequence[Guess], rows: int) -> list[Node]:
    """A sentence where even the best guess is hardly better than drawing one of `rows` blindly."""
    if not column or column[0].probability > BLIND / rows:
        return []
    return [tag("p.k-hint", both("guesses_blindly", count=f"{rows:,}"))]


def chance(probability: float) -> Node:
    """A probability as a person says it.

    >>> chance(0.25), chance(0.00025)["en"]
    ('25.0 %', '1 in 4,000')
    """
    if probability >= LEAST_PERCENT / 100 or probability <= 0:
        return f"{100 * probability:.1f} %"
    return both("one_in", count=f"{float(f'{1 / probability:.2g}'):,.0f}")


def bar(guess: Guess, answer: str | None) -> Node:
    """A candidate as a bar with its probability; green where a reader expects it."""
    name = "div.k-guess.k-right" if answer and guess.text.strip() == answer else "div.k-guess"
    line = tag("span.k-fill", tag("i", __share=f"{guess.probability:.4f}"))
    return tag(name, tag("code", guess.text or "␣", title=guess.text), line,
               tag("span.k-percent", chance(guess.probability)))  # fmt: skip


def guesses(candidates: Sequence[Any]) -> list[Guess]:
    """A model's candidates; white space alone is told by its signs."""
    return [Guess(c.text or unseen(c.token), c.probability) for c in candidates]


def unseen(token: str) -> str:
    """What is to be seen of a token that is white space: "Ċ" -> "⏎"."""
    try:
        return visible(readable(token))
    except KeyError:  # of a tokenizer that is not byte-level
        return ""
