"""Texts of one's own, and finished Runs: reopen, rename, compare, delete; and the client."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.browser.conftest import HOUSE
from tests.browser.test_page import begin, go, small_text, start, state_is, until

BLOCK = re.compile(r"<!-- client example -->\n```python\n(.*?)```", re.DOTALL)


def test_an_uploaded_text_walks_through_every_tab(visit, tmp_path):
    file = tmp_path / "lagoon.txt"
    file.write_text("Herons stood in the lagoon.\n\n" + small_text(), encoding="utf-8")
    page = visit()
    page.click("label:has-text('Files')")
    page.set_input_files("input[type=file]", file)
    page.wait_for_selector("text=lagoon")
    page.click("button:has-text('Use this text')")
    until(page, "kantai.store.status?.name === 'lagoon'")
    until(page, "document.querySelector('.k-text').innerText.includes('Herons stood')")
    go(page, "tokenizer")
    page.get_by_role("button", name="Learn the vocabulary").click()
    page.fill(".k-wide textarea >> visible=true", "two old sisters")
    page.wait_for_selector(".k-token:has-text('sisters') >> visible=true")
    go(page, "model")
    page.wait_for_selector("text=tok_embeddings >> visible=true")
    start(page, 5)
    state_is(page, "finished")
    go(page, "fill_mask")
    page.fill("textarea >> visible=true", "the old <mask> ran past")
    until(page, "document.querySelectorAll('.k-guess').length > 4")
    go(page, "compare")
    page.wait_for_selector("td a:has-text('lagoon') >> visible=true")


def test_a_book_is_fetched(visit):
    page = visit()
    page.click("label:has-text('book')")
    page.fill(".k-side textarea >> visible=true", "4280")
    page.click("button:has-text('Use this text')")
    until(page, "kantai.store.status?.name === '4280'")
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
    go(page, "compare")
    until(page, "document.querySelectorAll('[role=tabpanel] td a').length === 2")
    page.click("button:has-text('Rename or delete')")
    page.get_by_label("Name", exact=False).last.fill("second mill")
    page.get_by_role("button", name="Rename", exact=True).click()
    page.wait_for_selector("td a:has-text('second mill') >> visible=true")
    page.get_by_role("button", name="Compare", exact=True).last.click()
    page.wait_for_selector("h3:has-text('fisherman')")
    until(page, "[...document.querySelectorAll('.k-plot')].some((p) => p.data?.length === 2)")
    page.get_by_label("Yes, delete").check()
    page.get_by_role("button", name="Delete for good").click()
    until(page, "[...document.querySelectorAll('td a')].filter((a) => a.offsetWidth).length === 1")
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
