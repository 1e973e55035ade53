"""What a handler returns to be shown: plain nested lists that the browser builds elements from.

    tag("p.k-lead", both("text_lead"), " ", tag("b", "8,000"))
    -> ["p.k-lead", {"en": ..., "zh": ...}, " ", ["b", "8,000"]]

The browser turns every string into a text node, so no text of a person can become markup.
A sentence travels in both languages and the page picks its own. Knows no Gradio.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kantai.errors import UserError
from kantai.strings import LANGUAGES, text

Sentence = dict[str, str]
Node = Any  # a string, a number, a Sentence, or [tag, attributes?, *children]


def both(key: str, **values: object) -> Sentence:
    """The sentence `key` in every language; what fills its gaps may be a sentence itself."""
    return {language: text(key, language, **spoken(values, language)) for language in LANGUAGES}


def spoken(value: Any, language: str) -> Any:
    """The same with every sentence in one language.

    >>> spoken({"told": {"en": "yes", "zh": "是"}, "at": [1]}, "zh")
    {'told': '是', 'at': [1]}
    """
    if isinstance(value, dict):
        if value.keys() == set(LANGUAGES):
            return value[language]
        return {key: spoken(inner, language) for key, inner in value.items()}
    return [spoken(inner, language) for inner in value] if isinstance(value, list) else value


def tag(name: str, *children: Node, **attributes: object) -> list[Node]:
    """An element; `name` may carry classes ("p.k-lead"), attributes are written `data_act=`."""
    kept = {_attribute(k): v for k, v in attributes.items() if v is not None}
    return [name, *([kept] if kept else []), *children]


def _attribute(name: str) -> str:
    return name.replace("__", "--").replace("_", "-") if name != "run" else name


def mistake(error: UserError) -> Node:
    """A notice for what a person can mend."""
    return tag("div.k-notice", said(error), role="alert")


def said(error: UserError) -> Sentence:
    """An error's sentence in every language."""
    return {language: error.message(language) for language in LANGUAGES}


def tile(label: Node, value: Node, unit: Node = "", hint: Node = None) -> Node:
    """A large figure with a small unit, under its label."""
    return tag("div.k-tile", tag("small", label, title=hint), _figure(value, unit))


def _figure(value: Node, unit: Node) -> Node:
    return tag("strong", value, *([" ", tag("u", unit)] if unit else []))


def tiles(*cells: Node) -> Node:
    return tag("div.k-tiles", *cells)


def card(title: Node, *children: Node, aside: Node = None) -> Node:
    """A titled sheet of paper."""
    head = tag("div.k-head", tag("h3", title), *([tag("span", aside)] if aside else []))
    return tag("section.k-card", head, *children)


def table(heads: Sequence[Node], rows: Iterable[Sequence[Node]], csv: str | None = None) -> Node:
    """A table that the page makes searchable and sortable; `csv` names its download."""
    head = tag("thead", tag("tr", *(tag("th", h) for h in heads)))
    body = tag("tbody", *(tag("tr", *(cell(c) for c in row)) for row in rows))
    return tag("div.k-scroll", tag("table.k-table", head, body, data_sort="1", data_csv=csv))


def cell(content: Node) -> Node:
    """A number is set to the right and sorts by its value."""
    if isinstance(content, (int, float)) and not isinstance(content, bool):
        return tag("td.k-number", f"{content:,}", data_key=str(content))
    return content if _is_cell(content) else tag("td", content)


def _is_cell(content: Node) -> bool:
    return isinstance(content, list) and str(content[0]).split(".")[0] == "td"


def bar(share: float, label: Node = "") -> Node:
    """A thin progress line with words under it."""
    line = tag("i", __share=f"{max(0.0, min(1.0, share)):.4f}")
    return tag("div.k-progress", tag("div.k-line", line), tag("small", label), role="status")


def code(source: str) -> Node:
    """Lines of code with a button that copies them."""
    copy = tag("button.k-quiet", both("copy"), data_copy="1")
    return tag("div.k-code", copy, tag("pre", tag("code", source), tabindex="0"))


def fold(title: Node, *children: Node) -> Node:
    return tag("details.k-fold", tag("summary", title), *children)
