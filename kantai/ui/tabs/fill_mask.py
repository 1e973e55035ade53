"""Fill-mask: hide a word of a sentence and see what the model makes of the gap."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from kantai.errors import UserError
from kantai.limits import HELD_BYTES
from kantai.samples import SAMPLES, load_sample
from kantai.ui import nodes
from kantai.ui.code import code_fold, fill_mask_view
from kantai.ui.desk import ONE_MODEL_AT_A_TIME, Desk, first_sample, sample_of
from kantai.ui.guesses import Guess, bar, blind, guesses
from kantai.ui.kept import Held, bytes_within
from kantai.ui.nodes import Node, both, tag
from kantai.ui.page import Page, lead, words
from kantai.ui.views import View
from kantai.ui.words import visible
from kantai.watching import TRIED, sentences_of
from kantai.workspace import Run

if TYPE_CHECKING:
    from kantai.baselines import NGram
    from kantai.fill_mask import FillMask

TOP = 8
OTHERS = 5  # candidates of those it is compared with
EXAMPLES = 6  # of a text of one's own
LONGEST = 160  # characters of one
MOST_CHARACTERS = 3_000
PIECES = re.compile(r"<mask>|\[MASK\]|_{3,}|[\w'’-]+|\s+|[^\w\s]")
GAPS = re.compile(r"<mask>|\[MASK\]|_{3,}")
CJK = re.compile("([\u3400-\u9fff])")
HELD = Held(HELD_BYTES, bytes_within)  # models and counts, of all who ask


# --- handlers -----------------------------------------------------------------------------------


def fill(desk: Desk, run_id: str, sentence: str) -> Iterator[tuple[Any, Any, Any]]:
    """The words to click and the code at once; the guesses when the model has made them."""
    sentence = (sentence or "")[:MOST_CHARACTERS]
    picked, lines = words_view(sentence), fill_mask_view(GAPS.sub("<mask>", sentence))
    loading = tag("p.k-hint", both("fill_loading"))
    yield picked, gr.skip() if is_held(desk, run_id) else loading, lines
    yield *filled(desk, run_id, sentence), gr.skip()


def is_held(desk: Desk, run_id: str) -> bool:
    """Whether the answer comes at once: its model is in memory, or there is none."""
    run = desk.registry.open(run_id) if desk.registry.has(run_id) else None
    return run is None or run.result is None or ("counted", *version(run)) in HELD


def filled(desk: Desk, run_id: str, sentence: str) -> tuple[Node, Node]:
    """The sentence with words to click, and the guesses of all three for each gap."""
    sentence = (sentence or "")[:MOST_CHARACTERS]
    picked = words_view(sentence)
    run = desk.registry.open(run_id) if desk.registry.has(run_id) else None
    if run is None or run.result is None:
        return picked, nodes.card(both("fill_none"), tag("p.k-hint", both("fill_none_hint")))
    if not GAPS.search(sentence):
        return picked, tag("p.k-hint", both("fill_click"))
    desk.ready()
    try:
        with ONE_MODEL_AT_A_TIME:
            return picked, answers_view(run, sentence)
    except UserError as error:
        return picked, nodes.mistake(error)


def answers_view(run: Run, sentence: str) -> Node:
    """A card for each gap: the trained model large, the two it is compared with beside it."""
    trained = [guesses(c) for c in trained_model(*version(run)).fill(sentence, TOP)]
    untrained = untrained_model(*version(run))
    blank = [guesses(c) for c in untrained.fill(sentence, OTHERS)]
    rows = untrained.model.config.vocab_size
    counted = counting_guesses(run, sentence)
    answer = known_answer(sentence)
    cards = []
    for number, row in enumerate(zip(trained, counted, blank, strict=False), 1):
        title = both("gap_number", number=number) if len(trained) > 1 else both("gap_only")
        columns = [
            tag(f"div.k-guesses{kind}", guesser_title(name), *column_view(column, rows, answer))
            for (name, kind), column in zip(GUESSERS, row, strict=True)
        ]
        cards.append(nodes.card(title, tag("div.k-guessers", *columns)))
    return tag("div", *cards)


def column_view(column: Sequence[Guess], rows: int, answer: str | None) -> list[Node]:
    """A guesser's bars; of one that has no idea, that it has none and its first guess."""
    no_idea = blind(column, rows)
    return [*no_idea, *(bar(guess, answer) for guess in column[: 1 if no_idea else None])]


def guesser_title(name: str) -> Node:
    return tag("span.k-title", both(name), " ", tag("small", both(f"{name}_hint")))


GUESSERS = (("guesser_model", ""), ("guesser_ngram", ".k-other"), ("guesser_blank", ".k-blank"))


def counting_guesses(run: Run, sentence: str) -> list[list[Guess]]:
    """What counts of two neighbours on each side say of each gap."""
    from kantai.tokenizer import MASK

    counter, tokenizer = counted_text(*version(run)), run.tokenizer()
    ids = tokenizer.full.encode(GAPS.sub("<mask>", sentence)).ids
    rows = []
    for place, index in enumerate(ids):
        if index == MASK:
            left, right = ids[max(0, place - 2) : place], ids[place + 1 : place + 3]
            found = counter.guess(left, right, OTHERS)
            texts = [(tokenizer.token_text(i), float(p)) for i, p in found]
            rows.append([Guess(text.strip() or visible(text), p) for text, p in texts])
    return rows


def version(run: Run) -> tuple[Path, int]:
    """Which weights: a training that went on makes others of them."""
    return run.folder, run.model_folder.stat().st_mtime_ns


def trained_model(folder: Path, changed: int) -> FillMask:
    """The model of a Run, held for the next question."""
    return HELD.get(("trained", folder, changed), lambda: _load(folder))


def untrained_model(folder: Path, changed: int) -> FillMask:
    """The same model as it was before its first step."""
    return HELD.get(("untrained", folder, changed), lambda: _build(folder, changed))


def counted_text(folder: Path, changed: int) -> NGram:
    """The two-sided n-gram of the training text."""
    return HELD.get(("counted", folder, changed), lambda: _count(folder))


def _load(folder: Path) -> FillMask:
    from kantai.fill_mask import FillMask

    with ONE_MODEL_AT_A_TIME:
        return FillMask.load(Run(folder).model_folder)


def _build(folder: Path, changed: int) -> FillMask:
    from kantai.architectures import build_model
    from kantai.fill_mask import FillMask

    run, trained = Run(folder), trained_model(folder, changed)
    settings = run.settings
    with ONE_MODEL_AT_A_TIME:
        model = build_model(settings.preset, run.tokenizer().learned, seed=settings.seed)
    return FillMask(model, trained.tokenizer)


def _count(folder: Path) -> NGram:
    from kantai.baselines import NGram
    from kantai.packing import spread
    from kantai.stages import COUNTED
    from kantai.tokenizer import SPECIAL_TOKENS

    run = Run(folder)
    tokenizer = run.tokenizer()
    stream = spread(run.stream(tokenizer), COUNTED)
    return NGram(stream, tokenizer.learned, special_ids=range(len(SPECIAL_TOKENS)))


# --- the sentence -------------------------------------------------------------------------------


def pieces(sentence: str) -> list[str]:
    """Words, gaps, spaces and signs, in order; joined again they are the sentence.

    >>> pieces("a <mask>, b")
    ['a', ' ', '<mask>', ',', ' ', 'b']
    """
    found = PIECES.findall(sentence)
    return [part for piece in found for part in CJK.split(piece) if part]


def hide(desk: Desk, sentence: str, event: gr.EventData) -> str:
    """Hide the word that was clicked."""
    return hidden(sentence, str(event._data.get("act", "")))


def hidden(sentence: str, act: str) -> str:
    """The sentence with piece `act` hidden."""
    parts = pieces(sentence)
    if not act.isdigit() or int(act) >= len(parts):
        return sentence
    parts[int(act)] = "<mask>"
    return "".join(parts)


def words_view(sentence: str) -> Node:
    """Every word a button that hides it."""
    shown: list[Node] = []
    for number, piece in enumerate(pieces(sentence)):
        if GAPS.fullmatch(piece):
            shown.append(tag("mark.k-gap", "<mask>"))
        elif any(c.isalnum() for c in piece):
            shown.append(tag("button", piece, data_act=str(number), title=both("hide_word")))
        else:
            shown.append(piece)
    return tag("div.k-words", *shown)


def probes() -> list[Any]:
    """All sentences with a known answer, of the sample texts."""
    return [probe for name in SAMPLES for probe in load_sample(name).probes]


def known_answer(sentence: str) -> str | None:
    return next((probe.answer for probe in probes() if probe.sentence == sentence), None)


def examples_for(desk: Desk, run_id: str | None) -> Sequence[str]:
    """Sentences to try: a sample's own; of any other text, its held-out beginning."""
    run = desk.registry.open(run_id) if desk.registry.has(run_id) else None
    name = sample_of(run) if run else first_sample()
    if name and (probes := load_sample(name).probes):
        return [probe.sentence for probe in probes]
    return held_out(run.folder) if run and run.has_text else []


@lru_cache(maxsize=256)
def held_out(folder: Path) -> Sequence[str]:
    """Sentences of a Run's held-out text, evenly spread, a word of each hidden.

    Where too few read like sentences, as in code or in tables, its first lines.
    """
    texts = Run(folder).texts("validation")
    tried = texts[:: max(1, len(texts) // TRIED)]
    found = [sentence for text in tried if (sentence := next(sentences_of(text), None))]
    if len(found) < EXAMPLES:
        found = [line[:LONGEST] for text in texts[:EXAMPLES] if (line := text.split("\n")[0])]
    spread = map(masked, found[:: max(1, len(found) // EXAMPLES)])
    return [sentence for sentence in dict.fromkeys(spread) if "<mask>" in sentence][:EXAMPLES]


def offer(desk: Desk, run_id: str | None, sentence: str, offered: str) -> tuple[str, str]:
    """A first sentence that fits the Run's text, and in place of which one it may be put.

    None where one of those that fit stands there. The browser puts it (`kantai.offer`), since
    meanwhile a person may have written one.
    """
    known = examples_for(desk, run_id)
    if not known or sentence in known:
        return "", offered
    return known[0], sentence if known_answer(sentence) else offered


def masked(sentence: str) -> str:
    """The sentence with a middle word hidden, a long one where there is one."""
    parts = pieces(sentence)
    long = [i for i, part in enumerate(parts) if part[0].isalpha() and len(part) > 3]
    long = long or [i for i, part in enumerate(parts) if part[0].isalpha()]
    return hidden(sentence, str(long[len(long) // 2])) if long else sentence


def show(desk: Desk, run_id: str, sentence: str, offered: str) -> tuple[Any, ...]:
    """What `offer` says, and the examples: quick, no model is loaded."""
    return *offer(desk, run_id, sentence, offered), examples_view(examples_for(desk, run_id))


def examples_view(sentences: Sequence[str]) -> Node:
    return tag("div.k-chips", *(tag("button", example, data_act=example) for example in sentences))


def pick(desk: Desk, event: gr.EventData) -> tuple[str, str]:
    """The example that was clicked, which was offered too."""
    sentence = str(event._data.get("act", ""))[:MOST_CHARACTERS]
    return sentence, sentence


# --- layout and wiring --------------------------------------------------------------------------


def build(page: Page) -> Any:
    """Lay the tab out and wire it; returns what refreshes it."""
    View(lead("fill_lead", "fill_rest"))
    with gr.Column(elem_classes="k-card"):
        sentence = gr.Textbox("", label=words("fill_sentence"), lines=1, max_lines=5,
                              elem_classes="k-sentence")  # fmt: skip
        picked = View()
    answers = View()
    with gr.Column(elem_classes="k-card"):
        View(tag("div.k-head", tag("h3", both("fill_examples"))))
        examples = View()
    offered, wanted = gr.Textbox(visible=False), gr.Textbox(visible=False)
    asked, given = [page.run, sentence], [picked, answers, code_fold()]
    page.on(sentence.change, fill, asked, given, trigger_mode="always_last")
    _click(page, picked, hide, [sentence], [sentence])
    _click(page, examples, pick, [], [sentence, offered])
    page.typed.append(sentence)

    def refresh(trigger: Any) -> Any:
        shown = page.on(trigger, show, [*asked, offered], [wanted, offered, examples])
        page.on(put(shown, sentence, offered, wanted).then, fill, asked, given)
        return shown

    return refresh


def put(event: Any, sentence: Any, offered: Any, wanted: Any) -> Any:
    """After `event` put the sentence that `offer` wants, where the browser says that it may be."""
    js = "(now, offered, wanted) => kantai.offer(now, offered, wanted)"
    both = [sentence, offered]
    return event.then(None, [*both, wanted], both, js=js, api_visibility="private")


def _click(page: Page, view: View, handler: Any, inputs: list[Any], outputs: list[Any]) -> None:
    """A click inside a View; Gradio finds `event` by its annotation, so no wrapper here."""

    def clicked(*arguments: Any) -> Any:
        *given, event = arguments
        return handler(page.desk, *given, event)

    if inputs:

        def run(given: str, event: gr.EventData) -> Any:
            return clicked(given, event)
    else:

        def run(event: gr.EventData) -> Any:
            return clicked(event)

    view.select(run, inputs, outputs, api_visibility="private", show_progress="hidden")
