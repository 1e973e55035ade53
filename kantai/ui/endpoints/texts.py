"""Endpoints of the text and its vocabulary."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

from kantai.cleaning import CLEANING_RULES, choose_rules
from kantai.errors import UserError
from kantai.registry import new_secret
from kantai.samples import SAMPLES
from kantai.ui.desk import Desk
from kantai.ui.endpoints.arguments import check_length
from kantai.ui.endpoints.training import known
from kantai.ui.source import KINDS, Source
from kantai.ui.tabs import text as text_tab
from kantai.ui.tabs import tokenizer as tokenizer_tab


def silent(key: str, share: float) -> None:
    """Nobody listens."""


def new_owner(desk: Desk) -> str:
    """A secret for a new owner: keep it."""
    return new_secret()


def choices(desk: Desk) -> dict[str, list[str]]:
    """What may be chosen by name: samples, cleaning rules, presets, architectures, recipes."""
    from kantai.architectures import ARCHITECTURES, PRESETS
    from kantai.ui.tabs.pretrain import RECIPE_NAMES, UNITS

    return {
        "kinds": list(KINDS),
        "samples": list(SAMPLES),
        "rules": list(CLEANING_RULES),
        "presets": list(PRESETS),
        "architectures": list(ARCHITECTURES),
        "recipes": list(RECIPE_NAMES),
        "units": list(UNITS),
    }


def new_run(desk: Desk, owner: str, text: str, name: str = "") -> str:
    """Clean a text and begin a Run with it; an empty text stands for the sample. The id."""
    if not text.strip():
        return named(desk, desk.sample_run(owner), owner, name)
    return begin(desk, owner, Source("paste", pasted=text), name, [])


def new_run_from(
    desk: Desk,
    owner: str,
    kind: str,
    text: str,
    files: list[dict] = [],  # noqa: B006 (Gradio shows it; nothing changes it)
    name: str = "",
    without_rules: list[str] = [],  # noqa: B006
) -> str:
    """Begin a Run with a sample, a public book, a text or uploaded files. The Run's id."""
    return begin(desk, owner, source_of(kind, text, files), name, without_rules)


def text_report(desk: Desk, run: str) -> dict[str, Any]:
    """What went into the text and what each rule changed."""
    return desk.registry.open(run).report


def notebook_loss(
    desk: Desk,
    kind: str,
    text: str,
    files: list[dict] = [],  # noqa: B006
) -> dict[str, Any]:
    """What the notebook's way, a line an example cut at 128 tokens, would have lost of a text."""
    from kantai.lines import notebook_reading

    return asdict(notebook_reading(source_of(kind, text, files).read(desk, silent), silent))


def learn_tokenizer(
    desk: Desk, run: str, owner: str, vocab_size: int = 0, min_frequency: int = 2
) -> str:
    """Learn the vocabulary; 0 means the suggested size. The Run's id, new for a trained one."""
    run, size = known(desk, run), vocab_size or None
    return tokenizer_tab.learn_now(desk, run, owner, size, min_frequency, silent)


def cancel_tokenizer(desk: Desk, run: str, owner: str) -> None:
    """End the learning of a vocabulary; the Run stays as it was."""
    desk.registry.owned(run, owner).ask_stop()


def tokenize(desk: Desk, run: str, sentence: str) -> list[dict[str, Any]]:
    """The tokens of a sentence: id, text, and where each stands."""
    tokenizer = desk.registry.open(run).tokenizer()
    encoding = tokenizer.full.encode(sentence)
    rows = zip(encoding.ids, encoding.offsets, strict=True)
    return [{"id": i, "text": tokenizer.token_text(i), "offsets": list(o)} for i, o in rows]


# --- where a text comes from ----------------------------------------------------------------------


def source_of(kind: str, text: str, files: list[dict]) -> Source:
    """The source as the page has it. Raises UserError for a kind that there is not."""
    if kind not in KINDS:
        raise UserError("unknown_kind", asked=kind, known=", ".join(KINDS))
    if kind == "paste":
        return Source(kind, pasted=text)
    check_length("name", text)
    if kind == "files":
        return Source(kind, files=[uploaded(file) for file in files])
    return Source(kind, **{kind: text})


def uploaded(file: dict) -> str:
    """The path of an uploaded file. Raises UserError for any other file of this machine."""
    path = file.get("path")
    if not isinstance(path, str) or "\0" in path:
        raise UserError("argument_file", name="files")
    place, real = Path(get_upload_folder()).resolve(), Path(path).resolve()
    if place not in real.parents:
        raise UserError("argument_file", name="files")
    return str(real)


def begin(desk: Desk, owner: str, source: Source, name: str, without: list[str]) -> str:
    choose_rules(without)  # a name that is not there is a mistake to be told
    rules = [rule for rule in CLEANING_RULES if rule not in without]
    return named(desk, text_tab.keep(desk, "", owner, rules, source, silent), owner, name)


def named(desk: Desk, run_id: str, owner: str, name: str) -> str:
    if name.strip():
        desk.registry.rename(run_id, owner, name)
    return run_id


HEAVY_ONES = (new_run, new_run_from, notebook_loss, learn_tokenizer)
ENDPOINTS = (
    *(new_owner, choices, new_run, new_run_from, text_report, notebook_loss),
    *(learn_tokenizer, cancel_tokenizer, tokenize),
)
