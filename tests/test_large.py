"""A text that is larger than the memory: it is read, kept, packed and trained on in parts."""

from __future__ import annotations

import pytest

from kantai.corpus import build_corpus
from kantai.errors import UserError
from kantai.readers import read_files, stream_files
from kantai.sources import Limits
from tests.conftest import small_text

CHINESE = "纯粹理性批判。思维离不开概念。\U0001f600"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("size", [500, 4_999])
def test_a_file_in_parts_is_the_same_text(tmp_path, encoding, size):
    path = tmp_path / "a.txt"
    path.write_text("\n\n".join([*small_text(100), CHINESE] * 9) + "é" * 999, encoding, newline="")
    whole, [*parts] = read_files([path])[0], stream_files([path], limits=Limits(part_bytes=size))
    assert "".join(part.text for part in parts) == whole.text and len(parts) > 5
    assert sum(part.bytes for part in parts) == whole.bytes
    assert {part.encoding for part in parts} == {whole.encoding}
    assert not any(part.invalid_bytes for part in parts)
    assert [part.goes_on for part in parts] == [False] + [True] * (len(parts) - 1)
    between = [part.text[-2:] == "\n\n" for part in parts[:-1] if "\n\n" in part.text[:-2]]
    assert between and all(between)  # cut between paragraphs wherever there are several


def test_a_file_in_parts_is_one_in_the_report_and_its_faults_are_told(tmp_path):
    path, other = tmp_path / "a.txt", tmp_path / "b.txt"
    data = "\n\n".join(small_text(400)).encode()
    path.write_bytes("caf\u00e9 ".encode() + data + b"\n\ncaf\xe9 \x81\n\n" + data[:3_000])
    other.write_bytes(data[-3_000:])
    limits = Limits(part_bytes=5_000)
    streamed = build_corpus(stream_files([path, other], limits=limits), size=2 * len(data))
    whole = build_corpus(read_files([path, other]))
    assert streamed.paragraphs == whole.paragraphs
    assert streamed.report.files == whole.report.files
    assert streamed.report.files[0].invalid_bytes == 1
    for key, content in {
        "file_not_text": b"\x89PNG\r\n\x1a\n" + data,
        "file_empty": b" " * 9_999,
    }.items():
        path.write_bytes(content)
        with pytest.raises(UserError) as error:
            list(stream_files([path], limits=limits))
        assert error.value.key == key
