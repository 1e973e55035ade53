"""Fill-mask and Runs: sentences that fit the text, every gap filled, and times for every clock."""

from __future__ import annotations

import gradio as gr
import pytest

from kantai.jobs import Jobs
from kantai.registry import Registry, RunInfo
from kantai.samples import load_sample
from kantai.stages import pretrain_run
from kantai.ui import guesses
from kantai.ui.desk import Desk
from kantai.ui.source import Source
from kantai.ui.tabs import compare, fill_mask, model, pretrain, text, tokenizer
from tests.conftest import small_text

OWNER = "the owner's secret"


def silent(key, share):
    pass


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Desk:
    registry = Registry(tmp_path_factory.mktemp("runs"))
    return Desk(registry, Jobs(registry, device="cpu"))


@pytest.fixture(scope="module")
def run_id(desk) -> str:
    """Two steps of the smallest model on a text of one's own."""
    source = Source("paste", pasted="\n\n".join(small_text()))
    found = text.keep(desk, "", OWNER, list(text.CLEANING_RULES), source, silent)
    tokenizer.learn_now(desk, found, OWNER, 400, 2, silent)
    model.use(desk, found, OWNER, "nano", "modernbert", 0.0, 32, 1, 4, 64, 128)
    run = desk.registry.open(found)
    run.write_settings(pretrain.Plan(unit="max_steps", amount=2).applied(run.settings, "cpu"))
    list(pretrain_run(run, desk.device()))
    return found


def words_of(node) -> str:
    if isinstance(node, list):
        return " ".join(map(words_of, node))
    return node.get("en", "") if isinstance(node, dict) else str(node)


def test_sentences_that_are_offered_fit_the_runs_text(desk, run_id):
    willow = desk.sample_run(OWNER, "willow")
    chinese = load_sample("willow").probes[0].sentence
    own, offered = fill_mask.offer(desk, run_id, "", "")
    assert own == offered and "<mask>" in own
    assert set(own.replace("<mask>", "").strip(".").split()) <= set(" ".join(small_text()).split())
    assert fill_mask.offer(desk, willow, own, own) == (chinese, chinese)
    kept = fill_mask.offer(desk, willow, "I typed this <mask>.", own)
    assert kept == (gr.skip(), gr.skip())
    assert fill_mask.offer(desk, "", "", "")[0] == load_sample("harbour").probes[0].sentence


def test_both_runs_fill_every_gap_of_the_sentence(desk, run_id):
    run = desk.registry.open(run_id)
    one = compare.sides([run, run], ["a", "b"], "the ___ river")
    assert len(one) == 1 and one[0][1][1] == ["h3", "the ___ river"]
    two = compare.sides([run, run], ["a", "b"], "the ___ river [MASK] past")
    assert len(two) == 2 and "Gap 2" in words_of(two[1])
    assert words_of(two[1]).count("span.k-percent") == 2 * compare.TOP


def test_an_untrained_model_shows_that_it_draws_lots(desk, run_id):
    _, answers = fill_mask.filled(desk, run_id, "the ___ river")
    blank = answers[1][2][3]
    learned = desk.registry.open(run_id).tokenizer().learned
    assert blank[0] == "div.k-guesses.k-blank" and f"1 in {learned} for" in words_of(blank)
    assert words_of(blank).count("span.k-percent") == 1
    sure = [guesses.Guess("a", 0.5), guesses.Guess("b", 0.2)]
    assert len(fill_mask.column_view(sure, learned, None)) == 2


def test_the_list_leaves_the_clock_to_the_reader():
    made = 1_790_000_000.4
    line = RunInfo("x" * 22, "mill", made, "finished", "nano", 9_000, 4.2, 61.0)
    rows = compare.list_view([line], "")
    assert "'data-time': '1790000000'" in str(rows) and "2026-09-21 14:13 UTC" in str(rows)
