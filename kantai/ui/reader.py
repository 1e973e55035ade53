"""The language of the one who acts, for the few words that are kept: the name of a Run.

All else travels in every language. `read_in` is entered where a handler is called, and
`kantai.ui.progress` takes it along into its thread. Knows no Gradio.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any

from kantai.strings import LANGUAGES
from kantai.ui.nodes import Sentence, spoken

_language: ContextVar[str] = ContextVar("language", default="en")


def read_in(language: str) -> Callable[..., Any]:
    """What calls a function for somebody who reads this language: `read_in("zh")(f, *given)`.

    >>> read_in("zh")(theirs, {"en": "yes", "zh": "是"}), theirs({"en": "yes", "zh": "是"})
    ('是', 'yes')
    """
    context = copy_context()
    context.run(_language.set, language if language in LANGUAGES else "en")
    return context.run


def theirs(words: Sentence | str) -> str:
    """A sentence in the language of the one who acts; English for nobody in particular."""
    return spoken(words, _language.get())
