"""Plain data -> plotly figures, as plain dicts. Knows no Gradio.

A colour is named as in `assets/kantai.css` ("--k-accent"), a sentence comes in both languages:
the page fills in what is true for its reader, in light and dark. Plotly reads tags of its own in
every label: a person's words are escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from kantai.ui.nodes import both

Figure = dict[str, Any]
ACCENT, SOFT, WARM, LINE, INK = "--k-accent", "--k-soft", "--k-warm", "--k-line", "--k-ink"
BINS = 40
MOST_BOXES = 400  # of a treemap: more cannot be told apart


def histogram(values: Sequence[int], title: str, unit: str, *, cut: float = 0.99) -> Figure:
    """How often each length occurs; the longest hundredth is gathered in the last bar."""
    most = max(1, sorted(values)[min(len(values) - 1, int(cut * len(values)))] if values else 1)
    width = max(1, -(-most // BINS))
    counts = Counter(min(value, most) // width for value in values)
    starts = range(0, most // width + 1)
    data = {
        "type": "bar",
        "x": [start * width + (width - 1) / 2 for start in starts],
        "y": [counts[start] for start in starts],
        "customdata": [
            f"{s * width}–{(s + 1) * width - 1}" if width > 1 else str(s) for s in starts
        ],
        "marker": {"color": ACCENT},
        "hovertemplate": "%{customdata}: %{y:,}<extra></extra>",
    }
    layout = {
        "bargap": 0.12,
        "xaxis": {"title": {"text": both(unit), "font": {"size": 12.5}}, "showgrid": False},
    }
    return {"data": [data], "layout": layout, "height": 280, "title": both(title)}


def ranking(pairs: Sequence[tuple[str, int]], title: str) -> Figure:
    """Words and how often they occur, most frequent on top."""
    names = [escape(word, quote=False) for word, _ in pairs][::-1]
    data = {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "x": [number for _, number in pairs][::-1],
        "marker": {"color": ACCENT},
        "hovertemplate": "%{y}: %{x:,}<extra></extra>",
    }
    layout = {
        "bargap": 0.25,
        "margin": {"l": 76, "r": 12, "t": 4, "b": 30},
        "yaxis": {"type": "category", "showgrid": False, "tickfont": {"color": INK}},
        "xaxis": {"nticks": 5},
    }
    height = max(120, 20 * len(pairs) + 40)
    return {"data": [data], "layout": layout, "height": height, "title": both(title)}


def treemap(tensors: Sequence[tuple[str, int]], title: str) -> Figure:
    """Every tensor as a box as large as its number of parameters, inside its module's.

    `tensors` are (name, parameters), for instance ("layers.0.attn.Wo.weight", 16_384).
    """
    sizes: Counter[str] = Counter()
    for name, parameters in tensors:
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            sizes[".".join(parts[:depth])] += parameters
    largest = {path for path, _ in sizes.most_common(MOST_BOXES)}
    kept = [path for path in sizes if path in largest]  # layer after layer
    total = sum(parameters for _, parameters in tensors)
    data = {
        "type": "treemap",
        "sort": False,
        "ids": kept,
        "labels": [path.rpartition(".")[2] for path in kept],
        "parents": [path.rpartition(".")[0] for path in kept],
        "values": [sizes[path] for path in kept],
        "branchvalues": "remainder" if not total else "total",
        "textinfo": "label",
        "hovertemplate": "<b>%{id}</b><br>%{value:,}<extra></extra>",
        "marker": {
            "colors": [shade(path) for path in kept],
            "line": {"width": 1, "color": "--k-card"},
        },
        "textfont": {"color": INK},
        "tiling": {"pad": 2},
        "pathbar": {"visible": True, "thickness": 20},
        "maxdepth": 4,
    }
    layout = {"margin": {"l": 0, "r": 0, "t": 0, "b": 0}}
    return {"data": [data], "layout": layout, "height": 380, "title": both(title)}


def shade(path: str) -> str:
    """A translucent colour that tells embeddings, attention, feed-forward and the rest apart."""
    for words, colour in SHADES:
        if any(word in path for word in words):
            return colour
    return "rgba(128,128,128,0.18)"


SHADES = (
    (("embed", "decoder"), "rgba(181,101,29,0.38)"),
    (("attn", "attention"), "rgba(47,76,221,0.40)"),
    (("mlp", "intermediate", "output.dense"), "rgba(47,76,221,0.20)"),
    (("head",), "rgba(33,122,76,0.30)"),
)


def curves(runs: Mapping[str, Sequence[tuple[float, float]]], title: str) -> Figure:
    """Validation loss against seconds, one line a Run: {name: [(seconds, loss), ...]}."""
    colours = (ACCENT, WARM, SOFT)
    data = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": escape(name, quote=False),
            "x": [seconds for seconds, _ in points],
            "y": [loss for _, loss in points],
            "line": {"color": colour, "width": 2.5},
            "marker": {"size": 5},
            "hovertemplate": "%{y:.2f}",
        }
        for (name, points), colour in zip(runs.items(), colours, strict=False)
    ]
    layout = {
        "showlegend": True,
        "hovermode": "x unified",
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "xaxis": {
            "ticksuffix": {name: f" {unit}" for name, unit in both("unit_s").items()},
            "rangemode": "tozero",
        },
        "margin": {"l": 40, "r": 12, "t": 36, "b": 36},
    }
    return {"data": data, "layout": layout, "height": 340, "title": both(title)}
