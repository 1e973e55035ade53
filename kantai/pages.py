"""Take away what belongs to the printed page and not to the text.

Two rules that share one sign: the form feed, which stands where a page ends. The first
turns page marks and page numbers into it, the second looks beside it for running heads,
removes them, and puts the two halves of a sentence together again.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict

from kantai.changes import Changes, substitute
from kantai.words import CJK

BREAK = "\f"
_ENDS_SENTENCE = re.compile(r"[.!?:;。！？：；…][\"'”’»）)\]]*$")

# Lines that are page marks by themselves: `---- Page 12----`, `[p. 12]`, `- 12 -`, `第12页`.
_NUMBER = r"(?:\d{1,5}|[ivxl]{1,8})"
_MARK = re.compile(
    rf"[-–—=~*_.·#|\[({{< ]{{0,12}}(?:page|pg\.?|p\.|seite|第) ?{_NUMBER}"
    rf" ?(?:(?:of|/|von) ?\d{{1,5}})? ?[页頁]?[-–—=~*_.·#|\])}}> ]{{0,12}}",
    re.IGNORECASE,
)
_DASHED = re.compile(rf"([-–—~·]) ?{_NUMBER} ?\1|[-–—~·]{{2,6}} ?{_NUMBER} ?[-–—~·]{{2,6}}", re.I)
_BARE = re.compile(rf"{_NUMBER}", re.IGNORECASE)
_INLINE = re.compile(r"[\[{](?:page|pg\.?|p\.) ?\d{1,5}[\]}] ?", re.IGNORECASE)
# A mark of the edition such as `{BOOK_1 ^paragraph 5}`: in brackets, with a number.
_BRACKETED = re.compile(r"[\[{<(][^\[\]{}<>()]*\d[^\[\]{}<>()]*[\]}>)]")

_LONGEST = 80  # characters of a mark or a head
_REPEATS = 3  # a head stands on at least so many pages
_EDITION_REPEATS = 8
_PAGE_LINES = range(10, 151)  # lines from one bare page number to the next


def remove_page_marks(text: str, changes: Changes) -> str:
    """`text` with a form feed, on a line of its own, for each page mark or page number."""
    if BREAK in text:
        text = re.sub(f"\n?{BREAK}\n?", f"\n{BREAK}\n", text)
    lines = substitute(_INLINE, _drop_inside, text, changes).split("\n")
    marks, bare, bracketed = _find_marks(lines)
    marks += _page_numbers(lines, bare, set(marks))
    for index in marks:
        changes.note(lines[index].strip(), "")
        lines[index] = BREAK
    for indices in bracketed.values():
        if len(indices) >= _EDITION_REPEATS:
            for index in indices:
                changes.note(lines[index].strip(), "")
                lines[index] = ""
    return "\n".join(lines)


def _drop_inside(match: re.Match[str]) -> str:
    """Nothing for a mark among words; one that is alone on its line is a page's end."""
    start, end = match.span()
    before = match.string[max(0, start - _LONGEST) : start].rpartition("\n")[2]
    after = match.string[end : end + _LONGEST].partition("\n")[0]
    return "" if before.strip() or after.strip() else match[0]


def _find_marks(lines: list[str]) -> tuple[list[int], list[int], dict[str, list[int]]]:
    """Where the page marks, bare numbers and bracketed marks of the edition stand."""
    marks, bare = [], []
    bracketed: dict[str, list[int]] = defaultdict(list)
    for index, line in enumerate(lines):
        if len(line) > 3 * _LONGEST:
            continue
        line = line.strip()
        if not line or len(line) > _LONGEST:
            continue
        if _BARE.fullmatch(line):
            bare.append(index)
        elif _MARK.fullmatch(line) or _DASHED.fullmatch(line):
            marks.append(index)
        elif line[0] in "[{<(" and _BRACKETED.fullmatch(line):
            bracketed[_key(line)].append(index)
    return marks, bare, bracketed


def _page_numbers(lines: list[str], bare: list[int], breaks: set[int]) -> list[int]:
    """The bare numbers that are page numbers.

    Either beside a page's end (on two pages at least), or part of a count that goes up
    by one about every page: so a chapter's `3` or a line of a table stays.
    """
    beside = [i for i in bare if _beside_break(lines, i, breaks)]
    found = set(beside) if len(beside) > 1 else set()
    counted = [(i, int(lines[i].strip())) for i in bare if lines[i].strip().isdecimal()]
    steps = [
        (first, second)
        for (first, a), (second, b) in zip(counted, counted[1:], strict=False)
        if b == a + 1 and second - first in _PAGE_LINES
    ]
    if len(steps) >= _REPEATS:
        found.update(index for step in steps for index in step)
    return sorted(found)


def _beside_break(lines: list[str], index: int, breaks: set[int]) -> bool:
    """Whether a page's end is the nearest thing before or after the line, blanks aside."""
    for step in (-1, 1):
        near = index + step
        while 0 <= near < len(lines) and abs(near - index) < 6 and not lines[near].strip(" \t"):
            near += step
        if 0 <= near < len(lines) and (near in breaks or lines[near].strip(" \t") == BREAK):
            return True
    return False


def _key(line: str) -> str:
    """A line without its numbers: what two running heads have in common."""
    return re.sub(r"\d+", "#", line.strip()).casefold()


def remove_running_heads(text: str, changes: Changes) -> str:
    """`text` without the short lines that recur at page ends, and without the page ends."""
    if BREAK not in text:
        return text
    pages = [page.removeprefix("\n").removesuffix("\n").split("\n") for page in text.split(BREAK)]
    edges = [_edge_lines(page) for page in pages]
    keys = Counter(
        key
        for page, edge in zip(pages, edges, strict=True)
        for key in {_key(page[index]) for index in edge}
        if any(map(str.isalpha, key))
    )
    for page, edge in zip(pages, edges, strict=True):
        for index in sorted(edge, reverse=True):
            if keys[_key(page[index])] >= _REPEATS:
                changes.note(page.pop(index).strip(), "")
    return _join_pages(["\n".join(page) for page in pages])


def _edge_lines(page: list[str]) -> list[int]:
    """Where the first two and the last two lines with text stand, if they are short."""
    filled: list[int] = []
    for order in (range(len(page)), range(len(page) - 1, -1, -1)):
        found = []
        for index in order:
            if page[index].strip():
                found.append(index)
                if len(found) == 2:
                    break
        filled += found
    return [index for index in dict.fromkeys(filled) if len(page[index].strip()) <= _LONGEST]


def _join_pages(pages: list[str]) -> str:
    """The pages one after another; a sentence that runs on is not broken by blank lines."""
    joined: list[str] = []
    apart = False
    for page in filter(str.strip, pages):
        body = page.strip("\n")
        if joined:
            open_end = not _ENDS_SENTENCE.search(joined[-1][-20:].rstrip())
            runs_on = open_end and _continues(body.lstrip()[0])
            apart = not runs_on and (apart or page[0] == "\n")
            joined.append("\n\n" if apart else "\n")
        joined.append(body)
        apart = page[-1] == "\n"
    return "".join(joined)


def _continues(character: str) -> bool:
    return character.islower() or re.match(f"[{CJK}]", character) is not None
