"""A text that is larger than the memory: it is read, kept, packed and trained on in parts."""

from __future__ import annotations

import gzip
import json
import random
import tracemalloc
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from kantai import packing, splitting, stages, words
from kantai.cleaning import CLEANING_RULES
from kantai.corpus import build_corpus
from kantai.duplicates import NearIndex, Seen
from kantai.errors import UserError
from kantai.events import Finished, Noticed
from kantai.keeping import keep_documents
from kantai.pretraining import PackedText
from kantai.readers import read_files, stream_files
from kantai.recipes import Budget
from kantai.sources import Limits
from kantai.texts import Texts
from kantai.tokenizer import TokenizerSettings, chunked, train_tokenizer
from kantai.workspace import Run
from tests.conftest import small_text, tiny_settings

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


def table(folder, kind, texts):
    """A file of this kind with the texts in one of its columns."""
    path, rows = folder / f"a{kind}", [{"id": n, "body": text} for n, text in enumerate(texts)]
    if kind == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=50)
        return path
    lines = "\n".join(json.dumps(row) for row in rows) if ".jsonl" in kind else "\n\n".join(texts)
    path.write_bytes(gzip.compress(lines.encode()) if kind.endswith(".gz") else lines.encode())
    return path


@pytest.mark.parametrize("kind", [".jsonl", ".parquet", ".txt.gz", ".md.gz", ".jsonl.gz"])
@pytest.mark.parametrize("size", [700, 4_999])
def test_a_table_and_a_packed_file_in_parts_are_the_same_text(tmp_path, kind, size):
    texts = [*small_text(300), CHINESE, "half a pair: \ud83d", "", "the end"]
    if ".jsonl" not in kind:
        texts = [text for text in texts if text.isprintable()]
    path = table(tmp_path, kind, texts)
    whole, [*parts] = read_files([path])[0], stream_files([path], limits=Limits(part_bytes=size))
    between = "\n\n" if kind.startswith((".jsonl", ".parquet")) else ""
    assert len(parts) > 3 and between.join(part.text for part in parts) == whole.text
    assert sum(part.bytes for part in parts) == whole.bytes
    assert sum(part.invalid_bytes for part in parts) == whole.invalid_bytes
    assert [part.goes_on for part in parts] == [False] + [True] * (len(parts) - 1)
    if between:
        with pytest.raises(UserError, match="column"):
            list(stream_files([path], column="none", limits=Limits(part_bytes=size)))


def test_what_is_wrong_with_a_table_in_parts_is_told(tmp_path):
    limits = Limits(part_bytes=2_000)
    path = table(tmp_path, ".jsonl", small_text(90))
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:70], "{", *lines[70:]]))
    with pytest.raises(UserError, match="Line 71"):
        list(stream_files([path], limits=limits))
    packed = tmp_path / "b.txt.gz"
    packed.write_bytes(gzip.compress("\n".join(small_text(900)).encode())[:-4_000])
    with pytest.raises(UserError) as error:
        list(stream_files([packed], limits=limits))
    assert error.value.key == "file_broken"
    bomb = tmp_path / "c.txt.gz"
    bomb.write_bytes(gzip.compress(b"a word " * 2_000_000))
    tight = Limits(part_bytes=20_000, free_expansion_bytes=100_000)
    got = 0
    with pytest.raises(UserError) as error:
        for part in stream_files([bomb], limits=tight):
            got += part.bytes
    assert error.value.key == "archive_bomb" and got < 5_000_000
    whole = table(tmp_path, ".parquet", small_text(200))
    broken = whole.read_bytes()
    whole.write_bytes(broken[:900] + bytes(900) + broken[1_800:])
    with pytest.raises(UserError) as error:
        list(stream_files([whole], limits=limits))
    assert error.value.key == "file_broken"


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


def test_paragraphs_in_a_file_are_as_in_a_list(tmp_path):
    rows = ["", "line\nfeed \u2028", CHINESE, *small_text(50)]
    texts = Texts.write(tmp_path / "t.jsonl", iter(rows))
    assert texts == rows and list(texts) == rows and len(texts) == len(rows)
    assert texts != rows[1:] and texts != [*rows[:-1], "other"]
    assert texts[-1] == rows[-1] and texts[3:40:7] == rows[3:40:7] and texts[:0] == []
    assert list(texts.every(7)) == rows[::7] and texts.characters == sum(map(len, rows))
    with pytest.raises(IndexError):
        texts[len(rows)]


def test_half_a_text_teaches_no_vocabulary(tmp_path):
    texts = Texts.write(tmp_path / "t.jsonl", small_text())
    with open(texts.path, "ab") as file:
        file.write(b'"cut sho')
    with pytest.raises(UserError, match="t.jsonl"):
        train_tokenizer(texts, TokenizerSettings(300))


@pytest.mark.parametrize("kind", [np.uint16, np.int32])
def test_rows_from_a_file_are_those_from_memory(tmp_path, kind):
    stream = np.random.default_rng(0).integers(0, 60_000, 5_000).astype(kind)
    stream.tofile(tmp_path / "ids.bin")
    mapped = np.memmap(tmp_path / "ids.bin", kind, "r")
    whole, parts = PackedText(stream, 32, 8, 7), PackedText(mapped, 32, 8, 7, resident=4_999)
    assert parts.stream is None and whole.stream is not None
    for step in range(2 * whole.steps_per_epoch + 1):
        rows = parts.to(torch.device("cpu")).rows(step)
        assert rows.dtype == torch.int32 and torch.equal(rows, whole.rows(step))


def test_a_training_from_a_file_takes_the_steps_of_one_in_memory(tmp_path, monkeypatch):
    weights, events = [], []
    for resident in (100_000_000, 1_000):
        monkeypatch.setattr(PackedText.__init__, "__defaults__", (resident,))
        run = Run.create(tmp_path / str(resident), tiny_settings(Budget(max_steps=12)))
        run.write_texts({"train": small_text(), "validation": small_text(40, 1)}, {"files": []})
        stages.learn_tokenizer(run)
        if resident == 1_000:
            monkeypatch.setattr(stages, "COUNTED", 2_000)
        events = list(stages.pretrain_run(run, stages.find_device("cpu")))
        weights.append((run.model_folder / "model.safetensors").read_bytes())
    assert weights[0] == weights[1] and isinstance(events[-1], Finished)
    (notice,) = [event for event in events if isinstance(event, Noticed)]
    assert notice.key == "baselines_of_part" and notice.values["tokens"] == 2_000


def test_ids_are_packed_once_and_anew_for_another_text_or_tokenizer(tmp_path):
    run = Run.create(tmp_path / "run", tiny_settings(Budget(max_steps=1)))
    told = []
    for text, vocab in ((small_text(), 300), (small_text(seed=1), 300), (small_text(seed=1), 290)):
        run.write_texts({"train": text, "validation": text[:9]}, {"files": []})
        run.write_tokenizer(train_tokenizer(text, TokenizerSettings(vocab)))
        tokenizer = run.tokenizer()
        for _ in range(2):
            stream = run.stream(tokenizer, told.append)
            texts = "".join(tokenizer.decode(stream.tolist()).split("<s>"))
            assert texts == "".join(t + "</s>" for t in text)
    assert told == [1.0] * 3 and len(list((run.folder / "tokens").iterdir())) == 1


def test_memory_stays_the_same_however_long_the_text(tmp_path, tokenizer, monkeypatch):
    monkeypatch.setattr(Seen.__init__, "__defaults__", (100,))
    monkeypatch.setattr(NearIndex.__init__, "__defaults__", (50_000,))
    monkeypatch.setattr("kantai.texts._BLOCK", 10_000)
    monkeypatch.setattr(words.batches, "__defaults__", (50_000,))
    monkeypatch.setitem(splitting.split_corpus.__kwdefaults__, "most_held", 10_000)
    monkeypatch.setattr(packing, "chunked", partial(chunked, size=50))
    dice, peaks, counts = random.Random(0), [], []
    known = ["".join(dice.choices("abcdefghij", k=5)) for _ in range(5_000)]
    for paragraphs in (1_500, 300, 1_501):  # the first also imports what is needed
        path = tmp_path / f"{paragraphs}.txt"
        with path.open("w") as file:
            for _ in range(paragraphs):
                file.write(" ".join(dice.choices(known, k=80)) + "\n\n")
        run = Run.create(tmp_path / path.stem, tiny_settings(Budget(max_steps=1)))
        tracemalloc.start()
        documents = stream_files([path], limits=Limits(part_bytes=50_000))
        keep_documents(run, documents, list(CLEANING_RULES))
        kept = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        counts.append(len(run.stream(tokenizer)))
        peaks.append((kept, tracemalloc.get_traced_memory()[1]))
        tracemalloc.stop()
    assert counts[2] > 4.5 * counts[1]
    for small, large in zip(*peaks[1:], strict=True):
        assert large - small < 100_000  # bytes, of 600,000 more that were read
