"""Plain data -> figures that plotly draws."""

from __future__ import annotations

import json

import plotly.graph_objects as go

from kantai.ui import plots


def test_figures_are_what_plotly_draws():
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
