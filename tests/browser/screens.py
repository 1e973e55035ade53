"""The README's pictures, taken of the real page: python -m tests.browser.screens [FOLDER]

The demo trains for its whole minute, so take them on a machine that does nothing else.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from kantai.strings import text
from tests.browser.conftest import FLAGS, HOUSE, PATIENCE, Server
from tests.browser.test_page import go, settled, until

SIZE = {"width": 1440, "height": 1000}
FILLED = "document.querySelectorAll('.k-guess').length > 10"
DRAWN = (
    "(() => { const seen = [...document.querySelectorAll('.k-plot')].filter((p) => p.offsetWidth);"
    " return seen.length && seen.every((p) => p.querySelector('.main-svg')); })()"
)
DEMO = "import app; app.main()"
LATE = "kantai.store.status?.state === 'training' && (kantai.store.steps.at(-1)?.[2] ?? 0) > 0.8"


def take(browser, url: str, folder: Path) -> None:
    """The text, a model in Chinese by night, a training near its end, and a filled gap."""
    page = opened(browser, url, "en-US", "light")
    until(page, DRAWN)
    page.wait_for_selector(".k-top .k-chip:has-text('cores')")
    settled(page)
    page.screenshot(path=folder / "text.png", full_page=True)
    page.click(".k-demo")
    page.wait_for_function(LATE, timeout=10 * PATIENCE)
    page.screenshot(path=folder / "pretrain.png", full_page=True)
    page.wait_for_function(FILLED, timeout=10 * PATIENCE)
    settled(page)
    page.screenshot(path=folder / "fill-mask.png", full_page=True)
    page = opened(browser, url, "zh-CN", "dark")
    go(page, "model")
    until(page, DRAWN)
    measured = text("time_here", "zh", speed="|", time="").partition("|")[0].strip()
    page.wait_for_selector(f".k-view:has-text('{measured}')")
    settled(page)
    page.screenshot(path=folder / "model-zh-dark.png", full_page=True)


def opened(browser, url: str, locale: str, scheme: str):
    """The page as one who never was here sees it."""
    page = browser.new_context(locale=locale, color_scheme=scheme, viewport=SIZE).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    page.wait_for_selector("html[data-open]")
    until(page, "document.querySelector('.k-tiles strong')")
    return page


def main(folder: Path) -> None:
    """Serve the page on Runs of its own and photograph it."""
    from playwright.sync_api import sync_playwright

    with TemporaryDirectory() as place, sync_playwright() as tool:
        server = Server(Path(place) / "runs", Path(place) / "gradio", "", DEMO)
        found = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = tool.chromium.launch(executable_path=found, args=FLAGS)
        take(browser, server.url, folder)
        browser.close()
        server.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HOUSE / "assets" / "screens")
