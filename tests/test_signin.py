"""Who is signed in, as the page's handlers see it; `tests/browser` walks the whole way."""

from __future__ import annotations

import json
import stat
import subprocess
import sys

import gradio as gr
import pytest

from kantai.errors import UserError
from kantai.recipes import Budget
from kantai.registry import Registry
from kantai.ui import app, signin
from kantai.ui.signin import Accounts, may_sign_in
from tests.conftest import tiny_settings

SPACE = {"SYSTEM": "spaces", "SPACE_ID": "ana/kantai", "OAUTH_CLIENT_ID": "id"}
PROFILE = gr.OAuthProfile(
    {"sub": "id of ana", "name": "Ana", "preferred_username": "ana", "profile": "", "picture": ""}
)


class Request:
    def __init__(self, **headers: str):
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def registry(tmp_path) -> Registry:
    return Registry(tmp_path / "runs")


def config(monkeypatch, root, environment) -> str:
    for name in SPACE:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name in ("CLIENT_ID", "CLIENT_SECRET", "SCOPES"):  # Gradio reads them at import
        monkeypatch.setattr(f"gradio.oauth.OAUTH_{name}", "known")
    monkeypatch.setattr("gradio.oauth.OPENID_PROVIDER_URL", "known")
    return json.dumps(app.build_app(root).get_config_file(), default=str)


def test_only_a_space_that_allows_it_has_a_button_and_a_push(monkeypatch, tmp_path):
    marks = ("/login/huggingface", "push_title", "k-push")
    allowed = config(monkeypatch, tmp_path / "a", SPACE)
    assert all(mark in allowed for mark in marks)
    for missing in SPACE:
        assert not may_sign_in({k: v for k, v in SPACE.items() if k != missing})
        assert may_sign_in(SPACE)
    for environment in ({}, {"OAUTH_CLIENT_ID": "id"}):
        plain = config(monkeypatch, tmp_path / "b", environment)
        assert not any(mark in plain for mark in marks)
    assert not (tmp_path / "b" / signin.KEY_FILE).exists()


def test_elsewhere_nothing_of_it_is_imported():
    code = (
        "import sys, app; app.build_app(); app.launch_settings(); print('authlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip().splitlines()[-1:] == ["False"], done.stderr


def test_the_key_is_made_once_and_for_the_server_alone(registry, tmp_path):
    first, again = Accounts(registry), Accounts(Registry(registry.root))
    other = Accounts(Registry(tmp_path / "other"))
    secrets = {first.secret("a"), again.secret("a"), first.secret("b"), other.secret("a")}
    assert first.secret("a") == again.secret("a") and len(secrets) == 3
    path = registry.root / signin.KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(b"short")
    with pytest.raises(UserError, match="damaged"):
        Accounts(registry)


@pytest.mark.parametrize(
    ("profile", "headers", "known"),
    [
        (PROFILE, {"sec_fetch_site": "same-origin", "origin": "https://here.example"}, True),
        (PROFILE, {}, True),  # no browser
        (PROFILE, {"sec_fetch_site": "cross-site", "origin": "https://evil.example"}, False),
        (PROFILE, {"sec_fetch_site": "same-site", "origin": "https://evil.here.example"}, False),
        (PROFILE, {"origin": "https://here.example"}, False),  # a browser that does not tell
        (None, {"sec_fetch_site": "same-origin"}, False),
    ],
)
def test_the_account_takes_the_place_of_the_browser_where_the_page_itself_asks(
    registry, profile, headers, known
):
    accounts = Accounts(registry)
    owner = accounts.secret("id of ana") if known else "browser's"
    request, given = Request(**headers), ("en", "run", "browser's", "browser's")

    def steps(*values):
        yield from values

    once = accounts.answering(lambda *values: values, {2})
    assert once(request, profile, *given) == ("en", "run", owner, "browser's")
    shown = accounts.answering(steps, {2, 3})
    assert list(shown(request, profile, *given)) == ["en", "run", owner, owner]


def test_an_endpoint_is_told_who_asks_and_only_meanwhile(registry):
    accounts, seen = Accounts(registry), []

    def endpoint(run: str, private: bool = True) -> str:
        """Looks who asks."""
        seen.append(signin.login())
        return run + str(private)

    call = accounts.telling(endpoint)
    token = gr.OAuthToken("the token", "openid contribute-repos", 0)
    names = [name for name, *_ in gr.utils.get_function_params(call)]
    assert names == ["run", "private"]
    assert call(Request(), PROFILE, token, "x", False) == "xFalse" and signin.login() is None
    call(Request(origin="https://evil.example"), PROFILE, token, "x")
    call(Request(), None, None, "x")
    call(Request(), PROFILE, gr.OAuthToken("the token", "openid profile read-repos", 0), "x")
    assert seen == [
        signin.Login(accounts.secret("id of ana"), "the token"),
        signin.Login(None, None),
        signin.Login(None, None),
        signin.Login(accounts.secret("id of ana"), None),  # who did not allow it pushes nothing
    ]


def test_runs_are_handed_over_by_their_owner_alone(registry):
    settings = tiny_settings(Budget(seconds=30))
    mine, other = (registry.new(settings, name="x", owner=who) for who in ("mine", "other"))
    for nobody in (None, "", "unknown"):
        registry.hand_over(nobody, "heir")
    assert registry.list("heir") == []
    registry.hand_over("mine", "heir")
    assert registry.owns(mine, "heir") and not registry.owns(mine, "mine")
    assert registry.owns(other, "other")
