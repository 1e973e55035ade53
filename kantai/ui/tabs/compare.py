"""Runs: all that this browser trained; reopen, rename, delete, and lay two side by side."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import gradio as gr

from kantai.errors import UserError
from kantai.events import Validated
from kantai.registry import RunInfo
from kantai.ui import nodes, plots
from kantai.ui.desk import Desk
from kantai.ui.guesses import bar, guesses
from kantai.ui.nodes import Node, both, tag
from kantai.ui.page import Page, lead, words
from kantai.ui.tabs.fill_mask import GAPS, offer, put, trained_model, version
from kantai.ui.views import Chart, View
from kantai.ui.words import duration, size

if TYPE_CHECKING:
    from kantai.workspace import Run

TOP = 6
UTC = "%Y-%m-%d %H:%M UTC"
UNTOLD = ("created", "version", "files")  # settings that differ for no reason of interest


# --- handlers -----------------------------------------------------------------------------------


def show(desk: Desk, run_id: str, owner: str) -> tuple[Any, ...]:
    """The list, and choosers that hold it."""
    runs = desk.registry.list(owner)
    names = [(label(run), run.id) for run in runs]
    ids = [run.id for run in runs]
    chosen = run_id if run_id in ids else (ids[0] if ids else None)
    other = next((run.id for run in runs if run.id != chosen and run.best_loss), None)
    choosers = [gr.update(choices=names, value=value) for value in (chosen, chosen, other)]
    name = next((run.name for run in runs if run.id == chosen), "")
    return (list_view(runs, run_id), *choosers, name)


def label(run: RunInfo) -> str:
    loss = f" · {run.best_loss:.2f}" if run.best_loss else ""
    return f"{run.name}{loss}"


def list_view(runs: list[RunInfo], current: str) -> Node:
    """A line a Run; its name is a link that opens it."""
    if not runs:
        return nodes.card(both("runs_title"), tag("p.k-hint", both("runs_none")))
    keys = ("name", "state", "preset", "loss", "time", "size", "made")
    rows = [
        (
            tag("td", tag("a", run.name, run=run.id), *([" ◂"] if run.id == current else [])),
            tag("td", both(f"state_{run.state}")),
            run.preset,
            tag("td.k-number", f"{run.best_loss:.2f}" if run.best_loss else "–"),
            tag("td.k-number", duration(run.seconds), data_key=f"{run.seconds:.1f}"),
            tag("td.k-number", size(run.bytes), data_key=str(run.bytes)),
            tag("td.k-number", moment(run.created)),
        )
        for run in runs
    ]
    heads = [both(f"runs_{key}") for key in keys]
    alone = [tag("p.k-hint", both("runs_alone"))] if len(runs) == 1 else []
    return nodes.card(both("runs_title"), nodes.table(heads, rows, csv="runs"), *alone)


def moment(seconds: float) -> Node:
    """A time as the reader's own clock shows it: the browser writes it anew."""
    return tag("span", time.strftime(UTC, time.gmtime(seconds)), data_time=f"{seconds:.0f}")


def rename(desk: Desk, run_id: str, owner: str, chosen: str, name: str) -> tuple[Any, ...]:
    """Give a Run another name."""
    desk.registry.rename(need(chosen), owner, name or "")
    return show(desk, run_id, owner)


def delete(desk: Desk, run_id: str, owner: str, chosen: str, sure: bool) -> tuple[Any, ...]:
    """Delete a Run for good; leaves the page without one if it was the open one."""
    if not sure:
        raise UserError("delete_sure")
    desk.registry.delete(need(chosen), owner)
    run_id = "" if chosen == run_id else run_id
    return (run_id, False, *show(desk, run_id, owner))


def name_of(desk: Desk, chosen: str) -> str:
    """The chosen Run's name, to be changed."""
    has = desk.registry.has(chosen)
    return desk.registry.open(chosen).owner.get("name", "") if has else ""


def compare(desk: Desk, first: str, second: str, sentence: str) -> tuple[Any, Node]:
    """Two Runs: curves over each other, settings that differ, the same sentence filled by both."""
    ids = [need(first), need(second)]
    desk.ready()
    if first == second:
        raise UserError("compare_two")
    runs = [desk.registry.open(run_id) for run_id in ids]
    names = [run.owner.get("name", "") or run_id[:6] for run, run_id in zip(runs, ids, strict=True)]
    if names[0] == names[1]:
        names[1] += " (2)"
    points = {name: curve(run) for name, run in zip(names, runs, strict=True)}
    differing = differences(runs[0].record, runs[1].record)
    view = tag(
        "div.k-live",
        nodes.card(both("figures"), nodes.table([both("result"), *names], figures(runs))),
        nodes.card(both("settings_differ"), nodes.table([both("setting"), *names], differing))
        if differing
        else tag("p.k-hint", both("settings_same")),
        *sides(runs, names, sentence),
    )
    return plots.curves(points, "two_curves"), view


def figures(runs: list[Any]) -> list[tuple[Node, ...]]:
    """The results that can be compared, words before tokens."""
    wanted = (
        ("word_recovery_top1", "{:.1%}".format), ("validation_loss", "{:.2f}".format),
        ("top1", "{:.1%}".format), ("nats_per_byte", "{:.3f}".format),
        ("parameters", "{:,}".format), ("steps", "{:,}".format), ("epochs", "{:.1f}".format),
        ("seconds_training", duration), ("tokens_per_second", "{:,}".format),
    )  # fmt: skip
    results = [run.result or {} for run in runs]
    return [
        (both(f"figure_{key}"), *(
            tag("td.k-number", shape(r[key]) if r.get(key) is not None else "–")
            for r in results
        ))
        for key, shape in wanted
    ]  # fmt: skip


def curve(run: Run) -> list[tuple[float, float]]:
    """The loss on held-out text: (seconds of training, nats a hidden token)."""
    return [(round(e.seconds, 2), e.loss) for e in run.events() if isinstance(e, Validated)]


def differences(first: dict[str, Any], second: dict[str, Any]) -> list[tuple[Node, ...]]:
    """The rows of the settings that are not the same."""
    return [tuple(tag("td.k-mono", cell) for cell in row) for row in differing(first, second)]


def differing(first: dict[str, Any], second: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The settings that are not the same: (name, first's, second's)."""
    left, right = flat(first), flat(second)
    return [
        (key, str(left.get(key, "–")), str(right.get(key, "–")))
        for key in sorted(left.keys() | right.keys())
        if left.get(key) != right.get(key)
    ]


def flat(record: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Nested settings by dotted names.

    >>> flat({"a": {"b": 1}, "c": 2})
    {'a.b': 1, 'c': 2}
    """
    found: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, dict):
            found |= flat(value, f"{before}{key}.")
        elif not before and key in UNTOLD:
            continue
        else:
            found[before + key] = value
    return found


def sides(runs: list[Any], names: list[str], sentence: str) -> list[Node]:
    """The same sentence, filled by both: a card for each gap."""
    if not GAPS.search(sentence or "") or any(run.result is None for run in runs):
        return []
    answers = [trained_model(*version(run)).fill(sentence, TOP) for run in runs]
    gaps = list(zip(*answers, strict=True))
    titles = [(sentence, None)] if len(gaps) == 1 else [
        (both("gap_number", number=number), sentence) for number, _ in enumerate(gaps, 1)
    ]  # fmt: skip
    return [
        nodes.card(title, tag("div.k-pair", *map(side, names, gap)), aside=aside)
        for (title, aside), gap in zip(titles, gaps, strict=True)
    ]


def side(name: str, candidates: list[Any]) -> Node:
    """What one Run says of a gap."""
    bars = (bar(guess, None) for guess in guesses(candidates))
    return tag("div.k-guesses", tag("span.k-title", name), *bars)


def need(run_id: str | None) -> str:
    """A chosen Run. Raises UserError where none is."""
    if not run_id:
        raise UserError("choose_run")
    return run_id


# --- layout and wiring --------------------------------------------------------------------------


def build(page: Page) -> Any:
    """Lay the tab out and wire it; returns what refreshes it."""
    View(lead("runs_lead", "runs_rest"))
    runs = View()
    with gr.Row(elem_classes="k-cols"):
        with gr.Column(elem_classes="k-side", min_width=0):
            first = gr.Dropdown([], label=words("compare_first"), filterable=False)
            second = gr.Dropdown([], label=words("compare_second"), filterable=False)
            sentence = gr.Textbox("", label=words("fill_sentence"), lines=2,
                                  elem_classes="k-sentence")  # fmt: skip
            button = gr.Button(words("compare"), variant="primary")
            with gr.Accordion(words("rename_delete"), open=False):
                chosen = gr.Dropdown([], label=words("run"), filterable=False)
                name = gr.Textbox(label=words("runs_name"), max_length=80)
                rename_button = gr.Button(words("rename"))
                sure = gr.Checkbox(False, label=words("sure"))
                delete_button = gr.Button(words("delete"), variant="stop")
        with gr.Column(elem_classes="k-wide", min_width=0):
            with gr.Column(elem_classes="k-card"):
                View(tag("div.k-head", tag("h3", both("two_curves"))))
                chart = Chart()
                hint = View(tag("p.k-hint", both("compare_hint")))
            result = View()
    page.typed.append(sentence)
    page.chosen["compare"] = [chosen, first, second, name]
    listed = [runs, chosen, first, second, name]
    who = [page.run, page.owner]
    page.on(chosen.input, name_of, [chosen], [name])
    page.on(rename_button.click, rename, [*who, chosen, name], listed)
    page.on(delete_button.click, delete, [*who, chosen, sure], [page.run, sure, *listed])
    page.on(button.click, compare, [first, second, sentence], [chart, result]).success(
        lambda: None, outputs=[hint], api_visibility="private"
    )
    offered, wanted = gr.Textbox(visible=False), gr.Textbox(visible=False)
    asked = [first, sentence, offered]

    def suggest(trigger: Any) -> None:
        put(page.on(trigger, offer, asked, [wanted, offered]), sentence, offered, wanted)

    suggest(first.input)

    def refresh(trigger: Any) -> Any:
        shown = page.on(trigger, show, who, listed)
        suggest(shown.then)
        return shown

    return refresh
