"""The dirty sample: a part of the almanac as a bad scan, which needs every cleaning rule.

The same town, told with another seed, then spoiled step by step as real files are: a header
and a footer of an e-book, pages with running heads and numbers, lines cut at 64 characters
with divided words, three kinds of line ends, marks of two markup languages, accents taken
apart, characters nobody sees, paragraphs that come twice, and bytes of two encodings with a
few of none. The verse and the list in the middle must come through unharmed.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Callable
from itertools import pairwise
from random import Random

from kantai.samples import english
from kantai.samples.grammar import pick
from kantai.samples.writer import Writer

SEED, PARAGRAPHS = 1871, 96
WIDTH, PAGE_LINES = 64, 34

HEADER = """\
The Project Gutenberg eBook of A Scanned Almanac

This header is no real one: it stands here so that the rule for headers has
something to find. Whoever reads it in a cleaned text has found a mistake.

Title: A Scanned Almanac
Language: English

*** START OF THE PROJECT GUTENBERG EBOOK A SCANNED ALMANAC ***
"""
FOOTER = """\
*** END OF THE PROJECT GUTENBERG EBOOK A SCANNED ALMANAC ***

This footer is no real one either. It should be gone, with the line above it,
when the text is clean.
"""
VERSE = """\
The lamps go out along the quay,
    The nets hang brown and dry,
The ferry sleeps beneath the tree,
    The moon is in the sky.

The baker dreams of rising bread,
    The smith of iron and flame,
The gull has gone to roost instead
    And does not know my name."""
LIST = """\
- two loaves of rye bread
- a pound of candles
- one new net, with small holes
- four nails and a hinge
- honey, if there is any"""
HEAD = "THE TARNMOUTH ALMANAC"
# Sentences with accents, to be taken apart; and with signs that Windows-1252 writes in one byte.
ACCENTED = (
    "At the café by the quay Renée Fontaine sold crème caramel to the sailors of the Patience.",
    "Zoë, the naïve niece of the harbour master, believed that the sea is kept in by the façade.",
    "The señor from the south bought his fiancée a hat and said that it was a mere début.",
    "Old Åke, who came from Malmö, had a feeling of déjà vu whenever the soup was burned.",
)
WINDOWS = (
    "“Twenty years,” said the clockmaker, “and never a holiday”—then he wound the church clock.",
    "The doctor’s bag cost £3 at the fair – a price the doctor’s wife has not forgotten…",
    "It’s “half past nine”, the night watchman called, and the café’s last lamp went out.",
)
MARKED = (
    "# The Almanac Goes On",
    "The **baker** of Mill Street sells *warm* rolls & buns at [her shop](http://example.org/rolls).",
    "<p>The ferry crosses at <b>seven</b> &amp; at <i>noon</i>,<br/>but never in fog.</p>",
    '<div class="notice">Lost: one umbrella &ndash; black, with a duck&#39;s head.</div>',
)
UNSEEN = ("\x07", "\u200b", "\u00ad", "\x01", "\u2060", "\x1b[0m")
INVALID = (b"\x81", b"\xe2\x80", b"\xff", b"\xc3")
LINE_ENDS = ("\r\r\n", "\r\n", "\n", "\r\n")


def write(refused: Callable[[str], bool] = lambda sentence: False) -> bytes:
    """The spoiled text, always the same bytes; `refused` names sentences it must not hold."""
    rng = Random(SEED)
    paragraphs = _repeat(_tell(rng, refused), rng)
    blocks = [_wrap(p, rng) for p in paragraphs]
    middle = len(blocks) // 2
    blocks[middle:middle] = [VERSE.split("\n"), LIST.split("\n")]
    lines = HEADER.split("\n") + _pages(blocks) + ["", *FOOTER.split("\n")]
    return b"\xef\xbb\xbf" + _encode(_speckle(lines, rng), rng)


def _tell(rng: Random, refused: Callable[[str], bool]) -> list[str]:
    """Paragraphs of the almanac, with the odd sentences among them."""
    tables, lists = english.world()
    writer = Writer(rng, tables, lists, english.topics(), english.ENGLISH, refused)
    months = list(tables["month"].values())
    told = []
    for i in range(PARAGRAPHS):
        month = months[i * 12 // PARAGRAPHS]
        told.append(writer.paragraph({"M": month, "Y": tables["season"][month["season"][0]]}))
    apart = [unicodedata.normalize("NFD", s) for s in ACCENTED]
    for k, odd in enumerate([*apart, *WINDOWS, *MARKED]):
        told.insert((k + 1) * 9, odd)
    return told


def _repeat(paragraphs: list[str], rng: Random) -> list[str]:
    """Some paragraphs once more, some once more with a word or two changed."""
    long = [p for p in paragraphs if len(p.split()) > 45]
    exact, near = long[:4], long[4:8]
    changed = [p.replace(" the ", " that ", 1) + " So it was." for p in near]
    out = list(paragraphs)
    for extra in exact + changed:
        out.insert(len(out) - int(rng.random() * 20), extra)
    return out


def _wrap(paragraph: str, rng: Random) -> list[str]:
    """Lines of at most WIDTH characters; a long word at a line's start may be divided."""
    if paragraph.startswith(("#", "<")):
        return [paragraph]
    lines = textwrap.wrap(paragraph, WIDTH - 6, break_long_words=False, break_on_hyphens=False)
    for i, (line, after) in enumerate(pairwise(lines)):
        word, _, rest = after.partition(" ")
        if word.isalpha() and word.isascii() and len(word) > 7 and rng.random() < 0.6:
            lines[i], lines[i + 1] = f"{line} {word[:4]}-", f"{word[4:]} {rest}".strip()
    return lines


def _pages(blocks: list[list[str]]) -> list[str]:
    """All lines with a mark and a running head where a page ends, also amid a paragraph."""
    out: list[str] = []
    page, used = 12, 0
    for block in blocks:
        kept = block in (VERSE.split("\n"), LIST.split("\n"))
        for line in block:
            if used >= PAGE_LINES and not kept:
                out += ["", f"---- Page {page}----", "", f"{HEAD}    {page + 1}", ""]
                page, used = page + 1, 0
            out.append(line)
            used += 1
        out.append("")
    return out


def _speckle(lines: list[str], rng: Random) -> list[str]:
    """Unseen characters and needless spaces here and there in long lines."""
    out = []
    for line in lines:
        cut = line.find(" ", 20)
        if len(line) > 40 and cut > 0 and not line.startswith(("*", "-", " ", "T", "<")):
            if rng.random() < 0.06:
                line = line[: cut - 1] + str(pick(rng, list(UNSEEN))) + line[cut - 1 :]
            elif rng.random() < 0.06:
                line = line[:cut] + str(pick(rng, ["  ", "\t", " \u00a0 "])) + line[cut + 1 :]
        out.append(line)
    return out


def _encode(lines: list[str], rng: Random) -> bytes:
    """Bytes: line ends that change, Windows-1252 for smart quotes, a few bytes of no encoding."""
    out = b""
    for i, line in enumerate(lines):
        smart = any(sign in line for sign in "“”’–—…£")
        code = line.encode("cp1252" if smart else "utf-8", errors="replace")
        if len(line) > 50 and line.endswith(",") and rng.random() < 0.15:
            code += INVALID[int(rng.random() * len(INVALID))]
        out += code + LINE_ENDS[i * len(LINE_ENDS) // len(lines)].encode()
    return out
