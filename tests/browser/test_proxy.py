"""Behind a proxy under a path of its own, where the browser draws it in any case."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest

from tests.browser.conftest import PATIENCE, Server, free_port, outside
from tests.browser.test_page import go, until

PATH = "/some/path"


def proxy(target: str):
    """An ASGI app that hands what comes under PATH on to `target`, without PATH."""
    from starlette.responses import PlainTextResponse, StreamingResponse
    from starlette.routing import Route

    client = httpx.AsyncClient(base_url=target, timeout=None)
    hop = {"host", "connection", "transfer-encoding", "content-length", "keep-alive"}

    async def hand_on(request):
        if not request.url.path.startswith(PATH + "/"):
            return PlainTextResponse("nothing here", 404)
        address = httpx.URL(request.url.path[len(PATH) :], query=request.url.query.encode())
        headers = [(k, v) for k, v in request.headers.items() if k not in hop]
        asked = client.build_request(
            request.method, address, headers=headers, content=await request.body()
        )
        answer = await client.send(asked, stream=True)
        kept = {k: v for k, v in answer.headers.items() if k not in hop}
        body = answer.aiter_raw()
        return StreamingResponse(body, answer.status_code, kept)

    from starlette.applications import Starlette

    methods = ["GET", "POST", "HEAD", "PUT", "DELETE"]
    return Starlette(routes=[Route("/{rest:path}", hand_on, methods=methods)])


def refused(answer) -> list[str]:
    icon = answer.url.endswith("/favicon.ico")  # browsers ask the host itself for it
    return [f"{answer.status} {answer.url}"] if answer.status >= 400 and not icon else []


@pytest.fixture(scope="module", params=["false", "true"], ids=["plain", "asked to render"])
def address(request, tmp_path_factory, mirror) -> Iterator[str]:
    """Where the page is found behind the proxy."""
    import uvicorn

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_SSR_MODE", request.param)
        patch.setenv("GRADIO_ROOT_PATH", PATH)
        server = Server(tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("up"), mirror)
    port = free_port()
    config = uvicorn.Config(proxy(server.url), port=port, log_level="warning")
    front = uvicorn.Server(config)
    thread = threading.Thread(target=front.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{port}{PATH}/"
    front.should_exit = True
    server.stop()
    thread.join(10)


def test_everything_is_found_under_the_path(chromium, address):
    from gradio_client import Client

    context, faults = chromium.new_context(locale="en-US"), []
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda r: faults.extend(outside(r.url)))
    page.on("response", lambda r: faults.extend(refused(r)))
    page.goto(address)
    page.wait_for_selector(".k-tabs [role=tab][aria-selected=true]")
    until(page, "document.querySelector('.k-tiles strong')")
    client = Client(address, verbose=False)
    run = client.predict(client.predict(api_name="/new_owner"), "", "", api_name="/new_run")
    page.goto(f"{address}?run={run}&tab=text")
    until(page, f"kantai.store.run === '{run}' && kantai.store.status")
    until(page, "document.querySelector('.js-plotly-plot .main-svg')")  # plotly's own file
    go(page, "pretrain")
    assert page.url.startswith(address) and not faults
    context.close()
