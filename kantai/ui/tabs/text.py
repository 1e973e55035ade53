"""Text: bring one, see what was wrong with it, and what each rule changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from kantai.cleaning import CLEANING_RULES
from kantai.samples import SAMPLES, load_sample
from kantai.ui import nodes, plots
from kantai.ui.code import code_fold, text_view
from kantai.ui.desk import FIRST_SAMPLES, Desk, first_sample, sample_corpus
from kantai.ui.nodes import Node, both, tag
from kantai.ui.page import HEAVY, Page, choices, lead, words
from kantai.ui.progress import Done, Tell, follow
from kantai.ui.reader import theirs
from kantai.ui.source import KINDS, Source, books, limits_view
from kantai.ui.views import Chart, View
from kantai.ui.words import count, size

if TYPE_CHECKING:
    from kantai.settings import Settings

PREVIEW = 12  # paragraphs
PREVIEW_CHARACTERS = 600  # of each
LOOKED_AT = 64  # texts whose beginning and charts stay in memory
FREQUENT = 12
# The first tab is there before the page has answered: language and run as the address has them.
AT_ONCE = "(language, run) => [kantai.language, run || kantai.asked()]"
UNLESS_KEPT = "(language, run) => [language, kantai.isKept(run) ? '' : run]"
Shown = tuple[Node, Any, Any, Node]


# --- handlers -----------------------------------------------------------------------------------


def read(
    desk: Desk, run_id: str, owner: str, rules: Sequence[str], *source: Any
) -> Iterator[tuple[Any, ...]]:
    """Read and clean the text, and begin a Run with it; shows how far it is."""
    for step in follow(lambda tell: keep(desk, run_id, owner, rules, Source(*source), tell)):
        if isinstance(step, Done):
            yield step.value, *show(desk, step.value)
        else:
            yield gr.skip(), nodes.bar(step.share, both(step.key)), *[gr.skip()] * 3


def keep(
    desk: Desk, run_id: str, owner: str, rules: Sequence[str], source: Source, tell: Tell
) -> str:
    """A new Run with this text; one that was never trained makes room, and gives its choices."""
    from kantai.keeping import keep_documents

    documents = source.read(desk, tell)
    files = tuple(document.name for document in documents[:20])
    vocab = load_sample(source.sample).vocab_size if source.kind == "sample" else None
    name = theirs(source.title(documents))
    fresh = desk.registry.has(run_id) and desk.registry.owns(run_id, owner)
    fresh = fresh and desk.is_fresh(run_id)
    chosen = choices_of(desk.registry.open(run_id).settings) if fresh else {}
    new = desk.new_run(
        owner,
        name,
        lambda run: keep_documents(run, documents, list(rules), tell),
        files=files,
        vocab_size=vocab,
        **chosen,
    )
    if fresh:
        desk.registry.delete(run_id, owner)
    return new


def choices_of(settings: Settings) -> dict[str, Any]:
    """What was chosen that does not hang on the text: a link may have brought it."""
    names = ("preset_name", "preset", "recipe", "budget", "min_frequency", "precision", "seed")
    return {name: getattr(settings, name) for name in names}


def show(desk: Desk, run_id: str) -> Shown:
    """The report, how long paragraphs are, the most frequent words, and the code."""
    if not desk.registry.has(run_id):
        name = first_sample()
        report = sample_corpus(name).report.to_json()
        notice, looked = tag("p.k-hint", both("sample_is_ready")), _look_at(name)
    else:
        run = desk.registry.open(run_id)
        report, notice, looked = run.report, None, _look_at(run.folder)
    view = tag("div", report_view(report, looked.beginning, notice))
    return view, looked.lengths, looked.frequent, code_lines(report)


def source_of(desk: Desk, run_id: str) -> tuple[Any, ...]:
    """The form as the text of the open Run came in: kind, sample, book and rules."""
    if not desk.registry.has(run_id):
        return (gr.skip(),) * 4
    run = desk.registry.open(run_id)
    source, rules = Source.of(run), [rule["name"] for rule in run.report["rules"]]
    sample = source.sample if source.kind == "sample" else gr.skip()
    return source.kind, sample, source.book or gr.skip(), rules


def code_lines(report: dict[str, Any]) -> Node:
    """What read and cleaned these very files, by the rules that were on."""
    rules = [rule["name"] for rule in report["rules"]]
    files = [file["name"] for file in report["files"]]
    return text_view(files, None if set(rules) == set(CLEANING_RULES) else rules)


@dataclass(frozen=True)
class Looked:
    """What is shown of a text: small, however long the text is."""

    beginning: Sequence[str]
    lengths: plots.Figure
    frequent: plots.Figure


@lru_cache(maxsize=LOOKED_AT)
def _look_at(text: Path | str) -> Looked:
    """The text of a Run's folder or of a sample, which never changes, looked at once."""
    from kantai.words import paragraph_lengths, word_frequencies
    from kantai.workspace import Run

    is_sample = isinstance(text, str)
    texts = sample_corpus(text).paragraphs if is_sample else Run(text).texts("train")
    return Looked(
        texts[:PREVIEW],
        plots.histogram(paragraph_lengths(texts), "paragraph_lengths", "words_each"),
        plots.ranking(word_frequencies(texts, FREQUENT), "frequent_words"),
    )


def report_view(report: dict[str, Any], paragraphs: Sequence[str], notice: Node) -> Node:
    """Figures, what the rules changed, and the beginning of the clean text."""
    read_bytes = sum(file["bytes"] for file in report["files"])
    invalid = sum(file["invalid_bytes"] for file in report["files"])
    figure = size(read_bytes).split(" ")
    figures = [
        nodes.tile(both("read_size"), figure[0], figure[1]),
        nodes.tile(both("words_kept"), count(report["words"])),
        nodes.tile(both("paragraphs_kept"), count(report["paragraphs"])),
        nodes.tile(both("duplicates_out"), count(report["duplicate_paragraphs"])),
        nodes.tile(both("broken_bytes"), count(invalid), hint=both("broken_bytes_hint")),
    ]
    return tag(
        "div.k-live", *([notice] if notice else []), nodes.tiles(*figures),
        changes_card(report), preview_card(paragraphs),
    )  # fmt: skip


def changes_card(report: dict[str, Any]) -> Node:
    """A line for each rule that found something, with places before and after."""
    busy = [rule for rule in report["rules"] if rule["changed"]]
    files = ", ".join(f"{file['name']} ({file['encoding']})" for file in report["files"][:5])
    if not busy:
        return nodes.card(both("rules_title"), tag("p.k-hint", both("rules_nothing")), aside=files)
    heads = [both(f"rules_{name}") for name in ("rule", "places", "fewer", "example")]
    rows = [
        (
            tag("td", both(f"rule_{rule['name']}")),
            rule["changed"],
            rule["removed_characters"],
            tag("td", *map(change, rule["examples"])),
        )
        for rule in busy
    ]
    return nodes.card(both("rules_title"), nodes.table(heads, rows), aside=files)


def change(example: dict[str, str]) -> Node:
    """One place, as it was and as it is."""
    after = example["after"] or both("rules_removed")
    return tag(
        "div.k-change", tag("span.k-before", "− ", example["before"]),
        tag("span.k-after", "+ ", after),
    )  # fmt: skip


def preview_card(paragraphs: Sequence[str]) -> Node:
    some = [
        tag("p", p if len(p) <= PREVIEW_CHARACTERS else p[:PREVIEW_CHARACTERS] + " …")
        for p in paragraphs
    ]
    return nodes.card(both("preview"), tag("div.k-text", tag("div", *some), tabindex="0"))


def notebook(desk: Desk, *source: Any) -> Iterator[Node]:
    """What one line an example, cut at 128 tokens, would have made of the same files."""
    for step in follow(lambda tell: notebook_reading(desk, Source(*source), tell)):
        if isinstance(step, Done):
            yield notebook_view(*step.value)
        else:
            yield nodes.bar(step.share, both(step.key))


def notebook_reading(desk: Desk, source: Source, tell: Tell) -> tuple[Node, Any]:
    from kantai import lines

    documents = source.read(desk, tell)
    return source.title(documents), lines.notebook_reading(documents, tell)


def notebook_view(title: Node, lines: Any) -> Node:
    """What would have been lost of which text."""
    lost = f"{lines.tokens_lost_fraction:.0%}"
    padding = f"{lines.padding_fraction:.0%}"
    figures = {"lost": lost, "padding": padding, "examples": f"{lines.examples:,}"}
    said = both("notebook_lost", text=title, **figures)
    return tag("p.k-hint", said)


def another_kind(kind: str) -> list[Any]:
    """Show the fields of this kind of source."""
    return [gr.update(visible=kind == name) for name in KINDS]


# --- layout and wiring --------------------------------------------------------------------------


def build(page: Page) -> Any:
    """Lay the tab out and wire it; returns what refreshes it."""
    View(lead("text_lead", "text_rest"))
    with gr.Row(elem_classes="k-cols"):
        with gr.Column(elem_classes="k-side", min_width=0):
            kind, fields, rules, button, ask, answer = _controls(page.desk)
        with gr.Column(elem_classes="k-wide", min_width=0):
            report = View()
            with gr.Row(elem_classes="k-pairs"):
                with gr.Column(elem_classes="k-card", min_width=240):
                    View(tag("div.k-head", tag("h3", both("paragraph_lengths"))))
                    lengths = Chart()
                with gr.Column(elem_classes="k-card", min_width=240):
                    View(tag("div.k-head", tag("h3", both("frequent_words"))))
                    frequent = Chart()
            shown = [report, lengths, frequent, code_fold()]
    kind.change(another_kind, kind, fields, api_visibility="private", show_progress="hidden")
    source = [kind, *fields]
    page.typed.extend([*source, rules])
    page.first.append((fields[0], FIRST_SAMPLES))
    asked = [page.run, page.owner, rules, *source]
    page.on(button.click, read, asked, [page.run, *shown], **HEAVY)
    page.on(ask.click, notebook, source, [answer], **HEAVY)
    page.on(page.run.change, show, [page.run], shown, js=AT_ONCE)
    _, sample, _, _, book = source
    page.on(page.run.change, source_of, [page.run], [kind, sample, book, rules], js=UNLESS_KEPT)
    return lambda trigger: page.on(trigger, show, [page.run], shown, js=AT_ONCE)


def _controls(desk: Desk) -> tuple[Any, list[Any], Any, Any, Any, Any]:
    kind = gr.Radio(
        choices(KINDS, "source_"), value="sample", label=words("source"), elem_classes="k-seg"
    )
    fields = [
        gr.Radio(choices(list(SAMPLES), "sample_name_"), value=FIRST_SAMPLES["en"],
                 label=words("source_sample")),
        gr.File(label=words("source_files"), file_count="multiple", visible=False, height=150),
        gr.Textbox("", label=words("source_paste"), lines=9, max_lines=16, visible=False),
        gr.Dropdown(books(), value="", label=words("source_book"), info=words("book_info"),
                    allow_custom_value=True, visible=False),
    ]  # fmt: skip
    View(limits_view(desk))
    with gr.Accordion(words("cleaning_rules"), open=False):
        rules = gr.CheckboxGroup(
            choices(list(CLEANING_RULES), "rule_"), value=list(CLEANING_RULES), show_label=False,
            container=False,
        )  # fmt: skip
    button = gr.Button(words("use_text"), variant="primary")
    with gr.Accordion(words("notebook_title"), open=False):
        ask = gr.Button(words("notebook_ask"), size="sm")
        answer = View()
    return kind, fields, rules, button, ask, answer
