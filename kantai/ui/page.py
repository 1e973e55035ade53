"""What every tab is given when it is built: the Desk, and the few components that all share.

Only the Run's id and the owner's secret travel between tabs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from html import escape
from inspect import isgeneratorfunction
from typing import TYPE_CHECKING, Any

import gradio as gr

from kantai.errors import UserError
from kantai.strings import LANGUAGES, TABLES, text
from kantai.ui.desk import Desk
from kantai.ui.nodes import both
from kantai.ui.reader import read_in

if TYPE_CHECKING:
    from kantai.ui.signin import Accounts

# Gradio translates every string that is a key, values of choices too: no value begins so.
MARK = "kantai_"
LABELS = {key: words for table in TABLES for key, words in table.items() if "{" not in words[0]}
# What takes all of a core: cleaning a text, learning a vocabulary. Everybody's share a line.
HEAVY: dict[str, Any] = {"concurrency_id": "heavy", "concurrency_limit": 2}
# A number out of a slider's range reaches the handler, whose sentence is in the reader's language;
# Gradio's own would be English.
RAW: dict[str, Any] = {"preprocess": False}
LOCALES = {"en": "en", "zh": "zh-CN"}  # our languages -> the browser's
I18N = gr.I18n(
    **{
        locale: {MARK + key: words[number] for key, words in LABELS.items()}
        for number, locale in enumerate(LOCALES[language] for language in LANGUAGES)
    }
)


def words(key: str) -> gr.I18nData:
    """A label that Gradio shows in the browser's language."""
    if key not in LABELS:
        raise KeyError(key)
    return I18N(MARK + key)


@dataclass(frozen=True)
class Page:
    """Shared by all tabs: the Run's id, the owner's secret, the language of this browser."""

    desk: Desk
    run: gr.Textbox
    owner: gr.BrowserState
    language: gr.Textbox
    accounts: Accounts | None = None  # where one may sign in
    typed: list[Any] = field(default_factory=list)  # fields that only a person changes
    chosen: dict[str, list[Any]] = field(default_factory=dict)  # tab -> what its Run sets too
    first: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)  # language -> value
    instead: dict[int, Any] = field(default_factory=dict)  # a field's id -> what takes its value

    def on(
        self,
        trigger: Callable[..., Any],
        handler: Callable[..., Any],
        inputs: Sequence[Any] = (),
        outputs: Sequence[Any] = (),
        **options: Any,
    ) -> Any:
        """Wire a handler; it is given the Desk first, and its mistakes become a warning."""
        follow = guarded_steps if isgeneratorfunction(handler) else guarded
        settings = {"api_visibility": "private", "show_progress": "hidden"} | options
        call, fields = partial(follow, partial(handler, self.desk)), [self.language, *inputs]
        if self.accounts:
            owners = {at for at, field in enumerate(fields) if field is self.owner}
            call = self.accounts.answering(call, owners)
        return trigger(call, fields, list(outputs), **settings)


def guarded(handler: Callable[..., Any], language: str, *arguments: Any) -> Any:
    """Call a handler; what a person can mend is shown as a warning in their language."""
    try:
        return read_in(language)(handler, *arguments)
    except UserError as error:
        raise warning(error, language) from error


def guarded_steps(handler: Callable[..., Any], language: str, *arguments: Any) -> Iterator[Any]:
    """The same for a handler that shows its progress."""
    call, end = read_in(language), object()
    try:
        steps = handler(*arguments)
        while (step := call(next, steps, end)) is not end:
            yield step
    except UserError as error:
        raise warning(error, language) from error


def warning(error: UserError, language: str) -> gr.Error:
    """The error's sentence; it may hold a person's words, so no markup stays in it."""
    words = escape(error.message(language if language in LANGUAGES else "en"))
    title = text("attention", language if language in LANGUAGES else "en")
    return gr.Error(words, title=title, print_exception=False, duration=8)


def lead(bold: str, rest: str) -> list[Any]:
    """The two sentences at the top of a tab."""
    return ["p.k-lead", ["b", both(bold)], " ", both(rest)]


def choices(keys: Sequence[str], prefix: str) -> list[tuple[Any, str]]:
    """(label in the browser's language, value) pairs for Gradio's choosers."""
    return [(words(prefix + key), key) for key in keys]
