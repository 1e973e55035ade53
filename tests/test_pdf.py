"""PDFs are read apart: what takes too long or too much is ended, and the server goes on."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import zlib
from functools import cache

import pytest

from kantai import pdf
from kantai.errors import UserError
from kantai.readers import read_files
from kantai.sources import Limits
from tests.pdfs import CATALOGUE, PAGE, PAGES, stream, written
from tests.test_fuzz import zipped

KB = 1_000


def one_page(content: bytes, *, layers: int = 1) -> bytes:
    """One page whose content was deflated so many times."""
    for _ in range(layers):
        content = zlib.compress(content)
    filters = b"/Filter[%s]" % b" ".join([b"/FlateDecode"] * layers)
    return written({1: CATALOGUE, 2: PAGES, 3: PAGE, 4: stream(content, filters)})


def nested_pages(depth: int) -> bytes:
    """A page below so many nodes."""
    nodes = {n: b"<</Type/Pages/Kids[%d 0 R]/Count 1>>" % (n + 1) for n in range(5, depth + 5)}
    first = b"<</Type/Pages/Kids[5 0 R]/Count 1>>"
    leaf = PAGE.replace(b"/Contents 4 0 R", b"")
    return written({1: CATALOGUE, 2: first, **nodes, depth + 5: leaf})


def many_pages(number: int) -> bytes:
    """So many pages, all the same object."""
    kids = b"3 0 R " * number
    pages = b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, number)
    return written({1: CATALOGUE, 2: pages, 3: PAGE, 4: b"<<>>"})


def a_ring() -> bytes:
    """Pages that hold themselves."""
    pages = b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>"
    return written({1: CATALOGUE, 2: pages})


@cache
def long() -> bytes:
    """A few kB that are worked on for minutes."""
    return one_page(b"BT /F1 12 Tf " + b"(the mill) Tj 0 -9 Td " * 800_000 + b"ET")


SHOWN = b"BT /F1 12 Tf 72 700 Td (%s) Tj ET"
TIGHT = Limits(max_text_bytes=1_000_000, max_pdf_seconds=2, max_pdf_memory=600_000 * KB)
BOMBS = {
    "flate": lambda: one_page(b"\n" * 150_000_000),
    "flate twice": lambda: one_page(b"\n" * 150_000_000, layers=2),
    "long": long,
    "deep": lambda: nested_pages(20_000),
    "ring": a_ring,
    "many": lambda: many_pages(30_000),
}
SAID = {"pdf_too_much", "pdf_too_long", "text_too_large", "file_broken", "pdf_without_text"}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_in_a_sentence_within_its_bounds(tmp_path, name):
    path = tmp_path / "bomb.pdf"
    path.write_bytes(BOMBS[name]())
    beats, over = [], threading.Event()

    def beat():  # what else the server does meanwhile
        while not over.wait(0.01):
            beats.append(time.monotonic())

    heart = threading.Thread(target=beat)
    used = time.process_time()
    heart.start()
    with pytest.raises(UserError) as error:
        read_files([path], limits=TIGHT)
    over.set()
    heart.join()
    assert error.value.key in SAID
    assert time.process_time() - used < 2  # the server's own
    assert max(b - a for a, b in zip(beats, beats[1:], strict=False)) < 2


def test_seconds_and_memory_are_held(tmp_path, monkeypatch):
    """The very limits, each alone: without them this file is read for minutes."""
    monkeypatch.setattr(pdf, "PATIENCE", 100.0)  # it is not this that ends it
    path = tmp_path / "long.pdf"
    path.write_bytes(BOMBS["long"]())
    assert path.stat().st_size < 100 * KB
    for limits in (
        Limits(max_pdf_seconds=1),
        Limits(max_pdf_seconds=60, max_pdf_memory=200_000 * KB),
    ):
        began = time.monotonic()
        with pytest.raises(UserError, match="more time or memory"):
            read_files([path], limits=limits)
        assert time.monotonic() - began < 30


def test_a_pdf_in_an_archive_is_held_too(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(zipped("long.pdf", BOMBS["long"]()))
    with pytest.raises(UserError, match="long.pdf takes more time"):
        read_files([path], limits=Limits(max_pdf_seconds=1))


def test_a_process_that_hangs_is_ended(tmp_path, monkeypatch):
    idle = tmp_path / "idle.sh"  # in the place of Python: it takes neither seconds nor memory
    idle.write_text("#!/bin/sh\nexec sleep 60\n")
    idle.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(idle))
    monkeypatch.setattr(pdf, "PATIENCE", 0.2)
    path = tmp_path / "a.pdf"
    path.write_bytes(one_page(SHOWN % b"the old mill"))
    began = time.monotonic()
    with pytest.raises(UserError, match="more time or memory"):
        read_files([path], limits=Limits(max_pdf_seconds=1))
    assert time.monotonic() - began < 30


def test_memory_is_no_defect_of_a_page():
    class Page:
        def extract_text(self):
            raise MemoryError

    with pytest.raises(MemoryError):
        pdf._page_text(Page())


def test_the_limits_of_a_public_place_are_enough_for_a_book(tmp_path):
    from kantai.limits import ALLOWANCES
    from kantai.ui.source import limits_of

    lines = b"".join(b"0 -12 Td (the old mill ground corn into flour %d) Tj " % n
                     for n in range(50))  # fmt: skip
    path = tmp_path / "book.pdf"
    page = one_page(b"BT /F1 12 Tf 72 700 Td " + lines + b"ET")
    path.write_bytes(page.replace(b"[3 0 R]/Count 1", b"[%s]/Count 100" % (b"3 0 R " * 100)))
    [document] = read_files([path], limits=limits_of(ALLOWANCES["space"]))
    assert document.text.count("flour 49") == 100


def test_it_is_a_program_of_its_own_that_needs_no_page():
    command = [sys.executable, "-X", "importtime", "-c", "import kantai.pdf"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert "kantai.pdf" in told and "gradio" not in told and "torch" not in told
