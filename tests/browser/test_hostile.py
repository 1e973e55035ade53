"""Markup in file names, run names, texts and tokens stays words; a CSV runs no formula."""

from __future__ import annotations

import csv
import io
import random
import zipfile

from kantai.strings import text
from tests.browser.test_page import go, settled, small_text, until

HOSTILE = '<img src=x onerror="window.hurt=1">'
OTHERS = (
    "<script>window.hurt=1</script>", "</div></script><svg onload=window.hurt=1>",
    "${window.hurt=1}", "{{constructor.constructor('window.hurt=1')()}}",
    "[a](javascript:window.hurt=1)", "<a href='javascript:window.hurt=1'>b</a>",
)  # fmt: skip
STARTS = "=+-@\t\r\n＝＋－＠"


def archive(path, name: str, words: str):
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr(name, words)
    return path


def nothing_is_made(page) -> None:
    """No element came of anybody's words, and none of them ran."""
    settled(page)
    made = "img[src='x'], svg[onload], [onerror], iframe, a[href^='javascript:']"
    assert page.evaluate("window.hurt") is None
    assert page.query_selector_all(made) == []


def seen(place: str, words: str) -> str:
    """An expression that is true when the words stand in one of these places."""
    places = f"[...document.querySelectorAll({place!r})]"
    return f"{places}.some((place) => place.innerText.includes({words!r}))"


def upload(page, path) -> None:
    page.click(f"label:has-text('{text('source_files')}')")
    page.set_input_files("input[type=file]", path)
    page.wait_for_selector(f"text={path.stem}")
    page.click(f"button:has-text('{text('use_text')}')")


def test_markup_in_words_and_names_stays_words(visit, tmp_path):
    page = visit()
    words = "\n\n".join([*(f"{HOSTILE} and {other}" for other in OTHERS), small_text()])
    upload(page, archive(tmp_path / "mill.zip", f"{HOSTILE}.txt", words))
    until(page, "kantai.store.run && kantai.store.status")
    until(page, seen(".k-change", "onerror"))  # what a rule removed is shown as an example
    until(page, seen(".k-text", "constructor.constructor"))
    assert "onerror" in page.evaluate("kantai.store.status.name")  # it was named by its file
    nothing_is_made(page)
    go(page, "tokenizer")
    page.get_by_role("button", name=text("learn_vocabulary")).click()
    page.fill(".k-wide textarea >> visible=true", f"the old {HOSTILE}")
    page.wait_for_selector(".k-token:has-text('old') >> visible=true")
    nothing_is_made(page)
    go(page, "fill_mask")
    until(page, "document.querySelector('.k-chips button')")
    settled(page)
    page.fill("textarea >> visible=true", f"the {HOSTILE} {OTHERS[1]} <mask>")
    page.wait_for_selector(".k-words button:has-text('onerror')")
    nothing_is_made(page)
    go(page, "compare")
    page.click(f"button:has-text('{text('rename_delete')}')")
    page.get_by_label(text("runs_name"), exact=True).fill(OTHERS[1] + HOSTILE)
    page.get_by_role("button", name=text("rename"), exact=True).click()
    until(page, f"kantai.store.status.name === {OTHERS[1] + HOSTILE!r}")
    page.wait_for_selector("td a:has-text('svg onload')")
    nothing_is_made(page)
    go(page, "teacher")
    nothing_is_made(page)


def test_markup_in_a_mistake_stays_words(visit, tmp_path):
    page = visit()
    upload(page, archive(tmp_path / "nest.zip", f"{HOSTILE}.zip", "words"))
    page.wait_for_selector(".toast-wrap >> text=onerror")
    assert HOSTILE in page.inner_text(".toast-wrap")
    nothing_is_made(page)


def test_a_csv_holds_every_cell_and_no_formula(visit):
    dice, page = random.Random(0), visit()
    letters = STARTS + "a1.\"',;\0 é中=+-"
    rows = [["".join(dice.choices(letters, k=dice.randint(0, 6))) for _ in range(4)]
            for _ in range(400)]  # fmt: skip
    rows += [["=1+1", "-5.25", "+1e3", "-x"], ['=HYPERLINK("http://x")', "a\r=1+1", "\n=1", "@a"]]
    written = page.evaluate("(rows) => kantai.csv(rows)", rows)
    lines = csv.reader(io.StringIO(written.replace("\0", "\ue000"), newline=""))
    found = [[cell.replace("\ue000", "\0") for cell in row] for row in lines]  # 3.10 reads no NUL
    assert len(found) == len(rows)
    for before, after in zip(rows, found, strict=True):
        for cell, told in zip(before, after, strict=True):
            assert told in (cell, "'" + cell)
            assert told == "" or told[0] not in STARTS or is_figure(told)
    assert found[-2] == ["'=1+1", "-5.25", "+1e3", "'-x"]


def is_figure(cell: str) -> bool:
    try:
        return cell.strip() == "" or float(cell) is not None
    except ValueError:
        return False
