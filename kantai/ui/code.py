"""Today's lines that do the same as a tab, with the Run's own values or those on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from kantai import snippets
from kantai.ui import nodes
from kantai.ui.nodes import Node, both, tag
from kantai.ui.page import words
from kantai.ui.views import View

if TYPE_CHECKING:
    from kantai.settings import Settings

SUPPOSED_STEPS = 300  # where time is the budget, before it was spent


def code_fold() -> Any:
    """Where a tab's code stands, folded away."""
    with gr.Accordion(words("same_in_code"), open=False, elem_classes="k-card"):
        return View()


def code_view(*sources: str, note: str = "code_text") -> Node:
    """The lines, each part with its own copy button, and what they need beside them."""
    return tag("div", tag("p.k-hint", both(note)), *map(nodes.code, sources))


def text_view(files: Sequence[str], rules: Sequence[str] | None) -> Node:
    return code_view(snippets.text_code(files, rules), note="code_with_files")


def tokenizer_view(vocab_size: int, min_frequency: int) -> Node:
    return code_view(snippets.TEXT, snippets.tokenizer_code(vocab_size, min_frequency))


def model_view(config: dict[str, Any]) -> Node:
    return code_view(snippets.model_code(config), note="code_after_tokenizer")


def training_view(settings: Settings, steps_taken: int | None) -> Node:
    """The loop. Where time is the budget, the steps are known only when they were taken."""
    recipe, steps = settings.recipe, steps_of(settings, steps_taken)
    if steps is None:
        loop = snippets.training_code(recipe, str(SUPPOSED_STEPS))
        return code_view(loop, note="code_after")
    return code_view(snippets.training_code(recipe, steps), note="code_after_model")


def steps_of(settings: Settings, steps_taken: int | None) -> str | None:
    """The number of steps, or the expression that gives it."""
    budget = settings.budget
    if steps_taken is not None:
        return str(steps_taken)
    if budget.epochs is not None:
        return f"round({budget.epochs:g} * len(rows) / {settings.recipe.batch_size})"
    return None if budget.max_steps is None else str(budget.max_steps)


def fill_mask_view(sentence: str) -> Node:
    return code_view(snippets.fill_mask_code(sentence), note="code_with_model")
