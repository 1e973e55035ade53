"""The page drawn on the server by Gradio's renderer, which is a program of Node's.

Gradio itself would put Node before Python: then nobody is counted, no host's name is looked at,
and no script of ours comes first. Here Node stands behind all that and is only asked for the
page and its parts; where it does not answer, the browser draws the page, as without it.
"""

from __future__ import annotations

import atexit
import logging
import os
import re
import secrets
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio
import httpx
from fastapi import Request
from gradio.route_utils import get_request_origin

from kantai.strings import text

log = logging.getLogger(__name__)
TEMPLATES = Path(gradio.__file__).parent / "templates"
HERE = "127.0.0.1"
# Node ends as soon as nobody holds the other end of its input, however the server ended.
ENDS_WITH_US = "data:text/javascript,process.stdin.resume().on('end',()=>process.exit())"
PATIENCE = 10.0  # seconds for a page, before the browser draws it
KEY = "kantai_render"  # the cookie by which the gate knows Node's own questions
BEGINNING = 60.0  # seconds until it is given up
HOP = (b"connection", b"keep-alive", b"transfer-encoding", b"content-length")
TOLD = (b"accept", b"accept-encoding", b"accept-language", b"user-agent")  # of the visitor
# What the page's own script takes for the reader's language: it is chosen in the browser.
LANGUAGE = re.compile(rb'accept_language:"(?:[^"\\]|\\.)*"')
ORIGIN = re.compile(r"https?://[A-Za-z0-9.:_\[\]-]+")


def renderer(environment: Mapping[str, str]) -> str | None:
    """The node that `GRADIO_SSR_MODE` asks for; None where it does not, or there is none.

    None under a proxy's path too: Gradio's `node/build/index.js` tells the page that it is mounted
    at "/", where the browser then asks in vain for all else.
    """
    asked = environment.get("GRADIO_SSR_MODE", "").lower() in ("1", "true")
    if not asked or environment.get("GRADIO_ROOT_PATH"):
        return None
    return environment.get("GRADIO_NODE_PATH") or shutil.which("node")


class Rendered:
    """ASGI middleware: the page at "/" and the files that belong to it come from Node.

    Node asks the server in turn, with the cookie that it was given: one of `keys`, which opens
    the gate for as long as that page is drawn. It asks at the host that it was asked at itself,
    and writes cookies into the page: so it is told neither the visitor's host, which anybody may
    choose, nor their cookies. Where the page says our inner address, the outer one is put in.
    """

    def __init__(self, app: Any, node: str, keys: set[str]):
        self.app, self.node, self.keys = app, node, keys
        self.base: str | None = None  # where Node answers, when it does
        self.inside = ""  # where it finds us
        self.line = httpx.AsyncHTTPTransport()  # it keeps no cookie, as a client would
        self.begun = threading.Lock()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            if self.begun.acquire(blocking=False):  # never released: once
                threading.Thread(target=self._begin, args=scope["server"], daemon=True).start()
            if self.base and is_of_page(scope) and await self._answered(scope, send):
                return
        await self.app(scope, receive, send)

    async def _answered(self, scope: dict[str, Any], send: Any) -> bool:
        """Hand on what Node says; false where it is not able to."""
        outside = str(get_request_origin(Request(scope), scope["path"]))
        if not ORIGIN.fullmatch(outside):
            return False
        try:
            answer, body = await self._asked(scope)
        except httpx.HTTPError:
            return False
        if answer.status_code >= 500:
            return False
        if scope["path"] == "/":
            body = body.replace(self.inside.encode(), outside.encode())
            body = LANGUAGE.sub(b"accept_language:navigator.language", body)
        headers = [(k.lower(), v) for k, v in answer.headers.raw if k.lower() not in HOP]
        headers.append((b"content-length", b"%d" % len(body)))
        start = {"type": "http.response.start", "status": answer.status_code, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": body})
        return True

    async def _asked(self, scope: dict[str, Any]) -> tuple[httpx.Response, bytes]:
        """Node's answer, and its body, compressed as it may be."""
        key = f"{KEY}={secrets.token_urlsafe(32)}"
        url = httpx.URL(self.base).copy_with(path=scope["path"], query=scope["query_string"])
        told = [pair for pair in scope["headers"] if pair[0] in TOLD]
        own = [(b"host", self.inside.partition("//")[2].encode()), (b"cookie", key.encode())]
        patience = {"timeout": httpx.Timeout(PATIENCE).as_dict()}
        asked = httpx.Request(scope["method"], url, headers=told + own, extensions=patience)
        self.keys.add(key)
        try:
            answer = await self.line.handle_async_request(asked)
            return answer, b"".join([part async for part in answer.aiter_raw()])
        finally:
            self.keys.discard(key)

    def _begin(self, host: str, port: int) -> None:
        """Start Node, and wait until it has drawn a page."""
        own, self.inside = free_port(), f"http://{host}:{port}"
        place = {"HOST": HERE, "PORT": own, "GRADIO_PYTHON_HOST": host, "GRADIO_PYTHON_PORT": port}
        try:
            child = started(self.node, place)
        except OSError as error:
            return log.warning(text("node_absent", reason=error.strerror))
        until, base = time.monotonic() + BEGINNING, f"http://{HERE}:{own}"
        while child.poll() is None and time.monotonic() < until:
            with suppress(httpx.HTTPError):
                name = {"Host": f"{host}:{port}"}
                if httpx.head(base, headers=name, timeout=PATIENCE).status_code < 500:
                    self.base = base
                    return
            time.sleep(0.1)
        child.kill()
        log.warning(text("node_silent"))


def started(node: str, place: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Gradio's renderer as a process that ends with this one. Raises OSError."""
    command = [node, "--import", ENDS_WITH_US, "--import", TEMPLATES / "register.mjs",
               TEMPLATES / "node" / "build"]  # fmt: skip
    child = subprocess.Popen(
        command,
        env=os.environ | {name: str(value) for name, value in place.items()},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    atexit.register(child.kill)
    return child


def is_of_page(scope: dict[str, Any]) -> bool:
    path = scope["path"]
    return scope["method"] in ("GET", "HEAD") and (path == "/" or path.startswith("/_app/"))


def free_port() -> int:
    with socket.socket() as door:
        door.bind((HERE, 0))
        return door.getsockname()[1]
