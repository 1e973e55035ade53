"""What a person takes home: it is whole, and its code runs."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator

import pytest

from kantai.__main__ import main
from kantai.errors import UserError
from kantai.export import EXPORTS, model_card, push
from kantai.workspace import Run
from tests.conftest import small_text
from tests.fakes.hub import Hub, Repo


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    book = folder / "mill.txt"
    book.write_text("\n\n".join(small_text(300)) + "\n\n'''\"\"\" import os", encoding="utf-8")
    arguments = ["train", book, "--out", folder / "run", "--max-steps", 5, "--vocab-size", 300]
    assert main([*map(str, arguments), "--device", "cpu"]) == 0
    return Run.open(folder / "run")


def test_the_zip_holds_a_model_that_loads(run, tmp_path):
    from kantai.fill_mask import FillMask

    with zipfile.ZipFile(EXPORTS["zip"](run, tmp_path / "a.zip", None)) as archive:
        archive.extractall(tmp_path)
    assert FillMask.load(tmp_path / "model").fill("the <mask>")
    assert "this model" in (tmp_path / "model" / "README.md").read_text()


def test_the_script_runs(run, tmp_path):
    path = EXPORTS["script"](run, tmp_path / "train.py", None)
    done = subprocess.run([sys.executable, path], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1].startswith("[")


def test_the_notebook_holds_the_same_code(run, tmp_path):
    book = json.loads(EXPORTS["notebook"](run, tmp_path / "a.ipynb", None).read_text())
    code = [cell["source"] for cell in book["cells"] if cell["cell_type"] == "code"]
    assert len(code) == 5
    for cell in code:
        compile(cell, "cell", "exec")


def test_the_hub_needs_a_name_and_a_network(run):
    with pytest.raises(UserError, match="--repo"):
        EXPORTS["hub"](run, None, None)
    with pytest.raises(UserError, match="cannot be reached"):
        EXPORTS["hub"](run, None, "owner/name")


@pytest.fixture
def hub(monkeypatch) -> Iterator[Hub]:
    hub = Hub()
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    yield hub
    hub.close()


def test_a_push_is_whole_and_each_refusal_has_its_sentence(run, hub, tmp_path, monkeypatch):
    from kantai.fill_mask import FillMask

    key = {"token": hub.new_token("ana"), "private": True, "new": True}
    hub.repos["ana/mill"] = Repo(private=True)  # a push that broke off left it empty
    assert push(run, "ana/mill", **key) == f"{hub.url}/ana/mill"
    for name, content in hub.repos["ana/mill"].files.items():
        (tmp_path / name).write_bytes(content)
    assert FillMask.load(tmp_path).fill("the <mask>")
    assert "this model" in (tmp_path / "README.md").read_text()
    hub.repos["ana/open"] = Repo(private=False)  # nothing private goes into it
    refusals = {"ana/mill": "already", "ana/open": "already", "bob/mill": "may not write",
                "a b": "cannot be a repository's name"}  # fmt: skip
    for name, words in refusals.items():
        with pytest.raises(UserError, match=words):
            push(run, name, **key)
    with pytest.raises(UserError, match="may not write"):
        push(run, "ana/other", **key | {"token": "expired"})
    assert hub.repos.keys() == {"ana/mill", "ana/open"} and not hub.repos["ana/open"].files
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="cannot be reached"):
        push(run, "ana/late", **key)


def test_a_run_without_a_model_cannot_be_exported(run, tmp_path):
    empty = Run.create(tmp_path / "empty", run.settings)
    with pytest.raises(UserError, match="no trained model"):
        model_card(empty)
