"""Stands for the Hub: lets people sign in (OpenID), and takes the repositories they push.

As there, whoever is asked to sign in comes back with a code, the code buys a token, and the
token may create and fill repositories of its owner alone. Large files come first, by LFS.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = ("the space's id", "the space's secret")


@dataclass
class Repo:
    private: bool
    files: dict[str, bytes] = field(default_factory=dict)


class Hub:
    """The server on this machine, what it was sent, and who signs in next."""

    def __init__(self) -> None:
        self.person, self.scope = "ana", "openid profile contribute-repos"
        self.repos: dict[str, Repo] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens: dict[str, str] = {}  # token -> person
        self.blobs: dict[str, bytes] = {}  # sha256 -> content
        self.key = RSAKey.generate_key(2048, {"kid": "key", "use": "sig", "alg": "RS256"})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def environment(self) -> dict[str, str]:
        """What a Space with `hf_oauth: true` has."""
        return {
            "SYSTEM": "spaces",
            "SPACE_ID": "ana/kantai",
            "OAUTH_CLIENT_ID": CLIENT[0],
            "OAUTH_CLIENT_SECRET": CLIENT[1],
            "OAUTH_SCOPES": "openid profile contribute-repos",
            "OPENID_PROVIDER_URL": self.url,
            "HF_ENDPOINT": self.url,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_OFFLINE": "",
        }

    def new_token(self, person: str) -> str:
        token = f"hf_oauth_{secrets.token_hex(16)}"
        self.tokens[token] = person
        return token


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, content: Any = None, status: int = 200, **headers: str) -> None:
            body = b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self.body = self.rfile.read(length)
            path = urlsplit(self.path).path
            for method, pattern, act in ROUTES:
                found = re.fullmatch(pattern, path)
                if method == self.command and found:
                    return act(hub, self, *found.groups())
            self.answer({"error": f"no such page: {path}"}, 404)

        do_GET = do_POST = do_PUT = handle_any

        @property
        def person(self) -> str | None:
            return hub.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "))

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


# --- signing in -----------------------------------------------------------------------------------


def discovery(hub: Hub, request: Any) -> None:
    request.answer({
        "issuer": hub.url,
        "authorization_endpoint": f"{hub.url}/oauth/authorize",
        "token_endpoint": f"{hub.url}/oauth/token",
        "jwks_uri": f"{hub.url}/oauth/jwks",
        "id_token_signing_alg_values_supported": ["RS256"],
    })  # fmt: skip


def authorize(hub: Hub, request: Any) -> None:
    asked = {key: values[0] for key, values in parse_qs(urlsplit(request.path).query).items()}
    assert asked["client_id"] == CLIENT[0] and asked["response_type"] == "code"
    code = secrets.token_hex(8)
    hub.codes[code] = {"person": hub.person, "scope": hub.scope, "nonce": asked["nonce"]}
    back = asked["redirect_uri"] + ("&" if "?" in asked["redirect_uri"] else "?")
    there = back + urlencode({"code": code, "state": asked["state"]})
    request.answer(status=302, Location=there)


def token(hub: Hub, request: Any) -> None:
    login = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
    [code] = parse_qs(request.body.decode())["code"]
    granted = hub.codes.pop(code, None)  # a code buys one token
    if granted is None or tuple(login.split(":")) != CLIENT:
        return request.answer({"error": "invalid_grant"}, 400)
    person, now = granted["person"], int(time.time())
    claims = {
        "iss": hub.url, "aud": CLIENT[0], "iat": now, "exp": now + 3600, "nonce": granted["nonce"],
        "sub": f"id of {person}", "name": person.title(), "preferred_username": person,
        "profile": f"{hub.url}/{person}", "picture": f"{hub.url}/{person}.png",
    }  # fmt: skip
    request.answer({
        "access_token": hub.new_token(person), "token_type": "bearer", "expires_in": 3600,
        "scope": granted["scope"],
        "id_token": jwt.encode({"alg": "RS256", "kid": "key"}, claims, hub.key),
    })  # fmt: skip


def jwks(hub: Hub, request: Any) -> None:
    request.answer({"keys": [hub.key.as_dict(private=False)]})


# --- repositories ---------------------------------------------------------------------------------


def create(hub: Hub, request: Any) -> None:
    asked = json.loads(request.body)
    owner = asked.get("organization") or request.person
    name = f"{owner}/{asked['name']}"
    if request.person is None or owner != request.person:
        return request.answer({"error": "no right to create a repository there"}, 403)
    status = 409 if name in hub.repos else 200
    hub.repos.setdefault(name, Repo(asked.get("visibility") == "private"))
    request.answer({"url": f"{hub.url}/{name}"}, status)


def info(hub: Hub, request: Any, name: str) -> None:
    repo = hub.repos.get(name)
    if repo is None or (repo.private and name.split("/")[0] != request.person):
        return request.answer({"error": "not found"}, 404, **{"X-Error-Code": "RepoNotFound"})
    files = [".gitattributes", *repo.files]
    siblings = [{"rfilename": name} for name in files]
    request.answer({"id": name, "private": repo.private, "sha": "0" * 40, "siblings": siblings})


def valid_card(hub: Hub, request: Any) -> None:
    request.answer({"errors": [], "warnings": []})


def preupload(hub: Hub, request: Any, name: str) -> None:
    paths = [file["path"] for file in json.loads(request.body)["files"]]
    modes = {True: "lfs", False: "regular"}
    request.answer({"files": [
        {"path": path, "uploadMode": modes[path.endswith(".safetensors")], "shouldIgnore": False}
        for path in paths
    ]})  # fmt: skip


def batch(hub: Hub, request: Any, name: str) -> None:
    objects = json.loads(request.body)["objects"]
    upload = {o["oid"]: {"upload": {"href": f"{hub.url}/lfs/{o['oid']}"}} for o in objects}
    known = [{**o, "actions": upload[o["oid"]]} for o in objects]
    request.answer({"transfer": "basic", "objects": known})


def put(hub: Hub, request: Any, oid: str) -> None:
    hub.blobs[oid] = request.body
    request.answer()


def commit(hub: Hub, request: Any, name: str) -> None:
    if name not in hub.repos or name.split("/")[0] != request.person:
        return request.answer({"error": "no right to write there"}, 403)
    for line in request.body.splitlines():
        item = json.loads(line)
        value = item["value"]
        if item["key"] == "file":
            hub.repos[name].files[value["path"]] = base64.b64decode(value["content"])
        elif item["key"] == "lfsFile":
            hub.repos[name].files[value["path"]] = hub.blobs[value["oid"]]
    request.answer({"commitUrl": f"{hub.url}/{name}/commit/1", "commitOid": "1" * 40})


NAME = r"([\w.-]+/[\w.-]+)"
ROUTES = (
    ("GET", r"/\.well-known/openid-configuration", discovery),
    ("GET", "/oauth/authorize", authorize),
    ("POST", "/oauth/token", token),
    ("GET", "/oauth/jwks", jwks),
    ("POST", "/api/repos/create", create),
    ("GET", f"/api/models/{NAME}", info),
    ("POST", "/api/validate-yaml", valid_card),
    ("POST", f"/api/models/{NAME}/preupload/main", preupload),
    ("POST", rf"/{NAME}\.git/info/lfs/objects/batch", batch),
    ("PUT", r"/lfs/(\w+)", put),
    ("POST", f"/api/models/{NAME}/commit/main", commit),
)
