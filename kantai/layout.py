"""See how a text is set: the lengths of its lines, and whether it is hard-wrapped.

A text is hard-wrapped if its line ends come where the next word would not have fitted,
and not where sentences end. Nothing is changed here; `kantai.unwrap` acts on it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from kantai.words import CJK, CJK_MARKS

EAST_ASIAN = re.compile(f"[{CJK}{CJK_MARKS}]")
FIRST_EAST_ASIAN = "\u3000"  # every smaller character is of another script: a quick test
_STOP = re.compile(r"[.!?,;:。！？，；：、…—-][\"'”’»）)\]』」]*$")
_GAP = re.compile(r"\S(?: {3,}|\t+ *)\S|^\|.*\|$")

_SURVEYED = 20_000  # lines that are looked at to decide how a text is set
_WIDTH = {False: (30, 130), True: (16, 70)}  # of a wrapped line; True: Chinese or Japanese
_FULL = 0.9  # of the width: a line is full if it reaches so far with the next word added


def stops(text: str) -> bool:
    """Whether a clause ends here: with a full stop, a comma, a dash and the like."""
    return _STOP.search(text[-4:]) is not None


@dataclass(frozen=True)
class Layout:
    """How a text is set: `width` of its lines in characters, 0 if it is not hard-wrapped.

    `doubled`: a blank line follows every line, so one blank line parts nothing.
    """

    width: int = 0
    doubled: bool = False


class Line(NamedTuple):
    """One line without the white space at its edges.

    `length` counts a run of spaces as one; `gap` tells of one as between a table's columns.
    """

    text: str
    length: int
    indent: int
    gap: bool

    @classmethod
    def read(cls, raw: str) -> Line:
        """Measure a line that is not blank."""
        text = raw.strip()
        indent = 0 if raw[0] == text[0] else len(raw) - len(raw.lstrip())
        if "  " not in text and "\t" not in text:
            return cls(text, len(text), indent, text[0] == "|" == text[-1])
        return cls(text, len(" ".join(text.split())), indent, _GAP.search(text) is not None)


def survey(rows: list[str]) -> Layout:
    """Decide from the lengths of the lines whether a text is hard-wrapped, and how wide.

    The width is the length of lines weighed by what they hold: headings, verse and the last
    lines of paragraphs hold little, and joining lines can only make it greater.
    """
    lines = [Line.read(row) if row and not row.isspace() else None for row in _sample(rows)]
    width = _usual_length([line.length for line in lines if line])
    least, most = _WIDTH[_is_east_asian("".join(line.text for line in lines[:1000] if line))]
    if not least <= width <= most:
        return Layout()
    near = [(a, b) for a, b in zip(lines, lines[1:], strict=False) if a and b]
    if _breaks_at_width(near, width):
        return Layout(width)
    threes = zip(lines, lines[1:], lines[2:], strict=False)
    far = [(a, c) for a, b, c in threes if a and c and not b]
    if len(far) >= 8 and len(near) < len(far) / 20 and _breaks_at_width(far, width):
        return Layout(width, doubled=True)
    return Layout()


def _usual_length(lengths: list[int]) -> int:
    """The length up to which lines hold 60 % of the characters.

    >>> _usual_length([10, 70, 70, 71, 72])
    71
    """
    left, usual = 0.6 * sum(lengths), 0
    for length in sorted(lengths):
        left -= length
        usual = length
        if left <= 0:
            break
    return usual


def _breaks_at_width(pairs: list[tuple[Line, Line]], width: int) -> bool:
    """Whether lines end for want of room: most are full, few end where a clause ends."""
    full = [(a.text, b.text) for a, b in pairs if is_full(a, b, width)]
    if not full or len(full) < len(pairs) / 2:
        return False
    capitals = sum(b[0].isupper() for _, b in full)
    stopped = sum(stops(a) for a, _ in full)
    return capitals < 0.7 * len(full) and stopped < 0.6 * len(full)


def _is_east_asian(text: str) -> bool:
    return 2 * len(EAST_ASIAN.findall(text)) > len(text)


def _sample(rows: list[str], stretches: int = 10) -> list[str]:
    """All rows, or stretches of neighbouring ones spread evenly over a long text."""
    if len(rows) <= _SURVEYED:
        return rows
    taken, step = _SURVEYED // stretches, len(rows) // stretches
    return [row for start in range(stretches) for row in rows[start * step : start * step + taken]]


def is_full(line: Line, following: Line, width: int) -> bool:
    """Whether the line ends because the next word had no room. A lone long word proves nothing."""
    if line.length > 1.5 * width or reach(line, following) < _FULL * width:
        return False
    return " " in line.text or EAST_ASIAN.search(line.text) is not None


def reach(line: Line, following: Line) -> int:
    """How long the line would be with the first word of the following one."""
    text = following.text
    if text[0] >= FIRST_EAST_ASIAN and EAST_ASIAN.match(text):
        return line.length + 1
    end = text.find(" ")
    return line.length + 1 + (end if end >= 0 else len(text))
