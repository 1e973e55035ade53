"""A real server on a free port with Runs of its own, and a real Chromium."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
NO_BROWSER = (
    "These tests need Chromium and `pip install -r tests/requirements.txt`: "
    "`apt-get install chromium fonts-noto-cjk`, or "
    "`python -m playwright install chromium`; or leave them out with `--ignore tests/browser`."
)
BOOK = (
    b"The Project Gutenberg eBook of Tides\r\n\r\n"
    b"*** START OF THE PROJECT GUTENBERG EBOOK TIDES ***\r\n\r\n"
    + b"".join(b"The lighthouse saw tide number %d come in.\r\n\r\n" % n for n in range(900))
    + b"*** END OF THE PROJECT GUTENBERG EBOOK TIDES ***\r\n"
)
# As `python app.py`, but that the demo trains for a moment only.
APP = "import app; from kantai.ui import demo; demo.DEMO_SECONDS = 12.0; app.main()"
PATIENCE = 120_000  # milliseconds: a busy machine may be slow, but not silent


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


class Server:
    """The page as `python app.py` serves it; what it prints goes to `log`, if there is one."""

    def __init__(
        self, runs: Path, temporary: Path, mirror: str, code: str = APP, log: Path | None = None
    ):
        self.mirror, self.code, self.log = mirror, code, log
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.runs, self.temporary = runs, temporary
        self.start()

    def start(self) -> None:
        environment = os.environ | {
            "KANTAI_RUNS": str(self.runs),
            "GRADIO_TEMP_DIR": str(self.temporary),
            "GRADIO_SERVER_PORT": str(self.port),
            "HF_HUB_OFFLINE": "",  # or no book could be fetched from our own mirror
            "KANTAI_MIRROR": self.mirror,
            "PYTHONUNBUFFERED": "1",
        }
        with open(self.log, "ab") if self.log else nullcontext() as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", self.code], cwd=HOUSE, env=environment, stdout=output,
                stderr=output,
            )  # fmt: skip
        for _ in range(600):
            try:
                urllib.request.urlopen(self.url, timeout=5).close()
                return
            except OSError:
                assert self.process.poll() is None, "the server ended before it answered"
                time.sleep(0.1)
        raise AssertionError("the server did not answer")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


class Mirror(BaseHTTPRequestHandler):
    """One short book, under every number."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(BOOK)))
        self.end_headers()
        self.wfile.write(BOOK)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def mirror() -> Iterator[str]:
    books = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    threading.Thread(target=books.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{books.server_port}"
    books.shutdown()
    books.server_close()


@pytest.fixture(scope="session")
def server(tmp_path_factory, mirror) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("gradio"), mirror)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def chromium():
    try:
        from playwright import sync_api as playwright
    except ImportError:
        pytest.fail(NO_BROWSER)
    with playwright.sync_playwright() as tool:
        found = shutil.which("chromium") or shutil.which("chromium-browser")
        try:
            browser = tool.chromium.launch(executable_path=found, args=FLAGS)
        except playwright.Error:
            pytest.fail(NO_BROWSER)
        yield browser
        browser.close()


@pytest.fixture
def visit(server, chromium) -> Iterator[Callable]:
    """Opens the page in a browser of its own; fails on script errors and outside requests."""
    contexts, faults = [], []

    def open_page(address: str = "", *, locale="en-US", width=1440, scheme="light", context=None):
        if context is None:
            size = {"width": width, "height": 1000}
            context = chromium.new_context(locale=locale, color_scheme=scheme, viewport=size)
            contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: faults.extend(outside(request.url)))
        page.goto(server.url + address)
        page.wait_for_selector(".k-tabs [role=tab][aria-selected=true]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults


def outside(url: str) -> list[str]:
    ours = ("http://127.0.0.1:", "data:", "blob:")
    return [] if url.startswith(ours) else [f"asked an outside host: {url}"]
