"""Fetch a book from Project Gutenberg: by name or number, once, and check it.

The text is kept in a cache folder as pg4280.txt with its SHA-256 beside it, so that a book
is fetched once and a damaged copy is noticed. A download that breaks off stays as
pg4280.txt.part and is continued (HTTP Range, RFC 9110 section 14). Nothing is ever fetched
unless a person asks for it. Knows nothing of cleaning: header and licence are still there.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from kantai.errors import UserError
from kantai.files import told_plainly, write_text
from kantai.sources import megabytes

MIRROR = "https://www.gutenberg.org"
PATH = "/cache/epub/{number}/pg{number}.txt"
USER_AGENT = "kantai (fetches one book when a person asks for it)"

CHUNK = 1 << 16
ATTEMPTS = 4  # connections in a row that may break off without bringing anything new,
PAUSE = 0.5  # seconds between them, longer each time
TIMEOUT = 30.0  # seconds without a byte
MAX_BYTES = 100_000_000
HIGHEST_NUMBER = 9_999_999

Progress = Callable[[float], object]  # the share that has come, from 0 to 1

_NAME = b"project gutenberg"
_HEADER, _LICENCE = 10_000, 40_000  # bytes at the beginning and the end that must hold it
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Book:
    """A text of Project Gutenberg. `language` is an ISO 639-1 code."""

    number: int
    title: str
    author: str
    language: str = "en"


BOOKS: dict[str, Book] = {
    "kant-pure-reason": Book(4280, "The Critique of Pure Reason", "Immanuel Kant"),
    "kant-practical-reason": Book(5683, "The Critique of Practical Reason", "Immanuel Kant"),
    "kant-judgement": Book(48433, "Kant's Critique of Judgement", "Immanuel Kant"),
    "pride-and-prejudice": Book(1342, "Pride and Prejudice", "Jane Austen"),
    "frankenstein": Book(84, "Frankenstein; Or, The Modern Prometheus", "Mary Shelley"),
    "sherlock-holmes": Book(1661, "The Adventures of Sherlock Holmes", "Arthur Conan Doyle"),
    "moby-dick": Book(2701, "Moby Dick; Or, The Whale", "Herman Melville"),
    "war-and-peace": Book(2600, "War and Peace", "Leo Tolstoy"),
    "faust": Book(2229, "Faust: Der Tragödie erster Teil", "Johann Wolfgang von Goethe", "de"),
    "die-verwandlung": Book(22367, "Die Verwandlung", "Franz Kafka", "de"),
    "les-miserables-1": Book(17489, "Les misérables, tome I : Fantine", "Victor Hugo", "fr"),
    "les-trois-mousquetaires": Book(13951, "Les trois mousquetaires", "Alexandre Dumas", "fr"),
    "don-quijote": Book(2000, "Don Quijote", "Miguel de Cervantes", "es"),
    "hong-lou-meng": Book(24264, "紅樓夢", "曹雪芹", "zh"),
    "xi-you-ji": Book(23962, "西遊記", "吳承恩", "zh"),
    "san-guo-yan-yi": Book(23950, "三國志演義", "羅貫中", "zh"),
    "shui-hu-zhuan": Book(23863, "水滸傳", "施耐庵", "zh"),
}


def fetch_book(
    name_or_number: str | int,
    cache: Path,
    *,
    mirror: str = MIRROR,
    progress: Progress | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Path:
    """The path of a book's text in `cache`, fetched unless it is there whole.

    `progress(share)` is called with the share that has come, 0 to 1, where the size is known.
    Raises UserError, one sentence each, for an unknown name, a number without a text, no
    network (or HF_HUB_OFFLINE set), a mirror's address that is none, a connection that keeps
    breaking, and for what is not a whole Project Gutenberg text.
    """
    number = book_number(name_or_number)
    path = Path(cache) / f"pg{number}.txt"
    with _one_at_a_time, told_plainly(Path(cache)):
        if is_whole(path):
            return path
        host = environ.get("KANTAI_MIRROR") or mirror  # a school's own copy
        fetch = _Fetch(number, path, host.rstrip("/"), progress or (lambda share: None))
        if environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
            raise fetch.error("book_offline")
        path.parent.mkdir(parents=True, exist_ok=True)
        fetch.download()
        fetch.keep()
    return path


def book_number(name_or_number: str | int) -> int:
    """The number of a book by its name in `BOOKS`, or the number itself.

    >>> book_number("kant-pure-reason"), book_number("1342"), book_number(84)
    (4280, 1342, 84)
    """
    name = str(name_or_number).strip()
    if name.lower() in BOOKS:
        return BOOKS[name.lower()].number
    if name.isascii() and name.isdigit() and len(name) < 8 and 0 < int(name) <= HIGHEST_NUMBER:
        return int(name)
    raise UserError("book_unknown", name=name[:80], names=", ".join(BOOKS))


def is_whole(path: Path) -> bool:
    """Whether a fetched text is there, exactly as it was when it was checked."""
    try:
        known = _sum_file(path).read_text(encoding="ascii").split()
        return known[:1] == [_sha256(path)]
    except (FileNotFoundError, UnicodeDecodeError):
        return False


def _sum_file(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while chunk := handle.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


class _Fetch:
    """One download, which may take several connections."""

    def __init__(self, number: int, path: Path, mirror: str, progress: Progress):
        self.number, self.path, self.progress = number, path, progress
        self.part = path.with_name(path.name + ".part")
        self.version = path.with_name(path.name + ".part.version")  # what the part is a part of
        self.url = mirror + PATH.format(number=number)
        self.host = urlsplit(mirror).hostname or mirror
        if urlsplit(mirror).scheme not in ("http", "https"):
            raise UserError("mirror_address", address=mirror[:80])

    def error(self, key: str, **values: object) -> UserError:
        return UserError(key, number=self.number, host=self.host, **values)

    def done(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def download(self) -> None:
        """Connect until all has come; each connection goes on where the last one stopped."""
        idle = 0
        while idle < ATTEMPTS:
            time.sleep(PAUSE * idle)
            before = self.done()
            try:
                if self.connect(before):
                    return
            except urllib.error.HTTPError as error:
                self.refused(error)
            except (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError):
                pass  # broke off
            except urllib.error.URLError as error:
                raise self.error("book_offline") from error
            idle = 0 if self.done() > before else idle + 1
        raise self.error("book_cut_off")

    def refused(self, error: urllib.error.HTTPError) -> None:
        """What a status other than 2xx means; 416 says that our part fits no longer."""
        if error.code == 416:
            self.part.unlink(missing_ok=True)
        elif error.code in (404, 410):
            raise self.error("book_missing") from error
        else:
            raise self.error("book_refused", status=error.code) from error

    def connect(self, start: int) -> bool:
        """Fetch from byte `start` on, if it is still the same version. True once it is whole."""
        with urllib.request.urlopen(self.request(start), timeout=TIMEOUT) as response:
            place = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            resumed = response.status == 206 and place is not None and int(place[1]) == start
            if response.status == 206 and not resumed:  # not the piece that was asked for
                self.part.unlink(missing_ok=True)
                return False
            size = place[2] if place else response.headers.get("Content-Length", "")
            total = int(size) if size.isdigit() else None
            if not resumed:
                headers = response.headers
                write_text(self.version, headers.get("ETag") or headers.get("Last-Modified") or "")
            self.receive(response, total, "ab" if resumed else "wb")
        return total is None or self.done() == total

    def request(self, start: int) -> urllib.request.Request:
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        version = self.version.read_text(encoding="utf-8") if self.version.exists() else ""
        if start and version and not version.startswith("W/"):
            headers |= {"Range": f"bytes={start}-", "If-Range": version}
        return urllib.request.Request(self.url, headers=headers)

    def receive(self, response: http.client.HTTPResponse, total: int | None, mode: str) -> None:
        with open(self.part, mode) as handle:
            while True:
                if max(handle.tell(), total or 0) > MAX_BYTES:
                    raise self.error("book_too_large", most=megabytes(MAX_BYTES))
                if total:
                    self.progress(min(1.0, handle.tell() / total))
                chunk = response.read1(CHUNK)
                if not chunk:
                    return
                handle.write(chunk)

    def keep(self) -> None:
        """Check what came, write down its sum, and only then give it its name."""
        data = self.part.read_bytes()
        named = (_NAME in part.lower() for part in (data[:_HEADER], data[-_LICENCE:]))
        if data.lstrip()[:1] == b"<" or not all(named):
            self.part.unlink()
            raise self.error("book_damaged")
        write_text(_sum_file(self.path), f"{_sha256(self.part)}  {self.path.name}\n")
        with open(self.part, "rb") as handle:
            os.fsync(handle.fileno())
        os.replace(self.part, self.path)
        self.version.unlink(missing_ok=True)
