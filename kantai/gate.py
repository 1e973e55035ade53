"""What every request passes before the page sees it: the host's name, and the minute's count.

Both are off on one's own machine. `KANTAI_HOSTS=room12.school.example,10.0.0.5` names the hosts
that the page answers to: a page of another address then cannot make a browser ask this one
under a borrowed name (DNS rebinding). Knows ASGI, no Gradio.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Any

from kantai.limits import Turnstile, shown
from kantai.strings import text

# Always answered: no name that another address could borrow, and Gradio asks itself by them.
OWN = frozenset({"localhost", "127.0.0.1", "[::1]"})


def allowed_hosts(environment: Mapping[str, str]) -> frozenset[str]:
    """The names in `KANTAI_HOSTS`, in small letters; empty where every name will do."""
    names = environment.get("KANTAI_HOSTS", "").split(",")
    return frozenset(name.strip().lower() for name in names if name.strip())


def password_check(environment: Mapping[str, str]) -> Callable[[str, str], bool] | None:
    """What compares with `KANTAI_PASSWORD`, under any name; None where there is no password."""
    password = environment.get("KANTAI_PASSWORD", "")
    if not password:
        return None
    known = password.encode()
    return lambda name, given: hmac.compare_digest(given.encode("utf-8", "replace"), known)


class Gate:
    """ASGI middleware: refuses other hosts (421) and more than a minute's share (429)."""

    def __init__(self, app: Any, *, hosts: frozenset[str], turnstile: Turnstile):
        self.app, self.hosts, self.turnstile = app, hosts, turnstile

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        caller = (scope.get("client") or ("",))[0]
        if self.hosts and host_of(scope) not in self.hosts | OWN:
            return await refuse(send, 421, text("other_host"))
        if not self.turnstile.admits(caller):
            most = shown("requests_minute", self.turnstile.most)
            return await refuse(send, 429, text("too_many_requests", most=most))
        await self.app(scope, receive, send)


def host_of(scope: dict[str, Any]) -> str:
    """The name in the Host header, without its port.

    >>> host_of({"headers": [(b"host", b"[::1]:7860")]})
    '[::1]'
    """
    header = dict(scope.get("headers", [])).get(b"host", b"").decode("latin-1").lower()
    name, colon, port = header.rpartition(":")
    return name if colon and port.isdigit() else header


async def refuse(send: Any, status: int, words: str) -> None:
    """Answer with one sentence."""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"retry-after", b"60")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": words.encode()})
