"""The switch of the language, which reloads the page: what was typed and chosen comes back.

The browser keeps it for itself (`assets/kantai.js`); the server never hears of it.
"""

from __future__ import annotations

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

    def bring_back(event: Any, tab: str = ANYWHERE) -> None:
        part = parts.get(tab, [])
        start = fields.index(part[0]) if part else 0
        ask = f"() => kantai.kept({start}, {len(part)}, {tab!r})"
        if part:
            takers = [page.instead.get(field._id, field) for field in part]
            event.then(None, None, takers, js=ask, api_visibility="private")

    return bring_back
