"""What the notebook's way of reading loses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kantai.lines import line_by_line


def count(lines):
    return [len(line.split()) for line in lines]


def test_line_by_line_counts_what_is_cut_and_what_is_padded():
    lines = ["w " * 200, "  ", "", "w " * 24]
    report = line_by_line(lines, count)
    assert report.examples == 2
    assert report.tokens_lost_fraction == pytest.approx(74 / 224)
    assert report.padding_fraction == pytest.approx((128 - 26) / 256)
    alone = line_by_line(lines, count, batch_size=1)
    assert alone.padding_fraction == 0.0
    assert line_by_line([], count) == replace(
        report, examples=0, tokens_lost_fraction=0.0, padding_fraction=0.0
    )


def test_line_by_line_shuffles_before_it_pads():
    lines = ["w " * 10] * 640 + ["w " * 100] * 640
    assert line_by_line(lines, count).padding_fraction > 0.3
