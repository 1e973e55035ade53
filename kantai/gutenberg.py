"""Cut away what Project Gutenberg puts before and after a book.

Works on markers that stand on lines of their own, in their old and new forms, for one
book or for many in one file. A text that only speaks of Project Gutenberg is not
touched. Not done: legal notes in the middle of a book, and forms in other languages.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from kantai.changes import Changes, shorten

_START = re.compile(
    r"(?im)^[ \t\ufeff]*(?:\*{2,}[ \t]*START OF (?:TH(?:E|IS) )?PROJECT GUTENBERG"
    r"|\*{1,3}[ \t]*END[ *]*THE SMALL PRINT)[^\n]*$"
)
_END = re.compile(
    r"(?im)^[ \t]*(?:\*{2,}[ \t]*END OF (?:TH(?:E|IS) )?PROJECT GUTENBERG"
    r"|\**End of (?:the |this )?Project Gutenberg(?:['’]s|,? E-?(?:book|text)))[^\n]*$"
)
# The line that a header opens with, and the sentence that the licence ends with.
_HEADER = re.compile(
    r"(?im)^[ \t\ufeff*]*(?:(?:The |This )?Project Gutenberg|This e-?(?:book|text) is for the use)"
)
_LICENCE_END = re.compile(r"(?i)\babout\s+new\s+e-?books[^\n]*")
# What stands between the marker and the book: who scanned it, who proofread it.
_CREDIT = re.compile(
    r"(?i)\s*\[?(?:(?:this )?(?:e-?text|e-?book|html|file)?(?: version)?(?: was)? ?"
    r"(?:produced|prepared|transcribed|scanned|digitized)\b[^\n]{0,60}\b(?:by|from)\b"
    r"|credits?:|transcriber['’]?s?['’]? notes?\b|(?:note: |the )?project gutenberg)"
)
_NOTES = re.compile(r"(?im)^[ \t]*\[?Transcriber['’]?s?['’]? Notes?[:.]?\]?[ \t]*$")

_REST_OF_MARKER = re.compile(r"[^\n*]*(?:\n[^\n*]+)?\*{3}")
_WHITE = re.compile(r"\s*")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")

# How far from a marker its header, licence or notes can reach, in characters.
_HEADER_REACH = 25_000
_LICENCE_REACH = 40_000
_NOTES_REACH = 6_000


def remove_gutenberg(text: str, changes: Changes) -> str:
    """`text` without Project Gutenberg's headers, licences and credits."""
    if not re.search("(?i)project gutenberg", text):
        return text
    kept, position = [], 0
    for start, end in _spans(text):
        kept.append(text[position:start])
        gone = text[start:end].strip()
        lines = gone.split("\n")
        changes.count(end - start)
        changes.show(f"{shorten(lines[0], 76)} … {shorten(lines[-1], 76)}", "")
        position = end
    return "\n\n".join([*kept, text[position:]]) if kept else text


class _Marks:
    """Where in a text the sentences stand by which headers and footers are known.

    Each kind is looked for once, so that thousands of markers cost no more than one.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        starts = [(match.start(), match.end(), True) for match in _START.finditer(text)]
        ends = [(match.start(), match.end(), False) for match in _END.finditer(text)]
        self.all = sorted(starts + ends)
        self.starts = [start for start, _, _ in starts]
        self.headers = [match.start() for match in _HEADER.finditer(text)]
        self.licence_ends = [match.end() for match in _LICENCE_END.finditer(text)]
        self.notes = [match.start() for match in _NOTES.finditer(text)]


def _first(places: list[int], begin: int, end: int) -> int | None:
    """The first of the sorted `places` in [begin, end)."""
    index = bisect_left(places, begin)
    return places[index] if index < len(places) and places[index] < end else None


def _spans(text: str) -> list[tuple[int, int]]:
    """The stretches to cut, in order and apart from each other."""
    marks = _Marks(text)
    spans: list[tuple[int, int]] = []
    done = 0
    for start, end, opens in marks.all:
        if start >= done:
            span = (_header if opens else _footer)(marks, done, start, end)
            spans.append(span)
            done = span[1]
    return spans


def _header(marks: _Marks, after: int, start: int, end: int) -> tuple[int, int]:
    """From the header's first line, which lies after `after`, to the end of the credits."""
    text = marks.text
    first = _first(marks.headers, max(after, start - _HEADER_REACH), start)
    # A long title runs the marker on to a second line, which then closes with asterisks.
    if not text[start:end].rstrip().endswith("*"):
        closing = _REST_OF_MARKER.match(text, end + 1, end + 300)
        end = closing.end() if closing else end
    return (start if first is None else first), _skip_credits(text, end)


def _skip_credits(text: str, position: int) -> int:
    """The place after the paragraphs at `position` that name the people who made the file."""
    while True:
        begin = _WHITE.match(text, position).end()
        blank = _BLANK_LINE.search(text, begin, begin + 2_000)
        if not blank or not _CREDIT.match(text, begin):
            return position
        position = blank.start()


def _footer(marks: _Marks, after: int, start: int, end: int) -> tuple[int, int]:
    """From the transcriber's notes, or else the closing line, to the licence's last word."""
    length = len(marks.text)
    notes = _first(marks.notes, max(after, start - _NOTES_REACH), start)
    following = _first(marks.starts, end, length)
    stop = length if following is None else following
    licence = _first(marks.licence_ends, end, min(stop, end + _LICENCE_REACH))
    if licence is not None:
        end = licence
    elif following is None and "gutenberg" in marks.text[end : end + _LICENCE_REACH].lower():
        end = min(length, end + _LICENCE_REACH)  # a licence of another wording, or cut short
    return (start if notes is None else notes), end
