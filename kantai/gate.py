"""What every request passes before the page sees it: the host's name, and the minute's count.

Both are off on one's own machine. `KANTAI_HOSTS=room12.school.example,10.0.0.5` names the hosts
that the page answers to: a page of another address then cannot make a browser ask this one
under a borrowed name (DNS rebinding). `KANTAI_PROXIES=10.0.0.5,192.168.0.0/16` names the proxies
that stand before the page: whoever asked them is counted, not they. Knows ASGI, no Gradio.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from kantai.errors import UserError
from kantai.limits import Turnstile, shown
from kantai.strings import LANGUAGES, text

# Always answered: no name that another address could borrow, and Gradio asks itself by them.
OWN = frozenset({"localhost", "127.0.0.1", "[::1]"})
# A Space is reached through the host's own proxies alone, and these have private addresses.
PRIVATE = "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, fc00::/7"
HOUSEHOLD = 64  # bits of an IPv6 address that one household or machine shares

Networks = tuple[IPv4Network | IPv6Network, ...]


def allowed_hosts(environment: Mapping[str, str]) -> frozenset[str]:
    """The names in `KANTAI_HOSTS`, in small letters; empty where every name will do."""
    names = environment.get("KANTAI_HOSTS", "").split(",")
    return frozenset(name.strip().lower() for name in names if name.strip())


def trusted_proxies(environment: Mapping[str, str]) -> Networks:
    """The networks in `KANTAI_PROXIES`; on a Space by default those of its host.

    Raises UserError for what is no address.
    """
    usual = PRIVATE if "SPACE_ID" in environment else ""
    names = environment.get("KANTAI_PROXIES", usual).split(",")
    try:
        return tuple(ip_network(name.strip(), strict=False) for name in names if name.strip())
    except ValueError as error:
        raise UserError("proxies_wrong", reason=error) from error


def password_check(environment: Mapping[str, str]) -> Callable[[str, str], bool] | None:
    """What compares with `KANTAI_PASSWORD`, under any name; None where there is no password."""
    password = environment.get("KANTAI_PASSWORD", "")
    if not password:
        return None
    known = password.encode()
    return lambda name, given: hmac.compare_digest(given.encode("utf-8", "replace"), known)


class Gate:
    """ASGI middleware: refuses other hosts (421) and more than a minute's share (429).

    Whoever comes with one of `keys` as its first cookie is this server itself, for somebody who
    was counted already.
    """

    def __init__(
        self, app: Any, *, hosts: frozenset[str], turnstile: Turnstile, proxies: Networks = (),
        keys: Collection[str] = (),
    ):  # fmt: skip
        self.app, self.hosts, self.turnstile, self.proxies = app, hosts, turnstile, proxies
        self.keys = keys

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if self.keys and header_of(scope, b"cookie").partition(";")[0] in self.keys:
            return await self.app(scope, receive, send)
        if self.hosts and host_of(scope) not in self.hosts | OWN:
            return await refuse(scope, send, 421, "other_host")
        if not self.turnstile.admits(caller_of(scope, self.proxies)):
            most = shown("requests_minute", self.turnstile.most)
            return await refuse(scope, send, 429, "too_many_requests", most=most)
        await self.app(scope, receive, send)


def header_of(scope: dict[str, Any], name: bytes) -> str:
    """All values of a header, with commas between them."""
    found = (value for key, value in scope.get("headers", []) if key == name)
    return b",".join(found).decode("latin-1")


def host_of(scope: dict[str, Any]) -> str:
    """The name in the Host header, without its port.

    >>> host_of({"headers": [(b"host", b"[::1]:7860")]})
    '[::1]'
    """
    header = header_of(scope, b"host").lower()
    name, colon, port = header.rpartition(":")
    return name if colon and port.isdigit() else header


def caller_of(scope: dict[str, Any], proxies: Networks) -> str:
    """Who asks: the nearest address that is no trusted proxy's.

    Each proxy adds the address that asked it, so what stands before that is hearsay.

    >>> headers = [(b"x-forwarded-for", b"1.2.3.4, 5.6.7.8")]
    >>> caller_of({"client": ("10.0.0.1", 9), "headers": headers}, (ip_network("10.0.0.0/8"),))
    '5.6.7.8'
    """
    caller = (scope.get("client") or ("",))[0]
    hops = header_of(scope, b"x-forwarded-for").split(",")
    while hops and _is_among(caller, proxies):
        caller = hops.pop().strip() or caller
    return _household(caller)


def _is_among(caller: str, proxies: Networks) -> bool:
    try:
        address = ip_address(caller)
    except ValueError:
        return False
    return any(address in network for network in proxies)


def _household(caller: str) -> str:
    """One name for all addresses that a household has."""
    try:
        network = ip_network(f"{caller}/{HOUSEHOLD}", strict=False)
    except ValueError:  # an older address, or none
        return caller
    return str(network)


def language_of(scope: dict[str, Any]) -> str:
    """The language that the browser likes best, of those that we have.

    >>> language_of({"headers": [(b"accept-language", b"fr, en;q=0.5, zh-CN;q=0.8")]})
    'zh'
    """
    wishes = []
    for number, wish in enumerate(header_of(scope, b"accept-language").lower().split(",")):
        name, _, share = wish.partition(";q=")
        if (language := name.strip().split("-")[0]) in LANGUAGES:
            wishes.append((-_share(share), number, language))
    return min(wishes)[2] if wishes else "en"


def _share(words: str) -> float:
    try:
        return float(words or 1)
    except ValueError:
        return 0.0


async def refuse(scope: dict[str, Any], send: Any, status: int, key: str, **values: object) -> None:
    """Answer with one sentence, in the reader's language."""
    body = text(key, language_of(scope), **values).encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"retry-after", b"60"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
