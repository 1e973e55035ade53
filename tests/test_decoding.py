"""Decoding: the encodings people have, mixed and damaged, and what holds for all bytes."""

import codecs
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kantai.decoding import REPLACEMENT, decode

ASSETS = Path(__file__).parents[1] / "assets"
FRENCH = "Élève doué, né à Besançon où l’été fût chaud — « ça va ? » — il dînait à l'œil."
GERMAN = "Über die Größe der Äpfel läßt sich streiten; schöne Grüße aus Köln."
SPANISH = "El niño comió piñas en Cádiz. ¿Qué pasó? ¡Nada! La señora añadió azúcar."
ENGLISH = "The café’s “naïve” façade… he said—then left."
SIMPLIFIED = (
    "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。"
)
TRADITIONAL = (
    "人人生而自由，在尊嚴和權利上一律平等。他們賦有理性和良心，並應以兄弟關係的精神相對待。"
)
CLASSICAL = "子曰：學而時習之，不亦說乎？有朋自遠方來，不亦樂乎？人不知而不慍，不亦君子乎？"
RUSSIAN = "Всем людям свойственно стремиться к знанию; он вышел из дома рано утром."
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"
KOREAN = "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다."
WESTERN = [FRENCH, GERMAN, SPANISH, ENGLISH]
CHINESE = [SIMPLIFIED, TRADITIONAL, CLASSICAL]


@pytest.mark.parametrize(
    "text", [*WESTERN, "für Größe", "café", "é", "L’Haÿ-les-Roses", "YA ESTÁ»"]
)
def test_windows_1252(text):
    decoded = decode(text.encode("cp1252"))
    assert (decoded.text, decoded.encoding, decoded.invalid_bytes) == (text, "windows-1252", 0)


@pytest.mark.parametrize(
    "text", [*CHINESE, "你好，世界", "你好", "say 你好 now", "Python语言\n" * 3]
)
def test_gb18030(text):
    decoded = decode(text.encode("gb18030"))
    assert (decoded.text, decoded.encoding, decoded.invalid_bytes) == (text, "gb18030", 0)


@pytest.mark.parametrize(
    "text",
    ["“Yes,” he said. “It’s mine.”", "‘No’ — she", "wait … here", "“", "a · b", "§ 7, at 20°"],
)
def test_english_with_the_quotes_of_gb18030(text):
    decoded = decode(text.encode("gb18030"))
    assert (decoded.text, decoded.encoding, decoded.invalid_bytes) == (text, "gb18030", 0)


def test_the_inverted_marks_of_spanish_stay():
    for text in ("¡No! ¡¿Qué?! «¡Sí!» ¡“Ya”!", "¡¡Olé!! a 20° ±1", "— ¡Ah!… ¡ay!", "¡", "1° 2ª ®"):
        assert decode(text.encode("cp1252")).text == text


def test_short_gb18030_lines_that_are_valid_utf8_by_accident():
    text = f"{SIMPLIFIED}\n学习\n第一\n{SIMPLIFIED}\n统一"
    "统一".encode("gb18030").decode("utf-8")  # no error: that is the point
    assert decode(text.encode("gb18030")).text == text
    assert (
        decode(text.encode("gb18030") + "\ncafé naïve\n".encode()).text == text + "\ncafé naïve\n"
    )


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["hello", f"{ENGLISH}\n" * 9, f"{RUSSIAN}\n" * 9, *CHINESE])
def test_utf16_without_a_mark(text, encoding):
    decoded = decode(text.encode(encoding))
    assert (decoded.text, decoded.encoding, decoded.invalid_bytes) == (text, encoding, 0)


@pytest.mark.parametrize(
    ("mark", "encoding", "name"),
    [
        (codecs.BOM_UTF8, "utf-8", "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le", "utf-32-le"),
    ],
)
def test_byte_order_marks(mark, encoding, name):
    decoded = decode(mark + FRENCH.encode(encoding))
    assert (decoded.text, decoded.encoding, decoded.invalid_bytes) == (FRENCH, name, 0)


@pytest.mark.parametrize(
    ("text", "codec"),
    [(RUSSIAN, "cp1251"), (JAPANESE, "cp932"), (JAPANESE, "euc_jp"), (KOREAN, "cp949")]
    + [(text, "big5") for text in (TRADITIONAL, CLASSICAL)],
)
def test_other_encodings_by_charset_normalizer(text, codec):
    assert decode(f"{text}\n".encode(codec) * 3).text == f"{text}\n" * 3


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ([(ENGLISH, "utf-8"), (GERMAN, "cp1252")], "utf-8 + windows-1252"),
        ([(ENGLISH, "cp1252")] * 50 + [(FRENCH, "utf-8")], "utf-8 + windows-1252"),
        ([(SIMPLIFIED, "utf-8"), (FRENCH, "cp1252")], "utf-8 + windows-1252"),
        ([(SIMPLIFIED, "gb18030"), (TRADITIONAL, "utf-8")], "utf-8 + gb18030"),
        ([(SIMPLIFIED, "gb18030"), (FRENCH, "utf-8")], "utf-8 + gb18030"),
        ([("前言 为人", "gb18030"), (FRENCH, "cp1252")], "gb18030 + windows-1252"),
        ([(FRENCH, "cp1252")] * 60 + [("他们是我", "gb18030")], "windows-1252 + gb18030"),
        ([("plain", "ascii"), (SIMPLIFIED, "gb18030"), (GERMAN, "cp1252")] * 99, None),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_in_several_encodings(parts, name, end):
    decoded = decode(b"".join(f"{text}{end}".encode(codec) for text, codec in parts))
    assert decoded.text == "".join(text + end for text, _ in parts)
    assert decoded.invalid_bytes == 0
    assert decoded.encoding == (name or "gb18030 + windows-1252")


def test_two_encodings_in_one_line():
    for text in (GERMAN, "the café’s tables"):
        decoded = decode(FRENCH.encode() + b" " + text.encode("cp1252"))
        assert (decoded.text, decoded.invalid_bytes) == (f"{FRENCH} {text}", 0)


def test_nuls_do_not_make_it_utf16():
    for data in (b"hello\0", bytes(8), b"\0a\0\0" * 9):
        assert decode(data).text.encode() == data


@pytest.mark.parametrize(
    ("data", "text", "invalid"),
    [
        (SIMPLIFIED.encode()[:-1], SIMPLIFIED[:-1] + "??", 2),  # torn at the end
        (SIMPLIFIED.encode()[1:], "??" + SIMPLIFIED[1:], 2),
        ("naïve 中".encode()[:-1], "naïve ??", 2),
        (b"Plain text, one stray byte \xff here.", "Plain text, one stray byte ? here.", 1),
        ("wörld".encode() + b"\xff", "wörld?", 1),
        ("na\xefve".encode("cp1252") + b" \x81\x8d", "naïve ??", 2),
        (codecs.BOM_UTF16_LE + "a\ud800b".encode("utf-16-le", "surrogatepass"), "a?b", 2),
        (codecs.BOM_UTF16_LE + "ab".encode("utf-16-le") + b"c", "ab?", 1),
        (codecs.BOM_UTF32_LE + "ab".encode("utf-32-le") + b"\xff" * 4, "ab?", 4),
    ],
)
def test_invalid_bytes_are_counted_and_marked(data, text, invalid):
    decoded = decode(data)
    assert (decoded.text.replace(REPLACEMENT, "?"), decoded.invalid_bytes) == (text, invalid)


def test_a_text_longer_than_a_block_keeps_every_character():
    text = (f"{SIMPLIFIED}\n{FRENCH}\n" * 700) + FRENCH.replace("\n", " ") * 2_000
    data = text.encode()[:-1] + b".\n" + f"{GERMAN}\n".encode("cp1252")
    assert decode(data).text == text[:-1] + f".\n{GERMAN}\n"
    endless = "a" + SIMPLIFIED.replace("，", "").replace("。", "") * 3_000
    assert decode(endless.encode("gb18030")).text == endless


CODECS = ["gb18030", "gbk", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]


@pytest.mark.parametrize("codec", CODECS)
def test_a_whole_chinese_book_comes_back(codec):
    book = (ASSETS / "willow.txt").read_text(encoding="utf-8")
    decoded = decode(book.encode(codec))
    assert (decoded.invalid_bytes, decoded.text == book) == (0, True)
    names = {"gbk": "gb18030", "utf-16": f"utf-16-{sys.byteorder[0]}e"}
    assert decoded.encoding == names.get(codec, codec)


@pytest.mark.parametrize(
    "codec", ["cp1252", "gb18030", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]
)
def test_a_whole_english_book_comes_back(codec):
    book = (ASSETS / "harbour.txt").read_text(encoding="utf-8").replace("'", "’")
    book = re.sub('"([^"]*)"', r"“\1”", book).replace("; ", "—naïve—")
    decoded = decode(book.encode(codec))
    assert (decoded.invalid_bytes, decoded.text == book) == (0, True)


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_one_at_the_start_of_a_line_is_no_binary_file(codec):
    text = "柳桥镇的人说，\n一只船来了。\n他们都知道这件事。\n"
    assert b"\0\0" in text.encode("utf-16-le")  # of "\n" and "一"
    assert decode(text.encode(codec)).text == text


@given(st.text())
def test_valid_utf8_is_utf8(text):
    text = text.lstrip("\ufeff").replace("\0", "")
    decoded = decode(text.encode())
    assert (decoded.text, decoded.encoding, decoded.invalid_bytes) == (text, "utf-8", 0)


PIECES = st.sampled_from([s.encode(c) for s in (FRENCH, "é ") for c in ("utf-8", "cp1252")])
CHINESE_PIECES = st.sampled_from([s.encode(c) for s in CHINESE for c in ("utf-8", "gb18030")])


@given(st.lists(st.binary(max_size=9) | PIECES | CHINESE_PIECES | st.just(b"\n"), max_size=12))
def test_no_bytes_can_break_it(pieces):
    data = b"".join(pieces)
    decoded = decode(data)
    decoded.text.encode()  # no half pairs
    assert 0 <= decoded.invalid_bytes <= len(data)
    assert decoded.text.count(REPLACEMENT) <= decoded.invalid_bytes + data.count(b"\xff\xfd") + (
        data.count(b"\xfd\xff") + data.count(b"\xef\xbf\xbd") + data.count(b"\x84\x31\xa4\x37")
    )
    plain = bytes(b for b in data if 0x20 < b < 0x30)
    if decoded.encoding[:6] not in ("utf-16", "utf-32"):
        assert bytes(ord(c) for c in decoded.text if " " < c < "0") == plain
