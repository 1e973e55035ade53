"""The whole page: header, tabs, what happens when it opens. A new tab is one row of TABS."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from kantai.errors import UserError
from kantai.gate import Gate, allowed_hosts, password_check, trusted_proxies
from kantai.jobs import Jobs
from kantai.limits import Turnstile, chosen, is_zero_gpu
from kantai.registry import Registry, new_secret
from kantai.spaces import Lender
from kantai.storage import storage
from kantai.strings import LANGUAGES
from kantai.strings import text as text_of
from kantai.ui import demo, endpoints, fork, signin
from kantai.ui.desk import Desk
from kantai.ui.early import EarlyScript
from kantai.ui.keeping import keeper
from kantai.ui.live import Header, words_for_browser
from kantai.ui.nodes import Node, both, tag
from kantai.ui.page import I18N, Page, words
from kantai.ui.polls import QuickPolls
from kantai.ui.reader import read_in
from kantai.ui.render import Rendered, renderer
from kantai.ui.setting import Setting
from kantai.ui.tabs import compare, fill_mask, model, pretrain, teacher, text, tokenizer
from kantai.ui.theme import theme
from kantai.ui.uploads import Bodies, OwnFilesOnly, WholeUploads
from kantai.ui.views import View
from kantai.ui.words import device_name, size

ASSETS = Path(__file__).parents[2] / "assets"
# A page that opens asks about ten things at once, and a class opens thirty pages at once.
QUEUE = {"max_size": 1_000, "default_concurrency_limit": 10}
DELETE_CACHE = (600, 3_600)  # seconds: how often it is looked, and how old a file may become
# Fixed, so that a browser's secret outlives the server; it only keeps it from casual eyes.
BROWSER_STATE = {"storage_key": "kantai_owner", "secret": "kantai playground"}


@dataclass(frozen=True)
class TabRow:
    """A tab: its id, what builds it, and what its second line says before there is a Run."""

    id: str
    build: Callable[[Page], Callable[..., Any]]
    note: str

    @property
    def title(self) -> str:
        return f"tab_{self.id}"


TABS = (
    TabRow("text", text.build, "note_sample"),
    TabRow("tokenizer", tokenizer.build, "note_not_learned"),
    TabRow("model", model.build, "note_choose"),
    TabRow("pretrain", pretrain.build, "note_state_new"),
    TabRow("fill_mask", fill_mask.build, "note_after_training"),
    TabRow("compare", compare.build, "note_compare"),
    TabRow("teacher", teacher.build, "note_teacher"),
)


def build_app(root: Path | None = None) -> gr.Blocks:
    """The page over the Runs under `root` (by default where `kantai.storage` says)."""
    place = storage(os.environ)
    registry = Registry(root or place.folder, chosen(os.environ))
    lender = Lender() if is_zero_gpu(os.environ) else None
    desk = Desk(registry, Jobs(registry, lender=lender, spare=True))
    desk.jobs.watch()
    settings = {"analytics_enabled": False, "fill_width": True, "delete_cache": DELETE_CACHE}
    with OwnFilesOnly(title="Kantai", **settings) as blocks:
        page = Page(
            desk,
            run=gr.Textbox(visible=False),
            owner=gr.BrowserState(None, **BROWSER_STATE),
            language=gr.Textbox("en", visible=False),
            accounts=signin.Accounts(registry) if signin.may_sign_in(os.environ) else None,
        )
        device, demo_button, switch = _header(page)
        signin.bar(page)
        fork.bar(page)
        if not place.lasts:
            View(tag("p.k-notice", both("disk_forgets"), role="note"))
        with gr.Tabs(elem_classes="k-tabs"):
            refreshers = [_tab(page, row) for row in TABS]
        demo.wire(page, demo_button)
        _wire(page, blocks, device, refreshers, keeper(page, switch))
        endpoints.register(desk)
    return blocks.queue(**QUEUE)


def _header(page: Page) -> tuple[View, gr.Button, View]:
    with gr.Row(elem_classes="k-top"):
        Header(page.desk, elem_classes="k-grow")
        device = View()
        button = gr.Button(words("run_demo"), variant="secondary", elem_classes="k-demo", size="sm")
        signin.button(page)
        switch = View(
            tag("span.k-languages", *(
                tag("button", name, data_lang=language, lang=language)
                for language, name in (("en", "English"), ("zh", "中文"))
            ), role="group", aria_label=both("language"))
        )  # fmt: skip
    return device, button, switch


def _tab(page: Page, row: TabRow) -> tuple[gr.Tab, Callable[..., Any]]:
    with gr.Tab(words(row.title), id=row.id) as tab:
        return tab, row.build(page)


def _wire(
    page: Page, blocks: gr.Blocks, device: View, tabs: list[Any], bring_back: Callable[..., None]
) -> None:
    opened_js = """(owner) => {
      const run = new URLSearchParams(location.search).get("run") || "";
      return [owner, run, kantai.language, location.search, owner];
    }"""

    def answer(*given: Any) -> tuple[Any, ...]:
        return (*opened(page.desk, *given), given[2])

    loaded = blocks.load(
        page.accounts.answering(answer, {4}) if page.accounts else answer,
        [page.owner, page.run, page.language, gr.Textbox(visible=False), page.owner],
        [page.owner, page.run, page.language],
        js=opened_js,
        api_visibility="private",
        show_progress="hidden",
    )
    bring_back(loaded)
    loaded.then(None, js="() => { kantai.openAtOnce(); }", api_visibility="private")
    page.on(blocks.load, device_chip, outputs=[device])
    page.run.change(None, page.run, js="(run) => { kantai.follow(run); }", api_visibility="private")
    for tab, refresh in tabs:
        bring_back(refresh(tab.select), tab.id)


def opened(
    desk: Desk, owner: str | None, run_id: str, language: str = "en", query: str = "",
    acting: str | None = None,
) -> tuple[str, str]:  # fmt: skip
    """A page opens: the browser's secret, new for a new browser, and the Run of the address.

    An address that holds a setting and no Run gets a new one that has it; it is `acting`'s,
    where somebody is signed in.
    """
    desk.warm_up()  # not before: it would slow down the first answer
    owner = owner or new_secret()
    if desk.registry.has(run_id):
        return owner, run_id
    try:
        if run_id:
            raise UserError("unknown_run")
        setting, begin = Setting.read(query), read_in(language)
        return owner, begin(setting.begin, desk, acting or owner) if setting else ""
    except UserError as error:  # the page opens all the same
        language = language if language in LANGUAGES else "en"
        gr.Warning(escape(error.message(language)), title=text_of("attention", language))
        return owner, ""


def device_chip(desk: Desk) -> Node:
    """What trainings run on."""
    device = desk.device()
    memory = [" · ", tag("b", size(device.memory))] if device.memory else []
    return tag("span.k-chip.k-device", device_name(device), *memory)


# --- serving --------------------------------------------------------------------------------------


def launch_settings() -> dict[str, Any]:
    """What `launch` needs for the look, the languages and no outside host."""
    from starlette.middleware import Middleware

    plotly = plotly_file()
    gr.set_static_paths([plotly])
    allowance, keys = chosen(os.environ), set()
    gate = Middleware(
        Gate,
        hosts=allowed_hosts(os.environ),
        turnstile=Turnstile(allowance.requests_minute),
        proxies=trusted_proxies(os.environ),
        keys=keys,
    )
    password = password_check(os.environ)
    quick = [] if password else [Middleware(QuickPolls)]
    node = None if password else renderer(os.environ)
    rendered = [Middleware(Rendered, node=node, keys=keys)] if node else []
    return {
        "theme": theme(),
        "css_paths": [ASSETS / "kantai.css"],
        "i18n": I18N,
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,  # Gradio's own way of it goes past the gate: see kantai.ui.render
        "max_file_size": int(allowance.upload_bytes),
        "auth": password,
        "auth_message": text_of("password_asked") if password else None,
        "app_kwargs": {
            "exception_handlers": signin.failures(os.environ),
            "middleware": [
                gate,
                *quick,
                Middleware(WholeUploads),
                Middleware(Bodies, allowance=allowance),
                Middleware(EarlyScript, script=browser_script(plotly), key="password_asked"),
                *rendered,
            ],
        },
    }


def plotly_file() -> Path:
    """plotly.js, as the plotly package brings it; found without importing the package."""
    from importlib.util import find_spec

    return Path(find_spec("plotly").origin).parent / "package_data" / "plotly.min.js"


def browser_script(plotly: Path) -> str:
    """All that runs in the browser before Gradio does."""
    notes = {row.id: [both(row.note), 0] for row in TABS}
    known = {**words_for_browser(), "notes": notes}
    source = (ASSETS / "kantai.js").read_text(encoding="utf-8")
    live = (ASSETS / "live.js").read_text(encoding="utf-8")
    given = json.dumps({"plotly": plotly.as_posix()})
    table = json.dumps(known, ensure_ascii=False).replace("</", "<\\/")
    return f"{source}\nkantai.config = {given};\nkantai.words = {table};\n{live}"
