"""Every action as an endpoint for `gradio_client`: plain values in, plain values out.

    client = Client("http://127.0.0.1:7860")
    owner = client.predict(api_name="/new_owner")
    run = client.predict(owner, "Some text ...", "my text", api_name="/new_run")
    client.predict(run, owner, 4_000, 2, api_name="/learn_tokenizer")
    client.predict(run, owner, "playground", "seconds", 30, api_name="/start")
    client.predict(run, api_name="/state")["state"]
    client.predict(run, "A sentence with a <mask>.", 5, api_name="/fill_mask")

`owner` is the secret that lets one change a Run; whoever has the Run's id may look.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import Any

import gradio as gr

from kantai.errors import UserError
from kantai.registry import new_secret
from kantai.strings import LANGUAGES
from kantai.ui import live
from kantai.ui.desk import Desk
from kantai.ui.tabs import compare as compare_tab
from kantai.ui.tabs import model as model_tab
from kantai.ui.tabs import pretrain as pretrain_tab
from kantai.ui.tabs import text as text_tab
from kantai.ui.tabs import tokenizer as tokenizer_tab


def silent(key: str, share: float) -> None:
    """Nobody listens."""


def endpoints(desk: Desk) -> list[Callable[..., Any]]:
    """The endpoints, each named as its function."""

    def new_owner() -> str:
        """A secret for a new owner: keep it."""
        return new_secret()

    def new_run(owner: str, text: str, name: str) -> str:
        """Clean a text and begin a Run with it; an empty text stands for the sample. The id."""
        if not text.strip():
            return desk.sample_run(owner)
        source = text_tab.Source("paste", pasted=text)
        run_id = text_tab.keep(desk, "", owner, list(text_tab.CLEANING_RULES), source, silent)
        if name.strip():
            desk.registry.rename(run_id, owner, name)
        return run_id

    def text_report(run: str) -> dict[str, Any]:
        """What went into the text and what each rule changed."""
        return desk.registry.open(run).report

    def learn_tokenizer(run: str, owner: str, vocab_size: int, min_frequency: int) -> str:
        """Learn the vocabulary; 0 means the suggested size. The Run's id, new for a trained one."""
        asked = vocab_size or None
        return tokenizer_tab.learn_now(desk, run, owner, asked, min_frequency, silent)

    def tokenize(run: str, sentence: str) -> list[dict[str, Any]]:
        """The tokens of a sentence: id, text, and where each stands."""
        tokenizer = desk.registry.open(run).tokenizer()
        encoding = tokenizer.full.encode(sentence[: tokenizer_tab.MOST_CHARACTERS])
        rows = zip(encoding.ids, encoding.offsets, strict=True)
        return [{"id": i, "text": tokenizer.token_text(i), "offsets": list(o)} for i, o in rows]

    def parameters(run: str) -> dict[str, Any]:
        """The Run's model: config, total, and every tensor."""
        from kantai.ui.desk import learned_tokens

        desk.ready()
        opened = desk.registry.open(run)
        vocab = learned_tokens(opened) or model_tab.SUPPOSED_VOCAB
        seen = model_tab.look_at(opened.settings.preset, vocab)
        table = [asdict(row) for row in seen.table]
        return {"total": seen.total, "config": seen.config, "tensors": table}

    def choose_preset(run: str, owner: str, preset: str) -> str:
        """Train another model; the Run's id, a new one for a trained Run."""
        from kantai.architectures import find_preset

        fields = model_tab.values_of(preset, find_preset(preset))
        return model_tab.use(desk, run, owner, *fields)[0]

    def start(run: str, owner: str, recipe: str, unit: str, amount: float) -> str:
        """Queue the training: unit is seconds, max_steps or epochs. The id of what is trained."""
        return pretrain_tab.start(desk, run, owner, recipe, unit, amount)

    def stop(run: str, owner: str) -> None:
        """Leave the queue, or stop and keep the weights."""
        pretrain_tab.stop(desk, run, owner)

    def resume(run: str, owner: str, unit: str, amount: float) -> None:
        """Go on with a Run; the budget counts from its beginning."""
        pretrain_tab.resume(desk, run, owner, unit, amount)

    def fork(run: str, owner: str) -> str:
        """Make anybody's Run one's own: the id of a new one with its text and settings."""
        return desk.fork(run, owner)

    def state(run: str) -> dict[str, Any]:
        """What the Run is doing, and its result when there is one."""
        now = desk.jobs.state(run)
        message = {language: now.message(language) for language in LANGUAGES}
        return asdict(now) | {"message": message, "result": desk.registry.open(run).result}

    def events(run: str, cursor: int) -> dict[str, Any]:
        """What happened after a cursor (0: from the beginning), and the cursor to ask next."""
        found, after = desk.registry.open(run).events_after(cursor, live.PART)
        return {"events": found, "cursor": after}

    def fill_mask(run: str, sentence: str, top_k: int) -> list[list[dict[str, Any]]]:
        """For each <mask> the likeliest tokens with their probabilities."""
        from kantai.ui.tabs.fill_mask import trained_model, version

        opened = desk.registry.open(run)
        if opened.result is None:
            raise UserError("no_model", folder=run)
        desk.ready()
        answers = trained_model(*version(opened)).fill(sentence, top_k)
        return [[asdict(candidate) for candidate in answer] for answer in answers]

    def runs(owner: str) -> list[dict[str, Any]]:
        """This owner's Runs, newest first."""
        return [asdict(info) for info in desk.registry.list(owner)]

    def rename(run: str, owner: str, name: str) -> None:
        """Give a Run another name."""
        desk.registry.rename(run, owner, name)

    def delete(run: str, owner: str) -> None:
        """Delete a Run for good."""
        desk.registry.delete(run, owner)

    def compare(first: str, second: str) -> list[list[str]]:
        """The settings that differ: [name, first's, second's]."""
        left, right = (compare_tab.flat(desk.registry.open(i).record) for i in (first, second))
        names = sorted(left.keys() | right.keys())
        return [
            [n, str(left.get(n)), str(right.get(n))] for n in names if left.get(n) != right.get(n)
        ]

    return [
        *(new_owner, new_run, text_report, learn_tokenizer, tokenize, parameters),
        *(choose_preset, start, stop, resume, fork, state, events, fill_mask),
        *(runs, rename, delete, compare),
    ]


def register(desk: Desk) -> None:
    """Put them into the page that is being built."""
    for function in endpoints(desk):
        gr.api(plainly(function), api_name=function.__name__, concurrency_limit=8)


def plainly(function: Callable[..., Any]) -> Callable[..., Any]:
    """A UserError reaches the caller as its sentence."""

    @wraps(function)
    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return call
