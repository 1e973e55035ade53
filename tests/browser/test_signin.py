"""Signing in on a Space, walked in a real browser: whose Runs are whose, and what is pushed."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator

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
def space(hub, mirror, tmp_path, monkeypatch, capfd) -> Iterator[Server]:
    """The page as `python app.py` serves it on a Space with `hf_oauth: true`."""
    for name, value in hub.environment().items():
        monkeypatch.setenv(name, value)
    server = Server(tmp_path / "runs", tmp_path / "gradio", mirror)
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


def test_runs_and_pushes_belong_to_the_account_on_every_device(hub, space, device, tmp_path, capfd):
    first = device()
    begin(first)
    start(first, 10)
    state_is(first, "finished")
    before = first.evaluate("kantai.store.run")
    assert not first.is_visible(".k-push")

    # Signed in, the account owns what is begun from now on; the browser's own stays its own.
    sign_in(hub, first, "ana")
    until(first, f"kantai.store.run === '{before}'")  # the address came back
    assert runs(first, 0) == set()
    go(first, "text")
    begin(first)
    until(first, f"kantai.store.run !== '{before}'")
    after = first.evaluate("kantai.store.run")
    assert runs(first, 1) == {after}
    sign_out(first)
    assert runs(first, 1) == {before}
    assert first.evaluate("document.documentElement.scrollWidth") <= 390

    # It is taken along; a second device has the same, and a stranger nothing.
    sign_in(hub, first, "ana")
    first.click("button:has-text('Move to my account')")
    first.wait_for_selector("button:has-text('Move to my account')", state="detached")
    assert runs(first, 2) == {before, after}
    second, stranger = device(f"?run={before}"), device(f"?run={before}")
    sign_in(hub, second, "ana")
    assert runs(second, 2) == {before, after}
    sign_in(hub, stranger, "bob")
    stranger.wait_for_selector("text=You are watching somebody else's run.")
    assert runs(stranger, 0) == set()

    # Pushed from the second device, it is there, private and whole; never over another.
    asked = []
    second.on("request", lambda r: asked.append(r.post_data or "") if "join" in r.url else None)
    go(second, "pretrain")
    second.click(".k-push button:has-text('Push to the Hub')")
    until(second, "document.querySelector('.k-push textarea, .k-push input').value !== ''")
    second.get_by_role("button", name="Push", exact=True).click()
    address = second.get_attribute(".k-push a", "href")
    [name] = hub.repos
    assert address == f"{hub.url}/{name}" and name.startswith("ana/kantai-")
    assert hub.repos[name].private and "this model" in hub.repos[name].files["README.md"].decode()
    model = space.runs / before / "model"
    for file in model.iterdir():
        assert hub.repos[name].files[file.name] == file.read_bytes()
    second.get_by_role("button", name="Push", exact=True).click()
    second.wait_for_selector(".k-push .k-notice:has-text('is there already')")

    # The same question by hand: not with another's cookie, not from another site, not signed out.
    question = json.loads(next(words for words in asked if name in words))
    place = question["data"].index(name)

    def pushed(page, repo: str, **headers: str) -> bool:
        question["data"][place] = repo
        ask(space, question, page, **headers)
        return repo in hub.repos

    evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert not pushed(stranger, "bob/stolen")
    assert not pushed(second, "ana/lured", **evil)
    assert not pushed(second, "ana/lured", Origin="https://evil.example")
    assert pushed(second, "ana/by-hand", **{"Sec-Fetch-Site": "same-origin"})
    assert not pushed(second, "bob/not-mine")
    # A program pushes with the cookie of a browser that is signed in, and not without.
    cookies = "; ".join(f"{c['name']}={c['value']}" for c in second.context.cookies())
    program = Client(space.url, verbose=False, headers={"Cookie": cookies})
    assert program.predict(before, "ana/lines", api_name="/push") == f"{hub.url}/ana/lines"
    with pytest.raises(AppError, match="already"):
        program.predict(before, "ana/by-hand", api_name="/push")
    with pytest.raises(AppError, match="sign in with Hugging Face"):
        Client(space.url, verbose=False).predict(before, "ana/nobody", api_name="/push")
    assert "ana/nobody" not in hub.repos and hub.repos["ana/lines"].private

    # Nor for another site, whatever it knows.
    lure = "a secret of whoever made the other site"
    run = Run(space.runs / before)
    run.write_owner(run.owner | {"hash": hashlib.sha256(lure.encode()).hexdigest()})
    question["data"][1] = lure  # their own Run, and her right to write
    assert not pushed(second, "ana/lured", **evil)
    sign_out(second)
    assert not pushed(second, "ana/signed-out")

    # No token stayed on the server: not in a file, not in what it printed.
    printed = "".join(capfd.readouterr())
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    kept += printed.encode()
    assert len(hub.tokens) == 4 and "Running on local URL" in printed
    assert not [token for token in hub.tokens if token.encode() in kept]


def test_who_does_not_allow_it_is_told_so(space):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{space.url}login/callback?error=access_denied&state=x")
    assert caught.value.code == 400
    assert "was not allowed" in caught.value.read().decode()
