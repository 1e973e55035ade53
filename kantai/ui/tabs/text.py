"""Text: bring one, see what was wrong with it, and what each rule changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from kantai.cleaning import CLEANING_RULES
from kantai.errors import UserError
from kantai.samples import SAMPLES
from kantai.strings import text as sentence
from kantai.ui import nodes, plots
from kantai.ui.code import code_fold, text_view
from kantai.ui.desk import DEMO_SAMPLE, DEMO_VOCAB, Desk, sample_corpus
from kantai.ui.nodes import Node, both, tag
from kantai.ui.page import Page, choices, lead, words
from kantai.ui.progress import Done, Tell, follow
from kantai.ui.views import Chart, View
from kantai.ui.words import count, size

if TYPE_CHECKING:
    from kantai.readers import Document
    from kantai.workspace import Settings

KINDS = ("sample", "files", "paste", "book")
PREVIEW = 12  # paragraphs
PREVIEW_CHARACTERS = 600  # of each
FREQUENT = 12
MOST_FILES = 100
Shown = tuple[Node, Any, Any, Node]


@dataclass(frozen=True)
class Source:
    """Where a text comes from, as the screen has it."""

    kind: str = "sample"
    sample: str = DEMO_SAMPLE
    files: Sequence[str] | None = None
    pasted: str = ""
    book: str = ""

    def documents(self, cache: Path, tell: Tell) -> list[Document]:
        """Read it; a book is fetched into `cache`. Raises UserError for what cannot be read."""
        from kantai.readers import Document, read_files
        from kantai.samples import load_sample

        tell("doing_read", 0.0)
        if self.kind == "sample":
            return read_files([load_sample(self.sample).path])
        if self.kind == "paste":
            data = len(self.pasted.encode("utf-8", "replace"))
            return [Document("pasted.txt", self.pasted, data, "utf-8", 0)]
        if self.kind == "book":
            from kantai.books import fetch_book

            if not self.book.strip():
                raise UserError("no_book")
            path = fetch_book(self.book.strip(), cache, progress=lambda s: tell("doing_fetch", s))
            return read_files([path])
        if not self.files or len(self.files) > MOST_FILES:
            raise UserError("choose_files", most=MOST_FILES)
        return read_files(self.files)

    def name(self, documents: Sequence[Document]) -> str:
        """What the Run is called at first."""
        if self.kind == "sample":
            return sentence(f"sample_name_{self.sample}")
        if self.kind == "book":
            return self.book.strip()
        return Path(documents[0].name).stem.replace("_", " ")


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
    from kantai.stages import keep_documents

    documents = read_within(desk, source, tell)
    files = tuple(document.name for document in documents[:20])
    vocab = DEMO_VOCAB if source.kind == "sample" and source.sample == DEMO_SAMPLE else None
    name = source.name(documents)
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


def read_within(desk: Desk, source: Source, tell: Tell) -> list[Document]:
    """The source's documents. Raises UserError for more than this place allows."""
    allowance = desk.registry.allowance
    allowance.check("text_characters", len(source.pasted or ""), "text_over_limit")
    if source.kind == "files":
        sizes = [Path(file).stat().st_size for file in source.files or () if Path(file).is_file()]
        allowance.check("upload_bytes", max(sizes, default=0), "upload_over_limit")
    documents = source.documents(desk.registry.root / ".books", tell)
    characters = sum(len(document.text) for document in documents)
    allowance.check("text_characters", characters, "text_over_limit")
    return documents


def show(desk: Desk, run_id: str) -> Shown:
    """The report, how long paragraphs are, the most frequent words, and the code."""
    if not desk.registry.has(run_id):
        corpus = sample_corpus(DEMO_SAMPLE)
        notice = tag("p.k-hint", both("sample_is_ready"))
        report = corpus.report.to_json()
        view = tag("div", report_view(report, corpus.paragraphs, notice))
        return (view, *_charts(tuple(corpus.paragraphs)), code_lines(report))
    run = desk.registry.open(run_id)
    paragraphs = _paragraphs(run.folder)
    view = tag("div", report_view(run.report, paragraphs, None))
    return (view, *_charts(paragraphs), code_lines(run.report))


def code_lines(report: dict[str, Any]) -> Node:
    """What read and cleaned these very files, by the rules that were on."""
    rules = [rule["name"] for rule in report["rules"]]
    files = [file["name"] for file in report["files"]]
    return text_view(files, None if set(rules) == set(CLEANING_RULES) else rules)


@lru_cache(maxsize=8)
def _paragraphs(folder: Path) -> tuple[str, ...]:
    from kantai.workspace import Run

    return tuple(Run(folder).texts("train"))


@lru_cache(maxsize=8)
def _charts(paragraphs: tuple[str, ...]) -> tuple[Any, Any]:
    from kantai.words import paragraph_lengths, word_frequencies

    lengths = plots.histogram(paragraph_lengths(paragraphs), "paragraph_lengths", "words_each")
    return lengths, plots.ranking(word_frequencies(paragraphs, FREQUENT), "frequent_words")


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
        for p in paragraphs[:PREVIEW]
    ]
    return nodes.card(both("preview"), tag("div.k-text", tag("div", *some), tabindex="0"))


def notebook(desk: Desk, *source: Any) -> Iterator[Node]:
    """What one line an example, cut at 128 tokens, would have made of the same files."""
    for step in follow(lambda tell: notebook_reading(desk, Source(*source), tell)):
        if isinstance(step, Done):
            yield notebook_view(step.value)
        else:
            yield nodes.bar(step.share, both(step.key))


def notebook_reading(desk: Desk, source: Source, tell: Tell) -> Any:
    from kantai import commands

    documents = read_within(desk, source, tell)
    return commands.notebook_reading(documents, tell)


def notebook_view(lines: Any) -> Node:
    lost = f"{lines.tokens_lost_fraction:.0%}"
    padding = f"{lines.padding_fraction:.0%}"
    said = both("notebook_lost", lost=lost, padding=padding, examples=f"{lines.examples:,}")
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
            kind, fields, rules, button, ask, answer = _controls()
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
    page.on(button.click, read, [page.run, page.owner, rules, *source], [page.run, *shown])
    page.on(ask.click, notebook, source, [answer])
    return lambda trigger: page.on(trigger, show, [page.run], shown)


def _controls() -> tuple[Any, list[Any], Any, Any, Any, Any]:
    kind = gr.Radio(
        choices(KINDS, "source_"), value="sample", label=words("source"), elem_classes="k-seg"
    )
    fields = [
        gr.Radio(choices(list(SAMPLES), "sample_name_"), value=DEMO_SAMPLE,
                 label=words("source_sample")),
        gr.File(label=words("source_files"), file_count="multiple", visible=False, height=150),
        gr.Textbox("", label=words("source_paste"), lines=9, max_lines=16, visible=False),
        gr.Textbox("", label=words("source_book"), placeholder="kant-pure-reason, 4280 …",
                   info=words("book_info"), visible=False),
    ]  # fmt: skip
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
