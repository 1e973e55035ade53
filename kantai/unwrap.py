"""Put the lines of a hard-wrapped text together into paragraphs.

`kantai.layout` judges the whole text; what to do with a block of lines (between two
blank lines) is decided for each block: prose is joined, verse and lists keep their
lines, the rows of a table stay apart. Nothing is known of languages but that Chinese
and Japanese are joined without a space.
"""

from __future__ import annotations

import re
from itertools import groupby

from kantai.changes import Changes
from kantai.layout import EAST_ASIAN, FIRST_EAST_ASIAN, Line, is_full, reach, stops, survey
from kantai.words import CJK_MARKS

_EAST_ASIAN_MARK = re.compile(f"[{CJK_MARKS}]")
_SENTENCE_END = re.compile(r"[.!?。！？…][\"'”’»）)\]』」]*$")
_DASHES = "-—"
_DASH_ENDS = re.compile(r"[^\s-](?:--|—)$")
_DASH_BEGINS = re.compile(r"(?:--|—)[^\s-]")
_ITEM = re.compile(
    r"(?:[-*•▪◦‣·–—]|\(?\d{1,3}[.)]|\(?[A-Za-z][.)]|\(?[ivxlIVXL]{1,6}[.)]|\[\d{1,3}\])\s+\S"
)

_VERSE_LINE, _VERSE_LINES = 100, 60  # a block kept together has no longer and no more lines
_LIST_CHARACTERS = 2_000


def unwrap(text: str, changes: Changes) -> str:
    """`text` with a blank line between any two paragraphs, and prose paragraphs on one line.

    >>> unwrap("Two things fill the mind\\n\\nwith wonder.", Changes())
    'Two things fill the mind\\n\\nwith wonder.'
    """
    rows = text.split("\n")
    layout = survey(rows)
    paragraphs: list[str] = []
    for block in _blocks(rows, layout.doubled):
        paragraphs += _paragraphs(block, layout.width, changes)
    return "\n\n".join(paragraphs)


def _blocks(rows: list[str], doubled: bool) -> list[list[Line]]:
    """The lines between blank lines; where every line is followed by one, between two."""
    blocks: list[list[Line]] = []
    blank = 2
    for row in rows:
        if not row or row.isspace():
            blank += 1
            continue
        if blank > doubled:
            blocks.append([])
        blocks[-1].append(Line.read(row))
        blank = 0
    return blocks


def _paragraphs(block: list[Line], width: int, changes: Changes) -> list[str]:
    """What becomes of one block."""
    if len(block) == 1:
        return [block[0].text]
    if 5 * sum(line.gap for line in block) >= 3 * len(block):
        return [line.text for line in block]  # the rows of a table
    full = _full_lines(block, width)
    items = _item_starts(block, full)
    if items:
        return _list(block, items, full, width, changes)
    if _is_prose(block, full, width):
        return _prose(block, full, width, changes)
    return _keep(block)


def _full_lines(block: list[Line], width: int) -> list[bool]:
    """For each line but the last: whether it ends because the next word had no room."""
    if not width:
        return [False] * (len(block) - 1)
    return [is_full(a, b, width) for a, b in zip(block, block[1:], strict=False)]


def _is_prose(block: list[Line], full: list[bool], width: int) -> bool:
    if sum(full) < len(full) / 2:
        # A title in two lines goes on in lower case; so may verse, but not for two lines.
        first, second = block[0].text, block[1].text
        return width > 0 and len(block) == 2 and second[0].islower() and not stops(first)
    if len(block) < 4:
        return True
    starts = [line.text[0] for line in block[1:]]
    if sum(map(str.isupper, starts)) < 0.8 * len(starts):
        return True
    # Capitals all down the edge: verse, unless no line could have taken one word more.
    longest = max(line.length for line in block)
    return all(reach(a, b) > longest for a, b in zip(block, block[1:], strict=False))


def _keep(block: list[Line]) -> list[str]:
    """Lines that are not to be joined: together if they look like verse or a title."""
    texts = [line.text for line in block]
    sentences = sum(_SENTENCE_END.search(text[-4:]) is not None for text in texts)
    together = (
        len(texts) <= _VERSE_LINES
        and max(map(len, texts)) <= _VERSE_LINE
        and sentences < 0.8 * len(texts)
    )
    return ["\n".join(texts)] if together else texts


def _prose(block: list[Line], full: list[bool], width: int, changes: Changes) -> list[str]:
    """Join the lines; a new paragraph begins after a short line or at an indented one."""
    groups = [[block[0].text]]
    for index in range(1, len(block)):
        unlike = not full[index - 1] or block[index].indent != block[index - 1].indent
        if unlike and _begins_paragraph(block, index, full, width):
            groups.append([])
        groups[-1].append(block[index].text)
    return [join_lines(group, changes) for group in groups]


def _begins_paragraph(block: list[Line], index: int, full: list[bool], width: int) -> bool:
    before, line = block[index - 1], block[index]
    ended = _SENTENCE_END.search(before.text[-4:]) is not None
    if not full[index - 1]:
        short, lower = before.length < 0.6 * width, line.text[0].islower()
        if before.length > 1.5 * width or (ended and short):
            return True
        return (ended or short) and not lower
    after = block[index + 1].indent if index + 1 < len(block) else 0
    return ended and before.indent < line.indent > after


def _item_starts(block: list[Line], full: list[bool]) -> dict[int, str]:
    """Where the items of a list begin, and the kind of marker; empty if the block is none.

    A marker in the first line makes a list, and every further one of its kind an item.
    Elsewhere a line of prose can begin with a number by chance: there the line before must
    have ended, and where the first line has no marker, two are needed.
    """
    found: dict[int, str] = {}
    for index, line in enumerate(block):
        if not _ITEM.match(line.text):
            continue
        kind = _kind(line.text)
        ended = index == 0 or not full[index - 1]
        stopped = ended or stops(block[index - 1].text)
        if ended or (kind == found[0] if 0 in found else stopped):
            found[index] = kind
    return found if 0 in found or len(found) > 1 else {}


def _kind(item: str) -> str:
    """The marker without its number or letter: `(12)` and `(3)` are alike, and all bullets."""
    marker = re.sub(r"\d+", "1", re.sub("[A-Za-z]+", "a", item.split(None, 1)[0]))
    return marker if marker[-1] in ".)]" else "-"


def _list(
    block: list[Line], items: dict[int, str], full: list[bool], width: int, changes: Changes
) -> list[str]:
    """Each item on one line. Short ones of a kind stay together; other lines are paragraphs."""
    entries: list[tuple[str, list[str]]] = []
    for index, line in enumerate(block):
        if index not in items and index and (full[index - 1] or _hangs(block, index, width)):
            entries[-1][1].append(line.text)
        else:
            entries.append((items.get(index, ""), [line.text]))
    paragraphs: list[str] = []
    for kind, group in groupby(entries, key=lambda entry: entry[0]):
        texts = [join_lines(lines, changes) for _, lines in group]
        together = kind and sum(map(len, texts)) <= _LIST_CHARACTERS
        paragraphs += ["\n".join(texts)] if together else texts
    return paragraphs


def _hangs(block: list[Line], index: int, width: int) -> bool:
    """Whether a line belongs to the item before it though that line was not full."""
    line, before = block[index], block[index - 1]
    return line.indent > min(before.indent, block[0].indent) or (
        width > 0 and line.text[0].islower()
    )


def join_lines(texts: list[str], changes: Changes) -> str:
    """One line of several, with a space between them where the script writes one.

    >>> join_lines(["纯粹", "理性"], Changes()), join_lines(["pure", "reason"], Changes())
    ('纯粹理性', 'pure reason')
    """
    parts = [texts[0]]
    for before, after in zip(texts, texts[1:], strict=False):
        parts.append("" if _close(before, after) else " ")
        parts.append(after)
    joined = "".join(parts)
    if len(texts) > 1:
        changes.count(sum(map(len, texts)) + len(texts) - 1 - len(joined), len(texts) - 1)
        if changes.wants_example():
            changes.show("\n".join(texts[:2]), "".join(parts[:3]))
    return joined


def _close(before: str, after: str) -> bool:
    """Whether nothing stands between two lines: Chinese, Japanese, and at a dash."""
    last, first = before[-1], after[0]
    if last in _DASHES or first in _DASHES:
        return bool(_DASH_ENDS.search(before[-3:]) or _DASH_BEGINS.match(after))
    if last < FIRST_EAST_ASIAN and first < FIRST_EAST_ASIAN:
        return False
    if _EAST_ASIAN_MARK.match(last) or _EAST_ASIAN_MARK.match(first):
        return True
    return bool(EAST_ASIAN.match(last) and EAST_ASIAN.match(first))
