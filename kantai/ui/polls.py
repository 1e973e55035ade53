"""What keeps sixty watchers cheap: who asks the same in the same moment gets one answer, and a
poll is answered before it goes all of Gradio's way, which costs ten times the answer.

Knows nothing of what is asked, nor of what is answered.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

from starlette.exceptions import HTTPException

from kantai.strings import text

LARGEST = 2**53  # whole numbers that JavaScript knows
MOST = 256  # answers that are kept; older ones are of no use
NAME = "pull_events"  # the function of the page's header that is asked so often


class Together:
    """Looks in a thread, once for all who ask the same within `seconds`.

    An answer is kept where `lasts(answer)` says so; a mistake never is. For one event loop.
    """

    def __init__(
        self, look: Callable[..., Any], seconds: float, lasts: Callable[[Any], bool] = bool
    ):
        self.look, self.seconds, self.lasts = look, seconds, lasts
        self._kept: dict[Hashable, tuple[float, asyncio.Task[Any]]] = {}

    async def __call__(self, *asked: Hashable) -> Any:
        """What `look(*asked)` answers; raises what it raises."""
        now = time.monotonic()
        at, task = self._kept.get(asked, (now, None))
        if task is None or now - at > self.seconds or self._is_done_with(task):
            task = asyncio.ensure_future(asyncio.to_thread(self.look, *asked))
            self._keep(now, asked, task)
        return await asyncio.shield(task)  # one who leaves takes nothing from the others

    def _is_done_with(self, task: asyncio.Task[Any]) -> bool:
        if not task.done():
            return False
        return task.cancelled() or bool(task.exception()) or not self.lasts(task.result())

    def _keep(self, now: float, asked: Hashable, task: asyncio.Task[Any]) -> None:
        if len(self._kept) >= MOST:
            young = {k: v for k, v in self._kept.items() if now - v[0] <= self.seconds}
            self._kept = young if len(young) < MOST else {}
        self._kept[asked] = now, task


class QuickPolls:
    """ASGI middleware: answers the header's question itself and passes on all else.

    Not where a password is asked: it is Gradio that knows who is signed in.
    """

    def __init__(self, app: Any):
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].endswith("/component_server"):
            return await self.app(scope, receive, send)
        first = await receive()
        answer = answer_to(scope, first)
        if answer is None:
            return await self.app(scope, beginning_with(first, receive), send)
        try:
            status, told = 200, await answer
        except HTTPException as error:
            status, told = error.status_code, {"detail": error.detail}
        body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "replace"
        )
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def answer_to(scope: dict[str, Any], message: dict[str, Any]) -> Awaitable[Any] | None:
    """The answer to come, where the whole message is the question; else None."""
    if scope["method"] != "POST" or message["type"] != "http.request" or message.get("more_body"):
        return None
    try:
        question = json.loads(message.get("body", b""))
        if question["fn_name"] != NAME:
            return None
        header = scope["app"].get_blocks().blocks[question["component_id"]]
        return getattr(header, NAME)(question["data"])
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None  # Gradio says what is wrong with it


def well_formed(data: Any) -> list[Any]:
    """A question's arguments: a name, where to go on from, and what is known already.

    Raises HTTPException (422) for anything else: it is not from our page.
    """
    match data:
        case [str(), int(cursor), *known] if (
            type(cursor) is int
            and abs(cursor) < LARGEST
            and all(isinstance(value, str | int | None) for value in known)
        ):
            return data
    raise HTTPException(422, text("question_wrong"))


def beginning_with(first: dict[str, Any], receive: Any) -> Callable[[], Awaitable[dict[str, Any]]]:
    """What was received is received again, and then the rest."""
    waiting = [first]

    async def again() -> dict[str, Any]:
        return waiting.pop() if waiting else await receive()

    return again
