"""For whoever watches somebody else's run: a line over the tabs that makes it one's own, and the
same where a button that changes the run stands for its owner (see the CSS).
"""

from __future__ import annotations

from kantai.ui.desk import Desk
from kantai.ui.nodes import Node, both, tag
from kantai.ui.page import Page
from kantai.ui.views import View


def fork(desk: Desk, run_id: str, owner: str) -> str:
    """A Run of one's own with the same text, tokenizer and settings. Raises UserError."""
    return desk.fork(run_id, owner)


def watching(desk: Desk, run_id: str, owner: str) -> Node | None:
    """The line, where the open Run is another's."""
    if not desk.registry.has(run_id) or desk.registry.owns(run_id, owner):
        return None
    button = tag("button.k-quiet", both("fork_make_mine"), data_act="fork", title=both("fork_hint"))
    return tag("div.k-fork", both("fork_watching"), " ", button, " ", both("fork_hint"))


def bar(page: Page) -> None:
    """Put the line where it stands, and wire it."""
    line = View()
    who = [page.run, page.owner]
    page.on(line.select, fork, who, [page.run])
    page.on(page.run.change, watching, who, [line])


def button(page: Page) -> None:
    """What stands in the place of a button that only the run's owner has."""
    mine = tag("button.k-link", both("fork_make_mine"), data_act="fork", title=both("fork_hint"))
    line = View(tag("div.k-mine", tag("p.k-hint", both("fork_to_change")), mine))
    page.on(line.select, fork, [page.run, page.owner], [page.run])
