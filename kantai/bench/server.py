"""A real server of the page, with Runs of its own, and connections that ask it as a browser does.

Knows nothing of what is measured.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

HOUSE = Path(__file__).parents[2]
PATIENCE = 180.0  # seconds until the server answers, or a training begins
NAME = "somebody"  # who signs in: the page asks for a password alone


@dataclass(frozen=True)
class Server:
    """A server that answers: where, as which process, and what the first page took."""

    url: str
    runs: Path
    pid: int
    first_page_seconds: float
    page_bytes: int
    password: str = ""

    def client(self) -> Any:
        """Gradio's own client, signed in."""
        from gradio_client import Client

        auth = (NAME, self.password) if self.password else None
        return Client(self.url, verbose=False, auth=auth)

    def line(self) -> Line:
        """A connection of one's own, signed in."""
        return Line(self.url, signed_in(self.url, self.password) if self.password else "")


class Line:
    """One connection that stays open, as a browser's does."""

    def __init__(self, url: str, cookie: str = ""):
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        self.headers = {"Content-Type": "application/json"} | ({"Cookie": cookie} if cookie else {})

    def __call__(self, path: str, given: Any = None) -> bytes:
        """The answer's body. Raises RuntimeError for a refusal."""
        body = None if given is None else json.dumps(given)
        try:
            status, content = self._ask(path, body)
        except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
            status, content = self._ask(path, body)  # the server had closed it, being idle
        if status != 200:
            raise RuntimeError(f"{path} answered {status}: {content[:200]!r}")
        return content

    def _ask(self, path: str, body: str | None) -> tuple[int, bytes]:
        try:
            self.connection.request("POST" if body else "GET", path, body, self.headers)
            answer = self.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()  # the next request opens it anew
            raise


def signed_in(url: str, password: str) -> str:
    """The cookie that the page gives for the password."""
    form = urlencode({"username": NAME, "password": password}).encode()
    with urllib.request.urlopen(f"{url}login", form) as answer:
        given = answer.headers.get_all("Set-Cookie") or []
    return "; ".join(cookie.split(";")[0] for cookie in given)


def question(url: str, line: Line | None = None) -> dict[str, Any]:
    """What the header of the page sends besides the Run, the cursor and the mark."""
    components = json.loads((line or Line(url))("/config"))["components"]
    header = next(
        c["id"] for c in components if "pull_events" in json.dumps(c["props"].get("server_fns", []))
    )
    return {"session_hash": "bench", "component_id": header, "fn_name": "pull_events"}


class Asker:
    """Asks for a Run's news as the page's own script does: after its cursor, with its mark."""

    def __init__(self, line: Line, given: dict[str, Any], run: str, language: str = "en"):
        self.line, self.given, self.run, self.language = line, given, run, language
        self.cursor, self.mark, self.state = 0, "", ""
        self.seconds: list[float] = []
        self.bytes: list[int] = []

    def __call__(self) -> dict[str, Any]:
        """One answer; its seconds and bytes are kept."""
        data = [self.run, self.cursor, self.mark, self.language]
        began = time.perf_counter()
        body = self.line("/gradio_api/component_server", {**self.given, "data": data})
        self.seconds.append(time.perf_counter() - began)
        self.bytes.append(len(body))
        news = json.loads(body)
        self.cursor, self.mark = news["cursor"], news.get("mark", self.mark)
        self.state = (news.get("status") or news["change"])["state"]
        return news


def wait_for_training(ask: Asker) -> None:
    """Raises TimeoutError where the training does not begin, RuntimeError where it ended."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        ask()
        if ask.state == "training":
            return
        if ask.state not in ("waiting", "preparing"):
            raise RuntimeError(f"the training is {ask.state} before it was measured")
        time.sleep(0.2)
    raise TimeoutError("the training did not begin")


def wait_for_end(ask: Asker) -> None:
    """Until the training has ended."""
    ask()
    while ask.state in ("waiting", "preparing", "training"):
        time.sleep(0.3)
        ask()


@contextmanager
def served(folder: Path, password: str = "") -> Iterator[Server]:
    """A server with Runs in `folder`, ended afterwards with what it started."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    environment = os.environ | {
        "KANTAI_RUNS": str(folder / "runs"),
        "KANTAI_PASSWORD": password,
        "GRADIO_TEMP_DIR": str(folder / "gradio"),
        "GRADIO_SERVER_PORT": str(port),
    }
    url, began = f"http://127.0.0.1:{port}/", time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=HOUSE, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        size = first_answer(url, process)
        seconds = time.perf_counter() - began
        yield Server(url, folder / "runs", process.pid, seconds, size, password)
    finally:
        process.terminate()
        process.wait(30)


def first_answer(url: str, process: subprocess.Popen[bytes]) -> int:
    """Bytes of the first page that is answered. Raises RuntimeError where the server ends."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return len(answer.read())
        except urllib.error.HTTPError:
            raise
        except OSError:
            if process.poll() is not None:
                raise RuntimeError("the server ended before it answered") from None
            time.sleep(0.02)
    raise TimeoutError("the server did not answer")


def begin_training(client: Any, owner: str, unit: str, amount: float, vocab: int) -> str:
    """A Run with the sample text, a vocabulary and a training that is asked for; its id."""
    run = client.predict(owner, "", "", api_name="/new_run")
    run = client.predict(run, owner, vocab, 2, api_name="/learn_tokenizer")
    return client.predict(run, owner, "playground", unit, amount, api_name="/start")


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * len(ordered)))]
