"""Everybody can use it: axe finds nothing serious, and the keyboard alone is enough."""

from __future__ import annotations

import pytest

from tests.browser.test_page import TABS, go, settled, state_is, until


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(visit, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page, faults = visit(scheme=scheme), set()
    until(page, "document.querySelector('.k-tiles strong')")
    for tab in TABS:
        go(page, tab)
        settled(page)
        for fault in Axe().run(page).response["violations"]:
            if fault["impact"] in ("serious", "critical"):
                faults |= {(tab, fault["id"], node["html"][:200]) for node in fault["nodes"]}
    assert not faults


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
    press_until(page, "Tab", "here.tagName === 'TEXTAREA'")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("the old river ran past")
    page.wait_for_selector(".k-words button:has-text('river')")
    press_until(page, "Tab", "here.closest('.k-words') && here.textContent.includes('river')")
    page.keyboard.press("Enter")
    until(page, "[...document.querySelectorAll('textarea')].some((t) => /<mask>/.test(t.value))")
    press_until(page, "Shift+Tab", "here.closest('.k-demo') !== null", 120)
    page.keyboard.press("Enter")
    until(page, "kantai.store.run && kantai.store.status")
    state_is(page, "new", "waiting", "preparing", "training")
    state_is(page, "training")
    press_until(page, "Tab", "here.closest('.k-stop') !== null", 120)
    page.keyboard.press("Enter")
    state_is(page, "stopped", "new")
