"""Hostile input: whatever comes, an answer or one sentence (UserError), within two seconds.

    KANTAI_FUZZ=5000 python -m pytest tests/test_fuzz.py        # that many examples a test

Seconds are of the processor, so that a busy machine fails nothing.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from inspect import signature
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kantai import pdf as pdf_reader
from kantai.archives import UNPACKERS
from kantai.cleaning import CLEANING_RULES
from kantai.corpus import build_corpus
from kantai.errors import UserError
from kantai.events import from_lines
from kantai.jobs import Jobs
from kantai.limits import ALLOWANCES
from kantai.readers import READERS, Document, read_files, stream_files
from kantai.registry import Registry
from kantai.sources import Limits
from kantai.ui.desk import Desk
from kantai.ui.endpoints import THEMES, endpoints
from kantai.ui.source import KINDS
from kantai.workspace import Run
from tests.conftest import small_text, tiny_settings

SLOWEST = 2.0  # seconds of the processor
MOST_TEXT = 1_000_000  # bytes that may come of one file here
LIMITS = Limits(max_text_bytes=MOST_TEXT)
hostile = settings(
    max_examples=int(os.environ.get("KANTAI_FUZZ", "40")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize="KANTAI_FUZZ" not in os.environ,
)


@contextmanager
def quick_and_plain() -> Iterator[None]:
    """Nothing but UserError may come out, and soon."""
    began = time.thread_time()
    with suppress(UserError):
        yield
    assert time.thread_time() - began < SLOWEST


# --- files ----------------------------------------------------------------------------------------

TEXT = "\n\n".join(small_text(12))


def zipped(name: str, data: bytes, kind: int = 0o100644) -> bytes:
    memory, info = io.BytesIO(), zipfile.ZipInfo(name)
    info.external_attr = kind << 16
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(info, data)
    return memory.getvalue()


def parquet(texts: list[str]) -> bytes:
    memory = io.BytesIO()
    pq.write_table(pa.table({"text": texts}), memory)
    return memory.getvalue()


def pdf() -> bytes:
    page = b"BT /F1 12 Tf 72 700 Td (the old mill) Tj ET"
    parts = (
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
        b"/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(page), page),
    )  # fmt: skip
    whole, table = b"%PDF-1.4\n", b"0000000000 65535 f \n"
    for number, part in enumerate(parts, 1):
        table += b"%010d 00000 n \n" % len(whole)
        whole += b"%d 0 obj%s\nendobj\n" % (number, part)
    size = len(parts) + 1
    end = b"trailer<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF\n" % (size, len(whole))
    return whole + b"xref\n0 %d\n" % size + table + end


SEEDS = {
    ".txt": TEXT.encode(),
    ".md": b"# Mill\n\n" + TEXT.encode("utf-16"),
    ".csv": b"id;text\n" + b"\n".join(b'%d;"the ""old"" mill"' % n for n in range(9)),
    ".tsv": b"id\ttext\n1\tthe mill\n",
    ".json": json.dumps([{"text": line} for line in small_text(5)]).encode(),
    ".jsonl": b'{"text": "the mill \\ud800"}\n"a line"\n',
    ".parquet": parquet(small_text(9)),
    ".pdf": pdf(),
    ".gz": gzip.compress(TEXT.encode()),
    ".zip": zipped("a.txt", TEXT.encode()),
}
edits = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), st.binary(max_size=12)), max_size=6
)  # where, how much goes, what comes


def changed(data: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    for where, gone, new in changes:
        at = int(where * len(data))
        data = data[:at] + new + data[at + gone :]
    return data


def read(folder: Any, name: str, data: bytes) -> None:
    path = folder / name
    path.write_bytes(data)
    with quick_and_plain():
        documents = read_files([path], limits=LIMITS)
        assert sum(len(document.text) for document in documents) <= MOST_TEXT
        assert all("\ud800" not in document.text for document in documents)
    with quick_and_plain():
        parts = stream_files([path], limits=replace(LIMITS, part_bytes=30))
        assert all("\ud800" not in part.text for part in parts)


@pytest.fixture(scope="module", autouse=True)
def pdfs_are_read_here():
    """In this process, as a process for each would take hours; tests/test_pdf.py is at that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdf_reader, "pages_apart", pdf_reader.pages)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


@pytest.mark.parametrize("suffix", [*READERS, *UNPACKERS])
def test_every_kind_of_file_has_a_seed_that_is_read(folder, suffix):
    path = folder / ("seed" + suffix)
    path.write_bytes(SEEDS[suffix])
    [document] = read_files([path], limits=LIMITS)
    assert "mill" in document.text.lower()


@pytest.mark.parametrize("suffix", SEEDS)
def test_damaged_files(folder, suffix):
    @hostile
    @given(edits)
    def damage(changes):
        read(folder, "file" + suffix, changed(SEEDS[suffix], changes))

    damage()


@hostile
@given(st.sampled_from([*SEEDS, ".exe", ""]), st.binary(max_size=400))
def test_bytes_under_any_name(folder, suffix, data):
    read(folder, "file" + suffix, data)


def bombs() -> dict[str, bytes]:
    zeros, table = bytes(60_000_000), ["the mill " * 20_000] * 60
    nested = zipped("a.zip", zipped("b.txt", b"x"))
    return {
        "gzip.txt.gz": gzip.compress(zeros), "zip.zip": zipped("a.txt", zeros),
        "nested.zip": nested, "parquet.parquet": parquet(table),
        "deep.json": b"[" * 100_000, "deep.jsonl": b'{"a":' * 50_000,
        "wide.csv": b"," * 500_000 + b"\nthe mill\n",
        "wide.tsv": b"name\t" * 10_001 + b"\nthe mill\n",
    }  # fmt: skip


@pytest.mark.parametrize("name", bombs())
def test_bombs_are_refused(folder, name):
    (folder / name).write_bytes(bombs()[name])
    with quick_and_plain(), pytest.raises(UserError):
        read_files([folder / name], limits=LIMITS)
        raise AssertionError("read in full")


@pytest.mark.parametrize("name", ["../../etc/cron.d/a.txt", "/etc/a.txt", "C:\\a.txt", "a\0.txt"])
def test_names_in_archives_never_become_paths(folder, name):
    place = folder / "only"
    place.mkdir(exist_ok=True)
    archive = place / "archive.zip"
    for kind, data in ((0o100644, TEXT.encode()), (0o120777, b"/etc/passwd")):  # file, link
        archive.write_bytes(zipped(name, data, kind))
        with quick_and_plain():
            found = read_files([archive])
            assert found[0].text.encode() == data  # a link is its own few letters
    assert [path.name for path in place.iterdir()] == ["archive.zip"]


# --- text and logs --------------------------------------------------------------------------------

texts = st.one_of(
    st.text(max_size=2_000),
    st.text("ab-\n\r\f\u00ad \t<>&;[]|#*_", max_size=2_000),
    st.builds(lambda word, times: word * times, st.text(max_size=9), st.integers(1, 5_000)),
)


@hostile
@given(texts, st.lists(st.sampled_from(list(CLEANING_RULES)), unique=True))
@example("0\x1f", ["page_marks"])  # a space to str.strip, none to int
def test_the_cleaner(text, rules):
    with quick_and_plain():
        build_corpus([Document("a.txt", text, len(text), "utf-8", 0)], rules=rules)


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["failed", ""])
records = st.recursive(
    plain,
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["event", "step"]), inner),
    max_leaves=6,
)
lines_of_a_log = st.lists(st.text(max_size=80) | records.map(json.dumps), max_size=9)


@hostile
@given(lines_of_a_log, st.integers(-5, 99), st.integers(1, 99))
def test_logs(folder, lines, cursor, most):
    list(from_lines(lines))
    run = Run(folder)
    (folder / "events.jsonl").write_text("\n".join(lines), encoding="utf-8", errors="replace")
    run.latest()
    for _ in range(200):
        events, after = run.events_after(cursor, most)
        if after == cursor:
            break
        cursor = after
    assert all(isinstance(event, dict) for event in events)


# --- the page's endpoints -------------------------------------------------------------------------


class Served:
    """Every endpoint by name, over a root with a Run that is somebody's and one of our own."""

    def __init__(self, root):
        from kantai.recipes import Budget

        self.settings = tiny_settings(Budget(seconds=5))
        self.registry = Registry(root, ALLOWANCES["class"])
        desk = Desk(self.registry, Jobs(self.registry, device="cpu"))
        self.called = {function.__name__: function for function in endpoints(desk)}
        self.theirs, self.mine = self.new("its owner"), ""
        desk.ready()

    def new(self, owner: str) -> str:
        run_id = self.registry.new(self.settings, name="mill", owner=owner)
        texts = {"train": small_text(40), "validation": small_text(5)}
        self.registry.open(run_id).write_texts(texts, {"files": []})
        return run_id

    def own(self) -> str:
        """Our own Run; another one where it was deleted."""
        if not self.registry.has(self.mine):
            for info in self.registry.list("me"):
                self.registry.delete(info.id, "me")
            self.mine = self.new("me")
        return self.mine


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Served:
    return Served(tmp_path_factory.mktemp("runs"))


plain_junk = st.one_of(
    st.text(max_size=60), st.integers(), st.floats(), st.none(), st.booleans(),
    st.sampled_from(["../x", "..\\x", "/etc/passwd", "<script>alert(1)</script>", "\0", "=1+1",
                     "x" * 10_000, "\ud800", 10**400, *KINDS]),
)  # fmt: skip
junk = st.one_of(
    plain_junk,
    st.lists(plain_junk, max_size=4),
    st.dictionaries(st.sampled_from(["path", "meta", "url"]), plain_junk, max_size=3),
    st.lists(st.dictionaries(st.just("path"), plain_junk), max_size=2),
)
SIZES = ["modernbert", 32, 1, 4, 64, 128, 0.0]
# What changes a Run, with arguments that are right but for the owner.
CHANGES: dict[str, list[Any]] = {
    "rename": ["other"], "delete": [], "stop": [], "cancel_tokenizer": [],
    "start": ["playground", "seconds", 5.0, 0, 0, 0.0, 0.0, 0],
    "resume": ["seconds", 5.0], "learn_tokenizer": [300, 2], "download": ["zip"],
    "choose_preset": ["nano"], "choose_model": SIZES,
}  # fmt: skip


def drawn(data: Any, served: Served, name: str) -> list[Any]:
    """Arguments of every kind; of Runs and owners, real ones too."""
    arguments = []
    for parameter in signature(served.called[name]).parameters:
        if parameter in ("run", "first", "second"):
            real = st.sampled_from([served.own(), served.own(), served.theirs])
            arguments.append(data.draw(real | junk.filter(lambda given: given != "")))
        elif parameter == "owner":
            arguments.append(data.draw(st.sampled_from(["me", "me", "its owner"]) | junk))
        else:
            arguments.append(data.draw(junk))
    return arguments


@pytest.mark.parametrize("name", [f.__name__ for theme in THEMES for f in theme.ENDPOINTS])
def test_every_endpoint_with_anything(served, name):
    @hostile
    @given(st.data())
    def ask(data):
        arguments = drawn(data, served, name)
        with quick_and_plain():
            served.called[name](*arguments)

    ask()


@pytest.mark.parametrize("name", CHANGES)
def test_somebody_elses_run_stays_as_it_is(served, name):
    theirs = served.new("somebody")

    @hostile
    @given(st.data())
    def ask(data):
        called, rest = served.called[name], CHANGES[name]
        stranger = data.draw(st.just("me") | junk.filter(lambda owner: owner != "somebody"))
        if data.draw(st.booleans()):
            rest = [data.draw(junk) for _ in rest]
        before = served.called["state"](theirs)
        with pytest.raises(UserError) as error:
            called(theirs, stranger, *rest)
        if (stranger, rest) == ("me", CHANGES[name]):
            assert error.value.key == "not_owner"
        assert served.called["state"](theirs) == before
        assert not served.registry.open(theirs).stop_asked()

    ask()
    assert CHANGES.keys() <= served.called.keys()


def test_what_changes_nothing_needs_no_owner(served):
    """No endpoint that takes a Run and an owner is missing above."""
    both = {n for n, f in served.called.items() if {"run", "owner"} <= {*signature(f).parameters}}
    assert both - {"fork"} == CHANGES.keys()


def test_a_server_reads_only_what_was_uploaded(served, tmp_path, monkeypatch):
    inside, outside = tmp_path / "uploads" / "a.txt", tmp_path / "b.txt"
    inside.parent.mkdir()
    for path in (inside, outside):
        path.write_text(TEXT)
    link = inside.parent / "link.txt"
    link.symlink_to(outside)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(inside.parent))
    ask = served.called["notebook_loss"]
    assert ask("files", "", [{"path": str(inside)}])["examples"] > 0
    for path in (outside, link, inside.parent / ".." / "b.txt", inside.parent, "b.txt"):
        with pytest.raises(UserError, match="uploaded files"):
            ask("files", "", [{"path": str(path)}])
