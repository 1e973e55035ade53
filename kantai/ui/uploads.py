"""How much a request may bring, and what must never stay behind or be fetched.

Gradio reads a request's words whole into memory, keeps what it received of an upload whose
sender is gone, fetches a file where its address is sent instead, and has room for everything.
Knows no Run.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder
from gradio_client.utils import is_http_url_like, traverse

from kantai.errors import UserError
from kantai.gate import header_of, refuse
from kantai.limits import Allowance, shown

AROUND = 1_000_000  # bytes of a request besides what it brings
ESCAPED = 6  # bytes of a character, where JSON spells it \\uXXXX


class Bodies:
    """ASGI middleware: refuses what is too large, or too much for the disk, before it is read."""

    def __init__(self, app: Any, allowance: Allowance):
        self.app = app
        self.most_words = ESCAPED * allowance.text_characters + AROUND
        self.most_upload = allowance.upload_bytes + AROUND
        self.room = allowance.disk_bytes

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if is_http_url_like(scope["path"].rpartition("/file=")[2].lower()):
            return await refuse(scope, send, 403, "address_refused")
        most, size = self.most_words, header_of(scope, b"content-length")
        if is_upload(scope):
            most = self.most_upload
            if math.isfinite(self.room) and uploads_bytes() > self.room:
                return await refuse(scope, send, 507, "uploads_full")
        if size.isdigit() and int(size) > most:
            said = shown("upload_bytes", most)
            return await refuse(scope, send, 413, "body_too_large", most=said)
        await self.app(scope, counted(receive, most), send)


def is_upload(scope: dict[str, Any]) -> bool:
    return scope["path"].rstrip("/").endswith("/upload")


def uploads_bytes() -> int:
    """All that was uploaded, or made to be downloaded, and is still kept."""
    sizes = []
    for path in Path(get_upload_folder()).rglob("*"):
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:  # deleted at this moment
            continue
    return sum(sizes)


def counted(receive: Any, most: float) -> Callable[[], Any]:
    """Receive at most so many bytes; of a sender that did not say its size, the rest is cut."""
    got = 0

    async def count() -> dict[str, Any]:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        return message if got <= most else {"type": "http.disconnect"}

    return count


class WholeUploads:
    """ASGI middleware: a sender that leaves in the middle of an upload has sent a wrong form.

    Gradio removes its temporary file where a form is wrong, but not where the sender is gone.
    """

    def __init__(self, app: Any):
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not is_upload(scope):
            return await self.app(scope, receive, send)
        from starlette.formparsers import MultiPartException

        whole = False

        async def watched() -> dict[str, Any]:
            nonlocal whole
            message = await receive()
            if message["type"] == "http.disconnect" and not whole:
                raise MultiPartException("The upload broke off.")
            whole = whole or not message.get("more_body", False)
            return message

        await self.app(scope, watched, send)


class OwnFilesOnly(gr.Blocks):
    """A page that takes files which were uploaded to it, and fetches none from an address."""

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], *others: Any, **more: Any
    ) -> Any:
        traverse(inputs, lambda found: found, refuse_address)
        return await super().preprocess_data(block_fn, inputs, *others, **more)


def refuse_address(value: Any) -> bool:
    """Raise gr.Error for a file that is an address; of no other value anything is said."""
    if isinstance(value, dict) and is_http_url_like(str(value.get("path", "")).strip()):
        raise gr.Error(str(UserError("address_refused")), print_exception=False)
    return False
