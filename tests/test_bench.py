"""Benchmarks measure what they say: memory of all processes, text that grows, rows that differ."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from argparse import Namespace
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from kantai import deadline, processes
from kantai.__main__ import parser
from kantai.architectures import find_preset
from kantai.bench import crowd, data, fill, kernels, learn, load, scale, server, speed, ui
from kantai.bench.memory import watched
from kantai.bench.same_words import Side, recover, same_questions
from kantai.commands.asked import asked_budget
from kantai.corpus import build_corpus
from kantai.errors import UserError
from kantai.evaluation import set_exam
from kantai.events import Started, Stepped, Validated
from kantai.packing import pack_words
from kantai.readers import read_files
from kantai.recipes import Budget, recipe_for
from kantai.tokenizer import TokenizerSettings, train_tokenizer
from kantai.words import words
from kantai.workspace import Run
from tests.conftest import tiny_settings

# What the command line itself would give, so that its defaults are tried too.
ASKED = "bench speed --device cpu --preset nano --vocab-size 400 --watchers 4 --people 2"
ARGUMENTS = parser().parse_args(ASKED.split())
CHINESE = "柳桥镇在河边，镇上的人家都靠船过日子。老王撑船，小李卖鱼，桥下的水慢慢流。"


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
    with watched() as memory:
        subprocess.run([sys.executable, "-c", allocate], check=True)
    assert 100_000_000 <= memory.peak - memory.before < 200_000_000
    with watched() as memory:
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
        "read and clean", "split", "train a tokenizer of 400", "encode into a file of ids with 400"
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
    monkeypatch.setattr(scale, "process_counts", lambda kind: [2])
    answer = scale.run(replaced(files=[text], seconds=0.5), lambda line, _: None)
    small, large = answer["tables"]["hidden_size"]
    assert (small["value"], large["value"]) == (32, 64)
    assert small["parameters"] < large["parameters"]
    assert small["memory"] > 0 and large["tokens_per_second"] > 0
    (both,) = answer["tables"]["processes"]  # torchrun's two processes, each with the whole model
    assert both["value"] == 2 and both["parameters"] > 1e5
    assert both["memory"] > 2 * 12 * both["parameters"] and both["tokens_per_second"] > 0


def test_processes_double_up_to_the_cores_there_are(monkeypatch):
    for cores, counts in ((1, [1]), (2, [1, 2]), (7, [1, 2, 4])):
        monkeypatch.setattr(scale, "usable_cores", lambda cores=cores: cores)
        assert scale.process_counts("cpu") == counts


def replaced(**changes: object) -> Namespace:
    return Namespace(**vars(ARGUMENTS) | changes)


# --- learn ----------------------------------------------------------------------------------------


def test_a_program_counts_from_its_birth():
    code = "import time; time.sleep(0.4); from kantai.processes import age; print(age())"
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0.4 < float(done.stdout) < time.monotonic() - began + 0.05
    assert processes.age() > float(done.stdout)


def test_a_training_leaves_time_for_its_examination(tokenizer, paragraphs, monkeypatch):
    exam = set_exam(pack_words(tokenizer, paragraphs), 64, tokenizer.learned)
    exam = deadline.part_of(exam, 96)
    answered, now = [], [0.0]
    monkeypatch.setattr(deadline.time, "perf_counter", lambda: now[0])

    def examine(part):
        answered.append(len(part.rows))
        now[0] += 0.002 * len(part.rows)

    left = deadline.seconds_to_train(lambda: 5.0, examine, exam, weight_bytes=200_000_000)
    assert answered == [1, deadline.SAMPLE_TOKENS // 64]
    all_of_it = 0.002 * (len(exam.rows) + 32)
    assert left == pytest.approx(4.0 - all_of_it)
    assert deadline.seconds_to_train(lambda: 0.1, examine, exam, 0) == deadline.LEAST


def test_a_budget_is_of_training_or_in_all_never_both():
    asked = {"seconds": None, "total_seconds": 9.0, "max_steps": None, "epochs": None}
    assert asked_budget(Namespace(**asked)) == Budget(seconds=9.0)
    for more in ({"seconds": 5.0}, {"max_steps": 3}):
        with pytest.raises(UserError, match="--total-seconds"):
            asked_budget(Namespace(**asked | more))


def asked_words(tokenizer, row):
    numbers = np.unique(row.words[row.hidden])
    return [tokenizer.decode(row.ids[row.words == number]) for number in numbers]


@pytest.mark.parametrize("sentence", [None, CHINESE])
def test_all_sides_are_asked_for_the_same_words(paragraphs, sentence):
    texts = paragraphs if sentence is None else [CHINESE * n for n in range(1, 9)]
    small, large = (train_tokenizer(texts, TokenizerSettings(v, 1)) for v in (280, 400))
    ours, theirs = same_questions(texts[:40], [Side(small, 64), Side(large, 128)])
    assert len(ours) == len(theirs) > 5
    for mine, other in zip(ours, theirs, strict=True):
        assert len(mine.ids) <= 64 and len(other.ids) <= 128
        assert small.decode(mine.ids[1:-1]) == large.decode(other.ids[1:-1])
        assert asked_words(small, mine) == asked_words(large, other) != []

    def oracle(rows, hidden):
        return torch.nn.functional.one_hot(rows[hidden], 400).float().log()

    def liar(rows, hidden):
        return torch.nn.functional.one_hot((rows[hidden] + 1) % 400, 400).float().log()

    asked = sum(len(np.unique(row.words[row.hidden])) for row in theirs)
    assert asdict(recover(oracle, theirs)) == {"top1": 1.0, "top5": 1.0, "words": asked}
    assert recover(liar, ours).top1 == 0.0


def test_what_was_passed_and_when(tmp_path):
    run = Run.create(tmp_path / "run", tiny_settings(Budget(max_steps=3)))
    bars = {"unigram": {"loss": 5.0}, "bigram": {"loss": 4.0}, "ngram": {"loss": 3.0}}
    run.append(Started(0, "cpu", "fp32", 1, 1, 1, 1, bars))
    for seconds, loss in ((1.0, 6.0), (2.0, 3.9), (3.0, 3.5)):
        run.append(Validated(int(seconds), seconds, loss, 0.1, 0.2, True))
    assert learn.seconds_to_pass(run) == {"unigram": 2.0, "bigram": 2.0, "ngram": None}


def test_texts_are_named_by_sample_or_file(text):
    assert list(learn.texts_of(replaced())) == ["harbour"]
    several = learn.texts_of(replaced(files=["a.txt", "b.txt"], text=["willow", str(text)]))
    assert several["a.txt"] == ["a.txt", "b.txt"]
    assert several["willow"][0].endswith("willow.txt") and several[str(text)] == [str(text)]


def test_bench_learn_gives_both_sides_the_same_time_and_questions(text, monkeypatch):
    sides = (("notebook", "nano", "notebook"), ("playground", "nano", "playground"))
    monkeypatch.setattr(learn, "SIDES", sides)
    said = []
    answer = learn.run(replaced(files=[text], seconds=8.0), lambda line, _: said.append(line))
    found = json.loads(json.dumps(answer))["texts"][text.name]
    assert len([line for line in said if "hidden words" in line]) == 3
    for side in ("notebook", "playground"):
        assert found[side]["steps"] > 0
        assert found[side]["seconds_training"] < 8.0 - 0.5  # the start counts as well
    recovered = found["same_words"]
    assert recovered["notebook"]["words"] == recovered["playground"]["words"] > 20
    assert 0.02 < recovered["ngram"]["top1"] <= recovered["ngram"]["top5"] < 1
    usual, ours = found["usual_masks"], found["playground"]
    assert 0 < abs(usual["loss"] - ours["validation_loss"]) < 1.5
    first, row = learn.table({"mill": found, "mill again": found})[:2]
    assert "seconds" in first and row.count("%") == 3


# --- speed ----------------------------------------------------------------------------------------


def test_bench_speed_measures_the_notebooks_way_a_preset_and_the_worker(text):
    said = []
    wanted = replaced(files=[text], seconds=0.2, batch_size=4)
    answer = json.loads(json.dumps(speed.run(wanted, lambda line, _: said.append(line))))
    theirs, ours = answer["sides"]
    assert theirs["parameters"] > 80e6 and theirs["precision"] == "fp32" and theirs["rows"] == 8
    assert ours["name"] == "nano, our loop, 4 rows" and ours["rows"] == 4
    for side in (theirs, ours):
        assert side["tokens_per_second"] > 0 and side["first_seconds"] > 0
        assert side["product_share"] > 0 and side["mfu"] is None
        assert side["memory"] > 100e6
    assert ours["step_seconds"] == pytest.approx(4 * 128 / ours["tokens_per_second"], rel=0.5)
    waited = answer["worker_seconds"]
    assert 0.5 < waited["begun"] <= waited["first_step"]
    assert 0 < waited["ready_begun"] < min(waited["begun"], waited["ready_first_step"])
    assert answer["product_flops"] > 1e8
    assert all("% of a matrix product" in line and "GiB" in line for line in said[1:3])


def test_large_models_take_few_rows_on_a_processor_and_a_gpu_also_many():
    def rows(preset, kind, **changes):
        sides = speed.sides_of(preset, kind, replaced(**changes))
        return [(recipe.batch_size, compiled) for _, recipe, compiled in sides]

    usual = recipe_for("playground", "cpu").batch_size
    assert rows("notebook", "cpu") == [(speed.FEW_ROWS, False)]
    assert rows("nano", "cpu") == [(usual, False)]
    assert rows("notebook", "cuda") == [(128, False), (speed.LARGE_BATCH, True)]
    assert rows("notebook", "cuda", compiled=True, batch_size=96) == [(96, True)]


def test_a_products_rate_grows_with_what_is_done(monkeypatch):
    monkeypatch.setitem(kernels.SIZES, "cpu", 256)
    seconds = kernels.median_seconds(lambda: time.sleep(0.01), "cpu", 3)
    assert 0.01 <= seconds < 0.1
    assert kernels.product_flops("cpu", "fp32") > 1e8


# --- the page under load --------------------------------------------------------------------------


def test_a_watcher_that_lost_a_point_is_found_out(tmp_path):
    run = Run.create(tmp_path / "run", tiny_settings(Budget(max_steps=3)))
    for step in (1, 2, 3):
        run.append(Stepped(step, 1.0, 0.1, 0.1, 4.56789, 0.1, 1.0, 100.0, 0))
    watcher = crowd.Watcher(None)
    watcher.steps = [(1, 4.568), (2, 4.568), (3, 4.568)]
    assert watcher.saw_all(run)
    for wrong in (watcher.steps[:2], [*watcher.steps, (3, 4.568)], [(1, 4.568)] * 3):
        watcher.steps = wrong
        assert not watcher.saw_all(run)


def test_memory_that_grows_is_told_an_hour():
    flat = [(0, 500), *((polls, 520) for polls in range(100, 1_000, 100))]
    grown = [(0, 500), *((polls, 500 + polls // 100) for polls in range(100, 1_000, 100))]
    assert load.growth(flat, 1, 1.0)["memory_growth"] == 0
    told = load.growth(grown, 1, 1.0)
    assert told["memory_growth"] == pytest.approx(36 / 500)  # 3,600 polls are an hour of one
    assert told["hours"] == 900 / 3_600 and told["memory_end"] == 509
    assert load.growth(grown, 1, 0.0)["memory_growth"] is None


def test_slowdown_compares_neighbouring_turns(tmp_path):
    run = Run.create(tmp_path / "run", tiny_settings(Budget(max_steps=3)))
    for step, rate in enumerate((90.0, 100.0, 80.0, 100.0), 1):
        run.append(Stepped(step, 1.0, 0.1, 0.1, 4.5, 0.1, 1.0, rate, 0))
    edges = [load.Edge(step % 2 == 1, step - 1, step) for step in (1, 2, 3, 4)]
    told = load.slowdown(run, edges)
    assert told["slowdown_least"] == pytest.approx(0.1) and told["turns"] == 4
    assert told["slowdown_most"] == pytest.approx(0.2)
    assert told["slowdown"] == pytest.approx(0.2)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with server.served(tmp_path_factory.mktemp("page"), password="open sesame") as there:
        yield there


def test_bench_ui_measures_a_page_with_a_training_and_without(page):
    assert page.first_page_seconds > 0.5 and page.page_bytes > 10_000
    polls = ui.measured(page, 3.0)
    assert polls["idle"].count >= 3 and polls["training"].count >= 1
    for told in polls.values():
        assert 0 < told.median_seconds <= told.p95_seconds < 5
        assert 10 < told.mean_bytes <= told.largest_bytes < 20_000


def test_bench_load_finds_no_fault_and_nothing_lost(page, monkeypatch):
    monkeypatch.setattr(load, "TURN", 2.5)
    monkeypatch.setattr(load, "SETTLE", 0.5)
    monkeypatch.setattr(load, "THINK", 1.0)
    answer = load.loaded(page, replaced(seconds=1.0, hours=0.005, password="open sesame"))
    assert answer["fault_examples"] == [] and answer["faults"] == 0
    assert answer["watchers_that_lost"] == 0
    assert 0 < answer["median_seconds"] <= answer["p95_seconds"]
    assert answer["polls_in_all"] > answer["polls"] >= 4 and answer["calls"] > 2
    assert answer["calls_in_all"] > answer["calls"] + answer["first_calls"] >= answer["calls"] + 20
    assert answer["memory_growth"] is not None and answer["memory_end"] > 50e6
    assert answer["memory_first"] > 50e6
    assert answer.keys() >= load.MARKS.keys() and answer["turns"] == 2
    json.dumps(answer)


def test_who_does_not_sign_in_is_refused(page):
    with pytest.raises(RuntimeError, match="401"):
        server.question(page.url)
