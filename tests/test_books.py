"""Fetching books, from a small server of our own: whole, in pieces, refused, out of reach."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kantai import books
from kantai.books import BOOKS, book_number, fetch_book, is_whole
from kantai.errors import UserError

BOOK = (
    b"\xef\xbb\xbfThe Project Gutenberg eBook of Tides\r\n"
    + b"The tide comes in twice a day.\r\n" * 20_000
    + b"*** END OF THE PROJECT GUTENBERG EBOOK TIDES ***\r\n"
)


class Mirror(BaseHTTPRequestHandler):
    """Serves `server.book`; breaks off after `server.patience` bytes; notes what was asked."""

    def do_GET(self):
        server = self.server
        server.asked.append((self.path, self.headers.get("Range")))
        if server.status != 200:
            return self.send_error(server.status)
        book, start, etag = server.book, 0, f'"{hash(server.book)}"'
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted and self.headers.get("If-Range") == etag and server.ranges:
            start = int(wanted[1]) + server.shift
            if start >= len(book):
                return self.send_error(416)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(book) - 1}/{len(book)}")
        self.send_header("ETag", etag)
        if server.tells_length:
            self.send_header("Content-Length", str(len(book) - start))
        self.end_headers()
        self.wfile.write(book[start : start + server.patience])

    def log_message(self, *_):
        pass


@pytest.fixture
def mirror(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(books, "PAUSE", 0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    server.book, server.status, server.patience, server.shift = BOOK, 200, len(BOOK), 0
    server.ranges = server.tells_length = True
    server.asked = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def key_of(*args, **options) -> str:
    with pytest.raises(UserError) as raised:
        fetch_book(*args, **options)
    assert str(raised.value) and raised.value.message("zh")
    return raised.value.key


def test_fetched_once_and_kept(mirror, tmp_path):
    seen = []
    cache = tmp_path / "deep" / "cache"
    path = fetch_book("Pride-and-Prejudice", cache, mirror=mirror.url, progress=seen.append)
    assert path == cache / "pg1342.txt" and path.read_bytes() == BOOK
    assert seen[0] == 0 and seen[-1] == 1 and seen == sorted(seen)
    assert fetch_book(1342, cache, mirror=mirror.url) == path
    assert mirror.asked == [("/cache/epub/1342/pg1342.txt", None)]
    assert sorted(file.name for file in cache.iterdir()) == ["pg1342.txt", "pg1342.txt.sha256"]


def test_a_copy_that_changed_is_fetched_again(mirror, tmp_path):
    path = fetch_book(1342, tmp_path, mirror=mirror.url)
    path.write_bytes(BOOK[:-1])
    assert not is_whole(path)
    assert fetch_book(1342, tmp_path, mirror=mirror.url).read_bytes() == BOOK
    assert len(mirror.asked) == 2


def test_a_broken_connection_is_resumed(mirror, tmp_path):
    mirror.patience = len(BOOK) // 7
    assert fetch_book(84, tmp_path, mirror=mirror.url).read_bytes() == BOOK
    starts = [re.sub(r"\D", "", asked or "0") for _, asked in mirror.asked]
    assert len(starts) > books.ATTEMPTS and starts == sorted(starts, key=int) and starts[1] != "0"


def test_a_later_call_goes_on_where_the_first_stopped(mirror, tmp_path):
    def stop(share):
        if share > 0.2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_book(84, tmp_path, mirror=mirror.url, progress=stop)
    done = (tmp_path / "pg84.txt.part").stat().st_size
    assert done > len(BOOK) / 5 and not (tmp_path / "pg84.txt").exists()
    assert fetch_book(84, tmp_path, mirror=mirror.url).read_bytes() == BOOK
    assert mirror.asked[-1][1] == f"bytes={done}-"


@pytest.mark.parametrize("trouble", ["changed", "no ranges", "too long", "shifted", "no version"])
def test_a_part_that_does_not_fit_is_not_glued_on(mirror, tmp_path, trouble):
    (tmp_path / "pg84.txt.part").write_bytes(b"<" * (len(BOOK) * 2 if trouble == "too long" else 9))
    if trouble != "no version":
        (tmp_path / "pg84.txt.part.version").write_text(f'"{hash(BOOK)}"')
    mirror.patience = len(BOOK)
    mirror.shift = 5 if trouble == "shifted" else 0
    mirror.ranges = trouble != "no ranges"
    if trouble == "changed":
        mirror.book = BOOK.replace(b"twice", b"often")
    assert fetch_book(84, tmp_path, mirror=mirror.url).read_bytes() == mirror.book


def test_a_server_that_never_gets_on(mirror, tmp_path):
    mirror.patience = 0
    assert key_of(84, tmp_path, mirror=mirror.url) == "book_cut_off"
    assert len(mirror.asked) == books.ATTEMPTS


@pytest.mark.parametrize(
    ("status", "key"), [(404, "book_missing"), (403, "book_refused"), (503, "book_refused")]
)
def test_refused(mirror, tmp_path, status, key):
    mirror.status = status
    assert key_of(84, tmp_path, mirror=mirror.url) == key


@pytest.mark.parametrize("tells_length", [True, False])
@pytest.mark.parametrize("sent", [b"<html>Project Gutenberg</html>", b"Hello", BOOK[:200_000], b""])
def test_what_is_no_whole_book_is_not_kept(mirror, tmp_path, sent, tells_length):
    mirror.book, mirror.tells_length = sent, tells_length
    assert key_of(84, tmp_path, mirror=mirror.url) == "book_damaged"
    assert not [file for file in tmp_path.iterdir() if file.suffix in (".txt", ".part")]


@pytest.mark.parametrize("tells_length", [True, False])
def test_too_large(mirror, tmp_path, monkeypatch, tells_length):
    monkeypatch.setattr(books, "MAX_BYTES", 1_000)
    mirror.tells_length = tells_length
    assert key_of(84, tmp_path, mirror=mirror.url) == "book_too_large"


def test_offline(mirror, tmp_path):
    offline = {"HF_HUB_OFFLINE": "1"}
    assert key_of(84, tmp_path, mirror=mirror.url, environ=offline) == "book_offline"
    assert not mirror.asked
    path = fetch_book(84, tmp_path, mirror=mirror.url)
    assert fetch_book(84, tmp_path, mirror=mirror.url, environ=offline) == path
    mirror.server_close()
    assert key_of(85, tmp_path, mirror=mirror.url) == "book_offline"


def test_a_cache_that_is_a_file(mirror, tmp_path):
    (tmp_path / "cache").write_text("x")
    assert key_of(84, tmp_path / "cache", mirror=mirror.url) == "not_a_folder"


def test_only_the_web(tmp_path):
    assert key_of(84, tmp_path, mirror="file:///etc") == "mirror_address"
    assert key_of(84, tmp_path, environ={"KANTAI_MIRROR": "ftp://a"}) == "mirror_address"


def test_the_table():
    numbers = [book.number for book in BOOKS.values()]
    assert len(set(numbers)) == len(numbers)
    assert {book_number(name) for name in BOOKS} == set(numbers)
    assert book_number(" 4280 ") == BOOKS["kant-pure-reason"].number == 4280


@given(st.text() | st.sampled_from(["../4280", "4280/..", "٤٢", "4280?x", "0", "-1", "1e3", "²"]))
def test_only_names_and_numbers(name):
    try:
        number = book_number(name)
    except UserError as error:
        assert error.key == "book_unknown"
    else:
        assert 0 < number <= books.HIGHEST_NUMBER
