"""An upload that breaks off leaves nothing behind.

Gradio removes its temporary file where a form is wrong, but not where the sender is gone: each
such upload would keep its part of the disk for ever. So the one is told as the other.
"""

from __future__ import annotations

from typing import Any


class WholeUploads:
    """ASGI middleware: a sender that leaves in the middle of an upload has sent a wrong form."""

    def __init__(self, app: Any):
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].rstrip("/").endswith("/upload"):
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
