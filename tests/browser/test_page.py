"""The page in a real browser: from the sample to a filled gap, reload, zoom, stop, kill."""

from __future__ import annotations

import json
import os
import random
import signal
from pathlib import Path

import pytest

SHOTS = os.environ.get("KANTAI_SCREENS")
WORDS = "the old river ran past a quiet mill where two sisters ground corn into flour and sang"

TABS = ("text", "tokenizer", "model", "pretrain", "fill_mask", "compare", "teacher")


def small_text() -> str:
    dice = random.Random(0)
    lines = (dice.choices(WORDS.split(), k=dice.randint(8, 24)) for _ in range(200))
    return "\n\n".join(" ".join(words) + "." for words in lines)


def shoot(page, name: str) -> None:
    """A picture for people, in the folder that $KANTAI_SCREENS names, if it does."""
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def go(page, tab: str) -> None:
    page.click(f'.k-tabs > .tab-wrapper [role=tab][data-tab-id="{tab}"]')


def until(page, expression: str) -> None:
    page.wait_for_function(expression, timeout=120_000)


def settled(page) -> None:
    """Until nothing has been written on the page for a while."""
    page.evaluate(
        """() => new Promise((done) => {
            let timer = setTimeout(done, 500);
            const again = () => { clearTimeout(timer); timer = setTimeout(done, 500); };
            const options = { childList: true, subtree: true, characterData: true };
            new MutationObserver(again).observe(document.querySelector('.k-tabs'), options);
            setTimeout(done, 5000);
        })"""
    )


def state_is(page, *states: str) -> None:
    until(page, f"{list(states)}.includes(kantai.store.status?.state)")


def begin(page) -> None:
    """A Run of a small text of one's own, by pasting it."""
    page.click("label:has-text('Paste')")
    page.fill(".k-side textarea", small_text())
    page.click("button:has-text('Use this text')")
    until(page, "kantai.store.run && kantai.store.status")


def start(page, seconds: int) -> None:
    go(page, "pretrain")
    page.fill(".k-side input[type=number] >> visible=true >> nth=0", str(seconds))
    page.click(".k-start")


@pytest.mark.parametrize(
    ("locale", "width", "scheme"),
    [("en-US", 1440, "light"), ("zh-CN", 1440, "dark"), ("zh-CN", 390, "light"),
     ("en-US", 390, "dark")],
)  # fmt: skip
def test_every_tab_opens_and_fits(visit, locale, width, scheme):
    page = visit(locale=locale, width=width, scheme=scheme)
    until(page, "document.querySelector('.k-tiles strong')")
    for tab in TABS:
        go(page, tab)
        until(page, f"document.querySelector('[data-tab-id={tab}][aria-selected=true]')")
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert not page.query_selector(".toast-wrap .error")
        shoot(page, f"{tab}-{width}-{locale[:2]}-{scheme}")
    chinese = locale.startswith("zh")
    assert ("文本" in page.inner_text(".k-tabs")) == chinese


def test_language_can_be_switched_and_keeps_what_was_typed(visit):
    page = visit()
    until(page, "document.querySelector('.k-tiles strong')")
    page.click("label:has-text('Paste')")
    page.fill(".k-side textarea", "typed and not sent")
    page.click("[data-lang=zh]")
    until(page, "document.querySelector('.k-tabs')?.innerText.includes('分词器')")
    until(page, "document.querySelector('.k-side textarea')?.value === 'typed and not sent'")


def test_a_training_is_watched_reloaded_zoomed_and_filled(visit):
    page = visit()
    begin(page)
    start(page, 12)
    until(page, "kantai.store.steps.length > 3")
    until(page, "document.querySelector('.k-loss').data?.[0].x.length > 2")
    page.click("[data-trace='0']")
    page.evaluate("Plotly.relayout(document.querySelector('.k-loss'), {'xaxis.range': [1, 5]})")
    count = page.evaluate("kantai.store.steps.length")
    until(page, f"kantai.store.steps.length > {count + 2}")
    drawn = "document.querySelector('.k-loss').data[0].x.length"
    points = page.evaluate(drawn)
    until(page, f"{drawn} > {points}")
    shown = page.evaluate("document.querySelector('.k-loss').layout.xaxis.range")
    assert shown == [1, 5]
    assert page.evaluate("document.querySelector('.k-loss').data[0].visible") is False
    other = visit(page.url.split("/")[-1])  # a second browser, by the link alone
    page.reload()
    for watcher in (page, other):
        state_is(watcher, "finished")
        steps = watcher.evaluate("kantai.store.steps.map((s) => s[0])")
        assert steps == sorted(set(steps)) and len(steps) > 5
    assert other.evaluate("kantai.store.steps.length") == page.evaluate("kantai.store.steps.length")
    shoot(page, "finished")
    go(page, "fill_mask")
    until(page, "document.querySelector('.k-chips button')")
    page.fill("textarea >> visible=true", "the old river ran past")
    page.click(".k-words button:has-text('river')")
    until(page, "document.querySelectorAll('.k-guess').length > 10")
    assert "<mask>" in page.input_value("textarea >> visible=true")
    shoot(page, "filled")


def test_stop_keeps_the_weights_and_a_killed_worker_is_told(visit, server):
    page = visit()
    begin(page)
    start(page, 120)
    until(page, "kantai.store.steps.length > 1")
    page.click(".k-stop")
    state_is(page, "stopped")
    run = server.runs / page.evaluate("kantai.store.run")
    assert (run / "checkpoint.safetensors").is_file()
    page.click(".k-resume")
    state_is(page, "training")
    count = page.evaluate("kantai.store.steps.length")
    until(page, f"kantai.store.steps.length > {count + 1}")
    os.kill(json.loads((run / "worker.json").read_text())["pid"], signal.SIGKILL)
    page.wait_for_function("kantai.store.status.state === 'failed'", timeout=5_000)
    until(page, "document.querySelector('[data-part=trouble]').innerText.length > 20")
    shoot(page, "killed")


def test_others_wait_in_the_queue_and_may_leave_it(visit):
    first, second, third = visit(), visit(), visit()
    for page, seconds in ((first, 60), (second, 10), (third, 10)):
        begin(page)
        start(page, seconds)
        state_is(page, *(("preparing", "training") if page is first else ("waiting",)))
    for page, place in ((second, "1"), (third, "2")):
        page.reload()
        state_is(page, "waiting")
        until(page, f"kantai.store.status.told.en.startsWith('Place {place} in the queue')")
        assert f"Place {place} in" in page.inner_text("[data-part=told]")
    shoot(third, "waiting")
    second.click(".k-leave")
    state_is(second, "new")
    until(third, "kantai.store.status.told.en.startsWith('Place 1 in the queue')")  # moves up
    third.click(".k-leave")
    state_is(third, "new")
    first.click(".k-stop")
    state_is(first, "stopped", "new")


def test_a_mistake_is_told_in_the_readers_language(visit):
    page = visit(locale="zh-CN")
    page.click("label:has-text('粘贴')")
    page.fill(".k-side textarea", "<img src=x onerror=alert(1)>")
    page.click("button:has-text('使用这份文本')")
    page.wait_for_selector(".toast-wrap:has-text('字符')")
    assert not page.query_selector(".toast-wrap img[src=x]")
