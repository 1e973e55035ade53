"""The page's handlers, without a browser: arguments in, values out."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kantai import strings
from kantai.errors import UserError
from kantai.events import Finished, Noticed, Started, Stepped, Validated
from kantai.jobs import Jobs
from kantai.limits import ALLOWANCES
from kantai.processes import birth
from kantai.registry import Registry
from kantai.ui import costs, endpoints, guesses, live, nodes, page, plots, words
from kantai.ui.desk import Desk, load_tokenizer, next_name
from kantai.ui.news import changes
from kantai.ui.progress import Doing, Done, follow
from kantai.ui.tabs import compare, fill_mask, model, pretrain, text, tokenizer
from kantai.workspace import Worker
from tests.conftest import small_text

OWNER = "the owner's secret"
MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def desk(tmp_path) -> Desk:
    registry = Registry(tmp_path / "runs")
    return Desk(registry, Jobs(registry, device="cpu"))


def pasted(desk: Desk, extra: str = "") -> str:
    words_of_it = "\n\n".join([*small_text(), extra])
    source = text.Source("paste", pasted=words_of_it)
    return text.keep(desk, "", OWNER, list(text.CLEANING_RULES), source, lambda key, share: None)


@pytest.fixture
def run_id(desk) -> str:
    return pasted(desk)


@pytest.fixture
def learned(desk, run_id) -> str:
    return tokenizer.learn_now(desk, run_id, OWNER, 400, 2, lambda key, share: None)


def train(desk: Desk, run_id: str, steps: int = 4) -> None:
    """What a worker would leave behind."""
    run = desk.registry.open(run_id)
    scores = {name: {"loss": 5.0, "top1": 0.1, "top5": 0.2} for name in live.FAMILIES["live_"]}
    run.append(Started(0, "cpu", "fp32", 1000, 5000, 300, 10, scores))
    for step in range(1, steps + 1):
        run.append(Stepped(step, step / 4, step / 40, 0.1, 6.0, 0.01, 1.2, 8_123.4, 0))
    run.append(Validated(steps, steps / 4, 5.5, 0.34, 0.5, True))


# --- words and nodes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.49, "It now guesses nearly one hidden token in two."),
        (0.5, "It now guesses one hidden token in two."),
        (0.28, "It now guesses more than one hidden token in four."),
        (0.7, "It now guesses two hidden tokens in three."),
        (0.001, "It is still guessing blindly."),
    ],
)
def test_a_loss_is_told_as_a_sentence(share, said):
    assert words.guessed(share)["en"] == said


@given(st.floats(0, 1))
def test_every_share_has_a_sentence_in_both_languages(share):
    for now in (True, False):
        told = words.guessed(share, now=now)
        assert set(told) == set(strings.LANGUAGES)
        assert all(said and "{" not in said for said in told.values())


def test_sizes_and_times_are_short():
    assert [words.size(n) for n in (900, 2_430_000, 3.2e9)] == ["900 B", "2.43 MB", "3.2 GB"]
    assert [words.count(n) for n in (8_000, 10_812_000)] == ["8,000", "10.8 M"]
    assert [words.duration(s)["en"] for s in (42, 200, 9_000)] == ["42 s", "3 min", "2.5 h"]
    assert [words.duration(s)["zh"] for s in (42, 200)] == ["42 秒", "3 分钟"]


def test_a_cpu_is_named_in_the_readers_language():
    import os

    from kantai.devices import Device

    chinese = nodes.spoken(words.device_name(Device("cpu", "CPU, 2 cores", 1, None)), "zh")
    assert chinese == f"CPU（{os.cpu_count()} 核）"
    assert words.device_name(Device("cuda", "NVIDIA T4", 1, None)) == "NVIDIA T4"


def test_no_value_of_a_chooser_can_be_taken_for_a_label():
    assert all(key.startswith(page.MARK) for key in page.I18N.translations["en"])


def test_a_persons_words_stay_plain_strings(desk):
    run_id = pasted(desk, extra=f"{MARKUP} " * 3 + "The end of it.")
    report, *_ = text.show(desk, run_id)
    strings_in = [s for s in flat(report) if "onerror" in s]
    assert not any(isinstance(s, str) and s.startswith("<div") for s in strings_in)
    view = fill_mask.words_view(MARKUP + " <mask>")
    assert view[0] == "div.k-words" and "onerror" in flat(view)


def flat(node) -> list[str]:
    if isinstance(node, list):
        return [s for child in node for s in flat(child)]
    return [node] if isinstance(node, str) else []


def test_a_warning_holds_no_markup():
    error = page.warning(UserError("file_empty", name=MARKUP), "en")
    assert "<img" not in error.message and "&lt;img" in error.message
    assert "请" in page.warning(UserError("choose_run"), "zh").message


# --- the Desk -------------------------------------------------------------------------------------


def test_a_change_to_a_trained_run_begins_another(desk, learned):
    assert desk.workable(learned, OWNER, keep_tokenizer=True) == learned
    train(desk, learned)
    other = desk.workable(learned, OWNER, keep_tokenizer=True)
    assert other != learned
    old, new = desk.registry.open(learned), desk.registry.open(other)
    assert new.texts("train") == old.texts("train") and new.has_tokenizer
    assert new.log_size == 0 and new.owner["name"] == next_name(old.owner["name"])


def test_nobody_else_may_change_a_run(desk, learned):
    for action in (
        lambda: desk.workable(learned, "another", keep_tokenizer=True),
        lambda: pretrain.stop(desk, learned, "another"),
        lambda: pretrain.resume(desk, learned, "another", "seconds", 20),
        lambda: compare.delete(desk, learned, "another", learned, True),
    ):
        with pytest.raises(UserError, match="Only the browser"):
            action()


def test_new_text_makes_room_for_itself(desk, run_id):
    source = text.Source("paste", pasted="\n\n".join(small_text(seed=1)))
    other = text.keep(desk, run_id, OWNER, list(text.CLEANING_RULES), source, lambda k, s: None)
    assert not desk.registry.has(run_id) and desk.registry.has(other)


def test_names_count_on():
    assert [next_name(n) for n in ("Kant", "Kant 2", "Kant 9")] == ["Kant 2", "Kant 3", "Kant 10"]


# --- tabs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "key"),
    [(text.Source("files"), "choose_files"), (text.Source("book"), "no_book")],
)
def test_a_source_says_what_is_missing(desk, tmp_path, source, key):
    with pytest.raises(UserError) as mistake:
        source.read(desk, lambda k, s: None)
    assert mistake.value.key == key


def test_progress_is_told_and_errors_come_through():
    def work(tell):
        tell("doing_read", 0.5)
        import time

        time.sleep(0.05)
        return 7

    assert list(follow(work, every=0.01)) == [Doing("doing_read", 0.5), Done(7)]
    with pytest.raises(UserError):
        list(follow(lambda tell: (_ for _ in ()).throw(UserError("choose_run"))))


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


def flat_words(node) -> str:
    """All English words of a node."""
    if isinstance(node, list):
        return " ".join(map(flat_words, node))
    return node.get("en", "") if isinstance(node, dict) else str(node)


def sources(view) -> list[str]:
    """The lines of code in a node."""
    if not isinstance(view, list):
        return []
    if view[0] == "code":
        return [view[1]]
    return [source for child in view for source in sources(child)]


def test_the_lines_of_each_tab_run_one_after_another(desk, learned, tmp_path, monkeypatch):
    from kantai.stages import pretrain_run

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


def test_each_rule_shows_all_its_examples():
    examples = [{"before": f"b{n}", "after": f"a{n}"} for n in range(2)]
    rule = {"name": "unwrap", "changed": 2, "removed_characters": 1, "examples": examples}
    seen = flat(text.changes_card({"files": [], "rules": [rule]}))
    assert {"b0", "a0", "b1", "a1"} <= set(seen)


def test_a_blind_guesser_is_told_as_one():
    even = [guesses.Guess("a", 1.2 / 4_000)]
    assert "1 in 4,000" in flat_words(guesses.blind(even, 4_000))
    assert guesses.blind([guesses.Guess("a", 0.2)], 4_000) == []
    assert guesses.chance(0.25) == "25.0 %" and guesses.chance(1 / 4_000)["en"] == "1 in 4,000"


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


def test_settings_that_differ(desk, learned):
    other = desk.successor(learned, OWNER)
    model.use(desk, other, OWNER, "mini", *model.choose("mini")[1:])
    records = [desk.registry.open(i).record for i in (learned, other)]
    names = {row[0][1] for row in compare.differences(*records)}
    assert {"preset_name", "preset.hidden_size"} <= names and "created" not in names


# --- live -----------------------------------------------------------------------------------------


def test_an_update_is_small_and_nothing_is_told_twice(desk, learned):
    train(desk, learned)
    first = live.pull(desk, learned, 0)
    assert [len(first[k]) for k in "svb"] == [4, 1, 1] and first["status"]["state"] == "stopped"
    run = desk.registry.open(learned)
    for step in range(5, 9):
        run.append(Stepped(step, step / 4, step / 40, 0.1, 6.0, 0.01, 1.2, 8_123.4, 0))
    news = live.pull(desk, learned, first["cursor"])
    assert [row[0] for row in news["s"]] == [5, 6, 7, 8] and "v" not in news
    assert len(json.dumps(news, ensure_ascii=False).encode()) < 1_000
    assert "s" not in live.pull(desk, learned, news["cursor"])


def served(answer: dict) -> int:
    """Bytes of an answer as the page gets it."""
    return len(json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode())


@pytest.mark.parametrize("language", strings.LANGUAGES)
def test_the_largest_update_is_under_a_kilobyte(desk, learned, language):
    """Two seconds of reports, a look and a stop, to one who knows all before."""
    train(desk, learned)
    run = desk.registry.open(learned)
    run.write_worker(Worker(os.getpid(), birth(os.getpid()), 0, "doing_train"))
    first = live.pull(desk, learned, 0, "", language)
    desk.standing.clock = desk.log_ends.clock = lambda: 1e9
    gap = [0.1234, ["柳桥镇的", 0.1234], ["运河边上", 0.1012], ["reasonable", 0.0931]]
    for step in range(12_001, 12_009):
        numbers = 123.25 + step / 4, 0.123456, 12.3456, 6.12345, 0.00123456, 1.23456, 123_456.7
        run.append(Stepped(step, *numbers, 12_345_678_901))
    run.append(Validated(12_008, 3_125.25, 4.123456, 0.47567, 0.56789, True, [gap] * 3))
    run.ask_stop()
    news = live.pull(desk, learned, first["cursor"], first["mark"], language)
    assert len(news["s"]) == 8 and len(news["v"][0][5]) == 3 and "more" not in news
    assert {"told", "where", "doing", "notes"} <= set(news["change"]) and "status" not in news
    assert served(news) < 1_000


def test_what_the_page_knows_is_not_told_again(desk, learned):
    train(desk, learned)
    desk.registry.open(learned).fail(UserError("worker_killed", signal=9), log="x" * 3_000)
    first = live.pull(desk, learned, 0, "", "zh")
    assert first["status"]["message"] == strings.text("worker_killed", "zh", signal=9)
    idle = live.pull(desk, learned, first["cursor"], first["mark"], "zh")
    assert idle == {"cursor": first["cursor"], "change": {"state": "failed"}}
    desk.registry.rename(learned, OWNER, "另一个")
    news = live.pull(desk, learned, first["cursor"], first["mark"], "zh")
    assert news["change"] == {"state": "failed", "name": "另一个"}
    again = live.pull(desk, learned, first["cursor"], "a mark of another server", "zh")
    assert again["status"] == first["status"] | {"name": "另一个"}


states = st.recursive(
    st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2),
    lambda inner: (
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.lists(inner, max_size=1)
    ),
)


standings = st.dictionaries(st.sampled_from("abc"), states)


@given(standings, standings)
def test_the_old_and_what_changed_make_the_new(old, new):
    def merged(target, patch):
        if not isinstance(patch, dict):
            return patch
        target = dict(target) if isinstance(target, dict) else {}
        for key, value in patch.items():
            if value is None:
                target.pop(key, None)
            else:
                target[key] = merged(target.get(key), value)
        return target

    assert merged(old, changes(old, new)) == new
    assert changes(new, new) == {}


def test_what_a_worker_does_after_the_training_is_told(desk, learned):
    train(desk, learned)
    run = desk.registry.open(learned)
    for doing in ("doing_evaluate", "doing_save"):
        run.write_worker(Worker(os.getpid(), birth(os.getpid()), 0, doing))
        status = live.pull(desk, learned, 0)["status"]
        assert status["state"] == "training" and status["doing"] == doing
        assert strings.text(doing) in status["where"]["en"]
        assert "token in three" in status["told"]["en"]
    run.append(Finished(4, 1.0, "finished", 4, 5.5))
    run.write_result({"stopped": "finished", "top1": 0.34, "word_recovery_top1": 0.25})
    run.clear_worker()
    status = live.pull(desk, learned, 0)["status"]
    assert status["told"]["en"] == "It guesses one hidden word in four." and "doing" not in status


def test_notices_come_in_both_languages(desk, learned):
    train(desk, learned)
    run = desk.registry.open(learned)
    run.append(Noticed(4, "stopped_early", {"step": 4, "best_step": 2, "epochs": 1}))
    run.append(Finished(4, 1.0, "finished", 4, 5.5))
    notes = live.pull(desk, learned, 0)["n"]
    assert len(notes) == 3 and all(set(said) == {"en", "zh"} for _, said in notes)


def test_a_failure_is_told_with_its_log(desk, learned):
    train(desk, learned)
    desk.registry.open(learned).fail(UserError("worker_killed", signal=9))
    status = live.pull(desk, learned, 0)["status"]
    assert status["state"] == "failed" and status["message"]["zh"] != status["message"]["en"]


def test_an_unknown_run_is_a_mistake(desk):
    for wrong in ("", "../../etc/passwd", "x" * 22):
        with pytest.raises(UserError):
            live.pull(desk, wrong, 0)


def test_no_number_is_refused_by_gradio_in_english(tmp_path):
    """Out of a slider's range, a handler's own sentence speaks; a Number has no range at all."""
    import gradio as gr

    from kantai.ui.app import build_app

    blocks = build_app(tmp_path)
    numbers = [b for b in blocks.blocks.values() if isinstance(b, gr.Number)]
    assert numbers and all(b.minimum is None and b.maximum is None for b in numbers)
    asked = [
        f for f in blocks.fns.values() if f.fn and any(isinstance(i, gr.Slider) for i in f.inputs)
    ]
    assert len(asked) > 5 and not [f for f in asked if f.preprocess]


# --- figures and endpoints ------------------------------------------------------------------------


def test_figures_are_what_plotly_draws():
    import plotly.graph_objects as go

    figures = [
        plots.histogram([1, 2, 2, 90], "paragraph_lengths", "words_each"),
        plots.histogram([], "paragraph_lengths", "words_each"),
        plots.ranking([("the", 9), ("of", 4)], "frequent_words"),
        plots.treemap([("a.b.weight", 6), ("a.c.weight", 4)], "treemap"),
        plots.curves({"one": [(0, 8.0), (1, 6.0)], "two": [(0, 8.0)]}, "two_curves"),
    ]
    for figure in figures:
        filled = json.loads(json.dumps(figure).replace('"--k-', '"#1d1f24", "was": "--k-'))
        assert set(filled) == {"data", "layout", "height", "title"}
        go.Figure(data=[{k: v for k, v in d.items() if k == "type"} for d in figure["data"]])
    boxes = figures[3]["data"][0]
    assert dict(zip(boxes["ids"], boxes["values"], strict=True))["a"] == 10


def test_a_persons_words_are_no_tags_of_plotly():
    named = plots.curves({"<b>a</b> & b": [(0, 8.0)]}, "two_curves")["data"][0]["name"]
    counted = plots.ranking([("<a>", 2)], "frequent_words")["data"][0]["y"]
    assert named == "&lt;b&gt;a&lt;/b&gt; &amp; b" and counted == ["&lt;a&gt;"]


def test_a_histogram_counts_everything():
    values = [1, 2, 2, 3, 400]
    assert sum(plots.histogram(values, "token_lengths", "bytes_each")["data"][0]["y"]) == 5


def test_every_endpoint_says_what_it_does(desk):
    functions = endpoints.endpoints(desk)
    assert len({f.__name__ for f in functions}) == len(functions) >= 15
    assert all(f.__doc__ and f.__doc__.strip().endswith(".") for f in functions)


def test_a_bar_never_leaves_its_frame():
    line = next(part for part in nodes.bar(1.7)[2:] if part[0] == "div.k-line")
    assert line[1] == ["i", {"--share": "1.0000"}]
