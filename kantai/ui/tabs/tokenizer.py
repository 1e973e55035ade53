"""Tokenizer: learn a vocabulary from the text, and look at how it cuts sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from kantai.errors import UserError
from kantai.samples import load_sample
from kantai.strings import text
from kantai.tokenizer import (
    SPECIAL_TOKENS,
    ByteLevelBPE,
    Cancelled,
    TokenizerSettings,
    readable,
    suggest_vocab_size,
)
from kantai.ui import fork, nodes, plots
from kantai.ui.code import code_fold, tokenizer_view
from kantai.ui.desk import FIRST_SAMPLES, Desk, bytes_a_token, first_sample, load_tokenizer
from kantai.ui.nodes import Node, both, tag
from kantai.ui.page import HEAVY, RAW, Page, lead, words
from kantai.ui.progress import Done, Tell, follow
from kantai.ui.views import Chart, View
from kantai.ui.words import visible

SENTENCES = {language: text("first_sentence", language) for language in FIRST_SAMPLES}
USUAL_SIZE = 4_000
MERGES = 400  # shown; the download has all
MOST_TOKENS = 400  # shown of a sentence
MOST_CHARACTERS = 20_000
HALF = re.compile("⟨((?:[0-9A-F]{2} ?)+)⟩")  # of a character, as kantai.tokenizer writes it
DOWNLOAD = """(rows) => kantai.download(
  "merges.csv", kantai.csv(JSON.parse(rows).map((row) => row.map(kantai.say))))"""


# --- handlers -----------------------------------------------------------------------------------


def learn(
    desk: Desk, run_id: str, owner: str, vocab_size: float | None, min_frequency: float, words: str
) -> Iterator[tuple[Any, ...]]:
    """Learn the vocabulary; shows how far it is. No size means the suggested one."""
    asked = TokenizerSettings(int(vocab_size or 8_000), int(min_frequency or 0))
    size = asked.vocab_size if vocab_size else None

    def work(tell: Tell) -> str:
        return learn_now(desk, run_id, owner, size, asked.min_frequency, tell)

    for step in follow(work):
        if isinstance(step, Done):
            shown = show(desk, step.value, words)
            yield step.value, *shown[1:]
        else:
            bar = nodes.card(both(step.key), nodes.bar(step.share, f"{step.share:.0%}"))
            yield (gr.skip(), gr.skip(), bar, *[gr.skip()] * 4)


def learn_now(
    desk: Desk, run_id: str, owner: str, size: int | None, min_frequency: int, tell: Tell
) -> str:
    """The Run, or a copy of a trained one, with a tokenizer of this size.

    Raises UserError where the Run is asked to stop meanwhile.
    """
    from kantai.stages import learn_tokenizer

    desk.may_change(run_id, owner)
    TokenizerSettings(size or USUAL_SIZE, min_frequency)  # nothing begins where it cannot be
    run_id = desk.workable(run_id, owner, keep_tokenizer=False)
    unbegun = partial(desk.jobs.unbegun, run_id)  # no Start comes between
    with unbegun() as run:
        size = size or run.settings.vocab_size
        run.write_settings(replace(run.settings, vocab_size=size, min_frequency=min_frequency))
        run.clear_stop()
    try:
        learn_tokenizer(run, tell, run.stop_asked, unbegun)
    except Cancelled as error:
        run.clear_stop()
        raise UserError("tokenizer_cancelled") from error
    desk.jobs.workers.make_ready()
    return run_id


def show(desk: Desk, run_id: str, sentence: str) -> tuple[Any, ...]:
    """Size chooser, its hint, report, chart of lengths, merges, the sentence, code."""
    if not desk.registry.has(run_id):
        vocab = load_sample(first_sample()).vocab_size
        hint, lines = tag("p.k-hint", both("tokenizer_sample")), tokenizer_view(vocab, 2)
        return gr.skip(), hint, waiting(), None, None, tokens_view(None, sentence), lines
    run = desk.registry.open(run_id)
    suggested = suggest_vocab_size(run.report["characters"])
    chosen = run.record["vocab_size"] or suggested
    hint = tag("p.k-hint", both("vocab_suggested", size=f"{suggested:,}"))
    tokenizer, least = load_tokenizer(run), run.record["min_frequency"]
    lines = tokenizer_view(tokenizer.asked if tokenizer else chosen, least)
    if tokenizer is None:
        return chosen, hint, waiting(), None, None, tokens_view(None, sentence), lines
    return (
        chosen, hint, report_view(tokenizer, bytes_a_token(run)),
        lengths_chart(tokenizer), merges_view(tokenizer),
        tokens_view(tokenizer, sentence), lines,
    )  # fmt: skip


def frequency_of(desk: Desk, run_id: str, shown: float) -> float:
    """The least frequency that the Run asks for; what is shown where there is no Run."""
    has = desk.registry.has(run_id)
    return desk.registry.open(run_id).record.get("min_frequency", shown) if has else shown


def waiting() -> Node:
    return nodes.card(both("tokenizer_none"), tag("p.k-hint", both("tokenizer_none_hint")))


def report_view(tokenizer: ByteLevelBPE, bytes_each: float | None) -> Node:
    """Learned against asked, and how much of a text one token stands for."""
    lengths = tokenizer.token_bytes()[len(SPECIAL_TOKENS) :]
    short = tokenizer.learned < tokenizer.asked
    longest = max(range(len(lengths)), key=lambda i: lengths[i]) + len(SPECIAL_TOKENS)
    figures = nodes.tiles(
        nodes.tile(both("tokens_learned"), f"{tokenizer.learned:,}",
                   both("tokens_of_asked", asked=f"{tokenizer.asked:,}")),
        nodes.tile(both("bytes_a_token"), f"{bytes_each:.2f}" if bytes_each else "–",
                   hint=both("bytes_a_token_hint")),
        nodes.tile(both("rows_unreachable"), f"{tokenizer.unreachable_rows():,}",
                   hint=both("rows_unreachable_hint")),
        nodes.tile(both("longest_token"), str(int(lengths.max())), both("bytes"),
                   hint=tokenizer.token_text(longest)),
    )  # fmt: skip
    if not short:
        return figures
    empty = f"{tokenizer.asked - tokenizer.learned:,}"
    return tag("div.k-live", figures, tag("p.k-hint.k-warm", both("vocab_not_filled", empty=empty)))


def lengths_chart(tokenizer: ByteLevelBPE) -> Any:
    lengths = tokenizer.token_bytes()[len(SPECIAL_TOKENS) :].tolist()
    return plots.histogram(lengths, "token_lengths", "bytes_each", cut=1.0)


def merges_view(tokenizer: ByteLevelBPE) -> Node:
    """The first merges, in the order they were learned, and how to have them all."""
    heads, *rows = merge_rows(tokenizer.merges[:MERGES])
    table = nodes.table(heads, ([rank, *(tag("td.k-mono", t) for t in row)] for rank, *row in rows))
    counts = {"shown": f"{len(rows):,}", "all": f"{len(tokenizer.merges):,}"}
    button = tag("button.k-quiet", both("merges_csv"), data_act="csv")
    return tag("div", tag("p.k-hint", both("merges_shown", **counts), " ", button), table)


def merge_rows(merges: Sequence[tuple[str, str]]) -> list[list[Node]]:
    """The heads, then (rank, left, right, token) of every merge; spaces visible."""
    heads = [both(f"merge_{name}") for name in ("rank", "left", "right", "token")]
    return [heads, *(
        [rank, visible(left), visible(right), visible(joined(left, right))]
        for rank, (left, right) in enumerate(merges, 1)
    )]  # fmt: skip


def all_merges(desk: Desk, run_id: str) -> str:
    """Every merge of the open Run as JSON; the browser makes a file of it."""
    tokenizer = load_tokenizer(desk.registry.open(run_id))
    return json.dumps(merge_rows(tokenizer.merges if tokenizer else []), ensure_ascii=False)


def joined(left: str, right: str) -> str:
    """Two readable tokens as one: halves of a character make a whole.

    >>> joined("⟨E3 80⟩", "⟨82⟩"), joined("⟨E3⟩", "⟨80⟩")
    ('。', '⟨E3 80⟩')
    """
    halves = [HALF.fullmatch(token) for token in (left, right)]
    parts = [bytes.fromhex(half[1]) if half else token.encode()
             for half, token in zip(halves, (left, right), strict=True)]  # fmt: skip
    try:
        return b"".join(parts).decode()
    except UnicodeDecodeError:
        return f"⟨{b''.join(parts).hex(' ').upper()}⟩"


def try_it(desk: Desk, run_id: str, sentence: str) -> Node:
    """The tokens of any sentence."""
    run = desk.registry.open(run_id) if desk.registry.has(run_id) else None
    return tokens_view(load_tokenizer(run) if run else None, sentence)


def tokens_view(tokenizer: ByteLevelBPE | None, sentence: str) -> Node:
    """Each token in a colour of its own, its id below, its place in the sentence on hover."""
    if tokenizer is None:
        return tag("p.k-hint", both("tokenizer_try_after"))
    encoding = tokenizer.full.encode(sentence[:MOST_CHARACTERS])
    cells = [
        token_cell(encoding.tokens[i], encoding.ids[i], encoding.offsets[i], i)
        for i in range(min(len(encoding.ids), MOST_TOKENS))
    ]
    said = both("tokens_of", tokens=len(encoding.ids), characters=len(sentence))
    return tag("div", tag("div.k-tokens", *cells), tag("p.k-hint", said))


def token_cell(token: str, index: int, span: tuple[int, int], place: int) -> Node:
    special = index < len(SPECIAL_TOKENS)
    words = token if special else visible(readable(token))
    name = "span.k-token.k-special" if special else "span.k-token"
    where = "" if special else f"{span[0]}–{span[1]}"
    hue = str(place * 67 % 360)
    return tag(name, tag("span", words, __hue=hue), tag("small", str(index)), tag("small", where))


# --- layout and wiring --------------------------------------------------------------------------


def build(page: Page) -> Any:
    """Lay the tab out and wire it; returns what refreshes it."""
    View(lead("tokenizer_lead", "tokenizer_rest"))
    with gr.Row(elem_classes="k-cols"):
        with gr.Column(elem_classes="k-side", min_width=0):
            size, hint, frequency, button = _controls()
            fork.button(page)
        with gr.Column(elem_classes="k-wide", min_width=0):
            sentence, report, lengths, merges, tokens, code = _views()
    page.typed.append(sentence)
    sizes = {name: load_sample(sample).vocab_size for name, sample in FIRST_SAMPLES.items()}
    page.first.extend([(sentence, SENTENCES), (size, sizes)])
    page.chosen["tokenizer"] = [size, frequency]
    asked = [page.run, page.owner, size, frequency, sentence]
    latest = {"trigger_mode": "always_last"}
    shown_by = [report, lengths, merges, tokens, code]
    learned = page.on(button.click, learn, asked, [page.run, hint, *shown_by], **HEAVY, **RAW)
    # what was typed while it learned
    page.on(learned.then, try_it, [page.run, sentence], [tokens], **latest)
    whole = gr.Textbox(visible=False)
    page.on(merges.select, all_merges, [page.run], [whole]).success(
        None, whole, js=DOWNLOAD, api_visibility="private"
    )
    page.on(sentence.change, try_it, [page.run, sentence], [tokens], **latest)

    def refresh(trigger: Any) -> Any:
        shown = page.on(trigger, show, [page.run, sentence], [size, hint, *shown_by])
        return page.on(shown.then, frequency_of, [page.run, frequency], [frequency], **RAW)

    return refresh


def _controls() -> tuple[Any, Any, Any, Any]:
    size = gr.Number(USUAL_SIZE, label=words("vocab_size"), precision=0, step=500)
    hint = View()
    frequency = gr.Slider(1, 20, value=2, step=1, label=words("min_frequency"), buttons=[])
    button = gr.Button(words("learn_vocabulary"), variant="primary", elem_classes="k-learn")
    return size, hint, frequency, button


def _views() -> tuple[Any, ...]:
    report = View()
    with gr.Column(elem_classes="k-card"):
        View(tag("div.k-head", tag("h3", both("try_sentence"))))
        sentence = gr.Textbox(SENTENCES["en"], label=words("sentence"), lines=1, max_lines=4,
                              show_label=False)  # fmt: skip
        tokens = View()
    with gr.Row(elem_classes="k-pairs"):
        with gr.Column(elem_classes="k-card k-maybe", min_width=240):
            View(tag("div.k-head", tag("h3", both("merges"))))
            merges = View()
        with gr.Column(elem_classes="k-card k-maybe", min_width=240):
            View(tag("div.k-head", tag("h3", both("token_lengths"))))
            lengths = Chart()
    return sentence, report, lengths, merges, tokens, code_fold()
