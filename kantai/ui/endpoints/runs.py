"""Endpoints of all one's Runs: list, rename, copy, delete, lay side by side."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from kantai.ui.desk import Desk
from kantai.ui.endpoints.models import filled
from kantai.ui.endpoints.training import result_of
from kantai.ui.tabs import compare as compare_tab
from kantai.ui.tabs import teacher as teacher_tab


def runs(desk: Desk, owner: str) -> list[dict[str, Any]]:
    """This owner's Runs, newest first."""
    return [asdict(info) for info in desk.registry.list(owner)]


def rename(desk: Desk, run: str, owner: str, name: str) -> None:
    """Give a Run another name."""
    desk.registry.rename(run, owner, name)


def fork(desk: Desk, run: str, owner: str) -> str:
    """Make anybody's Run one's own: the id of a new one with its text and settings."""
    return desk.fork(run, owner)


def delete(desk: Desk, run: str, owner: str) -> None:
    """Delete a Run for good."""
    desk.registry.delete(run, owner)


def compare(
    desk: Desk, first: str, second: str, sentence: str = "", top_k: int = 5
) -> dict[str, Any]:
    """Two Runs: settings that differ, results, curves, and a sentence filled by both."""
    both = [desk.registry.open(run) for run in (first, second)]
    return {
        "settings": compare_tab.differing(*(run.record for run in both)),
        "results": [result_of(run) for run in both],
        "curves": [compare_tab.curve(run) for run in both],
        "filled": [filled(desk, run, sentence, top_k) for run in (first, second)]
        if sentence
        else [],
    }


def classroom(desk: Desk, owner: str, key: str = "") -> dict[str, Any]:
    """Everybody's runs and the queue, the machine, every limit (null: there is none)."""
    limits = asdict(desk.registry.allowance)
    return {
        "runs": teacher_tab.seen_by(desk, owner, key),
        "machine": asdict(teacher_tab.board_of(desk).look().machine),
        "limits": {name: most if math.isfinite(most) else None for name, most in limits.items()},
    }


HEAVY_ONES = ()
ENDPOINTS = (runs, rename, fork, delete, compare, classroom)
