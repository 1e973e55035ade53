"""Hard-wrapped lines become paragraphs; verse, lists, tables and headings do not."""

import textwrap

import pytest

from kantai.changes import Changes
from kantai.layout import Layout, survey
from kantai.unwrap import unwrap

MILL = (
    "The miller rose early every morning because the river ran highest before the sun had "
    "warmed the hills, and he knew that a wheel turning slowly grinds the finest flour. His "
    "daughter, who was called Ann, carried the sacks down to the landing, where a boat from the "
    "town waited for them. Nobody in the valley remembered a year without bread."
)
BREAD = (
    "Still, when the snow melted late, people looked at the wheel with worry and counted the "
    "days that the grain would last. The old ones told of a winter when the ice had held the "
    "wheel for seven weeks, and of the long walk over the pass with sacks on their backs. Few "
    "had come back without a story, and each story had grown a little since."
)


def unwrapped(text):
    return unwrap(text, Changes()).split("\n\n")


def wrap(text, width=66, **options):
    return textwrap.fill(text, width, **options)


@pytest.mark.parametrize("width", [40, 66, 79, 120])
def test_wrapped_paragraphs_are_joined(width):
    text = f"{wrap(MILL, width)}\n\n{wrap(BREAD, width)}"
    assert unwrapped(text) == [MILL, BREAD]


def test_a_line_end_is_counted_and_shown():
    changes = Changes()
    unwrap(wrap(MILL), changes)
    assert changes.places == wrap(MILL).count("\n")
    before, after = changes.examples[0]
    assert "⏎" in before and before.replace("⏎", " ") == after


def test_a_text_whose_every_line_is_followed_by_a_blank_one():
    text = f"{wrap(MILL)}\n\n{wrap(BREAD)}".replace("\n", "\n\n")
    assert unwrapped(text) == [MILL, BREAD]


def test_without_blank_lines_a_paragraph_ends_with_a_short_line_or_before_an_indented_one():
    short = "\n".join([wrap(MILL + " It was so."), wrap(BREAD + " So it was."), wrap(MILL)])
    assert unwrapped(short) == [MILL + " It was so.", BREAD + " So it was.", MILL]
    indented = "\n".join(wrap(text, initial_indent="   ") for text in (MILL, BREAD, MILL))
    assert unwrapped(indented) == [MILL, BREAD, MILL]


def test_headings_stay_apart():
    text = f"CHAPTER I\n\nOf Bread\n{wrap(MILL)}\n\nOf the various\nkinds of flour\n\n{wrap(BREAD)}"
    assert unwrapped(text) == [
        "CHAPTER I",
        "Of Bread",
        MILL,
        "Of the various kinds of flour",
        BREAD,
    ]


@pytest.mark.parametrize("around", ["", f"\n\n{wrap(MILL)}\n\n{wrap(BREAD)}"])
@pytest.mark.parametrize(
    "block",
    [
        "What light is on the river now,\nWhat wind is in the willow tree?\n"
        "The mill is old, the wheel is slow,\nAnd no one comes to grind but me.",
        "床前明月光，\n疑是地上霜。\n举头望明月，\n低头思故乡。",
        "- a wheel\n- a stone\n- flour",
        "1. Get up.\n2. Go.",
    ],
)
def test_verse_and_lists_keep_their_lines(block, around):
    assert unwrapped(block + around)[0] == block


def test_verse_as_wide_as_the_prose_around_it_keeps_its_lines():
    verse = (
        "The wheel is old and slow upon the stream,\n"
        "And those who ground their corn are gone by now;\n"
        "The miller sleeps, and in his sleep a dream\nOf Ann, who walks beside the golden plough"
    )
    text = f"{wrap(MILL, 44)}\n\n{verse}\n\n{wrap(BREAD, 44)}"
    assert unwrapped(text) == [MILL, verse, BREAD]


def test_items_of_a_list_are_joined_each_for_itself():
    text = f"Needed:\n- {wrap(MILL, 60, subsequent_indent='  ')}\n- bread\n\n{wrap(BREAD, 60)}"
    assert unwrapped(text) == ["Needed:", f"- {MILL}\n- bread", BREAD]


def test_a_number_that_comes_to_stand_at_a_lines_beginning_makes_no_list():
    lines = wrap(MILL).split("\n")
    lines[2], lines[4] = f"12. {lines[2][4:]}", f"7. {lines[4][3:]}"
    assert unwrapped("\n".join(lines)) == [" ".join(lines)]


def test_the_rows_of_a_table_stay_apart():
    table = "Name      Age   Trade\nAnn        31   miller\nBob         4   none"
    assert unwrapped(f"{table}\n\n{wrap(MILL)}")[:3] == table.split("\n")
    assert unwrapped("| a | b |\n| c | d |") == ["| a | b |", "| c | d |"]


def test_chinese_lines_are_joined_without_a_space():
    one = (
        "人类的一切知识都从经验开始这是没有任何怀疑的因为如果不是通过对象激动我们的感官" * 3 + "。"
    )
    two = "所以按照时间我们没有任何知识是先行于经验的一切知识都是从经验开始的" * 3 + "。"
    rows = [
        f"　　{text}"[at : at + 30] for text in (one, two) for at in range(0, len(text) + 2, 30)
    ]
    assert unwrapped("\n".join(rows)) == [one, two]


def test_nothing_stands_beside_a_dash():
    first, second, *rest = wrap(MILL).split("\n")
    assert f"{first}--{second} " in unwrap("\n".join([first + "--", second, *rest]), Changes())


@pytest.mark.parametrize(
    "text",
    [
        f"{MILL}\n{BREAD}\nShort.\n{MILL}",  # a paragraph a line
        "\n".join(sentence + "." for sentence in (MILL + BREAD).split(". ")),  # a sentence a line
        # lines of much the same length that begin with capitals, or end with full stops
        "\n\n".join(
            f"The mill of {n} stood beside the river\nAnd turned until {n} came" for n in "ABC"
        ),
        "\n".join(f"the miller of house number {n} has baked his bread." for n in range(80)),
        "\n".join(f"https://example.org/{'page' * 8}/{number}" for number in range(80)),
        "word\n" * 100,
    ],
)
def test_lines_that_are_not_wrapped_stay(text):
    assert survey(text.split("\n")) == Layout()
    assert [line for part in unwrapped(text) for line in part.split("\n")] == [
        line for line in text.split("\n") if line
    ]
