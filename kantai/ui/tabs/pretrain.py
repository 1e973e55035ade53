"""Pretrain: choose a recipe and a budget, start, and watch the model learn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from kantai import needs
from kantai.errors import UserError
from kantai.jobs import done
from kantai.limits import shown
from kantai.ui import code, download, fork, hub, nodes
from kantai.ui.desk import DEMO_SECONDS, Desk, expected_tokens, learned_tokens
from kantai.ui.live import Live
from kantai.ui.nodes import Node, both, tag
from kantai.ui.page import RAW, Page, choices, lead, words
from kantai.ui.views import View
from kantai.ui.words import device_name, size

if TYPE_CHECKING:
    from kantai.architectures import Memory
    from kantai.recipes import Recipe
    from kantai.settings import Settings
    from kantai.workspace import Run

RECIPE_NAMES = ("playground", "notebook")  # of kantai.recipes, which brings torch
UNITS = ("seconds", "max_steps", "epochs")
RANGES = {"seconds": (10, 3_600, 5), "max_steps": (20, 5_000, 10), "epochs": (1, 60, 1)}
USUAL = {"seconds": DEMO_SECONDS, "max_steps": 500, "epochs": 5}
MOST_SECONDS = 24 * 3_600
MOST_AMOUNT = 1_000_000  # of steps or epochs


@dataclass(frozen=True)
class Plan:
    """How to train, as the screen has it; None or 0: as the recipe says."""

    recipe: str = "playground"
    unit: str = "seconds"
    amount: float = DEMO_SECONDS
    batch_size: float | None = None
    block_size: float | None = None
    learning_rate: float | None = None
    mlm_probability: float | None = None
    seed: float | None = None

    def applied(self, settings: Settings, device_kind: str) -> Settings:
        """The settings with this plan. Raises UserError for what cannot be."""
        from kantai.recipes import Budget, recipe_for

        recipe = self.recipe_with_changes(recipe_for(self.recipe, device_kind))
        settings.preset.check_block(recipe.block_size)
        seed = settings.seed if self.seed is None else int(self.seed)
        return replace(settings, recipe=recipe, budget=self.budget(Budget), seed=seed)

    def recipe_with_changes(self, recipe: Recipe) -> Recipe:
        """The recipe with what is set differently here."""
        changes: dict[str, Any] = {
            name: int(value)
            for name in ("batch_size", "block_size")
            if (value := getattr(self, name)) and value != getattr(recipe, name)
        }
        if "block_size" in changes:
            changes["first_block_size"] = None
        rate, share = self.learning_rate, self.mlm_probability
        if rate and rate != recipe.optimizer.learning_rate:
            other = recipe.optimizer.adamw_learning_rate * rate / recipe.optimizer.learning_rate
            changes["optimizer"] = replace(
                recipe.optimizer, learning_rate=rate, adamw_learning_rate=other
            )
        if share and share != recipe.masking.mlm_probability:
            changes["masking"] = replace(recipe.masking, mlm_probability=share)
            changes["last_mlm_probability"] = None
        return replace(recipe, **changes)

    def budget(self, make: Any) -> Any:
        if self.unit == "seconds" and (self.amount or 0) > MOST_SECONDS:
            raise UserError("run_over_limit", most=shown("run_seconds", MOST_SECONDS))
        if self.unit not in UNITS or not 0 < (self.amount or 0) <= MOST_AMOUNT:
            raise UserError("budget_needed", most=f"{MOST_AMOUNT:,}")
        whole = int if self.unit == "max_steps" else float
        return make(**{self.unit: whole(self.amount)})


# --- handlers -----------------------------------------------------------------------------------


def start(desk: Desk, run_id: str, owner: str, *plan: Any) -> str:
    """Train the Run by the plan; a trained one stays as it is and a new one begins beside it.

    Raises UserError where another tab began the Run at the same moment by another plan.
    """
    settings, wanted, kind = desk.may_change(run_id, owner), Plan(*plan), desk.device().kind
    check_memory(desk, run_id, wanted.applied(settings, kind))  # nothing begins that cannot be
    run_id = desk.workable(run_id, owner, keep_tokenizer=True)
    desk.jobs.start(run_id, lambda settings: wanted.applied(settings, kind), fresh=True)
    return run_id


def stop(desk: Desk, run_id: str, owner: str) -> None:
    """Leave the queue, or stop and keep the weights."""
    desk.registry.owned(run_id, owner)
    desk.jobs.stop(run_id)


def resume(desk: Desk, run_id: str, owner: str, unit: str, amount: float) -> None:
    """Go on with a stopped, failed or finished Run; the budget counts from its very beginning."""
    from kantai.recipes import Budget

    check_memory(desk, run_id, desk.registry.owned(run_id, owner).settings)
    budget = Plan(unit=unit, amount=amount).budget(Budget)
    desk.jobs.start(run_id, lambda settings: replace(settings, budget=budget))


def go_on(desk: Desk, run_id: str, owner: str, unit: str, amount: float) -> None:
    """Spend the rest of the budget; where the training finished, the budget once more."""
    spent = done(desk.registry.owned(run_id, owner), unit) if unit in UNITS else 0
    resume(desk, run_id, owner, unit, amount and amount + round(spent))


def check_memory(desk: Desk, run_id: str, settings: Settings) -> None:
    """Raise UserError for a model that the device does not hold."""
    needs.check_memory(memory_here(desk, run_id, settings), desk.device())


def memory_here(desk: Desk, run_id: str, settings: Settings) -> Memory:
    """What the training needs; before there is a tokenizer by the vocabulary that is expected."""
    from kantai.ui.costs import memory_of

    desk.ready()
    run = desk.registry.open(run_id) if desk.registry.has(run_id) else None
    return memory_of(settings.preset, expected_tokens(run), settings.recipe)


def outlook(desk: Desk, run_id: str, *plan: Any) -> tuple[Node, Node]:
    """What the plan asks of this device, and the lines of code that do the same."""
    run = desk.registry.open(run_id) if desk.registry.has(run_id) else None
    settings = run.settings if run else desk.default_settings()
    try:
        asked = Plan(*plan).applied(settings, desk.device().kind)
    except UserError as error:
        return nodes.mistake(error), None
    result = run.result if run else None
    taken = result["steps"] if result and asked == settings else None
    memory = memory_here(desk, run_id, asked) if run and learned_tokens(run) else None
    shown = [rows(*facts(desk, asked, memory))]
    if memory and memory.total > desk.device().memory > 0:
        shown.append(tag("p.k-hint.k-warm", both("memory_short")))
    return tag("div", *shown), code.training_view(asked, taken)


def facts(desk: Desk, settings: Settings, memory: Memory | None) -> list[tuple[Node, Node]]:
    """Device, rows a step and memory, as far as they are known."""
    known: list[tuple[Node, Node]] = [(both("plan_device"), device_name(desk.device()))]
    recipe = settings.recipe
    known.append((both("plan_batch"), f"{recipe.batch_size} × {recipe.block_size}"))
    if memory:
        known.append((both("plan_memory"), size(memory.total)))
    return known


def rows(*pairs: tuple[Node, Node]) -> Node:
    cells = [tag("div.k-row", tag("span", left), tag("b", right)) for left, right in pairs]
    return tag("div.k-rows", *cells)


def show(desk: Desk, run_id: str, *plan: Any) -> tuple[Any, ...]:
    """The plan of a Run that was started, else the one on the screen; its outlook; its code."""
    run = desk.registry.open(run_id) if desk.registry.has(run_id) else None
    if run is None or (desk.is_fresh(run_id) and is_usual(desk, run)):
        recipe, unit, amount, *_ = plan
        shown = (recipe, unit, amount, *numbers(desk, recipe))
    else:
        settings = run.settings
        recipe, (unit, amount) = settings.recipe, amount_of(settings)
        shown = (recipe.name, unit, amount, *numbers_of(recipe), settings.seed)
    slider = gr.skip() if tuple(plan[1:3]) == (unit, amount) else another_unit(desk, unit, amount)
    return (*shown[:2], slider, *shown[3:], *outlook(desk, run_id, *shown))


def is_usual(desk: Desk, run: Run) -> bool:
    """Whether nobody chose a recipe or a budget for the Run yet, by a link or a copy."""
    settings, usual = run.settings, desk.default_settings()
    return (settings.recipe, settings.budget) == (usual.recipe, usual.budget)


def amount_of(settings: Settings) -> tuple[str, float]:
    """The budget as the screen has it: ("seconds", 60)."""
    return next((u, v) for u in UNITS if (v := getattr(settings.budget, u)) is not None)


def numbers(desk: Desk, recipe: str) -> tuple[Any, ...]:
    """What the recipe itself says: batch, block, rate, share hidden, and the seed."""
    from kantai.recipes import recipe_for

    return (*numbers_of(recipe_for(recipe, desk.device().kind)), 0)


def numbers_of(recipe: Recipe) -> tuple[Any, ...]:
    return (recipe.batch_size, recipe.block_size, recipe.optimizer.learning_rate,
            recipe.masking.mlm_probability)  # fmt: skip


def another_unit(desk: Desk, unit: str, amount: float | None = None) -> Any:
    """The slider for another kind of budget."""
    least, most, step = range_of(desk, unit)
    value = USUAL[unit] if amount is None else amount
    return gr.Slider(
        min(least, value), max(most, value), value=value, step=step, label=words(f"unit_{unit}")
    )


def range_of(desk: Desk, unit: str) -> tuple[float, float, float]:
    """Least, most and step of a budget, within what a run may have here."""
    least, most, step = RANGES[unit]
    if unit == "seconds":
        most = min(most, desk.registry.allowance.run_seconds)
    return least, most, step


def limit_view(desk: Desk) -> Node | None:
    """How long a run may train here, before anybody meets it; None where that is a whole day."""
    most = desk.registry.allowance.run_seconds
    if most >= MOST_SECONDS:
        return None
    return tag("p.k-hint", both("limit_run_seconds", most=shown("run_seconds", most)))


# --- layout and wiring --------------------------------------------------------------------------


def build(page: Page) -> Any:
    """Lay the tab out and wire it; returns what refreshes it."""
    View(lead("pretrain_lead", "pretrain_rest"))
    with gr.Row(elem_classes="k-cols"):
        with gr.Column(elem_classes="k-side", min_width=0):
            plan, buttons, outlook_view = _controls(page)
        with gr.Column(elem_classes="k-wide", min_width=0):
            Live()
            download.offer(page)
            hub.offer(page)
            code_view = code.code_fold()
    return _wire(page, plan, buttons, outlook_view, code_view)


def _controls(page: Page) -> tuple[list[Any], list[Any], Any]:
    desk = page.desk
    recipe = gr.Radio(
        choices(RECIPE_NAMES, "recipe_"), value="playground", label=words("recipe"),
        elem_classes="k-seg",
    )  # fmt: skip
    unit = gr.Radio(
        choices(UNITS, "unit_"), value="seconds", label=words("budget"), elem_classes="k-seg"
    )
    least, most, step = range_of(desk, "seconds")
    amount = gr.Slider(
        least, most, value=DEMO_SECONDS, step=step, label=words("unit_seconds"),
        buttons=[],
    )  # fmt: skip
    View(limit_view(desk))
    outlook_view = View()
    View(tag("p.k-hint.k-more", both("go_on_hint")))
    buttons = [
        gr.Button(words("start"), variant="primary", elem_classes="k-start"),
        gr.Button(words("stop"), variant="primary", elem_classes="k-stop"),
        gr.Button(words("go_on"), variant="primary", elem_classes="k-resume"),
        gr.Button(words("start_again"), elem_classes="k-again"),
        gr.Button(words("leave"), elem_classes="k-leave"),
    ]
    fork.button(page)
    View(tag("button.k-link", both("copy_link"), data_link="1"))
    with gr.Accordion(words("all_settings"), open=False):
        more = [
            gr.Number(None, label=words("batch_size"), precision=0),
            gr.Number(None, label=words("block_size"), precision=0),
            gr.Number(None, label=words("learning_rate"), step=0.0001),
            gr.Number(None, label=words("mlm_probability"), step=0.01),
            gr.Number(None, label=words("seed"), precision=0),
        ]
    return [recipe, unit, amount, *more], buttons, outlook_view


def _wire(
    page: Page, plan: list[Any], buttons: list[Any], outlook_view: Any, code_view: Any
) -> Any:
    start_button, stop_button, resume_button, again_button, leave_button = buttons
    recipe, unit, amount, *more = plan
    asked = [page.run, *plan]
    wake = {"fn": None, "js": "() => { kantai.wake(); }", "api_visibility": "private"}
    page.chosen["pretrain"] = plan
    wish = page.instead[amount._id] = gr.Number(visible=False)  # the slider's range comes first
    slider = partial(another_unit, page.desk)
    wish.change(slider, [unit, wish], amount, api_visibility="private")
    who, views = [page.run, page.owner], [outlook_view, code_view]
    for button in (start_button, again_button):
        page.on(button.click, start, [*who, *plan], [page.run], **RAW).then(**wake)
    for button in (stop_button, leave_button):
        page.on(button.click, stop, who).then(**wake)
    page.on(resume_button.click, go_on, [*who, unit, amount], **RAW).then(**wake)
    unit.input(slider, unit, amount, api_visibility="private", show_progress="hidden")
    page.on(recipe.input, numbers, [recipe], more)
    for field in (unit, amount, *more):
        page.on(field.change, outlook, asked, views, trigger_mode="always_last", **RAW)
    page.on(code_view.parent.expand, outlook, asked, views, **RAW)  # it may have ended since
    return lambda trigger: page.on(trigger, show, asked, [*plan, *views], **RAW)
