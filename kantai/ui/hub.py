"""Push a trained model to the Hub, for whoever is signed in and allowed it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import gradio as gr

from kantai import export
from kantai.errors import UserError
from kantai.ui import nodes
from kantai.ui.desk import Desk
from kantai.ui.nodes import Node, both, tag
from kantai.ui.page import Page, words
from kantai.ui.signin import QUIET, may_push
from kantai.ui.views import View

NAME_LENGTH = 96  # of a repository, its owner included


def push(
    desk: Desk, run_id: str, owner: str, repo: str, private: bool, token: str | None
) -> Iterator[Node]:
    """Push one's own Run to a new repository; what is said meanwhile and at the end."""
    yield tag("p.k-hint", both("push_goes"), role="status")
    try:
        address = push_now(desk, run_id, owner, repo, private, token)
    except UserError as error:
        yield nodes.mistake(error)
    else:
        link = tag("a", address, href=address)
        yield tag("p.k-hint", both("push_done"), " ", link, role="status")


def push_now(
    desk: Desk, run_id: str, owner: str, repo: str, private: bool, token: str | None
) -> str:
    """The same in one go: the address. Raises UserError for whatever goes wrong."""
    if not token:  # the Hub's library would look for a login of this machine
        raise UserError("push_signed_out")
    run = desk.registry.owned(run_id, owner)
    if run.result is None:
        raise UserError("no_model", folder=run_id)
    return export.push(run, repo.strip(), token=token, private=private, new=True)


def suggested(desk: Desk, run_id: str, user: str) -> str:
    """A repository's name for the open Run: "ana/kantai-kant-2"."""
    name = desk.registry.open(run_id).owner.get("name", "") if desk.registry.has(run_id) else ""
    short = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "model"
    return f"{user}/kantai-{short}"[:NAME_LENGTH].rstrip("-")


def offer(page: Page) -> None:
    """The fold with the button, seen where a trained Run of one's own is open (see the CSS)."""
    if page.accounts is None:
        return
    with gr.Accordion(words("push_title"), open=False, elem_classes="k-card k-push") as fold:
        View(tag("p.k-hint", both("push_rest")))
        repo = gr.Textbox(label=words("push_repo"), max_length=NAME_LENGTH)
        private = gr.Checkbox(True, label=words("push_private"))
        button = gr.Button(words("push"))
        said = View()

    def name(profile: gr.OAuthProfile | None, run_id: str) -> str:
        return suggested(page.desk, run_id, profile.username) if profile else ""

    def pushed(
        request: gr.Request,
        profile: gr.OAuthProfile | None,
        token: gr.OAuthToken | None,
        run_id: str,
        own: str,
        *asked: Any,
    ) -> Iterator[Node]:
        owner = page.accounts.owner(request, profile, own)
        key = token.token if may_push(request, token) else None
        yield from push(page.desk, run_id, owner, *asked, key)

    gr.on(fold.expand, name, [page.run], repo, **QUIET)
    inputs = [page.run, page.owner, repo, private]
    gr.on(button.click, pushed, inputs, said, concurrency_limit=4, **QUIET)
