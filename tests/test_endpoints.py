"""Endpoints: through a real client from text to a filled gap, and all of them in the README."""

from __future__ import annotations

import os
import re
import time
import zipfile
from inspect import signature
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import kantai
from kantai.errors import UserError
from kantai.jobs import Jobs
from kantai.registry import Registry
from kantai.ui import app, demo
from kantai.ui.desk import Desk
from kantai.ui.endpoints import THEMES
from kantai.workspace import Run
from tests.conftest import small_text

README = Path(kantai.__file__).parents[1] / "README.md"
SIZES = ("modernbert", 32, 1, 4, 64, 128)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def client(tmp_path_factory, runs):
    """Asks a served page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        patch.setenv("KANTAI_TEACHER", "apple")
        blocks = app.build_app(runs)
        settings = app.launch_settings() | {"prevent_thread_lock": True, "quiet": True}
        address = blocks.launch(**settings, server_name="127.0.0.1")[1]
        yield Client(address, verbose=False, download_files=str(tmp_path_factory.mktemp("got")))
        blocks.close()


@pytest.fixture(scope="module")
def ask(client):
    return lambda name, *values: client.predict(*values, api_name="/" + name)


@pytest.fixture(scope="module")
def owner(ask) -> str:
    return ask("new_owner")


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("books") / "mill.txt"
    wrapped = [text.replace(" mill", "\nmill") for text in small_text(200)]
    path.write_text("\n\n".join(wrapped), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def trained(ask, owner, book) -> str:
    run = ask("new_run_from", owner, "files", "", [handle_file(book)], "My mill", ["unwrap"])
    assert ask("learn_tokenizer", run, owner, 300, 2) == run
    assert ask("choose_model", run, owner, *SIZES) == run
    assert ask("start", run, owner, "playground", "max_steps", 3, 8, 32, 0.01, 0.3, 7) == run
    deadline = time.monotonic() + 120
    while (now := ask("state", run))["state"] in ("waiting", "preparing", "training"):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    assert now["state"] == "finished", now
    return run


def test_from_an_uploaded_file_to_a_gap_with_sizes_and_settings_of_ones_own(
    ask, owner, trained, runs
):
    rules = [rule["name"] for rule in ask("text_report", trained)["rules"]]
    assert "unwrap" not in rules and "markup" in rules
    [info] = [info for info in ask("runs", owner) if info["id"] == trained]
    assert info["name"] == "My mill"
    kinds = [event["event"] for event in ask("events", trained, 0)["events"]]
    assert kinds[0] == "started" and kinds[-1] == "finished"
    settings = Run(runs / trained).settings
    recipe = settings.recipe
    assert (recipe.batch_size, recipe.block_size, recipe.optimizer.learning_rate) == (8, 32, 0.01)
    assert (recipe.masking.mlm_probability, settings.seed) == (0.3, 7)
    seen = ask("parameters", trained)
    assert (seen["config"]["hidden_size"], seen["config"]["num_hidden_layers"]) == (32, 1)
    assert len(ask("fill_mask", trained, "the old <mask> ran", 3)[0]) == 3
    assert ask("tokenize", trained, "the mill")[1]["offsets"][0] == 0


def test_a_model_is_taken_away_as_a_file(ask, owner, trained):
    archive = ask("download", trained, owner, "zip")
    with zipfile.ZipFile(archive) as opened:
        assert "model/model.safetensors" in opened.namelist()
    script = Path(ask("download", trained, owner, "script")).read_text(encoding="utf-8")
    compile(script, "kantai.py", "exec")
    assert "cells" in Path(ask("download", trained, owner, "notebook")).read_text(encoding="utf-8")
    ask("download", trained, owner, "zip")
    made = list(Path(os.environ["GRADIO_TEMP_DIR"]).glob("*/kantai.zip"))
    assert len(made) == 1  # it was made once
    for given in ((trained, "another's secret", "zip"), (trained, owner, "pickle")):
        with pytest.raises(AppError):
            ask("download", *given)


def test_two_runs_are_laid_side_by_side(ask, owner, trained, runs):
    other = ask("fork", trained, owner)
    assert ask("choose_model", other, owner, "modernbert", 64, 1, 4, 64, 128, 0.1) == other
    told = ask("compare", trained, other)
    names = [name for name, *_ in told["settings"]]
    assert names == ["preset.dropout", "preset.hidden_size"]
    assert [len(curve) > 0 for curve in told["curves"]] == [True, False]
    assert told["results"][0]["steps"] == 3 and told["results"][1] is None
    assert str(runs) not in str(told) + str(ask("state", trained))  # no path of this machine
    filled = ask("compare", trained, trained, "the old <mask> ran", 2)["filled"]
    assert filled[0] == filled[1] and len(filled[0][0]) == 2


def test_what_the_notebook_would_have_lost(ask, book):
    by_file = ask("notebook_loss", "files", "", [handle_file(book)])
    assert by_file == ask("notebook_loss", "paste", book.read_text(encoding="utf-8"))
    assert by_file["examples"] > 200


def test_samples_and_books_are_sources_too(ask, owner):
    known = ask("choices")
    run = ask("new_run_from", owner, "sample", "willow")
    assert [f["name"] for f in ask("text_report", run)["files"]] == ["willow.txt"]
    with pytest.raises(AppError, match="Book 11"):  # there is no network here
        ask("new_run_from", owner, "book", "11")
    for name, values in known.items():
        assert values, name
    with pytest.raises(AppError, match="files, paste, book"):
        ask("new_run_from", owner, "web", "http://example.org")


def test_the_whole_demo_is_one_call(ask, owner):
    run = ask("run_demo", owner, "dirty", 5)
    assert ask("state", run)["state"] in ("waiting", "preparing", "training")
    assert ask("tokenize", run, "the harbour")
    [file] = ask("text_report", run)["files"]
    assert file["name"] == "dirty.txt"
    ask("stop", run, owner)
    before = len(ask("runs", owner))
    for given, said in ((("sea", 5), "harbour, willow, dirty"), (("dirty", 0), "above 0")):
        with pytest.raises(AppError, match=said):
            ask("run_demo", owner, *given)
    assert len(ask("runs", owner)) == before  # nothing was begun


def test_a_demo_that_cannot_be_queued_leaves_nothing(tmp_path, monkeypatch):
    def refuse(*given):
        raise UserError("queue_full", most=30)

    monkeypatch.setattr(demo.pretrain, "start", refuse)
    registry = Registry(tmp_path)
    with pytest.raises(UserError, match="30"):
        demo.at_once(Desk(registry, Jobs(registry, device="cpu")), "me", "dirty", 5)
    assert registry.list("me") == []


def test_the_class_is_told_as_on_the_page(ask, owner, trained):
    mine, theirs = ask("classroom", owner), ask("classroom", ask("new_owner"))
    [line] = [line for line in mine["runs"] if line["run"] == trained]
    assert line["name"] == "My mill" and line["mine"] and line["state"] == "finished"
    assert trained not in str(theirs) and "My mill" not in str(theirs)
    assert len(theirs["runs"]) == len(mine["runs"]) and theirs["machine"]["cores"] > 0
    assert theirs["limits"]["waiting"] == 30 and theirs["limits"]["runs_each"] is None
    assert trained in str(ask("classroom", ask("new_owner"), "apple"))
    with pytest.raises(AppError, match="not the teacher's key"):
        ask("classroom", owner, "pear")


def test_nothing_is_pushed_from_a_page_where_nobody_can_sign_in(ask, trained):
    with pytest.raises(AppError, match="Nobody can sign in on this page.*export RUN --to hub"):
        ask("push", trained, "ana/model", True)


def test_a_vocabulary_that_is_being_learned_can_be_cancelled(client, ask, owner):
    words = [f"word{n * 7919 % 99_991}" for n in range(400_000)]
    text = "\n\n".join(" ".join(words[at : at + 400]) for at in range(0, len(words), 400))
    run = ask("new_run_from", owner, "paste", text, [], "long", ask("choices")["rules"])
    learning = client.submit(run, owner, 200_000, 1, api_name="/learn_tokenizer")
    deadline = time.monotonic() + 60
    while not learning.done() and time.monotonic() < deadline:
        ask("cancel_tokenizer", run, owner)
        time.sleep(0.2)
    with pytest.raises(AppError, match="cancelled"):
        learning.result(timeout=1)
    assert ask("state", run)["state"] == "new"
    with pytest.raises(AppError):
        ask("tokenize", run, "word")


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("rename", ("{run}", "{owner}", None), "name must be a text"),
        ("resume", ("{run}", "{owner}", "seconds", "x"), "amount must be a number"),
        ("learn_tokenizer", ("{run}", "{owner}", "x", 2), "vocab_size must be a whole number"),
        ("start", ("{run}", "{owner}", ["a"], "seconds", 5), "recipe must be a text"),
        ("choose_preset", ("{run}", "{owner}", []), "preset must be a text"),
        ("new_run", ("", "some words", "x"), "owner must be an owner's secret"),
        ("fill_mask", ("{run}", "x" * 3_001, 5), "sentence may have 3,000 characters"),
        ("choose_model", ("{run}", "{owner}", "modernbert", 32, 10**9, 4, 64), "may be 24 here"),
        ("start", ("{run}", "{owner}", "playground", "seconds", 5, 0, 0, 0, 0, -1), "seed"),
        ("new_run_from", ("{owner}", "files", "", ["/etc/passwd"]), "uploaded files"),
        ("start", ("nobody's run", "{owner}"), "no run at this address"),
    ],
)
def test_a_wrong_argument_is_told_in_one_sentence(ask, owner, trained, name, values, said):
    given = [{"{run}": trained, "{owner}": owner}.get(v, v) if isinstance(v, str) else v
             for v in values]  # fmt: skip
    before = len(ask("runs", owner))
    with pytest.raises(AppError, match=said):
        ask(name, *given)
    assert len(ask("runs", owner)) == before  # nothing was begun


def test_the_readme_lists_every_endpoint_with_what_it_is_given():
    rows = re.findall(r"^\| `/(\w+)` \|([^|]*)\|", README.read_text(encoding="utf-8"), re.M)
    functions = [function for theme in THEMES for function in theme.ENDPOINTS]
    assert [name for name, _ in rows] == [function.__name__ for function in functions]
    for (name, given), function in zip(rows, functions, strict=True):
        _, *named = signature(function).parameters
        assert re.findall(r"`(\w+)`", given) == named, name
