"""Readers: every format, found columns, and one sentence for whatever cannot be read."""

import gzip
import io
import json
import os
import struct
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pypdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kantai.archives import UNPACKERS
from kantai.errors import UserError
from kantai.readers import READERS, Limits, read_files

ENGLISH = "The tide comes in twice a day, because the moon pulls the sea."
CHINESE = "月亮牵引着海水，所以潮水每天涨落两次。"


@pytest.fixture
def put(tmp_path):
    """Write a file and give its path."""

    def write(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def texts(*paths: Path, **options) -> list[str]:
    return [document.text for document in read_files(paths, **options)]


def key_of(*paths: Path, **options) -> str:
    """The key of the sentence that reading these files ends in, in both languages."""
    with pytest.raises(UserError) as raised:
        read_files(paths, **options)
    assert str(raised.value) and raised.value.message("zh")
    return raised.value.key


def zipped(files: dict[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return whole.getvalue()


def parquet(columns: dict[str, list]) -> bytes:
    whole = io.BytesIO()
    pq.write_table(pa.table(columns), whole)
    return whole.getvalue()


def pdf(*pages: str, password: str | None = None) -> bytes:
    """A PDF of one line of text a page."""
    writer = pypdf.PdfWriter()
    for text in pages:
        page = writer.add_blank_page(300, 300)
        font = pypdf.generic.DictionaryObject()
        for key, value in {"Type": "Font", "Subtype": "Type1", "BaseFont": "Helvetica"}.items():
            font[pypdf.generic.NameObject(f"/{key}")] = pypdf.generic.NameObject(f"/{value}")
        name = pypdf.generic.NameObject
        fonts = pypdf.generic.DictionaryObject({name("/F1"): font})
        page[name("/Resources")] = pypdf.generic.DictionaryObject({name("/Font"): fonts})
        stream = pypdf.generic.DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 20 200 Td ({text}) Tj ET".encode("latin-1"))
        page[name("/Contents")] = writer._add_object(stream)
    if password is not None:
        writer.encrypt(user_password=password, owner_password="owner", algorithm="RC4-128")
    whole = io.BytesIO()
    writer.write(whole)
    return whole.getvalue()


# -- formats ------------------------------------------------------------------------------


def test_plain_text_tells_where_it_comes_from(put):
    data = CHINESE.encode("gb18030")
    (document,) = read_files([put("a.TXT", data)])
    assert document.name == "a.TXT" and document.text == CHINESE
    assert (document.bytes, document.encoding, document.invalid_bytes) == (len(data), "gb18030", 0)


def test_several_files_in_order(put):
    assert texts(put("b.md", "two"), put("a.txt", "one")) == ["two", "one"]


def test_csv_in_another_encoding_with_quotes_and_ragged_rows(put):
    rows = f'id;text\r\n1;"Größe; ""{ENGLISH}""\r\nnext line"\r\n2;one;two\r\n\r\n3\r\n'
    (document,) = read_files([put("a.csv", rows.encode("cp1252"))])
    assert document.text == f'Größe; "{ENGLISH}"\r\nnext line\n\none;two'
    assert document.encoding == "windows-1252"


def test_csv_field_of_a_megabyte(put):
    assert len(texts(put("a.csv", "text\n" + "word " * 200_000))[0]) == 999_999


def test_csv_without_header_loses_no_row(put):
    assert texts(put("a.csv", f"{ENGLISH}\t1\nAnother one.\t2\n")) == [f"{ENGLISH}\n\nAnother one."]


def test_tsv_with_a_stray_quote(put):
    assert texts(put("a.tsv", 'n\ttext\n1\t"Quoted\n2\tplain one\n')) == ['"Quoted\n\nplain one']


def test_the_column_is_found_and_can_be_named(put):
    rows = [
        {
            "url": "https://example.org/" + "x y " * 999,
            "hash": "a1" * 999,
            "note": "more words " * 9,
            "title": "Tides",
            "n": n,
            "article": {"body": ENGLISH, "when": "2020-01-01 10:00"},
        }
        for n in range(3)
    ]
    for name, content in {
        "a.json": json.dumps(rows),
        "a.jsonl": "\n".join(map(json.dumps, rows)),
        "a.parquet": parquet({key: [row[key] for row in rows] for key in rows[0]}),
    }.items():
        path = put(name, content)
        assert texts(path) == ["\n\n".join([ENGLISH] * 3)], name
        assert texts(path, column="title") == ["Tides\n\nTides\n\nTides"], name
        assert texts(path, column="article.body") == texts(path), name
        assert key_of(path, column="nope") == "column_unknown", name
        with pytest.raises(UserError, match="title, body"):
            read_files([path], column="nope")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([ENGLISH, CHINESE], f"{ENGLISH}\n\n{CHINESE}"),
        ({"text": [ENGLISH, CHINESE], "id": ["a", "b"]}, f"{ENGLISH}\n\n{CHINESE}"),
        ({"text": {"0": ENGLISH, "1": CHINESE}}, f"{ENGLISH}\n\n{CHINESE}"),
        ([{"text": {"0": ENGLISH, "1": CHINESE}}], f"{ENGLISH}\n\n{CHINESE}"),
        ({"intro": ENGLISH, "more": {"end": CHINESE}, "id": "x9"}, f"{ENGLISH}\n\n{CHINESE}\n\nx9"),
        ({"data": [{"paragraphs": [{"is": ENGLISH, "q": "Why?"}]}] * 2}, f"{ENGLISH}\n\n{ENGLISH}"),
        ({"q1": {"text": ENGLISH}, "q2": {"text": CHINESE}}, f"{ENGLISH}\n\n{CHINESE}"),
        ("half a pair \ud800 here", "half a pair \ufffd here"),
    ],
)  # fmt: skip
def test_shapes_of_json(put, data, expected):
    (document,) = read_files([put("a.json", json.dumps(data))])
    assert document.text == expected
    assert document.invalid_bytes == expected.count("\ufffd")


def test_json_lines_of_strings_and_under_the_name_json(put):
    lines = f'"{ENGLISH}"\n\n"{CHINESE}"\n'
    assert texts(put("a.jsonl", lines), put("a.json", lines)) == [f"{ENGLISH}\n\n{CHINESE}"] * 2


def test_a_column_that_is_empty_for_long(put):
    rows = [json.dumps({"n": n, "words": ""}) for n in range(1_100)]
    path = put("a.jsonl", "\n".join([*rows, json.dumps({"words": ENGLISH})]))
    assert texts(path) == texts(path, column="words") == [ENGLISH]


def test_parquet_of_bytes_lists_and_dictionaries(put):
    coded = pa.array([ENGLISH] * 3).dictionary_encode()
    for column in ([ENGLISH.encode()] * 3, [[ENGLISH]] * 3, coded):
        table = parquet({"picture": [b"\x89PNG\0"] * 3, "words": column})
        assert texts(put("a.parquet", table)) == ["\n\n".join([ENGLISH] * 3)]


def test_pdf_pages_are_parted_by_form_feeds(put):
    (document,) = read_files([put("a.pdf", pdf("First page", "Second page"))])
    assert document.text == "First page\fSecond page"
    assert texts(put("b.pdf", pdf("No password to read", password=""))) == ["No password to read"]


def test_archives(put):
    files = {
        "folder/": b"",
        "folder/b.txt": CHINESE.encode("gb18030"),
        "../../etc/a.csv": f"text\n{ENGLISH}\n".encode(),
        "empty.txt": b"",
        "picture.png": b"\x89PNG",
        ".hidden.txt": b"no",
        "__MACOSX/b.txt": b"no",
        "bad\x1b[31m.txt": b"named badly",
    }
    documents = read_files(
        [put("a.zip", zipped(files)), put("b.csv.gz", gzip.compress(b"text\nyes\n"))]
    )
    assert [document.name for document in documents] == [
        "a.zip/folder/b.txt",
        "a.zip/../../etc/a.csv",
        "a.zip/bad\ufffd[31m.txt",
        "b.csv.gz",
    ]
    assert [document.text for document in documents] == [CHINESE, ENGLISH, "named badly", "yes"]
    assert documents[0].bytes == len(CHINESE.encode("gb18030"))


def test_names_in_archives_from_chinese_windows(put):
    raw = zipped({"name.txt": b"text"}).replace(b"name.txt", "月亮".encode("gb18030") + b".txt")
    assert read_files([put("a.zip", raw)])[0].name == "a.zip/月亮.txt"


# -- what cannot be read ------------------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9
WEBP = b"RIFF\x00\x10\x00\x00WEBP" + bytes(range(256)) * 9
LOCKED = bytearray(zipped({"a.txt": b"secret"}))
for place in (6, LOCKED.index(b"PK\x01\x02") + 8):
    LOCKED[place] |= 1


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("a.txt", b"", "file_empty"),
        ("a.txt", b" \n", "file_empty"),
        ("a.txt", b"\xef\xbb\xbf", "file_empty"),
        ("a.docx", b"x", "file_unsupported"),
        ("README", b"x", "file_unsupported"),
        ("a.txt", PNG, "file_not_text"),
        ("a.csv", zipped({"a.txt": b"x"}), "file_not_text"),
        ("a.txt", pdf("page"), "file_not_text"),
        ("a.txt", WEBP, "file_binary"),
        ("a.csv", "n,m\n1,2\n", "table_without_text"),
        ("a.csv", "text\n", "table_without_text"),
        ("a.json", "[1, 2.5, null, []]", "table_without_text"),
        ("a.json", '{"a": [1, }', "json_broken"),
        ("a.json", "[" * 100_000, "json_deep"),
        ("a.jsonl", '{"a": "b"}\n{"a": \n', "jsonl_broken"),
        ("a.parquet", parquet({"n": [1, 2]}), "table_without_text"),
        ("a.parquet", parquet({"n": ["word " * 9]})[:-9], "file_broken"),
        ("a.parquet", b"", "file_empty"),
        ("a.pdf", pdf("locked", password="secret"), "pdf_locked"),
        ("a.pdf", pdf(""), "pdf_without_text"),
        ("a.pdf", pdf("torn")[:200], "file_broken"),
        ("a.gz", gzip.compress(ENGLISH.encode() * 99)[:-20], "file_broken"),
        ("a.txt.gz", b"\x1f\x8b\x08 no", "file_broken"),
        ("a.txt.gz", gzip.compress(b""), "file_empty"),
        ("a.txt.gz", gzip.compress(bytes(30_000_000)), "archive_bomb"),
        ("a.tar.gz", gzip.compress(b"x"), "archive_without_text"),
        ("a.zip.gz", gzip.compress(zipped({"a.txt": b"x"})), "archive_nested"),
        ("a.zip", zipped({"a.txt": b" " * 30_000_000}), "archive_bomb"),
        ("a.zip", zipped({f"{i}.txt": b" " * 2_000_000 for i in range(9)}), "archive_bomb"),
        ("a.zip", zipped({"a.png": PNG}), "archive_without_text"),
        ("a.zip", zipped({"a.txt": b""}), "file_empty"),
        ("a.zip", zipped({"b.zip": zipped({"a.txt": b"x"})}), "archive_nested"),
        ("a.zip", zipped({"a.txt": PNG}), "file_not_text"),
        ("a.zip", zipped({"a.txt": ENGLISH.encode() * 99})[:-30], "file_broken"),
        ("a.zip", bytes(LOCKED), "archive_locked"),
    ],
    ids=lambda value: "content" if isinstance(value, bytes) else value,  # archives hold the time
)  # fmt: skip
def test_one_sentence_for_what_cannot_be_read(put, name, content, key):
    assert key_of(put(name, content)) == key


def test_a_bomb_that_claims_to_be_small(put):
    data = bytearray(zipped({"a.txt": b" " * 30_000_000}))
    for place in (22, data.index(b"PK\x01\x02") + 24):  # the size of the file, in both headers
        data[place : place + 4] = struct.pack("<I", 10)
    assert key_of(put("a.zip", bytes(data))) in ("archive_bomb", "file_broken")


def test_missing_folders_pipes_and_locked_files(put, tmp_path):
    assert key_of() == "no_files"
    assert key_of(tmp_path / "nowhere.txt") == "file_missing"
    assert key_of(put("a.txt", "x") / "b.txt") == "file_missing"
    assert key_of(tmp_path / "nul\0.txt") == "file_missing"
    assert key_of(tmp_path / ("long" * 99 + ".txt")) == "file_unreadable"
    assert key_of(tmp_path) == "file_is_folder"
    os.mkfifo(tmp_path / "pipe.txt")
    assert key_of(tmp_path / "pipe.txt") == "file_not_regular"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(put):
    path = put("a.txt", "x")
    path.chmod(0)
    assert key_of(path) == "file_unreadable"


def test_limits(put):
    text, many = (
        put("a.txt", ENGLISH),
        put("a.zip", zipped({f"{i}.txt": b"some" for i in range(9)})),
    )
    table = put("a.jsonl", f'{{"a": "{ENGLISH}"}}\n' * 3)
    assert key_of(text, limits=Limits(max_file_bytes=10)) == "file_too_large"
    assert key_of(text, limits=Limits(max_text_bytes=10)) == "text_too_large"
    assert key_of(text, text, limits=Limits(max_text_bytes=100)) == "text_too_large"
    assert key_of(table, limits=Limits(max_text_bytes=90)) == "text_too_large"
    assert key_of(put("a.parquet", parquet({"a": [ENGLISH] * 9})), limits=Limits(max_text_bytes=90))
    assert key_of(put("a.txt.gz", gzip.compress(b"x" * 99)), limits=Limits(max_text_bytes=90))
    assert key_of(many, limits=Limits(max_archive_members=8)) == "archive_crowded"
    assert len(read_files([many], limits=Limits(max_archive_members=9))) == 9
    assert key_of(put("a.pdf", pdf("a", "b")), limits=Limits(max_pdf_pages=1)) == "pdf_too_long"
    with pytest.raises(ValueError, match="max_text_bytes must be 1 or more"):
        Limits(max_text_bytes=0)


STARTS = [
    b"",
    b'{"text": "',
    b"[",
    b"text\n",
    pdf("x")[:600],
    zipped({"a.txt": b"x"}),
    b"\x1f\x8b\x08",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    start=st.sampled_from([*STARTS, parquet({"a": ["x"]}), gzip.compress(b"some text")]),
    data=st.binary(max_size=60),
    cut=st.integers(0, 40),
    suffix=st.sampled_from([*READERS, *UNPACKERS, ".csv.gz"]),
)
def test_any_bytes_end_in_text_or_in_a_sentence(put, start, data, cut, suffix):
    try:
        documents = read_files([put(f"a{suffix}", start[: len(start) - cut] + data)])
    except UserError as error:
        assert str(error)
    else:
        assert all(document.text.strip() for document in documents)
        assert all(document.text.encode() for document in documents)
