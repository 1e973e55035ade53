"""Every action as an endpoint for `gradio_client`: plain values in, plain values out.

    client = Client("http://127.0.0.1:7860")
    owner = client.predict(api_name="/new_owner")
    run = client.predict(owner, "Some text ...", "my text", api_name="/new_run")
    client.predict(run, owner, 4_000, 2, api_name="/learn_tokenizer")
    client.predict(run, owner, "playground", "seconds", 30, api_name="/start")
    client.predict(run, api_name="/state")["state"]
    client.predict(run, "A sentence with a <mask>.", 5, api_name="/fill_mask")

`owner` is the secret that lets one change a Run; whoever has the Run's id may look. A new
endpoint is one function, given the Desk first, and its place in the ENDPOINTS of its module.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr

from kantai.errors import UserError
from kantai.ui import signin
from kantai.ui.desk import Desk
from kantai.ui.endpoints import models, runs, texts, training
from kantai.ui.endpoints.arguments import checked, given_first
from kantai.ui.page import HEAVY

THEMES = (texts, models, training, runs)
AT_ONCE = 8  # calls of one endpoint; the heavy ones wait in the page's own line


def endpoints(desk: Desk) -> list[Callable[..., Any]]:
    """The endpoints, each named as its function; they check what they are given."""
    return [checked(given_first(f, desk)) for theme in THEMES for f in theme.ENDPOINTS]


def register(desk: Desk) -> None:
    """Put them into the page that is being built."""
    heavy = {function.__name__ for theme in THEMES for function in theme.HEAVY_ONES}
    signed = {function.__name__ for function in models.SIGNED_ONES}
    accounts = signin.Accounts(desk.registry) if signin.may_sign_in(os.environ) else None
    for function in endpoints(desk):
        name, call = function.__name__, plainly(function)
        limits = HEAVY if name in heavy else {"concurrency_limit": AT_ONCE}
        if accounts and name in signed:
            call = accounts.telling(call)
        gr.api(call, api_name=name, **limits)


def plainly(function: Callable[..., Any]) -> Callable[..., Any]:
    """A UserError reaches the caller as its sentence."""

    @wraps(function)
    def call(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return call
