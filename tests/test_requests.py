"""Requests, as a real server meets them: many at once, too many, too large, from elsewhere."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from gradio_client import Client

from kantai.errors import UserError
from kantai.gate import PRIVATE, caller_of, language_of, trusted_proxies
from kantai.limits import ALLOWANCES, MB
from kantai.strings import text
from kantai.ui import app
from kantai.ui.page import HEAVY
from tests.conftest import small_text
from tests.test_spaces import zero  # noqa: F401 (a fixture)

VISITORS = 30
ASKS = 2  # times that each of them asks for what a page needs when it opens


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Serves the page with some limits changed; its address. Uploads lie in `uploads`."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    monkeypatch.setenv("KANTAI_LIMITS", "space")
    open_pages = []

    def start(**limits) -> str:
        monkeypatch.setitem(ALLOWANCES, "space", replace(ALLOWANCES["space"], **limits))
        open_pages.append(app.build_app(tmp_path / "runs"))
        settings = app.launch_settings() | {"prevent_thread_lock": True, "quiet": True}
        return open_pages[-1].launch(**settings, server_name="127.0.0.1")[1]

    yield start
    for blocks in open_pages:
        blocks.close()


def answer(url: str, data: bytes | None = None, **headers: str) -> tuple[int, str]:
    """Status and words."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, named), timeout=60) as got:
            return got.status, got.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def posted(url: str, body: object) -> tuple[int, str]:
    return answer(url, json.dumps(body).encode(), Content_Type="application/json")


# --- many at once ---------------------------------------------------------------------------------


class Crowd:
    """Counts how many are inside at one time; each stays for some seconds."""

    def __init__(self, stay: float):
        self.stay, self.lock = stay, threading.Lock()
        self.inside = self.most = self.gone = 0

    def come_and_go(self) -> None:
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        time.sleep(self.stay)
        with self.lock:
            self.inside, self.gone = self.inside - 1, self.gone + 1


def burst(address: str, visitor: int) -> list[int]:
    """What a page asks for when it opens: every event that its loading triggers."""
    config = json.loads(answer(address + "config")[1])
    loads = [d for d in config["dependencies"] if any(t[1] == "load" for t in d["targets"])]
    assert loads
    return [
        posted(
            address + "gradio_api/queue/join",
            {"fn_index": d["id"], "data": [""] * len(d["inputs"]), "session_hash": f"v{visitor}"},
        )[0]
        for d in loads
        for _ in range(ASKS)
    ]


@pytest.mark.parametrize("place", ["space", "zero"])
def test_a_class_opens_its_pages_at_once(serve, monkeypatch, request, place):
    if place == "zero":
        request.getfixturevalue("zero")
    looks = Crowd(0.1)
    monkeypatch.setattr(app, "device_chip", lambda desk: looks.come_and_go())
    address = serve()
    with ThreadPoolExecutor(VISITORS) as class_room:
        statuses = list(class_room.map(lambda n: burst(address, n), range(VISITORS)))
    assert {status for row in statuses for status in row} == {200}
    deadline = time.monotonic() + 60
    while looks.gone < ASKS * VISITORS and time.monotonic() < deadline:
        time.sleep(0.1)
    assert looks.gone == ASKS * VISITORS
    assert 4 <= looks.most <= app.QUEUE["default_concurrency_limit"]


def test_heavy_work_is_done_by_few_and_light_work_goes_on_meanwhile(serve, monkeypatch):
    from kantai.ui.source import Source

    real, readers = Source.read, Crowd(0.5)

    def slow(self, *given):
        readers.come_and_go()
        return real(self, *given)

    monkeypatch.setattr(Source, "read", slow)
    client = Client(serve(), verbose=False)
    words = "\n\n".join(small_text(40))
    owner = client.predict(api_name="/new_owner")
    jobs = [client.submit(owner, words, f"{n}", api_name="/new_run") for n in range(6)]
    time.sleep(0.5)
    began = time.monotonic()
    assert client.predict(owner, api_name="/runs") is not None
    assert time.monotonic() - began < 1 and not all(job.done() for job in jobs)
    assert len({job.result(60) for job in jobs}) == 6
    assert readers.most == HEAVY["concurrency_limit"]


# --- too many -------------------------------------------------------------------------------------


def asked(address: str, times: int, caller: str) -> list[int]:
    """The statuses of so many requests of one caller, sent without waiting for an answer."""
    place = urlsplit(address)
    one = f"GET /robots.txt HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {caller}\r\n\r\n"
    found: list[int] = []
    with socket.create_connection((place.hostname, place.port), timeout=60) as line:
        reader = line.makefile("rb")
        for start in range(0, times, 100):
            count = min(100, times - start)
            line.sendall(one.encode() * count)
            found += [status_of(reader) for _ in range(count)]
    return found


def status_of(reader) -> int:
    status, length = int(reader.readline().split()[1]), 0
    while line := reader.readline().strip().lower():
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    reader.read(length)
    return status


def test_ten_thousand_requests_in_a_minute_are_refused_and_another_address_goes_on(serve):
    most = int(ALLOWANCES["space"].requests_minute)
    address, process = serve(), psutil.Process()
    asked(address, 200, "203.0.113.8")  # what is loaded at first use
    began, memory = time.monotonic(), process.memory_info().rss
    statuses = asked(address, 10_000, "203.0.113.9")
    assert time.monotonic() - began < 60
    assert process.memory_info().rss - memory < 30 * MB
    assert 429 not in statuses[:most] and set(statuses[most:]) == {429}
    assert 429 not in asked(address, 50, "203.0.113.10")
    assert answer(address)[0] == 200
    status, said = answer(address, X_Forwarded_For="203.0.113.9", Accept_Language="zh-CN")
    assert status == 429 and said == text("too_many_requests", "zh", most=f"{most:,}")


def test_behind_proxies_it_is_the_visitor_who_is_counted():
    space = trusted_proxies({"SPACE_ID": "a/b"})
    assert space == tuple(ip_network(name.strip()) for name in PRIVATE.split(","))
    school = trusted_proxies({"KANTAI_PROXIES": "10.0.0.5, 192.168.0.0/16"})

    def caller(client: str, *forwarded: str, proxies=school) -> str:
        headers = [(b"x-forwarded-for", part.encode()) for part in forwarded]
        return caller_of({"client": (client, 1), "headers": headers}, proxies)

    assert caller("10.0.0.5", "9.9.9.9, 1.2.3.4") == "1.2.3.4"  # 9.9.9.9 is what 1.2.3.4 said
    assert caller("10.0.0.5", "1.2.3.4, 192.168.7.7") == "1.2.3.4"  # one proxy behind another
    assert caller("10.0.0.5", "1.2.3.4", "192.168.7.7") == "1.2.3.4"  # in headers of their own
    assert caller("10.0.0.6", "1.2.3.4") == "10.0.0.6"  # nobody's proxy says so
    assert caller("10.0.0.5") == caller("10.0.0.5", "") == "10.0.0.5"
    assert caller("1.2.3.4", "5.6.7.8", proxies=()) == "1.2.3.4"
    assert caller("10.4.4.4", "1.2.3.4", proxies=space) == "1.2.3.4"
    assert caller("2001:db8:1:2::3") == caller("2001:db8:1:2:3::") != caller("2001:db8:1:3::")
    for wrong in ("proxy.example", "10.0.0.0/99"):
        with pytest.raises(UserError, match="KANTAI_PROXIES"):
            trusted_proxies({"KANTAI_PROXIES": wrong})


def test_a_server_counts_behind_its_proxy(serve, monkeypatch):
    monkeypatch.setenv("KANTAI_PROXIES", "10.9.9.9")
    address = serve(requests_minute=60)
    inner = ", 10.9.9.9"  # what our own proxy adds at 127.0.0.1, which uvicorn trusts
    assert asked(address, 70, "203.0.113.9" + inner).count(429) == 10
    assert asked(address, 50, "203.0.113.10" + inner).count(429) == 0


# --- too large, or from elsewhere -----------------------------------------------------------------


def form(data: bytes, name: str = "a.txt") -> tuple[bytes, str]:
    head = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    return head.encode() + data + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"


def upload(address: str, data: bytes) -> tuple[int, str]:
    body, kind = form(data)
    return answer(address + "gradio_api/upload", body, Content_Type=kind)


def begun(address: str, path: str, *headers: str) -> socket.socket:
    """A connection on which a request has begun: its headers are sent, its body is not."""
    place = urlsplit(address)
    line = socket.create_connection((place.hostname, place.port), timeout=30)
    words = (f"POST /gradio_api/{path} HTTP/1.1", "Host: localhost", *headers, "", "")
    line.sendall("\r\n".join(words).encode())
    return line


@pytest.mark.parametrize("path", ["queue/join", "upload"])
def test_what_is_too_large_is_refused_before_it_is_read(serve, path):
    address = serve(upload_bytes=10_000, text_characters=1_000)
    with begun(address, path, "Content-Length: 2000000") as line:
        said = b""
        while part := line.recv(65_536):
            said += part
            if b"1 MB" in said:
                break
    assert said.startswith(b"HTTP/1.1 413 ") and b"1 MB" in said


def test_a_sender_without_a_size_is_cut_off_and_full_uploads_are_told(serve, tmp_path):
    address = serve(upload_bytes=10_000, text_characters=1_000, disk_bytes=3_000_000)
    json_kind = "Content-Type: application/json"
    with begun(address, "queue/join", json_kind, "Transfer-Encoding: chunked") as line:
        try:  # a sender that does not say its size is cut off
            for _ in range(200):
                line.sendall(b"186a0\r\n" + b"x" * 100_000 + b"\r\n")
            cut = int(line.recv(100).split()[1]) >= 400
        except OSError:
            cut = True
    assert cut
    assert upload(address, b"the mill")[0] == 200
    (tmp_path / "uploads" / "many").mkdir()
    (tmp_path / "uploads" / "many" / "b.txt").write_bytes(bytes(3_000_001))
    assert upload(address, b"the mill") == (507, text("uploads_full"))


def test_uploads_and_downloads_do_not_stay(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(app, "DELETE_CACHE", (1, 2))
    status, paths = upload(serve(), b"the mill")
    path = Path(json.loads(paths)[0])
    assert status == 200 and path.is_file() and tmp_path in path.parents
    deadline = time.monotonic() + 30
    while path.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not path.exists()


class Elsewhere(BaseHTTPRequestHandler):
    """Counts who asks."""

    asked: list[str] = []

    def do_GET(self):
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"the old mill " * 50)

    def log_message(self, *_):
        pass


def test_no_address_is_asked_for_anybody(serve, monkeypatch):
    other = HTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    # Gradio itself refuses private addresses; the test's own stands for a public one.
    monkeypatch.setattr("gradio.processing_utils.async_ssrf_protected_get", plain_get)
    url = f"http://127.0.0.1:{other.server_port}/mill.txt"
    address = serve()
    file = {"path": url, "meta": {"_type": "gradio.FileData"}}
    client = Client(address, verbose=False)
    for given in (file, [file], {"deep": [file]}):
        with pytest.raises(Exception, match="fetched from another address"):
            client.predict(given, api_name="/text_report")
    status, said = answer(address + "gradio_api/file=" + url, Accept_Language="zh")
    assert (status, said) == (403, text("address_refused", "zh"))
    other.shutdown()
    other.server_close()
    assert not Elsewhere.asked


async def plain_get(url, *_, **__):
    import httpx

    async with httpx.AsyncClient() as client:
        return await client.get(url)


# --- in whose language ----------------------------------------------------------------------------


def test_refusals_are_told_in_the_readers_language(serve, monkeypatch):
    def best(wishes: str) -> str:
        return language_of({"headers": [(b"accept-language", wishes.encode())]})

    assert [best(w) for w in ("zh-TW,zh;q=0.9", "de, EN-us;q=0.1", "", "fr", "zh;q=x,en")] == [
        "zh", "en", "en", "en", "en",
    ]  # fmt: skip
    monkeypatch.setenv("KANTAI_HOSTS", "room12.example")
    monkeypatch.setenv("KANTAI_PASSWORD", "apple")
    address = serve()
    assert answer(address, Host="evil.example", Accept_Language="zh") == (
        421, text("other_host", "zh"),
    )  # fmt: skip
    for language in ("en", "zh"):
        said = answer(address, Accept_Language=language)[1]
        told = json.loads('"' + said.partition('"auth_message":"')[2].partition('"')[0] + '"')
        assert told == text("password_asked", language)
