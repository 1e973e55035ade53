"""Project Gutenberg's headers and licences go, the book between them stays whole."""

import pytest

from kantai.changes import Changes
from kantai.gutenberg import remove_gutenberg

BOOK = "THE MILL\n\nby Ann Miller\n\nThe wheel was made of oak.\n\nIt turned for years.\n\nTHE END"

NEW = """\ufeffThe Project Gutenberg eBook of The Mill

This eBook is for the use of anyone anywhere in the United States.

Title: The Mill
Release date: May 1, 2004 [eBook #12345]

Credits: Carol Smith and the team

*** START OF THE PROJECT GUTENBERG EBOOK THE MILL ***

{book}

*** END OF THE PROJECT GUTENBERG EBOOK THE MILL ***

Updated editions will replace the previous one.

START: FULL LICENSE
THE FULL PROJECT GUTENBERG™ LICENSE

This website includes information about Project Gutenberg™, how to subscribe to our
email newsletter to hear about new eBooks."""

OLDER = """Project Gutenberg's The Mill, by Ann Miller

***START OF THIS PROJECT GUTENBERG EBOOK THE MILL, OR HOW A WHEEL OF OAK
WAS MADE***

E-text prepared by Carol Smith

Transcriber's note: Italics are enclosed in _underscores_
  as here.

{book}

Transcriber's Notes

Simple errors were corrected.

End of the Project Gutenberg EBook of The Mill, by Ann Miller

***END OF THIS PROJECT GUTENBERG EBOOK THE MILL***

***** This file should be named 12345.txt or 12345.zip *****

Most people start at our Web site. It tells how to subscribe to our email newsletter to
hear about new eBooks."""

OLDEST = """**The Project Gutenberg Etext of The Mill, by Ann Miller**

***START**THE SMALL PRINT!**FOR PUBLIC DOMAIN ETEXTS**START***
Why is this small print here?
*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*

This etext was prepared by Carol Smith

{book}

End of Project Gutenberg's Etext of The Mill
"""


@pytest.mark.parametrize("form", [NEW, OLDER, OLDEST])
def test_only_the_book_stays(form):
    changes = Changes()
    assert remove_gutenberg(form.format(book=BOOK), changes).strip() == BOOK
    assert changes.places == 2
    assert changes.removed > 200
    assert [after for _, after in changes.examples] == ["", ""]


def test_several_books_in_one_file_with_a_persons_own_words_around_them():
    books = [BOOK.replace("oak", wood) for wood in ("oak", "ash", "elm", "fir")]
    parts = [form.format(book=book) for form, book in zip((OLDEST, NEW, OLDER, NEW), books)]  # noqa: B905
    text = "\n\n".join(["My preface.", *parts, "My own last words."])
    left = remove_gutenberg(text, Changes())
    assert [part.strip() for part in left.split("\n\n") if part.strip()] == [
        "My preface.",
        *"\n\n".join(books).split("\n\n"),
        "My own last words.",
    ]


def test_a_text_that_speaks_of_it_is_left_alone():
    text = "I read it on Project Gutenberg.\n\nProduced by hand, the start of the wheel was hard."
    assert remove_gutenberg(text, Changes()) == text


def test_thousands_of_markers_take_linear_time():
    assert remove_gutenberg("*** END OF THE PROJECT GUTENBERG EBOOK X ***\n" * 20_000, Changes())
