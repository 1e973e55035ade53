"""Which encoding is most plausible for bytes that are neither marked nor UTF-8?

The hard choice is between GB18030 and Windows-1252: nearly every Chinese text is valid in
both. What tells them apart is how the bytes above 127 stand:

    你好, GB18030    C4 E3 BA C3       pairs that read as everyday Chinese
    naïve, 1252      6E 61 EF 76 65    singly, beside plain letters
    “so”, GB18030    A1 B0 73 6F A1 B1 as pairs that Windows-1252 shows as ¡°so¡±

Where neither convinces (Russian, Japanese, Polish, ...), charset-normalizer is asked. Knows
nothing of lines and files: see `kantai.decoding`.
"""

from __future__ import annotations

import re
from functools import lru_cache

UTF8, GB18030, WINDOWS = "utf-8", "gb18030", "windows-1252"
SAMPLE = 1 << 12  # bytes that suffice to judge; at most 16 times as many to ask for help

# What charset-normalizer may answer.
CANDIDATES = (
    *("gb18030", "cp1252", "big5", "cp932", "euc_jp", "cp949"),
    *("cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256"),
)

# Characters that Chinese cannot do without, old and new, simplified and traditional: about
# a third of any running text, and under a twentieth of a misread one.
EVERYDAY = frozenset(
    "的一是不了在人有我他这這个個们們中来來上大为為和国國地到以说說时時要就出会會可也你对對"
    "生能而子那得于於着著下自之年过過发發后後作里裡用道行所然家种種事成方多经經么麼去法学學如"
    "都同现現当當没沒动動面起看定天分还還进進好小部其些主样樣理心她本前开開但因只从從想实實"
    "曰者乎矣焉此何無无與与"
)

ASCII = bytes(range(128))
ESCAPED = re.compile("[\udc80-\udcff]+")  # how `escape` writes invalid bytes
# Patterns begin with one class of bytes each: `re` then skips plain text ten times faster.
_LONG_UTF8 = re.compile(
    rb"[\xe0-\xf4](?:(?<=\xe0)[\xa0-\xbf][\x80-\xbf]|(?<=[\xe1-\xec\xee\xef])[\x80-\xbf]{2}"
    rb"|(?<=\xed)[\x80-\x9f][\x80-\xbf]|(?<=\xf0)[\x90-\xbf][\x80-\xbf]{2}"
    rb"|(?<=[\xf1-\xf3])[\x80-\xbf]{3}|(?<=\xf4)[\x80-\x8f][\x80-\xbf]{2})"
)
_SHORT_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]")
# A two-byte character alone in a word of plain letters, or at its end: "naïve", "café".
_ACCENTED_UTF8 = re.compile(
    rb"(?:[A-Za-z](?=[\x80-\xff]{2}[A-Za-z])|[a-z]{3})[\xc3-\xc9][\x80-\xbf](?![\x80-\xff])"
)
# What in bytes that are valid in one encoding makes another thinkable all the same.
_SUSPECT = {
    WINDOWS: (re.compile(rb"[\x80-\xff]{4}|[\xfe\xff]"), _SHORT_UTF8, _LONG_UTF8),
    GB18030: (
        re.compile(rb"[A-Za-z][\x80-\xff]"),
        re.compile(rb"[\x80-\xff][A-Za-z]"),
        _LONG_UTF8,
    ),
}

# Letters of Korean standing alone, and narrow Japanese ones: hardly ever, but in misread text.
_RARE = re.compile("[\u3131-\u318e\uff61-\uff9f]")
_FOREIGN = re.compile(r"[^\x00-\x7f]")
_LETTER, _MARK = "[ªºÀ-ÖØ-öø-ÿŠŒŽšœžŸƒ]", "[\u00a0-©«-¹»-¿×÷€‚„…†‡‰‹‘’“”•–—™›]"
# “ ” ‘ ’ — … · § ° of GB18030, as Windows-1252 shows them: there an ¡ never stands so.
_MISREAD = "¡[°±®¯ª\xad¤ìã]"
# Windows-1252 as people write it: an accented letter or a few beside a plain one, a letter
# alone, marks at a word's edge, dashes anywhere. No longer run of characters above 127.
_LATIN = re.compile(
    rf"(?<![^\x00-\x7f])(?!{_MISREAD})"
    rf"(?:(?<=[A-Za-z]){_LETTER}{{1,3}}|{_LETTER}{{1,3}}(?=[A-Za-z])|{_LETTER}"
    rf"|{_LETTER}?{_MARK}{{1,2}}(?![A-Za-z])|(?<![A-Za-z]){_MARK}{{1,2}}{_LETTER}?"
    rf"|{_LETTER}?[’–—…·\xad]{_LETTER}?)(?![^\x00-\x7f])"
)


def judge(evidence: bytes) -> str | None:
    """GB18030 or Windows-1252, where the beginning of `evidence` makes it clear; else None.

    >>> judge("你好，世界".encode("gb18030")), judge("für Größe".encode("cp1252"))
    ('gb18030', 'windows-1252')
    """
    sample = evidence[:SAMPLE]
    hanzi = escape(sample, GB18030)
    share = chinese_share(hanzi)
    latin = escape(sample, WINDOWS)
    latin_share = sum(map(len, _LATIN.findall(latin))) / max(1, len(_FOREIGN.findall(latin)))
    if share >= 0.7 and share > latin_share and everyday_share(hanzi) >= 0.1:
        return GB18030
    return WINDOWS if latin_share >= 0.7 else None


def ask(evidence: bytes, current: str) -> str:
    """The encoding of `evidence` where `judge` does not know: `current` as long as it holds."""
    sample = evidence[: 16 * SAMPLE]
    if high_bytes(sample) < 16:
        return current
    if current not in (GB18030, WINDOWS) and not ESCAPED.search(escape(sample, current)):
        return current
    from charset_normalizer import from_bytes

    matches = list(from_bytes(sample, cp_isolation=list(CANDIDATES)))
    if not matches:
        return current
    equal = [m for m in matches if (m.chaos, m.coherence) == (matches[0].chaos, 0.0)] or matches[:1]
    best = min(equal, key=lambda match: len(_RARE.findall(str(match))))
    return WINDOWS if best.encoding == "cp1252" else best.encoding


def is_sure(data: bytes, encoding: str) -> bool:
    """Nothing in `data`, which is valid in `encoding`, points to another one."""
    patterns = _SUSPECT.get(encoding, (_SHORT_UTF8, _LONG_UTF8))
    return not any(pattern.search(data) for pattern in patterns)


def utf8_bytes(data: bytes) -> tuple[int, int]:
    """How many bytes make UTF-8 characters of two bytes, and of three or four."""
    return sum(map(len, _SHORT_UTF8.findall(data))), sum(map(len, _LONG_UTF8.findall(data)))


def is_chinese_after_all(data: bytes) -> bool:
    """Two-byte UTF-8 characters prove little: in GB18030, "学习" is a pair of them."""
    return judge(data) == GB18030 and not _ACCENTED_UTF8.search(data)


def escape(data: bytes, encoding: str) -> str:
    """Text whose invalid bytes stand as surrogates (`ESCAPED`), so that they can be counted."""
    return data.decode(encoding, "surrogateescape")


def high_bytes(data: bytes) -> int:
    """How many bytes are not ASCII."""
    return len(data.translate(None, ASCII))


def chinese_share(text: str) -> float:
    """The share of a text's characters outside ASCII that are usual in Chinese."""
    foreign = _FOREIGN.findall(text)
    return sum(map(_usual_in_chinese().__contains__, foreign)) / max(1, len(foreign))


def everyday_share(text: str) -> float:
    """The share of hanzi that are `EVERYDAY`; 1 where there are too few to say."""
    hanzi = [c for c in text if "\u4e00" <= c <= "\u9fff"]
    return sum(map(EVERYDAY.__contains__, hanzi)) / len(hanzi) if len(hanzi) >= 30 else 1.0


@lru_cache(maxsize=1)
def _usual_in_chinese() -> frozenset[str]:
    """The 3,755 everyday characters of GB 2312, the commonest of Big5, and punctuation."""
    tails = [*range(0x40, 0x7F), *range(0xA1, 0xFF)]
    simplified = bytes(b for head in range(0xB0, 0xD8) for t in tails[63:] for b in (head, t))
    traditional = bytes(b for head in range(0xA4, 0xC6) for t in tails for b in (head, t))
    marks = (*map(chr, range(0x3000, 0x3030)), *map(chr, range(0xFF00, 0xFF5F)), *"‘’“”—…·×§°")
    hanzi = simplified.decode("gb2312", "ignore") + traditional.decode("big5", "ignore")
    return frozenset(hanzi).union(marks)
