"""The rules that turn a file's text into clean paragraphs, in one table.

A rule is a function: text and a tally in, text out; the last two take paragraphs, one
after another. Each can be switched off, and counts what it changed. The longer rules
have modules of their own; here are the short ones and the order. To add a rule, write
its function and put it into the table. Knows no files, no report and no split.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from kantai.changes import Changes, replace_all, substitute
from kantai.duplicates import remove_exact_duplicates, remove_near_duplicates
from kantai.errors import UserError
from kantai.gutenberg import remove_gutenberg
from kantai.markup import remove_markup
from kantai.pages import remove_page_marks, remove_running_heads
from kantai.unwrap import unwrap

TextRule = Callable[[str, Changes], str]
ParagraphRule = Callable[[Iterable[str], Changes], Iterator[str]]

# CR CR LF is one line end: what a text with CR LF becomes when it is written as text again.
_LINE_ENDS = ("\r\r\n", "\r\n", "\r", "\x0b", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")
_ESCAPE = re.compile("\x1b\\[[0-9;?]{0,20}[A-Za-z]")  # a terminal's colours
_SOFT_HYPHEN_AT_END = re.compile("\u00ad(?=[ \t]{0,9}\n)")
# Tab, line feed and form feed stay: the rules for pages and paragraphs read them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0d-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]+"
)
# Joiners shape Persian, Indic scripts and emoji; after other letters they are rubbish.
_JOINER = re.compile("(?:\\A|(?<=[\x00-\u058f\u2000-\u206f\u3000-\u9fff]))[\u200c\u200d]+")
_BROKEN = re.compile(r"[-\u2010]\n[ \t]{0,80}(?:\n[ \t]{0,80})?(?=[^\W_])")
_SPACED_DASH = re.compile(r"- (?<=[^\W_]- )(?=[^\W_])")  # literal first: it is searched faster
_LEFT_HALF = re.compile(r"[^\W_]+$")
_RIGHT_HALF = re.compile(r"[^\W_]{1,40}")
_WHOLE_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_OTHER_SPACE = re.compile(
    "[\t\x0b-\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
)
_SPACES = re.compile("  +")
_EDGE_SPACE = re.compile(r" (?=\n)|(?<=\n) ")
_BLANK_LINES = re.compile(r"\n\n\n+")


def normalize_line_ends(text: str, changes: Changes) -> str:
    """One line feed for each line end, whichever machine wrote it."""
    for line_end in _LINE_ENDS:
        text = replace_all(text, line_end, "\n", changes)
    return text


def remove_control_characters(text: str, changes: Changes) -> str:
    """Drop what is not seen: control and zero-width characters, soft hyphens, byte-order marks."""
    text = substitute(_ESCAPE, "", text, changes)
    text = substitute(_SOFT_HYPHEN_AT_END, "-", text, changes)
    text = substitute(_INVISIBLE, "", text, changes)
    if "\u200c" in text or "\u200d" in text:
        text = substitute(_JOINER, "", text, changes)
    return text


def normalize_unicode(text: str, changes: Changes) -> str:
    """One code for each letter (NFC): `e` with a combining accent becomes `é`."""
    if unicodedata.is_normalized("NFC", text):
        return text
    lines = text.split("\n")
    for index, line in enumerate(lines):
        new = unicodedata.normalize("NFC", line)
        if new != line:
            changes.count(len(line) - len(new))
            if changes.wants_example():
                changes.show(ascii(line[:80])[1:-1], new[:80])
            lines[index] = new
    return "\n".join(lines)


def join_hyphenated(text: str, changes: Changes) -> str:
    r"""Put words together that were divided at a line's end.

    `under-\nstanding` becomes `understanding`. `well-\nknown` keeps its hyphen if the rest
    of the text has `well-known` more often than `wellknown`; two whole words that never
    occur as one keep it too, and so does a part before a capital or a figure.
    """
    breaks = list(_BROKEN.finditer(text))
    if not breaks:
        return text
    halves = [_halves(text, match) for match in breaks]
    wanted = {word for pair in halves if pair for word in _spellings(*pair)}
    counts = Counter(filter(wanted.__contains__, _WHOLE_WORD.findall(text.lower())))
    # The halves at the line ends are no evidence that they are words.
    counts.subtract(half.lower() for pair in halves if pair for half in pair)
    decided = dict(zip((match.start() for match in breaks), halves, strict=True))
    # Some texts write a dash like this- as a hyphen and a space.
    dashed = len(_SPACED_DASH.findall(text)) > len(breaks)

    def replace(match: re.Match[str]) -> str:
        pair = decided[match.start()]
        sign = _between(*pair, counts, dashed) if pair else None
        return match[0] if sign is None else sign

    return substitute(_BROKEN, replace, text, changes)


def _halves(text: str, match: re.Match[str]) -> tuple[str, str] | None:
    """The letters before and after a hyphen at a line's end; None if it divides no word."""
    left = _LEFT_HALF.search(text[max(0, match.start() - 40) : match.start()])
    right = _RIGHT_HALF.match(text, match.end())
    if not left or not right:
        return None
    if match[0].count("\n") > 1 and not right[0][0].islower():
        return None  # a blank line and a capital: another paragraph
    return left[0], right[0]


def _spellings(left: str, right: str) -> tuple[str, str, str, str]:
    """The words that two halves can be: each by itself, both as one, both with the hyphen."""
    return left.lower(), right.lower(), (left + right).lower(), f"{left}-{right}".lower()


def _between(left: str, right: str, counts: Counter[str], dashed: bool) -> str | None:
    """What stands between two halves: nothing, the hyphen, or None for a dash: leave it."""
    *both, joined, compound = (counts[word] for word in _spellings(left, right))
    words = min(both) > 0
    if words and not joined and not compound and dashed:
        return None
    letters = left[-1].isalpha() and right[0].islower()
    keeps = not letters or compound > joined or (words and not joined)
    return "-" if keeps else ""


def normalize_whitespace(text: str, changes: Changes) -> str:
    """One space between words, none at a line's edges, one blank line between paragraphs."""
    text = substitute(_OTHER_SPACE, " ", text, changes)
    text = substitute(_SPACES, " ", text, changes)
    if " \n" in text or "\n " in text:
        text = substitute(_EDGE_SPACE, "", text, changes)
    return substitute(_BLANK_LINES, "\n\n", text, changes)


@dataclass(frozen=True)
class Rule:
    """A cleaning rule: its `name` (in reports and on the command line) and what it does.

    `apply(text, changes)` takes the text of one document, or one stretch of it. Where
    `on_paragraphs` is true it takes the paragraphs of all documents instead and yields
    those that stay.
    """

    name: str
    apply: TextRule | ParagraphRule
    on_paragraphs: bool = False


# In the order they run. Markup comes before the rules that read lines and characters,
# since entities and elements turn into both.
CLEANING_RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("line_ends", normalize_line_ends),
        Rule("gutenberg", remove_gutenberg),
        Rule("markup", remove_markup),
        Rule("control_characters", remove_control_characters),
        Rule("unicode_nfc", normalize_unicode),
        Rule("page_marks", remove_page_marks),
        Rule("running_heads", remove_running_heads),
        Rule("hyphenation", join_hyphenated),
        Rule("unwrap", unwrap),
        Rule("whitespace", normalize_whitespace),
        Rule("exact_duplicates", remove_exact_duplicates, on_paragraphs=True),
        Rule("near_duplicates", remove_near_duplicates, on_paragraphs=True),
    )
}


def choose_rules(names: Collection[str] | None = None) -> list[Rule]:
    """The rules of these names in the order they run; all of them for None.

    Raises UserError for a name that no rule has.
    """
    for name in names or ():
        if name not in CLEANING_RULES:
            raise UserError("rule_unknown", name=name, names=", ".join(CLEANING_RULES))
    return [rule for rule in CLEANING_RULES.values() if names is None or rule.name in names]


def clean_text(text: str, rules: Iterable[Rule], tallies: dict[str, Changes]) -> list[str]:
    """The paragraphs that the text rules among `rules` make of `text`.

    None is empty or has white space at its edges. Without the rule `unwrap` each line
    is a paragraph.
    """
    parting = "\n"
    for rule in rules:
        if not rule.on_paragraphs:
            text = rule.apply(text, tallies[rule.name])
            parting = "\n\n" if rule.name == "unwrap" else parting
    return [paragraph for part in text.split(parting) if (paragraph := part.strip())]
