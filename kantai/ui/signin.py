"""Signing in with Hugging Face, where a Space allows it: one's Runs are then one's own anywhere.

Gradio does the signing in and keeps it in the session's cookie. The secret of an account is made
anew for every request and never leaves the server; the browser keeps its own all the while, so
signing out needs no more than to forget the session. Elsewhere nothing of this is there.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from functools import partial
from inspect import Parameter, isgeneratorfunction, signature
from pathlib import Path
from typing import Any

import gradio as gr

from kantai.errors import UserError
from kantai.files import replace
from kantai.registry import Registry
from kantai.strings import LANGUAGES, text
from kantai.ui.desk import Desk
from kantai.ui.nodes import Node, both, tag
from kantai.ui.page import Page, guarded
from kantai.ui.views import View

KEY_FILE = ".account-key"
KEY_BYTES = 32
WRITES = {"contribute-repos", "write-repos", "manage-repos"}  # scopes that let one push
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


@dataclass(frozen=True)
class Login:
    """Who asks an endpoint: the owner's secret of the account, and what lets one push, if any."""

    owner: str | None
    token: str | None


_login: ContextVar[Login | None] = ContextVar("login", default=None)


def login() -> Login | None:
    """Who asks; None where nobody can sign in."""
    return _login.get()


def may_sign_in(environment: Mapping[str, str]) -> bool:
    """Whether this is a Space whose README says `hf_oauth: true`."""
    on_space = environment.get("SYSTEM") == "spaces" and bool(environment.get("SPACE_ID"))
    return on_space and bool(environment.get("OAUTH_CLIENT_ID"))


class Accounts:
    """Turns an account into its owner's secret, by a key of this folder of Runs.

    The key lies beside the Runs, because it must last exactly as long as they do: the Space's
    own OAuth secret is another after the Space was set up anew over the same bucket.
    """

    def __init__(self, registry: Registry):
        self._key = account_key(registry)

    def secret(self, account: str) -> str:
        """The owner's secret of an account, by its lasting id (`sub`)."""
        return hmac.new(self._key, account.encode(), hashlib.sha256).hexdigest()

    def owner(self, request: gr.Request, profile: gr.OAuthProfile | None, own: Any) -> Any:
        """The secret of who is signed in, else the browser's `own`."""
        return self.secret(profile["sub"]) if profile and from_here(request) else own

    def answering(self, call: Callable[..., Any], places: Collection[int]) -> Callable[..., Any]:
        """`call` for Gradio, with the owner's secret at these places among its arguments."""

        def known(request: gr.Request, profile: gr.OAuthProfile | None, given: Any) -> list[Any]:
            owner = partial(self.owner, request, profile)
            return [owner(value) if at in places else value for at, value in enumerate(given)]

        def once(request: gr.Request, profile: gr.OAuthProfile | None, *given: Any) -> Any:
            return call(*known(request, profile, given))

        def steps(
            request: gr.Request, profile: gr.OAuthProfile | None, *given: Any
        ) -> Iterator[Any]:
            yield from call(*known(request, profile, given))

        return steps if isgeneratorfunction(call) else once

    def telling(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call`, an endpoint, for Gradio; meanwhile `login` tells who asks.

        A program that brings no cookie of the page is signed in as nobody.
        """

        def told(
            request: gr.Request,
            profile: gr.OAuthProfile | None,
            token: gr.OAuthToken | None,
            *given: Any,
        ) -> Any:
            key = token.token if may_push(request, token) else None
            context = copy_context()
            context.run(_login.set, Login(self.owner(request, profile, None), key))
            return context.run(call, *given)

        asked = {"request": gr.Request, "profile": gr.OAuthProfile | None,
                 "token": gr.OAuthToken | None}  # fmt: skip
        known = signature(call)
        first = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in asked]
        told.__name__, told.__doc__ = call.__name__, call.__doc__
        told.__signature__ = known.replace(  # type: ignore[attr-defined]
            parameters=[*first, *known.parameters.values()]
        )
        told.__annotations__ = asked | call.__annotations__
        return told


def account_key(registry: Registry) -> bytes:
    """The key of this folder, made once and readable for the server alone.

    Raises UserError for a damaged one: with a short key, secrets could be guessed.
    """
    path = registry.root / KEY_FILE
    with registry.lock():
        if not path.exists():
            replace(path, _write_key)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise UserError("account_damaged", path=path)
    return key


def _write_key(path: Path) -> None:
    path.touch(mode=0o600)
    path.write_bytes(secrets.token_bytes(KEY_BYTES))


def from_here(request: gr.Request) -> bool:
    """Whether the page itself asks, or no browser at all.

    The cookie comes along with requests of other sites too, and on a Space Gradio lets any
    site ask: without this, one could act there in the name of whoever looks at it.
    """
    headers = dict(request.headers)
    site = headers.get("sec-fetch-site")
    return site == "same-origin" or (site is None and "origin" not in headers)


def may_push(request: gr.Request, token: gr.OAuthToken | None) -> bool:
    """Whether the one who asks is signed in and allowed us to write repositories."""
    return bool(token) and from_here(request) and bool(WRITES & set(token.scope.split()))


def failures(environment: Mapping[str, str]) -> dict[Any, Callable[..., Any]]:
    """What answers, in one sentence, whoever did not allow it."""
    if not may_sign_in(environment):
        return {}
    from authlib.common.errors import AuthlibBaseError
    from starlette.responses import PlainTextResponse

    words = "\n".join(text("sign_in_failed", language) for language in LANGUAGES)
    return {AuthlibBaseError: lambda request, error: PlainTextResponse(words, status_code=400)}


# --- handlers -------------------------------------------------------------------------------------


def who(request: gr.Request, profile: gr.OAuthProfile | None, token: gr.OAuthToken | None) -> Node:
    """The button that signs in; or the account's name, and the button that signs out."""
    if not profile or not from_here(request):
        hint = both("sign_in_hint")
        return tag("button.k-quiet", both("sign_in"), data_sign="login/huggingface", title=hint)
    name = tag("span.k-chip", tag("b", profile.username))
    button = tag("button.k-quiet", both("sign_out"), data_sign="logout")
    marks = ".k-may-push" if may_push(request, token) else ""  # the page shows what is allowed
    return tag(f"span.k-account{marks}", name, " ", button)


def left_behind(desk: Desk, own: str | None, acting: str | None) -> Node | None:
    """The offer to take along what this browser began before it was signed in."""
    count = len(desk.registry.list(own)) if acting != own else 0
    if not count:
        return None
    words = both("take_along_runs", count=count) if count > 1 else both("take_along_run")
    button = tag("button.k-quiet", both("take_along"), data_act="take")
    return tag("div.k-take", words, " ", button, " ", both("take_along_hint"))


def take_along(desk: Desk, own: str | None, acting: str | None) -> None:
    """Give this browser's Runs to the account that is signed in."""
    if acting and acting != own:
        desk.registry.hand_over(own, acting)


# --- layout and wiring ----------------------------------------------------------------------------


def button(page: Page) -> None:
    """Sign in or out: in the header, where the Space allows it."""
    if page.accounts is None:
        return
    gr.LoginButton(logout_value="", visible=False)  # Gradio's routes and cookie come with it
    gr.on(None, who, [], View(), **QUIET)


def bar(page: Page) -> None:
    """The line over the tabs for whoever has Runs of before."""
    if page.accounts is None:
        return
    line = View(elem_classes="k-maybe")
    seen = [page.language, page.owner, page.owner]  # the browser's own, and who acts

    def answering(handler: Callable[..., Any]) -> Callable[..., Any]:
        return page.accounts.answering(partial(guarded, partial(handler, page.desk)), {2})

    gr.on(None, answering(left_behind), seen, line, **QUIET)
    line.select(answering(take_along), seen, **QUIET).success(
        None, js="() => { location.reload(); }", api_visibility="private"
    )
