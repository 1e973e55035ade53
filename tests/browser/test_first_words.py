"""What stands in the fields by itself: in the reader's language, and never over what was typed."""

from __future__ import annotations

import pytest

from kantai.samples import load_sample
from kantai.strings import text
from tests.browser.test_page import begin, go, settled, start, state_is, until

SENTENCE = "textarea >> visible=true"
TYPED = "a sentence of my own with a <mask> in it"


def sample_stands_there(page, name: str, language: str) -> None:
    """All five tabs begin with this sample."""
    sample = load_sample(name)
    until(page, f"{said(sample.path.name)}")
    until(page, f"document.querySelector('input[type=radio][value={name}]')?.checked")
    go(page, "tokenizer")
    size = "[...document.querySelectorAll('input[type=number]')].find((i) => i.offsetWidth).value"
    until(page, f"{size} === '{sample.vocab_size}'")
    known = {"en": "The Critique of Pure Reason.", "zh": "《纯粹理性批判》。"}
    assert page.input_value(".k-wide textarea >> visible=true") == known[language]
    go(page, "fill_mask")
    until(page, f"[...document.querySelectorAll('.k-sentence textarea')][0].value === "
          f"{sample.probes[0].sentence!r}")  # fmt: skip
    assert page.inner_text(".k-chips button >> nth=1") == sample.probes[1].sentence


def said(words: str) -> str:
    return f"document.body.innerText.includes({words!r})"


def test_a_reader_of_chinese_begins_with_a_chinese_text_and_may_switch(visit):
    page = visit(locale="zh-CN")
    sample_stands_there(page, "willow", "zh")
    go(page, "text")
    page.click("[data-lang=en]")
    page.wait_for_selector(".k-tabs:has-text('Tokenizer')")
    sample_stands_there(page, "harbour", "en")
    page.click("[data-lang=zh]")
    page.wait_for_selector(".k-tabs:has-text('分词器')")
    go(page, "text")
    sample_stands_there(page, "willow", "zh")


def test_a_chosen_sample_and_a_typed_sentence_outlive_the_switch(visit):
    page = visit()
    until(page, "document.querySelector('.k-tiles strong')")
    page.click(f"label:has-text('{text('sample_name_dirty')}')")
    go(page, "fill_mask")
    until(page, "document.querySelector('.k-chips button')")
    page.fill(SENTENCE, TYPED)
    page.click("[data-lang=zh]")
    page.wait_for_selector(".k-tabs:has-text('分词器')")
    until(page, f"[...document.querySelectorAll('textarea')].some((t) => t.value === {TYPED!r})")
    settled(page)
    assert page.input_value(SENTENCE) == TYPED
    assert page.evaluate("document.querySelector('input[type=radio][value=dirty]').checked")


def test_what_was_typed_stays_whatever_happens(visit):
    page = visit()
    begin(page)
    go(page, "fill_mask")
    page.fill(SENTENCE, TYPED)  # at once: the first example is still on its way
    settled(page)
    assert page.input_value(SENTENCE) == TYPED
    start(page, 5)
    state_is(page, "finished")
    go(page, "fill_mask")
    until(page, "document.querySelectorAll('.k-guess').length > 4")
    assert page.input_value(SENTENCE) == TYPED
    page.fill(SENTENCE, "")
    go(page, "text")
    go(page, "fill_mask")  # nothing stands there, so the first example may
    until(page, "[...document.querySelectorAll('.k-sentence textarea')][0].value !== ''")
    page.click(".k-chips button >> nth=2")
    chosen = page.inner_text(".k-chips button >> nth=2")
    until(page, f"[...document.querySelectorAll('.k-sentence textarea')][0].value === {chosen!r}")
    go(page, "text")
    go(page, "fill_mask")
    settled(page)
    assert page.input_value(SENTENCE) == chosen


SEEN = """() => {
    window.seen = [];
    new MutationObserver(() => {
        const words = document.querySelector('.k-tiles')?.closest('.k-view')?.innerText;
        if (words && window.seen.at(-1) !== words) window.seen.push(words);
    }).observe(document, { childList: true, subtree: true });
}"""


def test_a_run_that_is_opened_shows_its_own_text_at_once(visit, chromium):
    first = visit()
    begin(first)
    run = first.evaluate("kantai.store.run")
    context = chromium.new_context(locale="zh-CN")
    context.add_init_script(f"({SEEN})()")
    page = visit(f"?run={run}", context=context)
    until(page, "window.seen.length && kantai.store.status")
    settled(page)
    seen = page.evaluate("window.seen")
    context.close()
    assert "pasted.txt" in seen[-1] and not [words for words in seen if ".txt" not in words
                                             or "willow.txt" in words]  # fmt: skip


@pytest.mark.parametrize("tab", ["tokenizer", "model", "pretrain"])
def test_who_watches_is_told_how_to_change_something(visit, tab):
    owner = visit()
    begin(owner)
    run = owner.evaluate("kantai.store.run")
    watcher = visit(f"?run={run}&tab={tab}", width=390)
    watcher.wait_for_selector(".k-fork")
    watcher.click(".k-mine button >> visible=true")
    until(watcher, f"kantai.store.run && kantai.store.run !== '{run}' && kantai.store.status")
    watcher.wait_for_selector(".k-mine", state="hidden")
    button = {"tokenizer": ".k-learn", "model": ".k-use", "pretrain": ".k-start"}[tab]
    watcher.wait_for_selector(f"{button} >> visible=true")
    stranger = visit(f"?run={run}&tab={tab}")
    stranger.wait_for_selector(".k-mine button >> visible=true")
    assert not stranger.is_visible(button)
