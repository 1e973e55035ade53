"""A class in real browsers: a setting by link, a run that others watch, copy and cannot list."""

from __future__ import annotations

from tests.browser.test_page import go, shoot, until

SETTING = "?sample=dirty&preset=mini&seconds=45&vocab_size=900&min_frequency=3&tab=pretrain"


def test_a_setting_is_opened_and_a_run_is_watched_and_made_ones_own(visit):
    teacher = visit(SETTING)
    until(teacher, "kantai.store.run && kantai.store.status")
    until(teacher, "document.querySelector('.k-side input[type=number]')?.value === '45'")
    run = teacher.evaluate("kantai.store.run")
    go(teacher, "teacher")
    teacher.wait_for_selector(".k-qr svg path")
    link = teacher.inner_text(".k-share .k-code pre >> nth=0")
    setting = teacher.inner_text(".k-share .k-code pre >> nth=1")
    assert f"run={run}" in link and "vocab_size=900" in setting and "seconds=45" in setting
    shoot(teacher, "class")

    stranger = visit("?tab=teacher", width=390)
    stranger.wait_for_selector(".k-table tbody tr")
    assert run not in stranger.content()

    pupil = visit(link[link.index("?") :], locale="zh-CN", width=390)
    pupil.click(".k-fork button")
    until(pupil, f"kantai.store.run && kantai.store.run !== '{run}' && kantai.store.status")
    until(pupil, "!document.querySelector('.k-fork')")
    assert "run=" + pupil.evaluate("kantai.store.run") in pupil.url
    shoot(pupil, "forked")


def test_a_link_to_a_run_that_is_gone_says_so(visit):
    page = visit("?run=" + "x" * 22)
    page.wait_for_selector(".toast-wrap:has-text('There is no run at this address')")
    assert page.evaluate("kantai.store.run") == ""


def test_a_link_that_cannot_be_says_so_in_the_readers_language(visit):
    page = visit("?preset=%3Cimg%20src=x%20onerror=alert(1)%3E", locale="zh-CN")
    page.wait_for_selector("text=请索取新的链接")
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("kantai.store.run") == ""
