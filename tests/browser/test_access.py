"""Everybody can use it: axe finds nothing serious, and the keyboard alone is enough."""

from __future__ import annotations

import pytest

from tests.browser.test_page import TABS, go, no_serious_fault, settled, state_is, until


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(visit, scheme):
    page = visit(scheme=scheme)
    until(page, "document.querySelector('.k-tiles strong')")
    for tab in TABS:
        go(page, tab)
        no_serious_fault(page, tab)


CONTROLS = """() => {
    const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.disabled;
    const all = "a[href], button, input, select, textarea, summary, [role=tab], [role=button]";
    const panels = [...document.querySelectorAll(all)].filter(seen);
    const name = (e) => e.type === "radio" ? "radio " + e.name : e;
    window.reached = new Set();
    document.addEventListener("focusin", (event) => window.reached.add(name(event.target)));
    window.missing = () => panels.filter((e) => e.isConnected && !window.reached.has(name(e)))
        .map((e) => e.outerHTML.slice(0, 160));
    return panels.length;
}"""


def test_every_control_is_reached_by_the_tab_key(visit):
    page, missed = visit(), {}
    until(page, "document.querySelector('.k-tiles strong')")
    for tab in TABS:
        go(page, tab)
        for fold in page.query_selector_all("button.label-wrap:not(.open) >> visible=true"):
            fold.click()
        settled(page)
        count = page.evaluate(CONTROLS)
        for _ in range(count + 8):
            page.keyboard.press("Tab")
        missed[tab] = page.evaluate("window.missing()")
    assert not any(missed.values()), missed


def press_until(page, key: str, condition: str, most: int = 80) -> None:
    """Press a key until `condition` is true of `here`, what has the focus."""
    for _ in range(most):
        page.keyboard.press(key)
        if page.evaluate(f"((here) => {condition})(document.activeElement)"):
            return
    raise AssertionError(f"{key} never reaches {condition}")


def test_the_keyboard_alone_is_enough(visit):
    page = visit()
    press_until(page, "Tab", "here.closest('.k-demo') !== null")
    press_until(page, "Tab", "here.dataset.tabId === 'fill_mask'")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('[data-tab-id=fill_mask][aria-selected=true]')")
    page.wait_for_selector(".k-words button")  # of the example that stands there at first
    press_until(page, "Tab", "here.tagName === 'TEXTAREA'")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("the old river ran past")
    page.wait_for_selector(".k-words button:has-text('river')")
    press_until(page, "Tab", "here.closest('.k-words') && here.textContent.includes('river')")
    page.keyboard.press("Enter")
    until(page, "[...document.querySelectorAll('textarea')].some((t) => /<mask>/.test(t.value))")
    until(page, "document.querySelector('.k-words').innerText.includes('<mask> ran')")
    until(page, "document.activeElement.closest('.k-words')")  # the next word is one Tab away
    press_until(page, "Shift+Tab", "here.closest('.k-demo') !== null", 120)
    page.keyboard.press("Enter")
    until(page, "kantai.store.run && kantai.store.status")
    state_is(page, "preparing", "training")
    page.wait_for_selector(".k-stop >> visible=true")
    press_until(page, "Tab", "here.closest('.k-stop') !== null", 120)
    page.keyboard.press("Enter")
    state_is(page, "stopped", "new")
