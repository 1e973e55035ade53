"""The tabs' handlers, without a browser: arguments in, values out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kantai.errors import UserError
from kantai.jobs import Jobs
from kantai.limits import ALLOWANCES
from kantai.registry import Registry
from kantai.stages import pretrain_run
from kantai.ui import costs, nodes, words
from kantai.ui.desk import Desk, load_tokenizer
from kantai.ui.tabs import compare, fill_mask, model, pretrain, text, tokenizer
from tests.conftest import small_text
from tests.ui.conftest import OWNER, flat, flat_words, pasted, train


@pytest.mark.parametrize(
    ("source", "key"),
    [(text.Source("files"), "choose_files"), (text.Source("book"), "no_book")],
)
def test_a_source_says_what_is_missing(desk, tmp_path, source, key):
    with pytest.raises(UserError) as mistake:
        source.read(desk, lambda k, s: None)
    assert mistake.value.key == key


def test_each_rule_shows_all_its_examples():
    examples = [{"before": f"b{n}", "after": f"a{n}"} for n in range(2)]
    rule = {"name": "unwrap", "changed": 2, "removed_characters": 1, "examples": examples}
    seen = flat(text.changes_card({"files": [], "rules": [rule]}))
    assert {"b0", "a0", "b1", "a1"} <= set(seen)


def test_tokens_are_shown_with_ids_and_places(desk, learned):
    view = tokenizer.try_it(desk, learned, "the river 河")
    cells = view[1][1:]
    assert cells[0][0] == "span.k-token.k-special" and "<s>" in flat(cells[0])
    assert "0–3" in flat(view) or "0–1" in flat(view)


def test_all_merges_can_be_had_and_the_first_are_said_to_be_the_first(desk, learned, monkeypatch):
    merges = load_tokenizer(desk.registry.open(learned)).merges
    monkeypatch.setattr(tokenizer, "MERGES", 7)
    view = tokenizer.show(desk, learned, "x")[4]
    assert f"The first 7 of {len(merges):,}." in flat_words(view)
    heads, *rows = json.loads(tokenizer.all_merges(desk, learned))
    assert heads[3] == nodes.both("merge_token") and len(rows) == len(merges)
    assert [row[3] for row in rows[:3]] == [tokenizer.visible("".join(m)) for m in merges[:3]]
    assert tokenizer.joined("⟨E3 80⟩", "⟨82⟩") == "。" and tokenizer.visible("a ⟨E4 B8⟩")[1] == "␣"
    assert tokenizer.visible(tokenizer.joined("⟨E4⟩", "⟨B8⟩")) == "⟨E4 B8⟩"


def test_an_impossible_model_says_why(desk, learned):
    fields = ["nano", "modernbert", 0.0, 130, 2, 4, 64, 128]
    used, report, *rest = model.look(desk, learned, *fields)
    assert report[0] == "div.k-notice" and used is None and rest == [None] * 5
    assert "130" in report[2]["en"] and "130" in report[2]["zh"]


def test_a_chosen_model_is_what_the_run_trains(desk, learned):
    fields = ["mini", *model.choose("mini")[1:]]
    run_id, _ = model.use(desk, learned, OWNER, *fields)
    assert run_id == learned
    assert desk.registry.open(learned).settings.preset == model.PRESETS["mini"]
    used, report, _, treemap, table, *_ = model.look(desk, learned, *fields)
    assert "will be trained" in flat_words(used)
    assert model.look(desk, learned, *fields[:4], 1, *fields[5:])[0] is None
    assert model.look(desk, pasted(desk), *fields)[0] is None
    train(desk, learned)
    assert "was trained" in flat_words(model.look(desk, learned, *fields)[0])
    rows = desk.registry.open(learned).tokenizer().learned
    total = words.count(model.look_at(model.PRESETS["mini"], rows).total)
    assert total.split()[0] in flat(report) and table
    assert max(treemap["data"][0]["values"]) < 3_000_000


def test_time_to_train_is_told_from_a_probe_while_the_device_is_free(desk, learned, monkeypatch):
    fields = ["nano", "modernbert", 0.0, 32, 1, 4, 32, 128]
    waiting, told = model.time_here(desk, learned, *fields)
    assert "timed" in flat_words(waiting) and "tokens a second: one pass" in flat_words(told)
    tokens = costs.tokens_of(desk.registry.open(learned))
    real = sum(map(len, desk.registry.open(learned).tokenizer().encode(
        desk.registry.open(learned).texts("train"))))  # fmt: skip
    assert tokens == pytest.approx(real, rel=0.02)
    monkeypatch.setattr(Desk, "device_is_busy", True)
    (told,) = model.time_here(desk, learned, *fields)
    assert "has the device now" in flat_words(told)
    assert list(model.time_here(desk, learned, *fields[:3], 130, *fields[4:])) == [None]


def test_a_plan_changes_only_what_it_says(desk, learned):
    settings = desk.registry.open(learned).settings
    plain = pretrain.Plan(amount=30).applied(settings, "cpu")
    assert plain.recipe == settings.recipe and plain.budget.seconds == 30
    twice = 2 * settings.recipe.optimizer.learning_rate
    changed = pretrain.Plan(learning_rate=twice, batch_size=8, seed=3).applied(settings, "cpu")
    assert changed.recipe.batch_size == 8 and changed.seed == 3
    old, new = settings.recipe.optimizer, changed.recipe.optimizer
    assert new.adamw_learning_rate == 2 * old.adamw_learning_rate
    for wrong in (
        pretrain.Plan(unit="days"),
        pretrain.Plan(amount=0),
        pretrain.Plan(batch_size=-1),
    ):
        with pytest.raises(UserError):
            wrong.applied(settings, "cpu")


def test_a_budget_beyond_what_is_allowed_is_told_beforehand_and_refused(tmp_path):
    registry = Registry(tmp_path / "runs", ALLOWANCES["class"])
    desk = Desk(registry, Jobs(registry, device="cpu"))
    assert pretrain.range_of(desk, "seconds")[1] == 600
    assert "600 seconds" in flat_words(pretrain.limit_view(desk))
    for amount, key in ((86_401, "run_over_limit"), (0, "budget_needed"), (None, "budget_needed"),
                        (float("nan"), "budget_needed")):  # fmt: skip
        with pytest.raises(UserError) as mistake:
            pretrain.Plan(amount=amount).budget(None)
        assert mistake.value.key == key and "--" not in mistake.value.message("en")
    local = Desk(Registry(tmp_path / "local"), desk.jobs)
    assert pretrain.range_of(local, "seconds")[1] == 3_600 and pretrain.limit_view(local) is None


@given(st.text())
def test_pieces_are_the_sentence(sentence):
    assert "".join(fill_mask.pieces(sentence)) == sentence


def test_a_clicked_word_is_hidden():
    parts = fill_mask.pieces("It is so.")
    assert fill_mask.hidden("It is so.", str(parts.index("is"))) == "It <mask> so."
    assert fill_mask.hidden("It is so.", "99") == "It is so."
    assert fill_mask.hidden("思维离不开", "1") == "思<mask>离不开"


def test_a_text_of_ones_own_offers_sentences_and_no_lists(desk):
    held_out = [f"* item {n}" for n in range(40)]
    held_out[4::5] = [f"{text[:40]}." for text in small_text(8)]
    run = desk.registry.open(desk.registry.new(desk.default_settings(), name="x", owner=OWNER))
    run.write_texts({"train": held_out, "validation": held_out}, {})
    offered = fill_mask.held_out(run.folder)
    assert len(set(offered)) == len(offered) == fill_mask.EXAMPLES
    assert all("<mask>" in sentence and "*" not in sentence for sentence in offered)
    run.write_texts({"train": held_out, "validation": ["# stone", "12", "* the end", ""]}, {})
    fill_mask.held_out.cache_clear()
    assert fill_mask.held_out(run.folder) == ["# <mask>", "* the <mask>"]


def test_a_finished_training_goes_on_for_its_budget_once_more(desk, learned):
    run = desk.registry.open(learned)
    plan = pretrain.Plan(unit="max_steps", amount=3)
    run.write_settings(plan.applied(run.settings, "cpu"))
    desk.jobs.start = lambda run_id, change: run.write_settings(change(run.settings))
    pretrain.go_on(desk, learned, OWNER, "max_steps", 5)
    assert run.settings.budget.max_steps == 5  # not begun: from the beginning
    run.write_settings(plan.applied(run.settings, "cpu"))
    list(pretrain_run(run, desk.device()))
    pretrain.go_on(desk, learned, OWNER, "max_steps", 5)
    assert run.settings.budget.max_steps == 8
    for wrong in (("max_steps", None), ("years", 1)):
        with pytest.raises(UserError):
            pretrain.go_on(desk, learned, OWNER, *wrong)


def test_a_model_is_shown_with_the_vocabulary_that_is_expected(desk, run_id):
    fields = ["nano", *model.choose("nano")[1:]]
    run = desk.registry.open(run_id)
    assert model.case_of(desk, "", fields).vocab == 8_000
    assert model.case_of(desk, run_id, fields).vocab == 1_000  # of a short text
    run.write_settings(replace(run.settings, vocab_size=700))
    assert model.case_of(desk, run_id, fields).vocab == 700
    tokenizer.learn_now(desk, run_id, OWNER, 400, 2, lambda key, share: None)
    assert (
        model.case_of(desk, run_id, fields).vocab == desk.registry.open(run_id).tokenizer().learned
    )


def test_one_run_alone_is_told_how_to_be_compared(desk, learned):
    assert "takes a second one" in flat_words(compare.show(desk, learned, OWNER)[0])
    desk.successor(learned, OWNER)
    assert "takes a second one" not in flat_words(compare.show(desk, learned, OWNER)[0])


def test_settings_that_differ(desk, learned):
    other = desk.successor(learned, OWNER)
    model.use(desk, other, OWNER, "mini", *model.choose("mini")[1:])
    records = [desk.registry.open(i).record for i in (learned, other)]
    names = {row[0][1] for row in compare.differences(*records)}
    assert {"preset_name", "preset.hidden_size"} <= names and "created" not in names


def sources(view) -> list[str]:
    """The lines of code in a node."""
    if not isinstance(view, list):
        return []
    if view[0] == "code":
        return [view[1]]
    return [source for child in view for source in sources(child)]


def test_the_lines_of_each_tab_run_one_after_another(desk, learned, tmp_path, monkeypatch):
    run = desk.registry.open(learned)
    fields = ["nano", "modernbert", 0.0, 32, 1, 4, 64, 128]
    model.use(desk, learned, OWNER, *fields)
    plan = pretrain.Plan(unit="max_steps", amount=2)
    run.write_settings(plan.applied(run.settings, "cpu"))
    list(pretrain_run(run, desk.device()))
    (tmp_path / "pasted.txt").write_text("\n\n".join(small_text()), encoding="utf-8")
    (tmp_path / "model").symlink_to(run.model_folder)
    monkeypatch.chdir(tmp_path)
    views = [
        text.show(desk, learned)[-1],
        tokenizer.show(desk, learned, "x")[-1],
        model.look(desk, learned, *fields)[-1],
        pretrain.outlook(desk, learned, *vars(plan).values())[-1],
        next(fill_mask.fill(desk, learned, "the old ___ ran"))[-1],
    ]
    lines = [source for view in views for source in sources(view)]
    assert len(lines) == 6
    space: dict = {}
    exec("\n".join(lines), space)
    assert space["tokenizer"].get_vocab_size() == run.tokenizer().learned
    rows = run.tokenizer().learned
    assert (
        sum(p.numel() for p in space["model"].parameters())
        == model.look_at(model.preset_of(*fields), rows).total
    )
    assert space["steps"] == 2 and "the old <mask> ran" in lines[-1]
    assert "\n    hidden_size=32,\n" in lines[3]
