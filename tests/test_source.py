"""Where a text comes from, as the screen has it: told again, named, and limited beforehand."""

from __future__ import annotations

import pytest

from kantai.jobs import Jobs
from kantai.limits import ALLOWANCES
from kantai.registry import Registry
from kantai.ui import nodes
from kantai.ui.desk import Desk
from kantai.ui.page import guarded, guarded_steps
from kantai.ui.source import Source, limits_view
from kantai.ui.tabs import text
from tests.conftest import small_text

OWNER = "the owner's secret"
RULES = list(text.CLEANING_RULES)


def silent(key, share):
    pass


@pytest.fixture
def desk(tmp_path) -> Desk:
    registry = Registry(tmp_path / "runs", ALLOWANCES["class"])
    return Desk(registry, Jobs(registry, device="cpu"))


def begin(desk, source: Source, rules=RULES) -> str:
    return text.keep(desk, "", OWNER, rules, source, silent)


def test_a_reopened_run_says_where_its_text_came_from(desk, tmp_path):
    book = tmp_path / "pg4280.txt"
    for file in (book, tmp_path / "harbour.txt"):  # a file called as a sample is
        file.write_text("\n\n".join(small_text()), encoding="utf-8")
    some = RULES[:3]
    for source, kind, sample in (
        (Source("sample", "willow"), "sample", "willow"),
        (Source("paste", pasted="\n\n".join(small_text())), "paste", None),
        (Source("files", files=[str(tmp_path / "harbour.txt")]), "files", None),
    ):
        shown = text.source_of(desk, begin(desk, source, some))
        assert (shown[0], shown[3]) == (kind, some)
        assert (shown[1] if isinstance(shown[1], str) else None) == sample
    assert text.source_of(desk, begin(desk, Source("files", files=[str(book)])))[2] == "4280"


def test_what_the_notebook_loses_is_told_of_a_text_by_its_name(desk):
    *_, answer = text.notebook(desk, "sample", "dirty", None, "", "")
    said = nodes.spoken(answer, "zh")[1]
    assert "扫描坏了的年鉴" in said and "harbour" not in str(answer).lower()


@pytest.mark.parametrize(("language", "name"), [("en", "Pasted text"), ("zh", "粘贴的文本")])
def test_a_run_is_named_in_the_language_of_whoever_begins_it(desk, language, name):
    def step(*given):
        yield from text.read(desk, "", OWNER, RULES, *given)

    *_, last = guarded_steps(step, language, "paste", "harbour", None, "\n\n".join(small_text()))
    assert desk.registry.open(last[0]).owner["name"] == name
    sample = guarded(desk.sample_run, language, OWNER, "harbour")
    expected = nodes.both("sample_name_harbour")[language]
    assert desk.registry.open(sample).owner["name"] == expected


def test_limits_are_said_before_they_are_met(desk):
    said = limits_view(desk)[1]
    assert "50 MB" in said["en"] and "20,000,000" in said["en"] and "50 MB" in said["zh"]
