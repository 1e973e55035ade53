"""The switch of the language, which reloads the page: what was typed and chosen comes back.

What stood there by itself is in the new language, unless a Run is open, which has its own.
The browser keeps it for itself (`assets/kantai.js`); the server never hears of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from kantai.ui.page import Page
from kantai.ui.views import View

ANYWHERE = ""


def keeper(page: Page, switch: View) -> Callable[..., None]:
    """Keeps all fields when `switch` is pressed; returns what brings them back after an event.

    What was typed comes back anywhere. What was chosen comes back in the tab that was open, as
    soon as that shows its Run: all others show their Run's own values when they are opened.
    """
    parts = {ANYWHERE: page.typed, **page.chosen}
    fields = [field for part in parts.values() for field in part]
    js = "(...values) => { kantai.keep(values); }"
    switch.select(None, fields, js=js, api_visibility="private")

    def in_own_language(event: Any) -> None:
        """What nobody chose nor typed yet stands there in the reader's language."""
        firsts = json.dumps([values for _, values in page.first], ensure_ascii=False)
        known = [field for field, _ in page.first]
        js = f"(run, ...values) => kantai.firsts({firsts}, run, values)"
        event.then(None, [page.run, *known], known, js=js, api_visibility="private")

    def bring_back(event: Any, tab: str = ANYWHERE) -> None:
        part = parts.get(tab, [])
        start = fields.index(part[0]) if part else 0
        ask = f"() => kantai.kept({start}, {len(part)}, {tab!r})"
        if part:
            takers = [page.instead.get(field._id, field) for field in part]
            event = event.then(None, None, takers, js=ask, api_visibility="private")
        if tab == ANYWHERE:
            in_own_language(event)

    return bring_back
