"""Fill-mask and Runs: sentences that fit the text, every gap filled, and times for every clock."""

from __future__ import annotations

import pytest

from kantai.jobs import Jobs
from kantai.registry import Registry, RunInfo
from kantai.samples import load_sample
from kantai.stages import pretrain_run
from kantai.ui import guesses
from kantai.ui.desk import Desk, sample_of
from kantai.ui.kept import Held, bytes_within
from kantai.ui.page import guarded
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
    own, instead_of = fill_mask.offer(desk, run_id, "", "")
    assert instead_of == "" and "<mask>" in own
    assert set(own.replace("<mask>", "").strip(".").split()) <= set(" ".join(small_text()).split())
    assert fill_mask.offer(desk, willow, own, own) == (chinese, own)
    assert fill_mask.offer(desk, willow, "I typed this <mask>.", own) == (chinese, own)
    another = load_sample("willow").probes[4].sentence
    assert fill_mask.offer(desk, willow, another, another)[0] == ""  # it was chosen, and fits
    english = load_sample("harbour").probes
    assert fill_mask.offer(desk, willow, english[3].sentence, "") == (chinese, english[3].sentence)
    assert fill_mask.offer(desk, "", "", "")[0] == english[0].sentence


def test_who_reads_chinese_begins_with_the_chinese_sample(desk):
    def begun(language: str) -> str:
        run_id = guarded(desk.sample_run, language, OWNER)
        run = desk.registry.open(run_id)
        sample = load_sample(sample_of(run))
        assert run.settings.vocab_size == sample.vocab_size
        assert fill_mask.offer(desk, run_id, "", "")[0] == sample.probes[0].sentence
        assert guarded(fill_mask.offer, language, desk, "", "", "")[0] == sample.probes[0].sentence
        report = str(guarded(text.show, language, desk, "")[0])
        assert sample.path.name in report
        assert f"vocab_size={sample.vocab_size}" in str(
            guarded(tokenizer.show, language, desk, "", "")[-1]
        ).replace("_000", "000")
        return sample.name

    assert (begun("en"), begun("zh")) == ("harbour", "willow")


def test_models_are_held_by_their_bytes(desk, run_id):
    made = []

    def make(size: int):
        made.append(size)
        return bytearray(size)

    held = Held(100, len)
    for key, size in ((1, 40), (2, 40), (1, 40), (3, 40), (1, 40), (4, 500), (4, 500), (1, 40)):
        assert len(held.get(key, lambda size=size: make(size))) == size
    assert made == [40, 40, 40, 500, 40]  # 2 went for 3, and all for 4, which goes for 1
    run = desk.registry.open(run_id)
    trained = fill_mask.trained_model(*fill_mask.version(run))
    weights = sum(p.numel() * p.element_size() for p in trained.model.parameters())
    assert weights <= bytes_within(trained) < 1.1 * weights + 10_000
    counted = fill_mask.counted_text(*fill_mask.version(run))
    assert bytes_within(counted) > counted.frequency.nbytes
    assert fill_mask.is_held(desk, run_id) and fill_mask.is_held(desk, "")


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
