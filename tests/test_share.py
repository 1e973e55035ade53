"""What a class shares: the list of runs, links to watch and to copy, settings in an address."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kantai import machine
from kantai.errors import UserError
from kantai.events import Stepped, Validated
from kantai.jobs import Jobs
from kantai.limits import ALLOWANCES
from kantai.registry import Registry
from kantai.ui import live
from kantai.ui.app import opened
from kantai.ui.desk import Desk
from kantai.ui.fork import watching
from kantai.ui.kept import Kept
from kantai.ui.setting import READERS, Setting, setting_of
from kantai.ui.tabs import model, pretrain, teacher, text, tokenizer
from tests.conftest import small_text

TEACHER, PUPIL = "the teacher's secret", "a pupil's secret"


@pytest.fixture
def desk(tmp_path) -> Desk:
    registry = Registry(tmp_path / "runs", replace(ALLOWANCES["class"]))
    return Desk(registry, Jobs(registry, device="cpu"))


@pytest.fixture
def watched(desk) -> str:
    """A teacher's run of a text of their own, with a tokenizer and two events."""
    source = text.Source("paste", pasted="\n\n".join(small_text()))
    run_id = text.keep(desk, "", TEACHER, list(text.CLEANING_RULES), source, lambda k, s: None)
    desk.registry.rename(run_id, TEACHER, "Anna's diary")
    tokenizer.learn_now(desk, run_id, TEACHER, 400, 3, lambda k, s: None)
    plan = pretrain.Plan(unit="epochs", amount=3, batch_size=8, learning_rate=0.01, seed=5)
    run = desk.registry.open(run_id)
    fields = [*model.values_of("nano", model.PRESETS["nano"])[:-4], 2, 2, 96, 128]
    model.use(desk, run_id, TEACHER, *fields)
    run.write_settings(plan.applied(run.settings, "cpu"))
    run.append(Stepped(1, 0.5, 0.1, 0.1, 6.0, 0.01, 1.2, 8_000.0, 0))
    run.append(Validated(1, 0.5, 5.25, 0.3, 0.5, True))
    return run_id


# --- the list -------------------------------------------------------------------------------------


def seen_by(desk: Desk, owner: str, key: str = "") -> str:
    node, _ = teacher.show(teacher.Board(desk), "apple", desk, owner, key)
    return json.dumps(node, ensure_ascii=False)


def test_the_list_gives_names_and_ids_to_their_owner_and_the_teacher_alone(desk, watched):
    pupil, owner, key = (
        seen_by(desk, PUPIL, "wrong"), seen_by(desk, TEACHER), seen_by(desk, PUPIL, "apple"),
    )  # fmt: skip
    assert watched not in pupil and "Anna" not in pupil and "5.25" in pupil
    assert watched in owner and "Anna" in owner and watched in key and "Anna" in key
    assert TEACHER not in pupil + owner + key


def test_a_program_is_told_no_more_than_the_page_tells(desk, watched, monkeypatch):
    monkeypatch.setenv("KANTAI_TEACHER", "apple")
    [pupil], [owner], [teachers] = (
        teacher.seen_by(desk, *who) for who in ((PUPIL, ""), (TEACHER, ""), (PUPIL, "apple"))
    )
    assert (pupil["run"], pupil["name"], pupil["mine"]) == (None, None, False)
    assert pupil["loss"] == 5.25 and TEACHER not in str(pupil)
    assert (owner["run"], owner["name"], owner["mine"]) == (watched, "Anna's diary", True)
    assert (teachers["run"], teachers["mine"]) == (watched, False)
    for known, key in (("apple", "pear"), ("", "apple"), ("apple", "\ud800")):
        monkeypatch.setenv("KANTAI_TEACHER", known)
        with pytest.raises(UserError, match="KANTAI_TEACHER"):
            teacher.seen_by(desk, TEACHER, key)


def test_without_a_key_at_the_start_no_key_opens_the_list(desk, watched):
    assert not teacher.is_teacher("", "") and not teacher.is_teacher(None, "apple")
    with pytest.raises(UserError, match="KANTAI_TEACHER"):
        teacher.enter(teacher.Board(desk), "", desk, PUPIL, "")


def test_one_look_serves_everybody_for_two_seconds(desk, watched):
    now = [0.0]
    board = teacher.Board(desk, lambda: now[0])
    first = board.look()
    desk.registry.delete(watched, TEACHER)
    assert board.look() is first
    now[0] += teacher.KEPT
    assert board.look().lines == []


def test_every_limit_in_force_is_told(desk):
    shown = json.dumps(teacher.limits_view(desk))
    assert all(json.dumps(said)[1:-1] in shown for said in desk.registry.allowance.sentences())


def test_the_machine_tells_cores_memory_and_disk(tmp_path):
    now = machine.usage(tmp_path)
    assert now.cores == os.cpu_count() and 0 <= now.busy <= 1
    assert 0 < now.memory_used < now.memory_total and now.disk_free > 0
    printed = "NVIDIA H200, 97, 1024, 143771\nA broken line\nNVIDIA T4, [N/A], 3, 4\n"
    assert machine.read_gpus(printed) == [machine.Gpu("NVIDIA H200", 0.97, 1 << 30, 143771 << 20)]


# --- links ----------------------------------------------------------------------------------------


def test_the_code_for_phones_holds_the_link(desk, watched):
    view, code, _ = teacher.links(desk, watched, "http://10.0.0.5:7860/kantai/?run=old#x")
    link = f"http://10.0.0.5:7860/kantai/?run={watched}&tab=pretrain"
    assert link in json.dumps(view)
    import segno

    dark = sum(sum(map(bool, row)) for row in segno.make(link, error="m", micro=False).matrix)
    assert code["path"].count("M") == dark and set(code["path"]) <= set("M0123456789 hv-z")


@pytest.mark.parametrize("address", ["javascript:alert(1)", "", "http://[", "file:///etc/passwd"])
def test_no_link_is_made_from_what_is_no_address_of_a_page(desk, watched, address):
    assert teacher.links(desk, watched, address)[1:] == (None, None)


def test_a_setting_survives_its_link(desk, watched):
    query = setting_of(desk.registry.open(watched), "cpu").query()
    copy = Setting.read("?" + query).begin(desk, PUPIL)
    mine, theirs = desk.registry.open(copy).settings, desk.registry.open(watched).settings
    same = replace(theirs, files=mine.files, created=mine.created)
    assert replace(mine, preset_name=same.preset_name) == same
    assert desk.registry.owns(copy, PUPIL) and not desk.registry.owns(copy, TEACHER)
    shown = pretrain.show(desk, copy, *vars(pretrain.Plan()).values())
    assert shown[:2] == ("playground", "epochs") and shown[3] == 8 and shown[2].value == 3
    assert tokenizer.frequency_of(desk, copy, 2) == 3


@pytest.mark.parametrize(
    "query",
    ["?preset=nonsense", "?seconds=nan", "?seconds=10&epochs=2", "?hidden_size=99999999999",
     "?vocab_size=7", "?seed=-1", "?sample=../../etc", "?recipe=x", "?batch_size=1e9",
     "?mlm_probability=2", "?num_attention_heads=7", "?seconds=-5", "?block_size=100000"],
)  # fmt: skip
def test_a_link_that_cannot_be_says_so_and_begins_nothing(desk, query):
    with pytest.raises(UserError):
        Setting.read(query).begin(desk, PUPIL)
    assert desk.registry.list(PUPIL) == []


def test_the_page_opens_with_a_setting_once_and_the_run_of_its_address_goes_first(desk, watched):
    owner, run_id = opened(desk, PUPIL, "", "en", "?preset=mini&seconds=20&tab=text")
    assert owner == PUPIL and desk.registry.open(run_id).record["preset_name"] == "mini"
    assert opened(desk, PUPIL, run_id, "en", "?preset=mini") == (PUPIL, run_id)
    assert opened(desk, PUPIL, watched, "en", "?preset=mini") == (PUPIL, watched)
    assert opened(desk, PUPIL, "", "en", "?tab=teacher") == (PUPIL, "")
    assert len(desk.registry.list(PUPIL)) == 1


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*READERS, "run", "<b>"]), st.text(max_size=30)))
def test_any_address_gives_a_setting_or_a_sentence(values):
    from urllib.parse import urlencode

    try:
        setting = Setting.read(urlencode(values, errors="replace"))
    except UserError as error:
        assert "{" not in error.message("zh").replace(str(error.values.get("asked")), "")
    else:
        assert setting is None or set(setting.values) <= set(READERS)


# --- fork -----------------------------------------------------------------------------------------


def test_whoever_watches_may_make_the_run_their_own_and_change_it(desk, watched):
    assert watching(desk, watched, PUPIL) and watching(desk, watched, TEACHER) is None
    mine = desk.fork(watched, PUPIL)
    old, new = desk.registry.open(watched), desk.registry.open(mine)
    assert replace(new.settings, created=old.settings.created) == old.settings
    assert new.texts("validation") == old.texts("validation") and new.report == old.report
    assert new.tokenizer().full.to_str() == old.tokenizer().full.to_str()
    assert new.log_size == 0 and watching(desk, mine, PUPIL) is None
    before = old.tokenizer().learned
    tokenizer.learn_now(desk, mine, PUPIL, 300, 2, lambda k, s: None)
    assert new.tokenizer().learned == 300 and old.tokenizer().learned == before
    desk.registry.delete(watched, TEACHER)
    assert new.texts("train") and new.tokenizer().learned == 300


def test_a_fork_costs_no_second_copy_of_the_text(desk, watched):
    first = desk.registry.open(watched)
    alone = first.disk_bytes()
    mine = desk.registry.open(desk.fork(watched, PUPIL))
    train = "text/train.jsonl"
    assert (mine.folder / train).samefile(first.folder / train)
    together = first.disk_bytes() + mine.disk_bytes()
    assert together < alone + 10_000 and mine.disk_bytes() < alone


def test_a_fork_of_nothing_leaves_nothing(desk):
    empty = desk.registry.new(desk.default_settings(), name="empty", owner=TEACHER)
    for wrong in (empty, "x" * 22, "../../etc"):
        with pytest.raises(UserError):
            desk.fork(wrong, PUPIL)
    assert desk.registry.list(PUPIL) == []


# --- many at once ---------------------------------------------------------------------------------


def test_where_a_run_stands_is_looked_up_once_for_all_who_watch(desk, watched, monkeypatch):
    looks, real = [], live.status
    monkeypatch.setattr(live, "status", lambda *given: (looks.append(1), real(*given))[1])
    now = [0.0]
    desk.standing.clock = lambda: now[0]
    desk.registry.open(watched).append(Stepped(2, 1.0, 0.2, 0.2, 5.5, 0.01, 1.2, 8_000.0, 0))
    assert [len(live.pull(desk, watched, 0)["s"]) for _ in range(60)] == [2] * 60
    assert len(looks) == 1
    desk.registry.rename(watched, TEACHER, "Another name")  # told at once
    assert live.pull(desk, watched, 0)["status"]["name"] == "Another name"
    desk.jobs.start(watched)
    assert live.pull(desk, watched, 0)["status"]["state"] in ("waiting", "preparing")
    told = len(looks)
    now[0] += 1
    live.pull(desk, watched, 0)
    assert len(looks) == told + 1
    desk.jobs.stop(watched)


def test_what_is_kept_is_bounded_and_a_mistake_is_not_kept():
    kept = Kept(10.0, most=3)
    assert [kept.get(n, lambda n=n: n) for n in range(9)] == list(range(9))
    assert len(kept._slots) == 3
    with pytest.raises(UserError):
        kept.get("x", lambda: (_ for _ in ()).throw(UserError("choose_run")))
    assert kept.get("x", lambda: 5) == 5
