"""The trained model as a zip, offered as soon as a training has ended."""

from __future__ import annotations

import tempfile
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder

from kantai.ui.desk import Desk
from kantai.ui.page import Page, words

PRESS = "() => { setTimeout(() => document.querySelector('.k-fetch')?.click(), 200); }"


def pack(desk: Desk, run_id: str, owner: str) -> str:
    """Model, card, text and code of one's own Run in one archive; the path of it."""
    from kantai.export import to_zip

    run = desk.registry.owned(run_id, owner)
    place = Path(get_upload_folder())
    place.mkdir(parents=True, exist_ok=True)
    return str(to_zip(run, Path(tempfile.mkdtemp(dir=place)) / "kantai.zip", None))


def offer(page: Page) -> None:
    """The button, seen while a trained Run is open, and the hidden one that fetches the file."""
    button = gr.Button(words("download_model"), elem_classes="k-get", variant="primary")
    file = gr.DownloadButton(elem_classes="k-fetch", elem_id="k-fetch")
    page.on(button.click, pack, [page.run, page.owner], [file]).success(
        None, js=PRESS, api_visibility="private"
    )
