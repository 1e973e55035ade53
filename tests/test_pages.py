"""Pages leave no trace: no marks, no numbers, no running heads, no torn sentence."""

import textwrap

import pytest

from kantai.changes import Changes
from kantai.pages import remove_page_marks, remove_running_heads

LINES = textwrap.wrap(" ".join(f"word{chr(97 + n % 26)} number {n}" for n in range(900)), 60)
PAGES = [LINES[at : at + 20] for at in range(0, len(LINES), 20)]


def without_pages(text):
    return remove_running_heads(remove_page_marks(text, Changes()), Changes())


@pytest.mark.parametrize(
    "page",
    [
        "---- Page {n}----\n{body}",
        "\n\n---- Page {n} of 40 ----\n\n{n} THE MILL\n\n{body}",
        "[Page {n}]\n{body}",
        "{body}\n- {n} -",
        "{body}\n\n— {n} —\n",
        "{body}\n{n}",  # a bare number, counting up
        "\f{n}\nThe Mill, chapter 3\n{body}",
        "{body}\nAnn Miller | The Mill {n}\n\f",
        "\f{body}",
    ],
)
def test_the_lines_of_the_text_remain_alone(page):
    pages = [page.format(n=n, body="\n".join(body)) for n, body in enumerate(PAGES, 1)]
    assert without_pages("\n".join(pages)).split() == " ".join(LINES).split()
    # A sentence that runs on is not torn apart by a blank line.
    assert "\n\n" not in without_pages("\n".join(pages)).strip().replace("\n\nword", "")


def test_marks_inside_a_line():
    text = "the under[Page 12]standing [p. 13] of it, as [Pg 14] he said"
    assert remove_page_marks(text, Changes()) == "the understanding of it, as he said"


def test_marks_of_an_edition_that_recur():
    marks = [f"{{BOOK_1 ^paragraph {n}}}" for n in range(5, 105, 5)]
    text = "\n".join(f"{mark}\ntext {mark[-3:-1]}" for mark in marks)
    assert remove_page_marks(text, Changes()).split() == [
        word for mark in marks for word in ("text", mark[-3:-1].strip())
    ]
    assert remove_page_marks(marks[0], Changes()) == marks[0]


@pytest.mark.parametrize(
    "text",
    [
        "1\n2\n3\n4\n5",  # a list of numbers
        "\n".join(f"{n}\n\n" + "text\n" * 300 for n in range(1, 6)),  # chapters
        "12\nThe year was 1788.\n- 12 apples\n-- 12",
        "Page 12 of the book says so.\nsee p. 12\n[12] A footnote.\nIt was 12 - 12 -",
    ],
)
def test_numbers_that_are_no_page_numbers_stay(text):
    changes = Changes()
    assert without_pages(text) == text
    assert remove_page_marks(text, changes) == text
    assert changes.places == 0


def test_a_line_that_recurs_in_the_middle_of_pages_stays():
    pages = [f"first {a}\nsecond {a}\nAmen.\nthird {a}\nfourth {a}" for a in "abcdef"]
    assert without_pages("\f".join(pages)).count("Amen.") == 6


def test_after_a_full_stop_a_blank_line_parts_pages_if_there_was_one():
    assert (
        remove_running_heads("One ends.\n\n\f\nTwo begins.", Changes())
        == "One ends.\n\nTwo begins."
    )
    assert remove_running_heads("One goes\n\n\f\non.", Changes()) == "One goes\non."
    assert remove_running_heads("人类的\n\n\f\n知识", Changes()) == "人类的\n知识"
