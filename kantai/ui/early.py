"""Puts the page's own script before all others.

Gradio adds its `head=` only after it has chosen a language; the switch must speak first.
"""

from __future__ import annotations

import json
from typing import Any

from kantai.gate import language_of
from kantai.strings import LANGUAGES, text


def quoted(words: str) -> bytes:
    """The words as they stand within the page's own JSON."""
    return json.dumps(words)[1:-1].encode()


class EarlyScript:
    """ASGI middleware: the script stands first in the head of the page at "/".

    The sentence `key`, which Gradio knows in English only, is put in the reader's language.
    """

    def __init__(self, app: Any, script: str, key: str):
        self.app = app
        self.script = f"<script>{script}</script>".encode()
        self.said = {name: quoted(text(key, name)) for name in LANGUAGES}

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return await self.app(scope, receive, send)
        start: dict[str, Any] = {}
        body = bytearray()

        async def edited(message: dict[str, Any]) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if not _is_page(message):
                    return await send(message)
                start = message
            elif not start:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    whole = bytes(body).replace(b"<head>", b"<head>" + self.script, 1)
                    whole = whole.replace(self.said["en"], self.said[language_of(scope)])
                    await send(_with_length(start, len(whole)))
                    await send({"type": "http.response.body", "body": whole})

        await self.app(scope, receive, edited)


def _is_page(message: dict[str, Any]) -> bool:
    headers = dict(message.get("headers", []))
    html = headers.get(b"content-type", b"").startswith(b"text/html")
    return html and b"content-encoding" not in headers


def _with_length(start: dict[str, Any], length: int) -> dict[str, Any]:
    kept = [(k, v) for k, v in start["headers"] if k != b"content-length"]
    return {**start, "headers": [*kept, (b"content-length", str(length).encode())]}
