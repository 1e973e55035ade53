"""Markdown and HTML lose their marks, not their words."""

import pytest

from kantai.changes import Changes
from kantai.markup import remove_markup


def plain(text):
    """The text without marks, its blank lines squeezed."""
    lines = [line.rstrip() for line in remove_markup(text, Changes()).split("\n")]
    return [line for line in lines if line]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A *small* mill by the **old _stone_ bridge**.", "A small mill by the old stone bridge."),
        (
            "_Judgement of\ntaste_ and `code`, ~~no~~, =bold=",
            "Judgement of\ntaste and code, no, bold",
        ),
        ("## The mill ##", "The mill"),
        ("Setext\n======\ntext", "Setext\ntext"),
        ("a\n\n* * *\n\nb", "a\nb"),
        ('See [the wheel](https://a.org/w_(x) "Wheel") now', "See the wheel now"),
        ("[![A mill](img/mill.png)](https://a.org)", "A mill"),
        (
            "See [the wheel][1] and [Stone].\n\n[1]: https://a.org\n[stone]: /s",
            "See the wheel and Stone.",
        ),
        ("A claim[^1].\n\n[^1]: Its note.", "A claim.\n Its note."),
        ("```python\nx = a < b  # less\n```", "x = a < b  # less"),
        ("> He said\n> so.", "He said\nso."),
        ("| a | b |\n|---|--:|\n| c | d |", "| a | b |\n| c | d |"),
        ("caf&eacute; &amp;amp; &#233; &lt;mask&gt;", "café & é <mask>"),
        ("<p>One <b>bold</b><br/>two</p>", "One bold\ntwo"),
        ('<UL class="x"><li>one<li>two</UL>', "- one\n- two"),
        ("<td>a</td><td>b</td>", " a  b"),
        ("<!-- no --><style>p {}</style><script>if (a<b) f()</script>yes", "yes"),
        ("<https://a.org/x>", "https://a.org/x"),
    ],
)
def test_marks_go_and_words_stay(text, words):
    assert plain(text) == words.split("\n")
    assert plain(words) == words.split("\n")


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d, x < y > z, x<y>z, a<b>c, if a<b and c>d",
        "<s>, </s>, <mask>, <pad>, <unk>, List<String>",
        "cp <source> <target>; the <title> of <address>",
        "2*3*4, snake_case_name, __init__, f[i](x), [particular][23], law. * A footnote *",
        "AT&T, R&D, x &lt y, &nosuch;",
        "a -- b\n--\n#hashtag\nx < y\n> z",
        "<!-- never closed, [a](b, *a, `b, _c",
    ],
)
def test_what_only_looks_like_a_mark_stays(text):
    changes = Changes()
    assert remove_markup(text, changes) == text
    assert changes.places == 0


@pytest.mark.parametrize(
    "scrap",
    [
        "<",
        "&amp;",
        "*a ",
        "_a ",
        "`a ",
        "[",
        "[a](",
        "[a]",
        "<a ",
        "<!--",
        "<script>",
        "> ",
        "# ",
        "-",
    ],
)
def test_a_megabyte_of_one_scrap_is_read_in_linear_time(scrap):
    """A pattern that went over the rest of the text from each scrap would never come back."""
    assert isinstance(remove_markup(scrap * (1_000_000 // len(scrap)), Changes()), str)
