"""The Desk: who may change a Run, and when another one begins; what is asked of all handlers."""

from __future__ import annotations

import time

import gradio as gr
import pytest

from kantai.errors import UserError
from kantai.ui import endpoints
from kantai.ui.app import build_app
from kantai.ui.desk import next_name
from kantai.ui.progress import Doing, Done, follow
from kantai.ui.tabs import compare, pretrain, text
from tests.conftest import small_text
from tests.ui.conftest import OWNER, train


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


def test_progress_is_told_and_errors_come_through():
    def work(tell):
        tell("doing_read", 0.5)
        time.sleep(0.05)
        return 7

    assert list(follow(work, every=0.01)) == [Doing("doing_read", 0.5), Done(7)]
    with pytest.raises(UserError):
        list(follow(lambda tell: (_ for _ in ()).throw(UserError("choose_run"))))


def test_every_endpoint_says_what_it_does(desk):
    functions = endpoints.endpoints(desk)
    assert len({f.__name__ for f in functions}) == len(functions) >= 15
    assert all(f.__doc__ and f.__doc__.strip().endswith(".") for f in functions)


def test_no_number_is_refused_by_gradio_in_english(tmp_path):
    """Out of a slider's range, a handler's own sentence speaks; a Number has no range at all."""
    blocks = build_app(tmp_path)
    numbers = [b for b in blocks.blocks.values() if isinstance(b, gr.Number)]
    assert numbers and all(b.minimum is None and b.maximum is None for b in numbers)
    asked = [
        f for f in blocks.fns.values() if f.fn and any(isinstance(i, gr.Slider) for i in f.inputs)
    ]
    assert len(asked) > 5 and not [f for f in asked if f.preprocess]
