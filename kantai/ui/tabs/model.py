"""Model: choose an architecture and a size, and look inside before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from kantai.architectures import (
    ARCHITECTURES,
    PRESETS,
    Memory,
    ParameterRow,
    Preset,
)
from kantai.errors import UserError
from kantai.ui import fork, nodes, plots
from kantai.ui.code import code_fold, model_view
from kantai.ui.costs import memory_card, memory_of, time_cards
from kantai.ui.desk import ONE_MODEL_AT_A_TIME, Desk, expected_tokens
from kantai.ui.nodes import Node, both, tag
from kantai.ui.page import RAW, Page, choices, lead, words
from kantai.ui.views import Chart, View
from kantai.ui.words import count, size

if TYPE_CHECKING:
    from kantai.recipes import Recipe
    from kantai.workspace import Run

SIZES = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
         "max_position_embeddings")  # fmt: skip
SLIDERS = {  # least, most, step
    "hidden_size": (32, 1_024, 32),
    "num_hidden_layers": (1, 24, 1),
    "num_attention_heads": (1, 16, 1),
    "intermediate_size": (32, 4_096, 32),
    "max_position_embeddings": (64, 1_026, 2),
}
MOST_PARAMETERS = 2_000_000_000


@dataclass(frozen=True)
class Look:
    """All there is to see of a model that was never built."""

    config: dict[str, Any]
    printed: str
    table: list[ParameterRow]

    @property
    def total(self) -> int:
        return sum(row.parameters for row in self.table)


# --- handlers -----------------------------------------------------------------------------------


def preset_of(name: str, architecture: str, dropout: float, *sizes: float | None) -> Preset:
    """The preset on the screen. Raises UserError for combinations that no model can have."""
    whole = {key: int(value or 0) for key, value in zip(SIZES, sizes, strict=True)}
    for key, value in whole.items():
        if value > SLIDERS[key][1]:  # a direct call may ask for a model that takes hours to draw
            raise UserError("size_largest", name=key, most=SLIDERS[key][1])
    rows = PRESETS[name].vocab_size if name in PRESETS else None
    return Preset(architecture=architecture, dropout=dropout or 0.0, vocab_size=rows, **whole)


@dataclass(frozen=True)
class Case:
    """The model on the screen with all that its training depends on."""

    run: Run | None
    preset: Preset
    vocab: int
    recipe: Recipe


def case_of(desk: Desk, run_id: str, fields: Sequence[Any]) -> Case:
    """Raises UserError for a model that cannot be, or cannot be trained by the Run's recipe."""
    preset = preset_of(*fields)
    run = desk.registry.open(run_id) if desk.registry.has(run_id) else None
    vocab = expected_tokens(run)
    recipe = run.settings.recipe if run else desk.default_settings().recipe
    preset.check_block(recipe.block_size)
    if (total := look_at(preset, vocab).total) > MOST_PARAMETERS:
        raise UserError("model_too_large", count=count(total))
    return Case(run, preset, vocab, recipe)


def look(desk: Desk, run_id: str, *fields: Any) -> tuple[Any, ...]:
    """Whether it is the Run's own, all there is to see of it, its code last; or why it is none."""
    desk.ready()
    try:
        case = case_of(desk, run_id, fields)
    except UserError as error:
        return None, nodes.mistake(error), *[None] * 5
    seen = look_at(case.preset, case.vocab)
    memory = memory_of(case.preset, case.vocab, case.recipe)
    tensors = [(row.name, row.parameters) for row in seen.table]
    return (
        used_view(desk, case), report_view(seen, memory, case.preset),
        memory_card(memory, desk.device()), plots.treemap(tensors, "treemap"),
        table_view(seen), details_view(seen), model_view(seen.config),
    )  # fmt: skip


def time_here(desk: Desk, run_id: str, *fields: Any) -> Iterator[Node]:
    """How long the model on the screen takes to train here; nothing for one that cannot be."""
    desk.ready()
    try:
        case = case_of(desk, run_id, fields)
    except UserError:
        yield None
        return
    yield from time_cards(desk, case.run, case.preset, case.vocab, case.recipe)


@lru_cache(maxsize=64)
def look_at(preset: Preset, vocab_size: int) -> Look:
    """Config, print-out and tensors, from a model that has shapes and no memory."""
    from kantai.architectures import build_model, parameter_table

    with ONE_MODEL_AT_A_TIME:
        model = build_model(preset, vocab_size, device="meta")
    return Look(model.config.to_diff_dict(), str(model), parameter_table(model))


def report_view(seen: Look, memory: Memory, preset: Preset) -> Node:
    """How large the model is, and what its training needs."""
    rows = preset.vocab_size or seen.table[0].shape[0]
    embedding = rows * preset.hidden_size
    total, memory_size = count(seen.total).split(" "), size(memory.total).split(" ")
    return nodes.tiles(
        nodes.tile(both("parameters"), total[0], " ".join(total[1:])),
        nodes.tile(both("tensors"), str(len(seen.table))),
        nodes.tile(both("in_embeddings"), f"{embedding / seen.total:.0%}",
                   hint=both("in_embeddings_hint")),
        nodes.tile(both("training_memory"), *memory_size),
    )  # fmt: skip


def table_view(seen: Look) -> Node:
    """Every tensor: searchable, sortable, with its download."""
    heads = ["#", both("tensor_name"), both("tensor_shape"), both("parameters"), both("tied_to")]
    rows = (
        (row.number, tag("td.k-mono", row.name), tag("td.k-mono", " × ".join(map(str, row.shape))),
         row.parameters, tag("td.k-mono", row.tied_to or ""))
        for row in seen.table
    )  # fmt: skip
    return nodes.table(heads, rows, csv="parameters")


def details_view(seen: Look) -> Node:
    """The config and print(model)."""
    config = json.dumps(seen.config, indent=2, ensure_ascii=False, default=str)
    return tag(
        "div.k-live",
        nodes.fold("config.json", nodes.code(config)),
        nodes.fold("print(model)", nodes.code(seen.printed)),
    )


def choose(name: str) -> list[Any]:
    """The sliders at a preset's values."""
    return values_of(name, PRESETS[name])


def values_of(name: str, preset: Preset) -> list[Any]:
    sizes = [getattr(preset, key) for key in SIZES]
    return [name, preset.architecture, preset.dropout, *sizes]


def use(desk: Desk, run_id: str, owner: str, *fields: Any) -> tuple[str, Node]:
    """Train this model: in the Run, or in a new one beside a trained Run."""
    desk.may_change(run_id, owner)
    desk.ready()
    preset = case_of(desk, run_id, fields).preset
    run_id = desk.workable(run_id, owner, keep_tokenizer=True)
    name = name_of(fields[0], preset)
    with desk.jobs.unbegun(run_id) as run:
        run.write_settings(replace(run.settings, preset_name=name, preset=preset))
    return run_id, used_view(desk, case_of(desk, run_id, fields))


def used_view(desk: Desk, case: Case) -> Node | None:
    """That the model on the screen is the one that will be trained, or was; else nothing."""
    own = case.run.settings.preset if case.run else desk.default_settings().preset
    if case.preset != own:
        return None
    trained = case.run is not None and case.run.log_size > 0
    return tag("p.k-hint.k-good", "✓ ", both("model_was_used" if trained else "model_in_use"))


def name_of(name: str, preset: Preset) -> str:
    """The preset's own name as long as nothing was changed in it."""
    return name if PRESETS.get(name) == preset else f"{preset.architecture}-custom"


def show(desk: Desk, run_id: str) -> tuple[Any, ...]:
    """The Run's own model: the sliders, what is seen, and its code."""
    has = desk.registry.has(run_id)
    settings = desk.registry.open(run_id).settings if has else desk.default_settings()
    name, preset = settings.preset_name, settings.preset
    fields = values_of(name if name in PRESETS else nearest(preset), preset)
    return (*fields, *look(desk, run_id, *fields))


def nearest(preset: Preset) -> str:
    """A preset of the same architecture, for a Run with sizes of its own."""
    alike = [n for n, p in PRESETS.items() if p.architecture == preset.architecture]
    return next((n for n in alike if PRESETS[n].vocab_size == preset.vocab_size), alike[0])


# --- layout and wiring --------------------------------------------------------------------------


def build(page: Page) -> Any:
    """Lay the tab out and wire it; returns what refreshes it."""
    View(lead("model_lead", "model_rest"))
    with gr.Row(elem_classes="k-cols"):
        with gr.Column(elem_classes="k-side", min_width=0):
            fields, button, used = _controls()
            fork.button(page)
        with gr.Column(elem_classes="k-wide", min_width=0):
            views, time_view = _views()
    page.chosen["model"] = fields
    return _wire(page, fields, button, [used, *views], time_view)


def _views() -> tuple[list[Any], Any]:
    report = View()
    with gr.Row(elem_classes="k-pairs k-costs"):
        memory, time_view = View(), View()
    with gr.Column(elem_classes="k-card k-maybe"):
        View(tag("div.k-head", tag("h3", both("treemap")), tag("span", both("treemap_hint"))))
        treemap = Chart()
    with gr.Column(elem_classes="k-card k-maybe"):
        View(tag("div.k-head", tag("h3", both("every_tensor"))))
        table = View()
    return [report, memory, treemap, table, View(), code_fold()], time_view


def _wire(page: Page, fields: list[Any], button: Any, seen: list[Any], time_view: Any) -> Any:
    name, *rest = fields
    asked, latest = [page.run, *fields], {"trigger_mode": "always_last", **RAW}

    def measure(trigger: Any) -> Any:
        return page.on(trigger, time_here, asked, [time_view], **latest)

    page.on(name.input, lambda desk, chosen: choose(chosen), [name], fields)
    changed = partial(gr.on, [field.change for field in rest])  # a preset changes many at once
    looked = page.on(changed, look, asked, seen, **latest)
    measure(looked.then)
    who = [page.run, page.owner]
    page.on(button.click, use, [*who, *fields], [page.run, seen[0]], **RAW).then(
        None, js="() => { kantai.wake(); }", api_visibility="private"
    )

    def refresh(trigger: Any) -> Any:
        shown = page.on(trigger, show, [page.run], [*fields, *seen])
        measure(shown.then)
        return shown

    return refresh


def _controls() -> tuple[list[Any], Any, Any]:
    fields: list[Any] = [
        gr.Dropdown(choices(list(PRESETS), "preset_"), value="nano", label=words("preset"),
                    filterable=False),
        gr.Dropdown([(a.title, name) for name, a in ARCHITECTURES.items()], value="modernbert",
                    label=words("architecture"), filterable=False),
    ]  # fmt: skip
    for key, (least, most, step) in {"dropout": (0, 0.5, 0.05), **SLIDERS}.items():
        fields.append(gr.Slider(least, most, value=getattr(PRESETS["nano"], key), step=step,
                                label=key, info=words(f"{key}_info"), buttons=[]))  # fmt: skip
    button = gr.Button(words("use_model"), variant="primary", elem_classes="k-use")
    used = View()
    return fields, button, used
