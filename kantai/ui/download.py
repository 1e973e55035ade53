"""A trained Run as a file: the model as a zip is offered as soon as a training has ended.

A file is made once for each version of the weights, and deleted with all that is old in
Gradio's folder. Its path cannot be guessed: it is told to the Run's owner alone.
"""

from __future__ import annotations

import os
import tempfile
from functools import lru_cache
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder

from kantai.errors import UserError
from kantai.ui.desk import Desk
from kantai.ui.page import HEAVY, Page, words

PRESS = "() => { setTimeout(() => document.querySelector('.k-fetch')?.click(), 200); }"
NAMES = {"zip": "kantai.zip", "notebook": "kantai.ipynb", "script": "kantai.py"}


def pack(desk: Desk, run_id: str, owner: str, kind: str = "zip") -> str:
    """One's own Run as a zip (model, card, text, code), a notebook or a script; the path."""
    from kantai.export import EXPORTS
    from kantai.ui.tabs.fill_mask import version

    if kind not in NAMES:
        raise UserError("unknown_kind", asked=kind, known=", ".join(NAMES))
    run = desk.registry.owned(run_id, owner)
    if run.result is None:
        raise UserError("no_model", folder=run_id)
    path = _place(Path(get_upload_folder()), *version(run)) / NAMES[kind]
    if path.is_file():
        os.utime(path)  # it was asked for again, so it is not old
        return str(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return str(EXPORTS[kind](run, path, None))


@lru_cache(maxsize=1_024)
def _place(root: Path, run: Path, changed: int) -> Path:
    """A folder for what is made of these weights."""
    root.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=root))


def offer(page: Page) -> None:
    """The button, seen while a trained Run is open, and the hidden one that fetches the file."""
    button = gr.Button(words("download_model"), elem_classes="k-get", variant="primary")
    file = gr.DownloadButton(elem_classes="k-fetch", elem_id="k-fetch")
    page.on(button.click, pack, [page.run, page.owner], [file], **HEAVY).success(
        None, js=PRESS, api_visibility="private"
    )
