"""The page drawn on the server first: the same page for whoever uses it."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest

from tests.browser.conftest import Server
from tests.browser.test_page import (
    TABS,
    WHOLE,
    begin,
    go,
    more_steps,
    settled,
    start,
    state_is,
    until,
)
from tests.test_render import drawn, fitting_node, needs_node
from tests.test_render import until as there

pytestmark = needs_node


# A busy machine's page may take longer than a reader would wait for it.
SLOW = "import app; from kantai.ui import render; render.PATIENCE = 60.0; app.main()"


@pytest.fixture(scope="module")
def server(tmp_path_factory, mirror) -> Iterator[Server]:
    """In the place of the one that all other tests share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_SSR_MODE", "true")
        patch.setenv("GRADIO_NODE_PATH", fitting_node())
        places = tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("up")
        server = Server(*places, mirror, SLOW)
    yield server
    server.stop()


def drawn_by_node(server: Server) -> bool:
    with urllib.request.urlopen(server.url, timeout=60) as answer:
        return drawn(answer.read().decode())


@pytest.mark.parametrize(("locale", "word"), [("en-US", "Tokenizer"), ("zh-CN", "分词器")])
def test_every_tab_opens_in_the_browsers_language(visit, server, locale, word):
    there(lambda: drawn_by_node(server))  # Node needs a moment
    page = visit(locale=locale)
    assert page.query_selector("link[href*='/_app/']")
    until(page, "document.querySelector('.k-tiles strong')")
    for tab in TABS:
        go(page, tab)
        until(page, f"document.querySelector('[data-tab-id={tab}][aria-selected=true]')")
        settled(page)
        assert not page.query_selector(".toast-wrap .error")
    assert word in page.inner_text(".k-tabs")


def test_a_training_is_live_and_found_again_by_a_reload_and_a_second_browser(visit, server):
    page = visit()
    begin(page)
    start(page, 12)
    state_is(page, "training")
    more_steps(page)
    until(page, WHOLE)
    other = visit(page.url.split("/")[-1], locale="zh-CN", width=390, scheme="dark")
    page.reload()
    for one in (page, other):
        state_is(one, "training", "finished")
        until(one, "kantai.store.steps.length > 2")
    state_is(page, "finished")
    page.click("[data-lang=zh]")
    until(page, "document.querySelector('.k-tabs')?.innerText.includes('分词器')")
    go(page, "pretrain")
    until(page, WHOLE)
    assert page.evaluate("kantai.store.steps.length") == other.evaluate("kantai.store.steps.length")
