"""The command line: its contract's keys, and one sentence for every mistake."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import zipfile
from resource import RLIMIT_FSIZE, setrlimit

import pandas as pd
import pytest

from kantai.__main__ import main
from kantai.errors import UserError
from kantai.events import Started
from kantai.processes import birth
from kantai.samples import load_sample
from kantai.workspace import Run, Worker
from tests.conftest import small_text

TRAIN_KEYS = {
    "run", "preset", "recipe", "architecture", "device", "precision", "parameters", "vocab_size",
    "vocab_learned", "tokens_train", "tokens_validation", "steps", "epochs", "seconds_total",
    "seconds_training", "tokens_per_second", "mfu", "train_loss", "validation_loss",
    "nats_per_byte", "top1", "top5", "word_recovery_top1", "word_recovery_top5", "baselines",
    "stopped",
}  # fmt: skip


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "mill.txt"
    path.write_text("\n\n".join(small_text(400)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def trained(book):
    """A Run that the command line made."""
    run, short = book.parent / "run", written(book.parent, "short.txt", b"word " * 40)
    arguments = ["--out", run, "--max-steps", 30, "--vocab-size", 400, "--device", "cpu"]
    assert main(["train", str(short), *map(str, arguments)]) == 2  # and is forgotten
    assert main(["train", str(book), *map(str, arguments), "--json"]) == 0
    return run


def answer(capfd, *arguments) -> dict:
    capfd.readouterr()
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capfd.readouterr().out.splitlines()[-1])


def test_train_says_what_the_contract_asks(trained):
    result = json.loads((trained / "result.json").read_text())
    assert result.keys() >= TRAIN_KEYS
    assert result["stopped"] == "finished" and result["steps"] == 30
    assert result["vocab_learned"] <= result["vocab_size"] == result["vocab_learned"]
    assert set(result["baselines"]) == {"uniform", "unigram", "bigram", "ngram"}
    assert all(set(b) == {"loss", "top1", "top5"} for b in result["baselines"].values())


def test_the_report_says_what_the_notebook_would_have_lost(trained, book):
    lost = Run.open(trained).report["line_by_line"]
    filled = [line for line in book.read_text().splitlines() if line]
    assert lost["examples"] == len(filled) and 0 <= lost["padding_fraction"] < 1
    assert lost["tokens_lost_fraction"] == 0.0  # no line has 126 tokens


def test_a_run_that_another_process_trains_is_left_alone(trained, book, capfd):
    run, parent = Run.open(trained), os.getppid()
    log = run.log_size
    run.write_worker(Worker(parent, birth(parent), 0))
    arguments = ["train", book, "--out", trained, "--resume", "--max-steps", 99]
    assert main([*map(str, arguments)]) == 2
    assert "another process" in capfd.readouterr().err.splitlines()[-1]
    assert run.settings.budget.max_steps == 30 and run.log_size == log and run.worker().alive
    run.clear_worker()


def test_the_notebooks_way_through_the_command_line(tmp_path, capfd):
    text = tmp_path / "short.txt"
    text.write_text("\n".join(small_text(40)), encoding="utf-8")
    notebook = ("--preset", "notebook", "--vocab-size", 600)  # more than 40 lines can fill
    result = answer(
        capfd, "train", text, "--out", tmp_path / "run", *notebook, "--recipe", "notebook",
        "--device", "cpu",
    )  # fmt: skip
    assert (result["preset"], result["recipe"], result["steps"]) == ("notebook", "notebook", 1)
    assert result["vocab_size"] == 600 > result["vocab_learned"]
    assert result["parameters"] == answer(capfd, "parameters", *notebook)["total"]
    assert Run.open(tmp_path / "run").settings.recipe.block_size == 128


def test_the_model_loads_with_transformers_alone(trained):
    from transformers import pipeline

    answers = pipeline("fill-mask", model=str(trained / "model"))("the old <mask> ran")
    assert len(answers) == 5 and all(a["score"] > 0 for a in answers)


def test_fill_mask(trained, capfd):
    masks = answer(capfd, "fill-mask", trained, "the <mask> ran ___", "--top-k", 3)["masks"]
    assert [len(mask) for mask in masks] == [3, 3]
    assert masks[0][0].keys() == {"token", "text", "probability", "sequence"}


def test_evaluate_brings_the_baselines(trained, book, capfd):
    marks = answer(capfd, "evaluate", trained, book, "--device", "cpu")
    assert marks["loss"] > 0 and set(marks["baselines"]) >= {"uniform", "ngram"}
    alone = answer(capfd, "evaluate", trained / "model", book, "--device", "cpu")
    assert alone["baselines"] is None and alone["loss"] > 0


def test_resume_goes_on_where_the_finished_run_ended(trained, book, capfd):
    arguments = ("train", book, "--out", trained, "--resume", "--max-steps", 40, "--device", "cpu")
    assert 30 < answer(capfd, *arguments)["steps"] <= 40  # it may stop early
    started = [e for e in Run.open(trained).events() if isinstance(e, Started)]
    assert [event.step for event in started] == [0, 30]


def test_the_demo_says_what_the_contract_asks(tmp_path, capfd):
    sample, run = load_sample("willow"), tmp_path / "run"
    asked = ("demo", "--sample", "willow", "--seconds", 2, "--out", run, "--device", "cpu")
    result = answer(capfd, *asked)
    assert result.keys() >= TRAIN_KEYS | {"probes"}
    assert result["vocab_size"] == sample.vocab_size and result["stopped"] == "finished"
    assert 2 <= result["seconds_training"] < result["seconds_total"]
    assert [(p["sentence"], p["answer"]) for p in result["probes"]] == [
        (p.sentence, p.answer) for p in sample.probes
    ]
    for probe in result["probes"]:
        guesses = answer(capfd, "fill-mask", run, probe["sentence"], "--top-k", 100)["masks"][0]
        texts = [guess["text"] for guess in guesses]
        known = texts.index(probe["answer"]) if probe["answer"] in texts else 100
        assert probe["rank"] == known + 1


def test_parameters_of_the_notebook(capfd):
    table = answer(capfd, "parameters", "--preset", "notebook")
    assert table["total"] == table["trainable"] == 83_504_416 and len(table["tensors"]) == 106
    assert table["tensors"][0].keys() == {"name", "shape", "parameters", "tied_to"}


def test_inspect(book, capfd):
    report = answer(capfd, "inspect", book)
    assert report.keys() >= {
        "files", "characters", "words", "paragraphs", "rules", "duplicate_paragraphs",
        "validation_overlap", "line_by_line",
    }  # fmt: skip
    assert report["files"][0].keys() == {"name", "bytes", "encoding", "invalid_bytes"}
    assert all(r.keys() >= {"name", "changed", "removed_characters"} for r in report["rules"])
    assert 0 <= report["line_by_line"]["padding_fraction"] < 1
    assert report["line_by_line"].keys() == {
        "examples", "tokens_lost_fraction", "padding_fraction"
    }  # fmt: skip


def written(folder, name: str, content: bytes):
    path = folder / name
    path.write_bytes(content)
    return path


def bomb(folder):
    path = folder / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.txt", b"0" * 300_000_000)
    return path


def numbers(folder):
    path = folder / "numbers.parquet"
    pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]}).to_parquet(path)
    return path


# What is asked for, and a word that the one sentence must hold. {book}, {run} and {tmp} are
# filled in; a file name calls its maker first.
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
MAKERS = {
    "empty.txt": lambda folder: written(folder, "empty.txt", b""),
    "picture.txt": lambda folder: written(folder, "picture.txt", PNG),
    "hello.txt": lambda folder: written(folder, "hello.txt", b"hello. " * 201),
    "forty.txt": lambda folder: written(folder, "forty.txt", b"word " * 40),
    "bomb.zip": bomb,
    "numbers.parquet": numbers,
}
MISTAKES = [
    ("inspect {tmp}/empty.txt", "empty"),
    ("inspect {tmp}/picture.txt", "picture.txt"),
    ("inspect {tmp}/forty.txt", "40"),
    ("inspect {tmp}/bomb.zip", "bomb.zip"),
    ("inspect {tmp}/numbers.parquet", "numbers.parquet"),
    ("inspect {tmp}/nowhere.txt", "nowhere.txt"),
    ("train {book} --out {tmp}/a --vocab-size 260", "261"),
    ("train {book} --out {tmp}/a --preset huge", "nano"),
    ("train {book} --out {tmp}/a --recipe secret", "playground"),
    ("train {book} --out {tmp}/a --seconds 1 --epochs 1", "one budget"),
    ("train {book} --out {tmp}/a --device mps", "mps"),
    ("train {book} --out {tmp}/a --precision fp16 --device cpu", "fp16"),
    ("train {book} --out {run}", "--resume"),
    ("train {book} --out {run} --resume --seed 3", "--seed 0"),
    ("train {book} --out {run} --resume --vocab-size 500", "--vocab-size 400"),
    ("train {book} --out {run} --resume --preset mini", "--preset nano"),
    ("train {book} --out {run} --resume --recipe notebook", "--recipe playground"),
    ("train {tmp}/forty.txt --out {run} --resume", "mill.txt"),
    ("train {book} --out {tmp}/a --seed -1", "-1"),
    ("train {book} --out {tmp}/a --seed 1180591620717411303424", "2^63"),
    ("train {book} --out ''", "name a folder"),
    ("train {book} --out {tmp}/a --save-every -1", "from 0"),
    ("train {book} --out {tmp}/a --seconds nan", "above 0"),
    ("train {tmp}/hello.txt --out {tmp}/a", "two sentences"),
    ("inspect {tmp}/hello.txt", "two sentences"),
    ("bench speed --seconds -1", "above 0"),
    ("bench data --megabytes -5", "above 0"),
    ("bench speed --preset nano {tmp}/nowhere.txt", "nowhere.txt"),
    ("bench speed {book} --wrong 3", "--wrong 3"),
    ("bench speed --seconds 1 --wrong {book}", "--wrong"),
    ("parameters --vocab-size 0", "261"),
    ("fill-mask {run} 'caf\udce9 <mask>'", "UTF-8"),
    ("train {book} --out {book}/a", "not a folder"),
    ("train {book} --out /proc/kantai", "/proc"),
    ("train {book} --out {tmp}/a --without-rule magic", "magic"),
    ("parameters --preset nano --vocab-size 5", "261"),
    ("fill-mask {run} nothing", "<mask>"),
    ("fill-mask {tmp} a<mask>", "no trained model"),
    ("fill-mask {run} a<mask> --top-k 0", "1 to 100"),
    ("evaluate {tmp} {book}", "no trained model"),
    ("export {run} --to script --out {tmp}", "is a folder"),
    ("demo --sample atlantis", "atlantis"),
]


@pytest.mark.parametrize(("asked", "word"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_a_mistake_is_one_sentence(asked, word, book, trained, tmp_path, capfd):
    for name, make in MAKERS.items():
        if name in asked:
            make(tmp_path)
    filled = asked.format(book=book, run=trained, tmp=tmp_path)
    capfd.readouterr()
    assert main(shlex.split(filled)) == 2
    told = capfd.readouterr().err.replace("\r", "\n").strip().splitlines()
    assert word in told[-1] and told[-1].endswith(".") and "Traceback" not in "\n".join(told)
    assert not (tmp_path / "a" / "model").exists()


def test_a_disk_without_room_for_the_model_is_one_sentence(kantai, book, tmp_path):
    room = (1_000_000, 1_000_000)  # bytes of a file: the weights alone have more
    arguments = ("train", book, "--out", tmp_path / "a", "--max-steps", 2, "--vocab-size", 300)
    status, _, err = kantai(
        *arguments, "--device", "cpu", limit=lambda: setrlimit(RLIMIT_FSIZE, room)
    )
    last = err.replace("\r", "\n").splitlines()[-1]
    assert status == 2 and "Traceback" not in err
    assert last.strip() == str(UserError("disk_full", place=tmp_path / "a"))


def test_no_traceback_and_a_clean_last_line_in_a_process_of_its_own(kantai, book):
    status, out, err = kantai("parameters", "--preset", "nano", "--json")
    assert status == 0 and json.loads(out.splitlines()[-1])["total"] > 0
    for mistake in (("inspect", book.parent / "none.txt"), ("inspect",), ("fly",), ()):
        status, out, err = kantai(*mistake)
        assert status == 2 and not out and len(err.strip().splitlines()) == 1


def test_a_reader_that_goes_away_and_a_terminal_without_letters_are_no_trouble(kantai):
    command = f"{sys.executable} -m kantai parameters --preset nano"
    done = subprocess.run(f"{command} | head -n 1", shell=True, capture_output=True, text=True)
    assert len(done.stdout.splitlines()) == 1 and not done.stderr
    plain = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command.split(), capture_output=True, text=True, env=plain)
    assert done.returncode == 0 and not done.stderr and "\\xd7" in done.stdout
