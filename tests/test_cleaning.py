"""Each rule on the text it was made for, and what must hold for every text."""

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kantai.changes import Changes
from kantai.cleaning import CLEANING_RULES, choose_rules, clean_text
from kantai.errors import UserError
from kantai.strings import LANGUAGES, text
from kantai.words import words

# How fast the machine is, is no concern of these tests.
relaxed = settings(deadline=None, max_examples=60)

TEXT_RULES = [rule for rule in CLEANING_RULES.values() if not rule.on_paragraphs]

SENTENCES = (
    "The miller rose early every morning because the river ran highest before the sun.",
    "His daughter, who was called Ann, carried the sacks down to the landing.",
    "Nobody in the valley remembered a year without bread, though some were lean.",
    "When the snow melted late, people looked at the wheel with worry and counted the days.",
    "A wheel that turns slowly grinds the finest flour, as every child there knew.",
)


def apply(name, text):
    """One rule on a text: the new text and the tally."""
    changes = Changes()
    return CLEANING_RULES[name].apply(text, changes), changes


def clean(text, names=None):
    """All rules of these names on one text: its paragraphs."""
    rules = choose_rules(names)
    tallies = {rule.name: Changes() for rule in rules}
    paragraphs = clean_text(text, rules, tallies)
    for rule in rules:
        if rule.on_paragraphs:
            paragraphs = list(rule.apply(paragraphs, tallies[rule.name]))
    return paragraphs


# -- the rules, one by one ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("line_ends", "a\r\nb\rc\r\r\nd\u2028e\n", "a\nb\nc\nd\ne\n"),
        ("line_ends", "a\r\n\r\nb", "a\n\nb"),
        ("control_characters", "\ufeffa\u00adb\u200bc\x00d\x1b[31me\x1b[0m\ud800", "abcde"),
        ("control_characters", "soft\u00ad\nhyphen\tand\ffeed", "soft-\nhyphen\tand\ffeed"),
        ("control_characters", "می\u200cخواهم 👩\u200d🔧 a\u200db", "می\u200cخواهم 👩\u200d🔧 ab"),
        ("unicode_nfc", "e\u0301te\u0301 ok", "été ok"),
        ("hyphenation", "under-\nstanding", "understanding"),
        ("hyphenation", "in under-\n   standing it", "in understanding it"),
        ("hyphenation", "the well-\nknown and well-known", "the well-known and well-known"),
        ("hyphenation", "an Anglo-\nSaxon of 1914-\n18", "an Anglo-Saxon of 1914-18"),
        ("hyphenation", "under-\n\nstanding. End-\n\nNew", "understanding. End-\n\nNew"),
        ("hyphenation", "the end--\nof it", "the end--\nof it"),
        ("whitespace", "a \t b\u00a0c  \n  d\n\n\n\ne\u3000f", "a b c\nd\n\ne f"),
    ],
)
def test_a_rule_changes_what_it_should(name, before, after):
    result, changes = apply(name, before)
    assert result == after
    assert changes.removed == len(before) - len(after)
    assert (changes.places > 0) == (before != after)
    assert apply(name, after)[0] == after


def test_a_spaced_dash_at_a_line_end_joins_no_words():
    text = "freedom- a bliss- and causality-\nthe cause of the causality"
    assert "causality-\nthe" in apply("hyphenation", text)[0]


def test_two_examples_are_whole_and_readable():
    _, changes = apply("control_characters", "a rea\u00adson\nand\u200b more\nand\x00 yet more")
    assert changes.places == 3
    assert changes.examples == [
        ("a rea\\u00adson", "a reason"),
        ("and\\u200b more", "and more"),
    ]


# -- the whole way ------------------------------------------------------------------------


def test_rules_can_be_switched_off_and_run_in_the_tables_order():
    assert [rule.name for rule in choose_rules({"unwrap", "line_ends"})] == ["line_ends", "unwrap"]
    assert clean(" a\u00a0b\r\n\r\nc ", names=()) == ["a\u00a0b", "c"]
    with pytest.raises(UserError, match="no cleaning rule called uppercase"):
        choose_rules(["uppercase"])


@pytest.mark.parametrize("name", CLEANING_RULES)
def test_every_rule_has_a_name_for_people(name):
    assert len({text(f"rule_{name}", language) for language in LANGUAGES}) == len(LANGUAGES)


def test_special_tokens_and_comparisons_survive_every_rule():
    sentence = "The literal <mask>, <s> and </s> stay, so do a < b and x < y > z, a<b>c too."
    assert clean(f"{sentence}\n\n{SENTENCES[0]}") == [sentence, SENTENCES[0]]


# -- for every text -----------------------------------------------------------------------

SCRAPS = st.sampled_from(
    [
        "\n",
        "\n",
        "\n",
        "\n\n",
        "\r\n",
        "\r\r\n",
        "\f",
        "\t",
        "\u00ad",
        "\u200b",
        "\ufeff",
        "e\u0301",
    ]
    + [". ", ", ", " ", "  ", "-", "--", "—", "- ", "* ", "1. ", "(a) ", "=", "---", '"', "”", ")"]
    + ["*", "_", "`", "```", "# ", "> ", "<b>", "</b>", "<p>", "<br>", "&amp;", "&lt;", "[^1]"]
    + ["[a](http://x)", "<mask>", "</s>", "12", "---- Page 3----", "- 4 -", "[p. 5]", "Chapter IV"]
    + ["the", "river", "Miller", "under", "纯粹", "理性", "。", "，", "THE END", "Produced by Y"]
    + ["*** START OF THE PROJECT GUTENBERG EBOOK X ***", "End of Project Gutenberg's X"]
    + ["the wheel stood by the river and the mill"]
)
WILD = st.one_of(st.text(), st.lists(SCRAPS, max_size=60).map("".join))


@relaxed
@given(WILD)
def test_cleaning_never_fails_and_leaves_no_ragged_paragraph(wild):
    for paragraph in clean(wild):
        assert paragraph
        assert paragraph == paragraph.strip()
        assert "\n\n" not in paragraph


@relaxed
@given(WILD)
def test_each_rule_alone_changes_nothing_the_second_time(wild):
    """On any text, blank lines aside; `unwrap` judges a text as a whole: see below."""
    for rule in TEXT_RULES:
        if rule.name != "unwrap":
            once = rule.apply(wild, Changes())
            twice = rule.apply(once, Changes())
            assert lines_of(twice) == lines_of(once), rule.name


def lines_of(text):
    return [line for line in text.split("\n") if line]


PROSE = st.lists(st.sampled_from(SENTENCES), min_size=4, max_size=9, unique=False).map(" ".join)
VERSE = st.just("What light is on the river now,\nWhat wind is in the tree?\nThe mill is old")
LIST = st.just("- a wheel\n- a stone, and\n- flour")


@st.composite
def wrapped_texts(draw):
    """Prose as people send it: hard-wrapped, with a heading, verse and a list."""
    width = draw(st.integers(50, 90))
    blocks = draw(st.lists(PROSE, min_size=5, max_size=8, unique=True))
    blocks = [textwrap.fill(block, width) for block in blocks]
    for extra in draw(st.lists(st.one_of(VERSE, LIST, st.just("CHAPTER I\nTHE MILL")), max_size=3)):
        blocks.insert(draw(st.integers(0, len(blocks))), extra)
    return draw(st.sampled_from(["\n", "\r\n", "\r\r\n"])).join("\n\n".join(blocks).split("\n"))


@relaxed
@given(wrapped_texts())
def test_cleaning_twice_changes_nothing_the_second_time(wrapped):
    once = clean(wrapped)
    assert clean("\n\n".join(once)) == once


@relaxed
@given(
    st.lists(
        st.lists(st.sampled_from(words(" ".join(SENTENCES))), min_size=30, max_size=60),
        min_size=1,
        max_size=8,
        unique_by=tuple,
    ),
    st.sampled_from(["\n", "\n\n", "\r\n\r\n"]),
)
def test_the_words_of_an_unwrapped_text_survive_in_order(paragraphs, parting):
    lines = [" ".join(row) + "." for row in paragraphs]
    names = [name for name in CLEANING_RULES if name != "near_duplicates"]
    assert clean(parting.join(lines), names) == lines
