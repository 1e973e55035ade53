"""Texts of one's own, and finished Runs: reopen, rename, compare, delete; and the client."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.browser.conftest import HOUSE
from tests.browser.test_page import (
    begin,
    go,
    settled,
    shoot,
    small_text,
    start,
    state_is,
    until,
)

BLOCK = re.compile(r"<!-- client example -->\n```python\n(.*?)```", re.DOTALL)


def fits(page, name: str) -> None:
    """Nothing is wider than the phone, at the end of a tab's work."""
    settled(page)
    shoot(page, f"walk-{name}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    assert not page.query_selector(".toast-wrap .error"), name


def test_an_uploaded_text_walks_through_every_tab_of_a_phone_in_chinese(visit, tmp_path):
    file = tmp_path / "lagoon.txt"
    file.write_text("Herons stood in the lagoon.\n\n" + small_text(), encoding="utf-8")
    page = visit(locale="zh-CN", width=390, scheme="dark")
    page.click("label:has-text('文件')")
    page.set_input_files("input[type=file]", file)
    page.wait_for_selector("text=lagoon")
    page.click("button:has-text('使用这份文本')")
    until(page, "kantai.store.status?.name === 'lagoon'")
    until(page, "document.querySelector('.k-text').innerText.includes('Herons stood')")
    fits(page, "text")
    go(page, "tokenizer")
    page.get_by_role("button", name="训练分词器").click()
    page.fill(".k-wide textarea >> visible=true", "two old sisters")
    page.wait_for_selector(".k-token:has-text('sisters') >> visible=true")
    fits(page, "tokenizer")
    go(page, "model")
    page.wait_for_selector("text=tok_embeddings >> visible=true")
    the_search_stays_when_a_slider_moves(page)
    fits(page, "model")
    start(page, 3)
    state_is(page, "finished")
    first = page.evaluate("kantai.store.run")
    page.click(".k-again")  # another, to lay beside it
    until(page, f"kantai.store.run !== '{first}'")
    state_is(page, "finished")
    until(page, "document.querySelector('[data-part=told]').innerText.includes('词')")
    fits(page, "pretrain")
    go(page, "fill_mask")
    page.fill("textarea >> visible=true", "the old <mask> ran past")
    until(page, "document.querySelectorAll('.k-guess').length > 4")
    fits(page, "fill_mask")
    go(page, "compare")
    page.wait_for_selector("td a:has-text('lagoon') >> visible=true")
    page.get_by_role("button", name="比较", exact=True).last.click()
    until(page, "[...document.querySelectorAll('.k-plot')].some((p) => p.data?.length === 2)")
    fits(page, "compare")
    go(page, "teacher")
    page.wait_for_selector(".k-qr svg path")
    fits(page, "teacher")


def the_search_stays_when_a_slider_moves(page):
    found = "[...document.querySelectorAll('table[data-csv] tbody tr')].filter((r) => !r.hidden)"
    field = page.locator("input[type=search] >> visible=true").last
    field.fill("mlp")
    count = page.evaluate(f"{found}.length")
    page.get_by_label("num_hidden_layers").first.fill("3")
    page.keyboard.press("Enter")
    until(page, f"{found}.length && {found}.length < {count}")
    assert field.input_value() == "mlp"


def test_a_book_is_fetched(visit):
    page = visit()
    page.click("label:has-text('book')")
    field = page.locator(".k-side input[role=combobox] >> visible=true")
    field.fill("4280")
    field.press("Enter")
    page.click("button:has-text('Use this text')")
    until(page, "kantai.store.status?.name === 'The Critique of Pure Reason'")
    until(page, "document.querySelector('.k-text').innerText.includes('lighthouse saw tide')")


def test_finished_runs_are_reopened_renamed_compared_and_deleted(visit):
    page = visit()
    found = []
    for _ in range(2):
        go(page, "text")
        begin(page)
        until(page, f"!{found}.includes(kantai.store.run)")
        start(page, 5)
        state_is(page, "finished")
        found.append(page.evaluate("kantai.store.run"))
    watcher = visit(f"?run={found[1]}&tab=pretrain")
    state_is(watcher, "finished")
    go(page, "compare")
    until(page, "document.querySelectorAll('[role=tabpanel] td a').length === 2")
    page.click("button:has-text('Rename or delete')")
    page.get_by_label("Name", exact=False).last.fill("second mill")
    page.get_by_role("button", name="Rename", exact=True).click()
    page.wait_for_selector("td a:has-text('second mill') >> visible=true")
    page.get_by_role("button", name="Compare", exact=True).last.click()
    page.wait_for_selector(".k-guess >> visible=true")
    until(page, "[...document.querySelectorAll('.k-plot')].some((p) => p.data?.length === 2)")
    page.get_by_label("Yes, delete").check()
    page.get_by_role("button", name="Delete for good").click()
    until(page, "[...document.querySelectorAll('td a')].filter((a) => a.offsetWidth).length === 1")
    watcher.wait_for_selector("[data-part=trouble]:has-text('There is no run at this address')")
    asked = []
    watcher.on("request", lambda request: asked.append(request.url))
    watcher.wait_for_timeout(5_000)  # longer than between two polls of one who watches
    assert not [url for url in asked if url.endswith("component_server")]
    page.locator("td a >> visible=true").click()
    until(page, f"window.kantai?.store.run === '{found[0]}' && kantai.store.status")
    state_is(page, "finished")
    assert page.evaluate("kantai.store.steps.length") > 3


def test_the_example_of_the_readme_fills_a_gap(server, visit):
    [example] = BLOCK.findall((HOUSE / "README.md").read_text(encoding="utf-8"))
    assert example.count("http://127.0.0.1:7860") == 1
    code = example.replace("http://127.0.0.1:7860", server.url)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert "probability" in done.stdout
