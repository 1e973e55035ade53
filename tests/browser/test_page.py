"""The page in a real browser: from the sample to a filled gap, reload, zoom, stop, kill."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from kantai.strings import text

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


def no_serious_fault(page, state: str) -> None:
    """Axe finds nothing serious on the page as it is."""
    from axe_playwright_python.sync_playwright import Axe

    settled(page)
    found = Axe().run(page).response["violations"]
    faults = [
        (state, fault["id"], node["html"][:200], node.get("failureSummary"))
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]
    assert not faults


# What leaves its sheet of paper, a table's columns that must be scrolled to, half of a slider.
CUT = """() => {
    const seen = (selector, within = document) =>
        [...within.querySelectorAll(selector)].filter((e) => e.getBoundingClientRect().height > 1);
    const name = (e) => e.outerHTML.slice(0, 120);
    const out = (e, sheet) => {
        const [box, room] = [e.getBoundingClientRect(), sheet.getBoundingClientRect()];
        return box.left < room.left - 0.1 || box.right > room.right + 0.1;
    };
    return seen(".k-card, .k-side").flatMap((sheet) => seen("*", sheet)
            .filter((e) => !e.closest("pre, svg, .k-scroll, .k-text") && out(e, sheet)).map(name))
        .concat(seen(".k-scroll").filter((e) => e.scrollWidth > e.clientWidth + 1).map(name))
        .concat(seen(".slider_input_container").filter((e) => e.clientHeight < 20).map(name));
}"""


def state_is(page, *states: str) -> None:
    until(page, f"{list(states)}.includes(kantai.store.status?.state)")


def begin(page) -> None:
    """A Run of a small text of one's own, by pasting it."""
    language = page.evaluate("kantai.language")
    page.click(f"label:has-text('{text('source_paste', language)}')")
    page.fill(".k-side textarea", small_text())
    page.click(f"button:has-text('{text('use_text', language)}')")
    until(page, "kantai.store.run && kantai.store.status")


def start(page, seconds: int) -> None:
    go(page, "pretrain")
    page.fill(".k-side input[type=number] >> visible=true >> nth=0", str(seconds))
    page.click(".k-start")


@pytest.mark.parametrize(
    ("locale", "width", "scheme"),
    [("en-US", 1440, "light"), ("zh-CN", 1440, "dark"), ("en-US", 390, "light")],
)
def test_every_tab_opens_and_fits(visit, locale, width, scheme):
    page = visit(locale=locale, width=width, scheme=scheme)
    until(page, "document.querySelector('.k-tiles strong')")
    for tab in TABS:
        go(page, tab)
        until(page, f"document.querySelector('[data-tab-id={tab}][aria-selected=true]')")
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(CUT) == []
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


def test_the_whole_demo_goes_through_all_tabs_by_itself(visit):
    page = visit()
    page.click(".k-demo")
    for tab in TABS[:5]:
        until(page, f"document.querySelector('[data-tab-id={tab}][aria-selected=true]')")
    assert page.evaluate("kantai.store.status.state") == "finished"
    until(page, "document.querySelectorAll('.k-guess').length > 10")
    shoot(page, "demo")


def test_a_training_is_watched_stopped_and_goes_on_after_a_kill(visit, server):
    """One training for all, in the order in which a person may do it; the asserts are below."""
    page = visit()
    begin(page)
    start(page, 300)
    the_chart_is_whole_after_another_tab(page)
    what_the_reader_set_stays_in_the_chart(page)
    other = visit(page.url.split("/")[-1], locale="zh-CN", width=390, scheme="dark")
    who_watches_is_offered_nothing(other)
    page.reload()
    until(page, "kantai.store.status")
    assert page.evaluate("kantai.store.status.state") == "training"
    a_restarted_server_is_found_again(page, server)
    stop_acts_at_once(page, server)
    both_show_the_same(page, other)
    a_word_is_filled(page)
    no_serious_fault(other, "trained")
    a_killed_worker_is_told(page, server)
    state_is(other, "failed")
    no_serious_fault(other, "killed")
    it_goes_on_to_the_end(page)
    it_goes_on_once_more(page)


PLOT = "document.querySelector('.k-loss')"
WHOLE = (
    f"{PLOT}?.data?.[0].x.length === kantai.store.steps.length"
    f" && {PLOT}.layout.annotations?.length === 4"
    f" && {PLOT}._fullLayout.width === {PLOT}.clientWidth"
)


def more_steps(page, number: int = 2) -> None:
    count = page.evaluate("kantai.store.steps.length")
    until(page, f"kantai.store.steps.length > {count + number}")


def the_chart_is_whole_after_another_tab(page):
    for _ in range(2):  # drawn and extended while nobody sees it
        go(page, "text")
        more_steps(page)
        go(page, "pretrain")
        until(page, WHOLE)


def what_the_reader_set_stays_in_the_chart(page):
    page.click("[data-trace='0']")
    page.evaluate(f"Plotly.relayout({PLOT}, {{'xaxis.range': [1, 5]}})")
    go(page, "model")
    more_steps(page)
    go(page, "pretrain")
    until(page, WHOLE)
    assert page.evaluate(f"{PLOT}.layout.xaxis.range") == [1, 5]
    assert page.evaluate(f"{PLOT}.data[0].visible") is False


def who_watches_is_offered_nothing(other):
    state_is(other, "training")
    other.wait_for_selector(".k-fork button")
    until(other, "document.querySelector('.k-stop')")
    for button in ("start", "stop", "resume", "again", "leave", "get"):
        assert not other.is_visible(f".k-{button}"), button


def a_restarted_server_is_found_again(page, server):
    server.stop()
    page.wait_for_selector("[data-part=trouble]:has-text('does not answer')")
    server.start()
    until(page, "window.kantai?.store.status && !kantai.store.lost")
    more_steps(page)
    assert not page.is_visible("[data-part=trouble]")
    go(page, "pretrain")
    until(page, WHOLE)


def stop_acts_at_once(page, server):
    log = server.runs / page.evaluate("kantai.store.run") / "events.jsonl"
    page.evaluate("kantai.tour({ tab: 'pretrain', then: 'fill_mask', run: kantai.store.run })")
    page.evaluate(
        """() => {
            const line = document.querySelector('[data-part=where]'), began = performance.now();
            const note = () => { window.said ??= [performance.now() - began, line.textContent]; };
            new MutationObserver(note).observe(line, { childList: true, characterData: true });
            document.querySelector('.k-stop').click();
        }"""
    )
    began = time.monotonic()
    while '"event": "finished"' not in log.read_text(encoding="utf-8"):
        time.sleep(0.05)
    ended = time.monotonic() - began
    until(page, "window.said")
    shown, words = page.evaluate("window.said")
    assert shown < 2_000 and words.startswith(("stop", "examining", "saving")), (shown, words)
    assert ended < 2 + slowest_step(page)  # what was begun is ended
    state_is(page, "stopped")


def slowest_step(page) -> float:
    seconds = page.evaluate("kantai.store.steps.map((s) => [s[0], s[1]])")
    pairs = zip(seconds, seconds[1:], strict=False)
    return max((b[1] - a[1]) / (b[0] - a[0]) for a, b in pairs)


def both_show_the_same(page, other):
    state_is(other, "stopped")
    for watcher in (page, other):
        steps = watcher.evaluate("kantai.store.steps.map((s) => s[0])")
        assert steps == sorted(set(steps)) and len(steps) > 5
    assert other.evaluate("kantai.store.steps.length") == page.evaluate("kantai.store.steps.length")
    assert not other.is_visible(".k-get") and page.is_visible(".k-get")
    other.click("[data-trace='1']")  # pressed off: axe looks at it too


def a_word_is_filled(page):
    shoot(page, "stopped")
    go(page, "fill_mask")
    until(page, "document.querySelector('.k-chips button')")
    page.fill("textarea >> visible=true", "the old river ran past")
    page.click(".k-words button:has-text('river')")
    until(page, "document.querySelectorAll('.k-guess').length > 10")
    assert "<mask>" in page.input_value("textarea >> visible=true")
    shoot(page, "filled")


def a_killed_worker_is_told(page, server):
    run = server.runs / page.evaluate("kantai.store.run")
    assert (run / "checkpoint.safetensors").is_file()
    go(page, "pretrain")
    page.click(".k-resume")
    state_is(page, "training")
    more_steps(page, 1)
    os.kill(json.loads((run / "worker.json").read_text())["pid"], signal.SIGKILL)
    page.wait_for_function("kantai.store.status.state === 'failed'", timeout=5_000)
    told = page.inner_text("[data-part=trouble] b")
    assert "killed from outside (signal 9)" in told and "resume it from its last" in told
    shoot(page, "killed")


def it_goes_on_to_the_end(page):
    seconds = page.evaluate("Math.ceil(kantai.store.steps.at(-1)[1]) + 4")
    page.fill(".k-side input[type=number] >> visible=true >> nth=0", str(seconds))
    page.click(".k-resume")
    state_is(page, "finished")
    page.wait_for_timeout(3_000)  # the demo that was stopped must not open another tab now
    assert page.is_visible(".k-loss") and page.is_hidden("[data-part=trouble]")
    shoot(page, "finished")


def it_goes_on_once_more(page):
    trained = page.evaluate("kantai.store.steps.at(-1)[1]")
    page.wait_for_selector(".k-more")
    page.fill(".k-side input[type=number] >> visible=true >> nth=0", "10")
    page.click(".k-resume")
    state_is(page, "training")
    page.wait_for_selector(".k-more", state="hidden")
    state_is(page, "finished")
    assert trained + 8 < page.evaluate("kantai.store.steps.at(-1)[1]") < trained + 15


def test_others_wait_in_the_queue_and_may_leave_it(visit):
    first, second = visit(), visit()
    third = visit(locale="zh-CN", width=390, scheme="dark")
    for page, seconds in ((first, 60), (second, 10), (third, 10)):
        begin(page)
        start(page, seconds)
        state_is(page, *(("preparing", "training") if page is first else ("waiting",)))
    for page, place in ((second, "Place 1 in the queue"), (third, "排在第 2 位")):
        page.reload()
        state_is(page, "waiting")
        until(page, f"document.querySelector('[data-part=told]')?.innerText.includes('{place}')")
    no_serious_fault(third, "waiting")
    shoot(third, "waiting")
    second.click(".k-leave")
    state_is(second, "new")
    until(third, "kantai.store.status.told.includes('排在第 1 位')")  # moves up
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
