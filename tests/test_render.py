"""The page drawn on the server: Node stands behind the gate, and is never needed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest

from kantai.ui import app
from kantai.ui.render import KEY, TEMPLATES, renderer

LEAST = 20  # the oldest version of Node that was seen to draw the page


def fitting_node() -> str | None:
    """The node there is, if it is new enough."""
    node = os.environ.get("GRADIO_NODE_PATH") or shutil.which("node")
    if not node:
        return None
    told = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    return node if told.startswith("v") and int(told[1:].split(".")[0]) >= LEAST else None


needs_node = pytest.mark.skipif(
    not fitting_node(), reason=f"needs Node {LEAST} or newer: install it, or set GRADIO_NODE_PATH"
)


def drawn(page: str) -> bool:
    """Whether Node drew it: its own files are another build of Gradio's page."""
    return "/_app/immutable/" in page


def ask(address: str, **headers: str) -> tuple[int, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(address, None, named), timeout=30
        ) as got:
            return got.status, got.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def head_of(address: str) -> tuple[int, str | None]:
    """The status, and how the body is packed."""
    named = {"Accept-Encoding": "br"}
    asked = urllib.request.Request(address, None, named, method="HEAD")
    with urllib.request.urlopen(asked, timeout=30) as got:
        return got.status, got.headers["Content-Encoding"]


def until(true, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def nodes_of(process: psutil.Process) -> list[psutil.Process]:
    return [child for child in process.children() if draws(child)]


def draws(child: psutil.Process) -> bool:
    try:
        return str(TEMPLATES / "node" / "build") in child.cmdline()
    except psutil.Error:  # it has ended
        return False


@pytest.fixture
def serve(tmp_path, monkeypatch) -> Iterator:
    """Serves the page in this process; its address."""
    monkeypatch.setenv("GRADIO_SSR_MODE", "True")
    open_pages = []

    def start(node: str | None = fitting_node()) -> str:
        if node:
            monkeypatch.setenv("GRADIO_NODE_PATH", node)
        open_pages.append(app.build_app(tmp_path / "runs"))
        settings = app.launch_settings() | {"prevent_thread_lock": True, "quiet": True}
        return open_pages[-1].launch(**settings, server_name="127.0.0.1")[1]

    yield start
    for node in nodes_of(psutil.Process()):
        node.kill()
    for blocks in open_pages:
        blocks.close()


def test_it_is_asked_for_by_gradios_own_name():
    assert renderer({}) is None and renderer({"GRADIO_SSR_MODE": "false"}) is None
    asked = {"GRADIO_SSR_MODE": "True"}
    assert renderer(asked | {"GRADIO_NODE_PATH": "/opt/node"}) == "/opt/node"
    assert renderer(asked) == shutil.which("node")
    assert renderer(asked | {"GRADIO_NODE_PATH": "/opt/node", "GRADIO_ROOT_PATH": "/some"}) is None


@needs_node
def test_the_gate_and_our_script_come_first_and_a_dead_node_is_not_missed(serve, monkeypatch):
    monkeypatch.setenv("KANTAI_HOSTS", "room12.example")
    address = serve()
    until(lambda: drawn(ask(address)[1]))
    status, page = ask(address, Host="room12.example", Accept_Language="zh-CN")
    head = page.index("<head>") + len("<head>")
    assert status == 200 and page[head:].startswith("<script>") and "kantai.words" in page
    assert "accept_language:navigator.language" in page
    part = re.search(r"_app/immutable/entry/start[^\"]+", page)[0]
    assert head_of(address + part) == (200, "br")
    assert ask(address, Host="evil.example")[0] == 421
    assert ask(address + "_app/version.json", Host="evil.example")[0] == 421
    assert "root:" not in ask(address + "_app/../../../../../../../../../etc/passwd")[1]
    assert ask(address + "_app/immutable/none.js")[0] == 404
    [node] = nodes_of(psutil.Process())
    node.kill()
    node.wait(10)
    status, page = ask(address)
    assert status == 200 and not drawn(page) and "kantai.words" in page


@needs_node
def test_who_looks_is_counted_once_and_node_not_at_all(serve, monkeypatch):
    from kantai.limits import Turnstile

    callers = []
    monkeypatch.setattr(Turnstile, "admits", lambda self, caller: True)
    address = serve()
    until(lambda: drawn(ask(address)[1]))
    monkeypatch.setattr(Turnstile, "admits", lambda self, caller: callers.append(caller) or True)
    own = "kantai_owner=secret-of-a-browser"
    status, page = ask(address, X_Forwarded_For="203.0.113.9", Cookie=own)
    assert status == 200 and drawn(page) and callers == ["203.0.113.9"]
    assert "secret-of-a-browser" not in page
    shown = page[page.index(KEY) :].split('"')[0]  # Node writes it down; it opens nothing any more
    ask(address + "config", Cookie=shown)
    assert callers[1:] == ["127.0.0.1"]


@needs_node
@pytest.mark.parametrize("header", ["Host", "X_Forwarded_Host"])
def test_node_asks_no_host_that_a_visitor_names(serve, header):
    asked = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    other = HTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    address = serve()
    until(lambda: drawn(ask(address)[1]))
    name = f"127.0.0.1:{other.server_port}"
    status, page = ask(address, **{header: name})
    assert status == 200 and drawn(page) and not asked
    assert f'"http://{name}"' in page and address.rstrip("/") not in page  # for the browser
    assert 'a"><b>' not in ask(address, **{header: 'a"><b>'})[1]
    other.shutdown()
    other.server_close()


@pytest.mark.parametrize("node", ["/bin/false", "/nowhere/node"])
def test_a_node_that_does_not_begin_is_told_and_not_missed(serve, node, caplog):
    address = serve(node)
    until(lambda: "the browser draws the page" in caplog.text)
    status, page = ask(address)
    assert status == 200 and not drawn(page) and "kantai.words" in page


@needs_node
def test_a_password_keeps_it_off(monkeypatch):
    monkeypatch.setenv("GRADIO_SSR_MODE", "true")
    kept = [row.cls.__name__ for row in app.launch_settings()["app_kwargs"]["middleware"]]
    monkeypatch.setenv("KANTAI_PASSWORD", "apple")
    asked = [row.cls.__name__ for row in app.launch_settings()["app_kwargs"]["middleware"]]
    assert kept[-1] == "Rendered" and "Rendered" not in asked


@needs_node
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_node_ends_with_its_server(tmp_path, end):
    from tests.browser.conftest import Server

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_SSR_MODE", "true")
        server = Server(Path(tmp_path / "runs"), tmp_path / "up", mirror="")
    until(lambda: nodes_of(psutil.Process(server.process.pid)))
    [node] = nodes_of(psutil.Process(server.process.pid))
    server.process.send_signal(end)
    server.process.wait(20)
    until(lambda: not node.is_running() or node.status() == psutil.STATUS_ZOMBIE, 10)
