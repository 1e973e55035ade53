"""Signing in on a Space, walked in a real browser: whose Runs are whose, and what is pushed."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from kantai.strings import text
from kantai.workspace import Run
from tests.browser.conftest import PATIENCE, Server
from tests.browser.test_page import begin, go, start, state_is, until
from tests.fakes.hub import Hub


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    hub.close()


@pytest.fixture
def space(hub, mirror, tmp_path, monkeypatch) -> Iterator[Server]:
    """The page as `python app.py` serves it on a Space with `hf_oauth: true`."""
    for name, value in hub.environment().items():
        monkeypatch.setenv(name, value)
    places = (tmp_path / "runs", tmp_path / "gradio")
    server = Server(*places, mirror, log=tmp_path / "printed.txt")
    yield server
    server.stop()


@pytest.fixture
def device(space, chromium) -> Iterator:
    """Opens the page on a device of its own."""
    contexts = []

    def open_page(address: str = ""):
        contexts.append(chromium.new_context(viewport={"width": 390, "height": 900}))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(space.url + address)
        page.wait_for_selector("button:has-text('Sign in')")
        return page

    yield open_page
    for context in contexts:
        context.close()


def sign_in(hub: Hub, page, person: str) -> None:
    hub.person = person
    page.click("button:has-text('Sign in')")
    page.wait_for_selector(f".k-account:has-text('{person}')")


def sign_out(page) -> None:
    page.click("button:has-text('Sign out')")
    page.wait_for_selector("button:has-text('Sign in')")


def runs(page, count: int) -> set[str]:
    """The ids in the list of the Runs tab, once it has so many."""
    go(page, "text")
    go(page, "compare")
    links = "[...document.querySelectorAll('[role=tabpanel] td a')].filter((a) => a.offsetWidth)"
    until(page, f"{links}.length === {count}")
    if not count:
        page.wait_for_selector(f"text={text('runs_none')}")
    return set(page.evaluate(f"{links}.map((a) => a.href.split('run=')[1])"))


def ask(space: Server, question: dict, page, **headers: str) -> str:
    """Send an event of the page once more, with the cookies of a browser: all that is answered."""
    session = uuid.uuid4().hex
    cookies = "; ".join(f"{c['name']}={c['value']}" for c in page.context.cookies())
    headers |= {"Cookie": cookies, "Content-Type": "application/json"}
    body = json.dumps(question | {"session_hash": session}).encode()
    address = space.url + "gradio_api/queue/"
    urllib.request.urlopen(urllib.request.Request(address + "join", body, headers)).close()
    answers = ""
    with urllib.request.urlopen(f"{address}data?session_hash={session}", timeout=60) as stream:
        for line in stream:
            answers += line.decode()
            if '"process_completed"' in line.decode():
                return answers
    raise AssertionError("the stream ended too soon")


EVIL = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}


def test_runs_and_pushes_belong_to_the_account_on_every_device(hub, space, device, tmp_path):
    first = device()
    before = trained(first)
    after = begun_by_the_account(hub, first, before)
    moved_to_the_account(hub, first, {before, after})
    second, stranger = device(f"?run={before}"), device(f"?run={before}")
    the_account_is_everywhere_the_same(hub, second, stranger, {before, after})
    by_hand = pushed_as_it_is(hub, space, second, before)
    only_the_account_pushes(by_hand, second, stranger)
    a_program_pushes_with_the_cookie(hub, space, second, before)
    no_other_site_pushes(by_hand, second, Run(space.runs / before))
    no_token_stayed(hub, tmp_path)


def trained(page) -> str:
    """The id of a finished run of this browser."""
    begin(page)
    start(page, 10)
    state_is(page, "finished")
    assert not page.is_visible(".k-push")
    return page.evaluate("kantai.store.run")


def begun_by_the_account(hub: Hub, page, before: str) -> str:
    """Signed in, the account owns what is begun from now on; the browser's own stays its own."""
    sign_in(hub, page, "ana")
    until(page, f"kantai.store.run === '{before}'")  # the address came back
    assert runs(page, 0) == set()
    go(page, "text")
    begin(page)
    until(page, f"kantai.store.run !== '{before}'")
    after = page.evaluate("kantai.store.run")
    assert runs(page, 1) == {after}
    sign_out(page)
    assert runs(page, 1) == {before}
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    return after


def moved_to_the_account(hub: Hub, page, known: set[str]) -> None:
    """The browser's own run is taken along."""
    sign_in(hub, page, "ana")
    page.click("button:has-text('Move to my account')")
    page.wait_for_selector("button:has-text('Move to my account')", state="detached")
    assert runs(page, 2) == known


def the_account_is_everywhere_the_same(hub: Hub, second, stranger, known: set[str]) -> None:
    """A second device has the same, and a stranger nothing."""
    sign_in(hub, second, "ana")
    assert runs(second, 2) == known
    sign_in(hub, stranger, "bob")
    stranger.wait_for_selector("text=You are watching somebody else's run.")
    assert runs(stranger, 0) == set()


class ByHand:
    """The page's own push, asked once more without its button."""

    def __init__(self, hub: Hub, space: Server, asked: str, repo: str):
        self.hub, self.space, self.question = hub, space, json.loads(asked)
        self.place = self.question["data"].index(repo)

    def pushes(self, page, repo: str, **headers: str) -> bool:
        """Whether it is there, asked with the cookies of this page's browser."""
        self.question["data"][self.place] = repo
        ask(self.space, self.question, page, **headers)
        return repo in self.hub.repos


def pushed_as_it_is(hub: Hub, space: Server, page, run_id: str) -> ByHand:
    """Pushed by its button it is there, private and whole; never over another."""
    asked = []
    page.on("request", lambda r: asked.append(r.post_data or "") if "join" in r.url else None)
    go(page, "pretrain")
    page.click(".k-push button:has-text('Push to the Hub')")
    until(page, "document.querySelector('.k-push textarea, .k-push input').value !== ''")
    page.get_by_role("button", name="Push", exact=True).click()
    address = page.get_attribute(".k-push a", "href")
    [name] = hub.repos
    assert address == f"{hub.url}/{name}" and name.startswith("ana/kantai-")
    assert hub.repos[name].private and "this model" in hub.repos[name].files["README.md"].decode()
    for file in (space.runs / run_id / "model").iterdir():
        assert hub.repos[name].files[file.name] == file.read_bytes()
    page.get_by_role("button", name="Push", exact=True).click()
    page.wait_for_selector(".k-push .k-notice:has-text('is there already')")
    return ByHand(hub, space, next(words for words in asked if name in words), name)


def only_the_account_pushes(by_hand: ByHand, page, stranger) -> None:
    """Not with another's cookie, not from another site, not into another's name."""
    assert not by_hand.pushes(stranger, "bob/stolen")
    assert not by_hand.pushes(page, "ana/lured", **EVIL)
    assert not by_hand.pushes(page, "ana/lured", Origin="https://evil.example")
    assert by_hand.pushes(page, "ana/by-hand", **{"Sec-Fetch-Site": "same-origin"})
    assert not by_hand.pushes(page, "bob/not-mine")


def a_program_pushes_with_the_cookie(hub: Hub, space: Server, page, run_id: str) -> None:
    """Of a browser that is signed in, and not without."""
    cookies = "; ".join(f"{c['name']}={c['value']}" for c in page.context.cookies())
    program = Client(space.url, verbose=False, headers={"Cookie": cookies})
    assert program.predict(run_id, "ana/lines", api_name="/push") == f"{hub.url}/ana/lines"
    with pytest.raises(AppError, match="already"):
        program.predict(run_id, "ana/by-hand", api_name="/push")
    with pytest.raises(AppError, match="sign in with Hugging Face"):
        Client(space.url, verbose=False).predict(run_id, "ana/nobody", api_name="/push")
    assert "ana/nobody" not in hub.repos and hub.repos["ana/lines"].private


def no_other_site_pushes(by_hand: ByHand, page, run: Run) -> None:
    """Not even its own Run by her right to write; nor anybody once she is signed out."""
    lure = "a secret of whoever made the other site"
    run.write_owner(run.owner | {"hash": hashlib.sha256(lure.encode()).hexdigest()})
    by_hand.question["data"][1] = lure
    assert not by_hand.pushes(page, "ana/lured", **EVIL)
    sign_out(page)
    assert not by_hand.pushes(page, "ana/signed-out")


def no_token_stayed(hub: Hub, folder: Path) -> None:
    """On the server: not in a file, not in what it printed, which is in one too."""
    kept = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    assert len(hub.tokens) == 4 and b"Running on local URL" in kept
    assert not [token for token in hub.tokens if token.encode() in kept]


def test_who_does_not_allow_it_is_told_so(space):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{space.url}login/callback?error=access_denied&state=x")
    assert caught.value.code == 400
    assert "was not allowed" in caught.value.read().decode()
