"""Benchmarks measure what they say: memory of all processes, text that grows, rows that differ."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import Namespace
from dataclasses import replace

import pytest

from kantai.architectures import find_preset
from kantai.bench import data, fill, learn, scale
from kantai.corpus import build_corpus
from kantai.errors import UserError
from kantai.readers import read_files
from kantai.recipes import recipe_for
from kantai.words import words
from kantai.workspace import Run

ARGUMENTS = Namespace(files=[], device="cpu", preset="nano", vocab_size=400, json=False)


@pytest.fixture
def text(tmp_path, paragraphs):
    path = tmp_path / "text.txt"
    path.write_bytes("\r\n\r\n".join(paragraphs).encode())
    return path


def test_a_grown_text_begins_with_the_text_and_stays_when_it_is_cleaned(text, tmp_path):
    grown = data.grown([text], 0.2, tmp_path / "grown.txt")
    assert 200_000 <= grown.stat().st_size < 201_000
    assert grown.read_bytes() == data.grown([text], 0.2, tmp_path / "again.txt").read_bytes()
    assert grown.read_text().startswith(text.read_text())
    report = build_corpus(read_files([grown])).report
    assert report.duplicate_paragraphs < 0.05 * report.paragraphs
    before, after = (set(words(file.read_text())) for file in (text, grown))
    assert len(after) > 2 * len(before)


def test_memory_counts_the_processes_that_a_step_starts():
    allocate = "import time; kept = bytearray(100_000_000); time.sleep(0.5)"
    with data.watched() as memory:
        subprocess.run([sys.executable, "-c", allocate], check=True)
    assert 100_000_000 <= memory.peak - memory.before < 200_000_000
    with data.watched() as memory:
        pass
    assert memory.peak - memory.before < 50_000_000


def test_bench_data_walks_the_whole_way(kantai, text):
    status, out, errors = kantai(
        "bench", "data", text, "--megabytes", 0.2, "--vocab-size", 400, "--json"
    )
    assert status == 0, errors
    answer = json.loads(out)
    names = [step["name"] for step in answer["steps"]]
    assert names == [
        "read", "clean", "split", "train a tokenizer of 400", "encode and pack with 400"
    ]  # fmt: skip
    total = answer["totals"]["400"]
    assert total["seconds"] == pytest.approx(sum(step["seconds"] for step in answer["steps"]))
    assert total["peak_bytes"] == max(step["peak_bytes"] for step in answer["steps"])
    assert answer["megabytes"] == pytest.approx(0.2, rel=0.01)


def test_bench_fill_asks_sentences_of_the_text(text):
    said = []
    answer = fill.run(replaced(files=[text]), lambda line, _: said.append(line))
    (latency,) = answer["presets"]
    assert 0 < latency["median_seconds"] <= latency["p95_seconds"]
    assert latency["median_seconds"] < latency["load_seconds"] < latency["process_seconds"]
    assert answer["questions"] == fill.WARM_UP + fill.ANSWERS and len(said) == 1
    questions = fill.questions_of(["One two three <mask>? " + "word " * 20 + "end."] * 9, 7)
    assert len(questions) == 7 and all(q.count("<mask>") == 1 for q in questions)
    with pytest.raises(UserError, match="8 to 40 words"):
        fill.questions_of(["Too short."], 5)


def test_bench_scale_changes_one_thing_at_a_time(text, monkeypatch):
    preset, recipe = find_preset("nano"), recipe_for("playground", "cpu")
    assert scale.scaled(preset, recipe, "batch_size", 2) == (
        2 * recipe.batch_size, preset, replace(recipe, batch_size=2 * recipe.batch_size)
    )  # fmt: skip
    width, wider, _ = scale.scaled(preset, recipe, "hidden_size", 2)
    assert width == wider.hidden_size == 2 * preset.hidden_size
    assert wider.hidden_size // wider.num_attention_heads == 32
    monkeypatch.setattr(scale, "FACTORS", {"hidden_size": (0.25, 0.5)})
    answer = scale.run(replaced(files=[text]), lambda line, _: None)
    small, large = answer["tables"]["hidden_size"]
    assert (small["value"], large["value"]) == (32, 64)
    assert small["parameters"] < large["parameters"]
    assert small["memory"] > 0 and large["tokens_per_second"] > 0


def replaced(**changes: object) -> Namespace:
    return Namespace(**vars(ARGUMENTS) | changes)


def test_bench_learn_tells_what_counting_recovers_and_when_it_is_passed(text, tmp_path, kantai):
    status, _, errors = kantai(
        "train", text, "--out", tmp_path / "run", "--preset", "nano", "--device", "cpu",
        "--vocab-size", 300, "--max-steps", 60,
    )  # fmt: skip
    assert status == 0, errors
    words = learn.ngram_words(tmp_path / "run")
    assert 0.02 < words["top1"] <= words["top5"] < 1 and words["words"] > 20
    usual, strict = learn.usual_masks(tmp_path / "run"), Run(tmp_path / "run").result
    assert usual["top1"] != strict["top1"] and abs(usual["loss"] - strict["validation_loss"]) < 1.5
    passed = learn.seconds_to_pass(tmp_path / "run")
    assert list(passed) == ["uniform", "unigram", "bigram", "ngram"]
    assert 0 < passed["uniform"] <= passed["unigram"]
