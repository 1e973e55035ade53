"""Events go to a line and back; a log that a kill cut short is still read."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from kantai.events import Failed, Finished, Noticed, Stepped, from_lines, to_line

EVENTS = st.one_of(
    st.builds(Failed, st.integers(0), st.text()),
    st.builds(Noticed, st.integers(0), st.text(), st.dictionaries(st.text(), st.integers())),
    st.builds(Finished, st.integers(0), st.floats(0, 1e9), st.text(), st.integers(0), st.floats(0)),
)


@given(st.lists(EVENTS))
def test_there_and_back(events):
    finite = [e for e in events if all(math.isfinite(v) for v in vars(e).values() if v is float)]
    again = list(from_lines(map(to_line, finite)))
    assert [to_line(e) for e in again] == [to_line(e) for e in finite]


@given(st.lists(EVENTS, min_size=1), st.data())
def test_a_log_cut_anywhere_gives_all_whole_lines(events, data):
    log = "".join(to_line(event) + "\n" for event in events)
    cut = data.draw(st.integers(0, len(log)))
    whole = log[:cut].count("\n")
    assert len(list(from_lines(log[:cut].split("\n")))) in (whole, whole + 1)


def test_unknown_kinds_and_rubbish_are_passed_over():
    noticed = Noticed(3, "stopped_early")
    strange = ['{"event": "danced", "step": 1}', '{"event": "noticed", "x": 1}']
    lines = [*strange, "null", "[]", "{", to_line(noticed)]
    assert list(from_lines(lines)) == [noticed]


def test_numbers_that_are_none_become_null():
    event = Stepped(1, 0.1, 0.1, 0.1, math.nan, 0.1, math.inf, 1.0, 0)
    assert '"loss": null' in to_line(event) and '"gradient_norm": null' in to_line(event)
