"""Endpoints of the model: its size, its tensors, what it guesses, and taking it away."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from kantai.errors import UserError
from kantai.ui import download as zips
from kantai.ui import hub, signin
from kantai.ui.desk import Desk, expected_tokens
from kantai.ui.endpoints.training import known
from kantai.ui.tabs import model as model_tab


def choose_preset(desk: Desk, run: str, owner: str, preset: str) -> str:
    """Train a model of another size; the Run's id, a new one for a trained Run."""
    from kantai.architectures import find_preset

    fields = model_tab.values_of(preset, find_preset(preset))
    return model_tab.use(desk, known(desk, run), owner, *fields)[0]


def choose_model(
    desk: Desk,
    run: str,
    owner: str,
    architecture: str,
    hidden_size: int,
    num_hidden_layers: int,
    num_attention_heads: int,
    intermediate_size: int,
    max_position_embeddings: int = 512,
    dropout: float = 0.0,
) -> str:
    """Train a model of sizes of one's own; the Run's id, a new one for a trained Run."""
    sizes = (hidden_size, num_hidden_layers, num_attention_heads, intermediate_size)
    fields = (architecture, dropout, *sizes, max_position_embeddings)
    return model_tab.use(desk, known(desk, run), owner, "", *fields)[0]


def parameters(desk: Desk, run: str) -> dict[str, Any]:
    """The Run's model: config, total, and every tensor."""
    opened = desk.registry.open(run)
    desk.ready()
    seen = model_tab.look_at(opened.settings.preset, expected_tokens(opened))
    table = [asdict(row) for row in seen.table]
    return {"total": seen.total, "config": seen.config, "tensors": table}


def fill_mask(desk: Desk, run: str, sentence: str, top_k: int = 5) -> list[list[dict[str, Any]]]:
    """For each <mask> the likeliest tokens with their probabilities."""
    return filled(desk, run, sentence, top_k)


def filled(desk: Desk, run: str, sentence: str, top_k: int) -> list[list[dict[str, Any]]]:
    from kantai.ui.tabs.fill_mask import trained_model, version

    opened = desk.registry.open(run)
    if opened.result is None:
        raise UserError("no_model", folder=run)
    desk.ready()
    answers = trained_model(*version(opened)).fill(sentence, top_k)
    return [[asdict(candidate) for candidate in answer] for answer in answers]


def download(desk: Desk, run: str, owner: str, kind: str = "zip") -> dict[str, Any]:
    """One's own trained Run as a file: zip (model, card, text, code), notebook or script."""
    path = zips.pack(desk, run, owner, kind)
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def push(desk: Desk, run: str, repo: str, private: bool = True) -> str:
    """Push one's own trained Run to the Hub, as whoever is signed in on the page; its address."""
    known = signin.login()
    if known is None:
        raise UserError("push_nowhere")
    return hub.push_now(desk, run, known.owner or "", repo, private, known.token)


HEAVY_ONES = ()
SIGNED_ONES = (push,)  # these ask who is signed in
ENDPOINTS = (choose_preset, choose_model, parameters, fill_mask, download, push)
