"""What the page is told while it trains: little, in both languages, and nothing twice."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kantai import strings
from kantai.errors import UserError
from kantai.events import Finished, Noticed, Stepped, Validated
from kantai.processes import birth
from kantai.ui import live
from kantai.ui.news import changes
from kantai.workspace import Worker
from tests.ui.conftest import OWNER, train


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
