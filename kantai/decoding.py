r"""Bytes -> text, honestly: what encoding it was, and how many bytes meant nothing.

A ladder, from the certain to the guessed:

1. a byte-order mark says it;
2. every second byte is (nearly) always the same one: UTF-16 without a mark;
3. it is valid UTF-8: then it is UTF-8, for text in other encodings hardly ever is by chance;
4. otherwise it is read in blocks of some 64 kB, and where a block is not all of one kind,
   line by line, even word by word. What is UTF-8 stays UTF-8; of the rest, the most
   plausible encoding is asked for (`kantai.plausibility`).

So a file that several hands have pasted together comes out right:

>>> decode("naïve café\n".encode("cp1252") + "naïve café\n".encode())
Decoded(text='naïve café\nnaïve café\n', encoding='utf-8 + windows-1252', invalid_bytes=0)

A byte that no encoding explains becomes one U+FFFD and is counted; none vanishes.
Knows nothing of files and formats.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from kantai.plausibility import (
    ESCAPED,
    GB18030,
    UTF8,
    WINDOWS,
    ask,
    chinese_share,
    escape,
    everyday_share,
    high_bytes,
    is_chinese_after_all,
    is_sure,
    judge,
    utf8_bytes,
)

BLOCK = 1 << 16  # bytes judged at a time
REPLACEMENT = "\ufffd"

# The longer marks first: UTF-32's begins with UTF-16's.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BOUNDARY = re.compile(rb"[\x00-\x2f]")  # never the tail of a GB18030 or Shift-JIS character
_WORDS = re.compile(rb"([\x00-\x2f]+)")
_SURROGATE = re.compile("[\ud800-\udfff]")
# UTF-8 characters without their head or their tail; and what looks like one but is, within
# a word, a letter and the quote, dash, fixed space or note number after it (Windows-1252).
_TORN = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{1,3}|[\x80-\xbf]+")
_LETTER_AND_MARK = re.compile(rb"[\xc2-\xf4][\x85\x91-\x97\x99\xa0\xab\xb0\xb2\xb3\xb9\xbb]")


@dataclass(frozen=True)
class Decoded:
    """A text, the encoding or encodings it was in, and how many bytes became U+FFFD."""

    text: str
    encoding: str
    invalid_bytes: int


def decode(data: bytes) -> Decoded:
    """Read `data` as text. Never raises, and loses nothing unseen.

    `encoding` is a name such as "utf-8", "utf-8-sig" (with a mark), "utf-16-le", "gb18030",
    "windows-1252", or several joined by " + ". Valid UTF-8 comes back exactly, unless its
    NULs show that it is UTF-16.
    """
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _marked(data[len(mark) :], encoding)
    if encoding := _utf16_of_an_alphabet(data[:BLOCK]):
        return _wide(data, encoding)
    try:
        return Decoded(data.decode(UTF8), UTF8, 0)
    except UnicodeDecodeError:
        pass
    if encoding := _utf16_of_chinese(data[:BLOCK]):
        return _wide(data, encoding)
    return _line_by_line(data)


# -- a byte-order mark, or several bytes a character --------------------------------------


def _marked(rest: bytes, encoding: str) -> Decoded:
    if encoding != "utf-8-sig":
        return _wide(rest, encoding)
    try:
        return Decoded(rest.decode(UTF8), encoding, 0)
    except UnicodeDecodeError:
        body = _line_by_line(rest)
    others = [name for name in body.encoding.split(" + ") if name != UTF8]
    return Decoded(body.text, " + ".join([encoding, *others]), body.invalid_bytes)


def _wide(data: bytes, encoding: str) -> Decoded:
    """UTF-16 or UTF-32. Half a surrogate pair and a torn last character are invalid."""
    unit = 2 if "16" in encoding else 4
    spare = len(data) % unit
    body = data[: len(data) - spare] if spare else data
    try:
        text, broken = body.decode(encoding), 0
    except UnicodeDecodeError:
        if unit == 2:
            text, broken = _SURROGATE.subn(REPLACEMENT, body.decode(encoding, "surrogatepass"))
        else:
            text = body.decode(encoding, "replace")
            broken = text.count(REPLACEMENT) - body.count(REPLACEMENT.encode(encoding))
    return Decoded(text + REPLACEMENT * spare, encoding, unit * broken + spare)


def _utf16_of_an_alphabet(sample: bytes) -> str | None:
    """UTF-16's name where one byte of each pair is nearly always the same, else None.

    It is 0 for Latin, 4 for Cyrillic and so on, beside the 0 of spaces and line ends.
    """
    pairs = len(sample) // 2
    if pairs < 2 or b"\0" not in sample:
        return None
    for encoding, high in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[0::2])):
        zeros = high.count(0)
        usual = sum(count for _, count in Counter(high).most_common(2))
        stray = sample.count(0) - zeros
        if zeros >= 0.05 * pairs and usual >= 0.9 * pairs and stray <= 0.02 * pairs:
            return encoding
    return None


def _utf16_of_chinese(sample: bytes) -> str | None:
    """UTF-16's name where the pairs read as everyday Chinese, else None."""
    if len(sample) < 16:
        return None
    for encoding in ("utf-16-le", "utf-16-be"):
        text = sample.decode(encoding, "replace")
        if "\0" not in text and chinese_share(text) >= 0.9 and everyday_share(text) >= 0.1:
            return encoding
    return None


# -- what neither a mark nor UTF-8 explains: block by block, line by line -----------------


def _line_by_line(data: bytes) -> Decoded:
    reading = _Reading()
    text = "".join([reading.block(block) for block in _blocks(data)])
    names = sorted(reading.seen, key=lambda name: name != UTF8) or [UTF8]
    return Decoded(text, " + ".join(names), reading.invalid)


def _blocks(data: bytes) -> Iterator[bytes]:
    """Whole lines, about 64 kB at a time; within an endless line, whole words."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start + BLOCK, start + 2 * BLOCK) + 1
        if not end:
            edge = _BOUNDARY.search(data, start + BLOCK)
            end = edge.end() if edge else len(data)
        yield data[start:end]
        start = end


class _Reading:
    """One pass through a text. Remembers the encodings seen and the last clear verdict."""

    def __init__(self) -> None:
        self.seen: dict[str, None] = {}  # in order of appearance
        self.legacy = WINDOWS  # for lines too short to tell
        self.invalid = 0

    def block(self, data: bytes) -> str:
        """Some whole lines: at once if they are of one kind, else line by line."""
        text = self.as_utf8(data)
        if text is not None:
            return text
        clear = judge(data)
        verdict = clear or self.legacy
        if clear or verdict not in (GB18030, WINDOWS):
            text = self.at_once(data, verdict)
        if text is not None:
            self.legacy = verdict
            return text
        lines = data.split(b"\n")
        evidence = b"\n".join([line for line in lines if not self.is_utf8(line)])
        self.legacy = judge(evidence) or ask(evidence, self.legacy)
        text = self.at_once(data, self.legacy)
        return "\n".join(map(self.line, lines)) if text is None else text

    def line(self, line: bytes) -> str:
        for text in (self.as_utf8(line), self.at_once(line, self.legacy)):
            if text is not None:
                return text
        if self.is_utf8(line):
            return self.patchwork(line)
        encoding = self.verdict(line)
        if encoding == WINDOWS:
            return self.patchwork(line)
        text = escape(line, encoding)
        if ESCAPED.search(text):
            return "".join([self.word(part, encoding) for part in _WORDS.split(line)])
        self.seen[encoding] = None
        return text

    def verdict(self, line: bytes) -> str:
        """What a single line is in: its own verdict if it has one, else its neighbours'."""
        helped = self.legacy not in (GB18030, WINDOWS)
        if high_bytes(line) < 4 or (helped and not ESCAPED.search(escape(line, self.legacy))):
            return self.legacy
        return judge(line) or self.legacy

    def word(self, part: bytes, encoding: str) -> str:
        """A part of a line that is not wholly in `encoding`."""
        if self.is_utf8(part):
            return self.patchwork(part)
        self.seen[encoding] = None
        return ESCAPED.sub(self.lost, escape(part, encoding))

    def as_utf8(self, data: bytes) -> str | None:
        """`data` where all of it is UTF-8."""
        try:
            text = data.decode(UTF8)
        except UnicodeDecodeError:
            return None
        if data.isascii():
            return text
        if self.legacy == GB18030 and len(data) < 64 and is_chinese_after_all(data):
            return None
        self.seen[UTF8] = None
        return text

    def at_once(self, data: bytes, encoding: str) -> str | None:
        """`data` where all of it surely is in one encoding."""
        if not is_sure(data, encoding):
            return None
        text = escape(data, encoding)
        if ESCAPED.search(text):
            return None
        self.seen[encoding] = None
        return text

    def is_utf8(self, data: bytes) -> bool:
        """Half or more of what is not ASCII makes UTF-8 characters."""
        high = high_bytes(data)
        if 2 * sum(utf8_bytes(data)) < high:
            return False
        return high == 0 or not is_chinese_after_all(data)

    def patchwork(self, line: bytes) -> str:
        """UTF-8 characters as such; other bytes by Windows-1252, or as torn characters."""
        has_utf8 = any(utf8_bytes(line))
        if has_utf8:
            self.seen[UTF8] = None

        def single(run: re.Match[str]) -> str:
            raw = run.group().encode("ascii", "surrogateescape")
            if _is_broken(raw, run.string[run.start() - 1 : run.start()], has_utf8):
                return self.lost(run)
            self.seen[WINDOWS] = None
            return ESCAPED.sub(self.lost, escape(raw, WINDOWS))

        return ESCAPED.sub(single, escape(line, UTF8))

    def lost(self, run: re.Match[str]) -> str:
        self.invalid += len(run.group())
        return REPLACEMENT * len(run.group())


def _is_broken(raw: bytes, before: str, amid_utf8: bool) -> bool:
    """Whether a run of bytes that are not UTF-8 is damage rather than Windows-1252.

    FE and FF would be the rare þ and ÿ: only within a word, and in no line that holds UTF-8.
    """
    in_word = before.isalpha() and before < "\u0250"
    if not raw.strip(b"\xfe\xff"):
        return amid_utf8 or not in_word
    if not amid_utf8 or not _TORN.fullmatch(raw):
        return False
    return not (in_word and _LETTER_AND_MARK.fullmatch(raw))
