"""Class: everybody's runs and the queue, the machine, the limits, and links that share a run.

Everybody may open it, and sees how many runs there are, their state and progress, and which are
one's own. What others called their runs, and the ids that open them, are shown to those alone
who have the key that $KANTAI_TEACHER held when the page was started: whoever has a run's id may
watch it and copy its text, so a list must not give ids away. Without that variable nobody sees
more than that.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import gradio as gr

from kantai.errors import UserError
from kantai.jobs import JobState
from kantai.machine import Usage, usage
from kantai.registry import best_loss
from kantai.strings import LANGUAGES
from kantai.ui import nodes
from kantai.ui.desk import BUSY, Desk
from kantai.ui.kept import Kept
from kantai.ui.nodes import Node, both, tag
from kantai.ui.page import Page, lead, words
from kantai.ui.setting import setting_of
from kantai.ui.views import Pulse, Qr, View
from kantai.ui.words import size
from kantai.workspace import Run

MOST = 60  # newest runs that the list shows
KEPT = 2.0  # seconds that one look serves everybody
EVERY = 3.0  # seconds between two looks of a browser
LONGEST_ADDRESS = 300
THIS_MACHINE = ("localhost", "127.0.0.1", "::1", "0.0.0.0")
ORDER = ("training", "preparing", "waiting")


@dataclass(frozen=True)
class Line:
    """A run in the list."""

    id: str
    name: str
    state: JobState
    loss: float | None  # on held-out text


@dataclass(frozen=True)
class Look:
    """The runs and the machine at one moment."""

    lines: list[Line]
    machine: Usage


class Board:
    """Looks at most once in two seconds, however many browsers ask."""

    def __init__(self, desk: Desk, clock: Callable[[], float] = time.monotonic):
        self.desk, self.kept = desk, Kept(KEPT, clock=clock)

    def look(self) -> Look:
        """The newest look."""
        return self.kept.get("look", lambda: Look(lines(self.desk), usage(self.desk.registry.root)))


@lru_cache(maxsize=4)
def board_of(desk: Desk) -> Board:
    """The one board of the page, which programs ask too."""
    return Board(desk)


def lines(desk: Desk) -> list[Line]:
    """What trains, what waits in its order, then the newest; damaged runs are passed over."""
    found = []
    for run_id in desk.registry.newest(MOST):
        try:
            run = desk.registry.open(run_id)
            name, state = run.owner.get("name", ""), desk.jobs.state(run_id)
            found.append(Line(run_id, name, state, _loss(run.folder, run.log_size)))
        except UserError:  # damaged, or deleted meanwhile
            continue
    return sorted(found, key=lambda line: (_rank(line.state.state), line.state.place))


def _rank(state: str) -> int:
    return ORDER.index(state) if state in ORDER else len(ORDER)


@lru_cache(maxsize=4 * MOST)
def _loss(folder: Path, log_size: int) -> float | None:
    return best_loss(Run(folder).last_events())


# --- handlers -----------------------------------------------------------------------------------


def teachers_key() -> str:
    """What opens the list; empty where the page was started without it, and then nothing does."""
    return os.environ.get("KANTAI_TEACHER", "")


def is_teacher(key: str | None, known: str) -> bool:
    """Whether this is the key; none is where the page was started without one."""
    given = (key or "").encode("utf-8", "replace")
    return bool(known) and hmac.compare_digest(given, known.encode())


def show(board: Board, known: str, desk: Desk, owner: str, key: str) -> tuple[Node, Node]:
    """The list as this person may see it, and the machine."""
    look = board.look()
    return list_view(desk, look.lines, owner, is_teacher(key, known)), machine_view(look.machine)


def enter(board: Board, known: str, desk: Desk, owner: str, key: str) -> tuple[Node, Node]:
    """The same for a key that was just typed. Raises UserError for a wrong one."""
    if not is_teacher(key, known):
        raise UserError("teacher_key_wrong")
    return show(board, known, desk, owner, key)


def seen_by(desk: Desk, owner: str, key: str) -> list[dict[str, Any]]:
    """The list for a program; names and ids of others for the teacher alone, as on the page.

    Raises UserError for a wrong key; an empty one is that of a pupil.
    """
    teacher = is_teacher(key, teachers_key())
    if key and not teacher:
        raise UserError("teacher_key_wrong")
    return [
        record(line, _owns(desk, line.id, owner), teacher) for line in board_of(desk).look().lines
    ]


def record(line: Line, mine: bool, teacher: bool) -> dict[str, Any]:
    """A run as plain values."""
    seen, state = mine or teacher, line.state
    return {
        "run": line.id if seen else None,
        "name": line.name if seen else None,
        "mine": mine,
        "state": state.state,
        "place": state.place,
        "wait_seconds": state.wait_seconds,
        "share": state.share,
        "loss": line.loss,
    }


def list_view(desk: Desk, runs: list[Line], owner: str, teacher: bool) -> Node:
    """A line a run; names and links of others for the teacher alone."""
    if not runs:
        return nodes.card(both("teacher_runs"), tag("p.k-hint", both("teacher_none")))
    states = [line.state.state for line in runs]
    counts = {"training": states.count("training") + states.count("preparing"),
              "waiting": states.count("waiting")}  # fmt: skip
    aside = both("teacher_count", others=len(runs) - sum(counts.values()), **counts)
    heads = [both(f"teacher_{key}") for key in ("name", "owner", "state", "progress", "loss")]
    rows = [row(line, _owns(desk, line.id, owner), teacher) for line in runs]
    head = tag("thead", tag("tr", *(tag("th", head) for head in heads)))
    body = tag("tbody", *(tag("tr", *cells) for cells in rows))
    table = tag("div.k-scroll", tag("table.k-table.k-queue", head, body))
    return nodes.card(both("teacher_runs"), table, aside=aside)


def row(line: Line, mine: bool, teacher: bool) -> list[Node]:
    """The cells of a run; its id leaves the server for its owner and the teacher only."""
    seen = mine or teacher
    name = tag("a", line.name or line.id[:6], run=line.id) if seen else both("teacher_hidden")
    state, busy = line.state, line.state.state in BUSY
    said = both("note_place", place=state.place) if state.place else both(f"state_{state.state}")
    return [
        tag("td", name),
        tag("td", both("teacher_mine" if mine else "teacher_other")),
        tag("td", said),
        tag("td.k-number", f"{state.share:.0%}" if busy and not state.place else "–"),
        tag("td.k-number", f"{line.loss:.2f}" if line.loss else "–"),
    ]


def _owns(desk: Desk, run_id: str, owner: str) -> bool:
    try:
        return desk.registry.owns(run_id, owner)
    except UserError:  # deleted since the last look
        return False


def machine_view(now: Usage) -> Node:
    """Cores, memory, disk and GPUs as large figures."""
    cells = [
        share_tile(both("teacher_cpu"), now.busy, str(now.cores)),
        share_tile(
            both("teacher_memory"), now.memory_used / now.memory_total, size(now.memory_total)
        ),
        nodes.tile(both("teacher_disk"), *size(now.disk_free).split(" ")),
    ]
    for gpu in now.gpus:
        cells += [
            nodes.tile(both("teacher_gpu_busy", name=gpu.name), f"{100 * gpu.busy:.0f}", "%"),
            share_tile(
                both("teacher_gpu_memory", name=gpu.name), gpu.used / gpu.total, size(gpu.total)
            ),
        ]
    return nodes.card(both("teacher_machine"), nodes.tiles(*cells))


def share_tile(label: Node, share: float, total: str) -> Node:
    """How much of what there is: 47 % of 25.3 GB."""
    return nodes.tile(label, f"{100 * share:.0f}", both("teacher_percent_of", total=total))


def limits_view(desk: Desk) -> Node:
    """Every limit in force, before anybody meets it."""
    said = [desk.registry.allowance.sentences(language) for language in LANGUAGES]
    items = [
        tag("li", dict(zip(LANGUAGES, words, strict=True))) for words in zip(*said, strict=True)
    ]
    inner = tag("ul", *items) if items else tag("p.k-hint", both("teacher_no_limits"))
    return nodes.card(both("teacher_limits"), inner)


def links(desk: Desk, run_id: str, address: str) -> tuple[Node, dict[str, Any] | None, Node]:
    """The link that lets others watch this run, its QR code, and the link of its setting."""
    base = page_address(address)
    if not base or not desk.registry.has(run_id):
        return section("teacher_watch", tag("p.k-hint", both("teacher_watch_none"))), None, None
    watch = link(base, run=run_id, tab="pretrain")
    here = urlsplit(base).hostname in THIS_MACHINE
    hint = tag("p.k-hint.k-warm", both("teacher_only_here")) if here else None
    said = tag("p.k-hint", both("teacher_watch_hint"))
    view = section("teacher_watch", said, nodes.code(watch), hint)
    setting = setting_of(desk.registry.open(run_id), desk.device().kind)
    share = nodes.code(f"{base}?{setting.query()}&tab=pretrain")
    said = tag("p.k-hint", both("teacher_setting_hint"))
    return view, qr_code(watch), section("teacher_setting", said, share)


def section(title: str, *children: Node) -> Node:
    return tag("div.k-share", tag("h3", both(title)), *children)


def page_address(address: str) -> str:
    """The page's own address as this browser has it, without its query; empty for anything else.

    >>> page_address("http://10.0.0.5:7860/kantai/?run=x"), page_address("javascript:alert(1)")
    ('http://10.0.0.5:7860/kantai/', '')
    """
    try:
        parts = urlsplit(address[:LONGEST_ADDRESS])
    except ValueError:
        return ""
    known = parts.scheme in ("http", "https") and parts.hostname
    return f"{parts.scheme}://{parts.netloc}{parts.path}" if known else ""


def link(base: str, **query: str) -> str:
    return f"{base}?{urlencode(query)}"


def qr_code(words: str) -> dict[str, Any]:
    """The code as an SVG path of unit squares: {"size": modules a side, "path": ..., "label"}."""
    import segno

    rows = [bytes(row) for row in segno.make(words, error="m", micro=False).matrix]
    path = "".join(
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark
    )
    return {"size": len(rows), "path": path, "label": both("teacher_qr")}


# --- layout and wiring --------------------------------------------------------------------------


def build(page: Page) -> Any:
    """Lay the tab out and wire it; returns what refreshes it."""
    board, known = board_of(page.desk), teachers_key()
    View(lead("teacher_lead", "teacher_rest"))
    pulse = Pulse(EVERY)
    with gr.Row(elem_classes="k-cols"):
        with gr.Column(elem_classes="k-side", min_width=0):
            watch = View()
            code = Qr()
            setting = View()
        with gr.Column(elem_classes="k-wide", min_width=0):
            runs = View()
            key = gr.Textbox(
                label=words("teacher_key"), info=words("teacher_key_info"), type="password",
                visible=bool(known), max_length=200,
            )  # fmt: skip
            machine = View()
            View(limits_view(page.desk))
    address = gr.Textbox(visible=False)

    def seen(handler: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *given: handler(board, known, *given)

    def refresh(trigger: Any) -> None:
        page.on(trigger, seen(show), [page.owner, key], [runs, machine])
        page.on(
            trigger, links, [page.run, address], [watch, code, setting],
            js="(language, run) => [language, run, location.href]",
        )  # fmt: skip

    page.on(pulse.select, seen(show), [page.owner, key], [runs, machine])
    page.on(key.submit, seen(enter), [page.owner, key], [runs, machine])
    refresh(page.run.change)
    return refresh
