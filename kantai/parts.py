"""A long plain text in parts, so that no more of it is in memory than one.

Parts end between paragraphs where that can be, else between lines or words; or between lines
alone. What the file's
beginning says of the encoding holds for all parts; where it is UTF-16 or UTF-32, or has a
byte-order mark, each part gets the mark. Knows nothing of other formats.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from kantai.decoding import BYTE_ORDER_MARKS, Decoded, decode

HEAD = 1 << 16  # bytes that tell the encoding, and text from anything else
_REACH = 1 << 20  # bytes before a part's end in which a good place is looked for
PARAGRAPHS = ("\n\n", "\r\n\r\n", "\n", " ")  # where a part may end, the best first
LINES = ("\n",)


def decoded_parts(
    handle: BinaryIO, size: int, ends: tuple[str, ...] = PARAGRAPHS
) -> Iterator[tuple[Decoded, int]]:
    """The text in parts of at most `size` bytes, and how many bytes each was."""
    mark, known = _known_from(handle.read(HEAD), ends)
    handle.seek(0)
    for data in _byte_parts(handle, size, known):
        yield decode(data if data.startswith(mark) else mark + data), len(data)


def _known_from(head: bytes, ends: tuple[str, ...]) -> tuple[bytes, list[bytes]]:
    """The byte-order mark of the encoding, if it has one, and how the ends are written in it."""
    encoding = decode(head).encoding.split(" + ")[0]
    mark = {name: mark for mark, name in BYTE_ORDER_MARKS}.get(encoding, b"")
    wide = encoding if mark and encoding != "utf-8-sig" else "ascii"
    return mark, [end.encode(wide) for end in ends]


def _byte_parts(handle: BinaryIO, size: int, ends: list[bytes]) -> Iterator[bytes]:
    rest = b""
    while new := handle.read(size - len(rest)):
        data = rest + new
        cut = _cut(data, ends) if len(data) == size else size
        yield data[:cut]
        rest = data[cut:]
    if rest:
        yield rest


def _cut(data: bytes, ends: list[bytes]) -> int:
    """Where `data` is cut best, near its end; never within a character of UTF-8."""
    unit = len(ends[-1])  # bytes of a space or a line feed
    reach = _REACH if len(ends) > 1 else len(data)  # a better end may be a little before
    for end in ends:
        place = data.rfind(end, -reach)
        while place >= 0 and place % unit:
            place = data.rfind(end, max(0, len(data) - reach), place + len(end) - 1)
        if place > 0:
            return place + len(end)
    if unit > 1:
        return len(data) - len(data) % 4
    return next((p for p in range(len(data) - 1, len(data) - 4, -1) if data[p] & 0xC0 != 0x80), 1)
