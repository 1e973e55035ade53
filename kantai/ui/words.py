"""Figures as a person says them: sizes, counts, durations, and a loss as a sentence.

Knows no Gradio and no Run.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from kantai.needs import scaled
from kantai.needs import size as size
from kantai.ui.nodes import Sentence, both

if TYPE_CHECKING:
    from kantai.devices import Device

SIGNS = {" ": "␣", "\n": "⏎", "\t": "⇥"}
MOST_GUESSES = 40  # "one word in 40" still says something
SHARES = ((0.95, "nineteen_twentieths"), (0.9, "nine_tenths"), (0.8, "four_fifths"),
          (0.75, "three_quarters"), (2 / 3, "two_thirds"))  # fmt: skip


def visible(token: str) -> str:
    """White space as signs; not within half a character.

    >>> visible("a ⟨E4 B8⟩")
    'a␣⟨E4 B8⟩'
    """
    return re.sub(r"⟨[^⟩]*⟩|[ \n\t]", lambda found: SIGNS.get(found[0], found[0]), token)


def count(number: float) -> str:
    """A count in three figures.

    >>> count(10_812_000), count(8_000), count(950)
    ('10.8 M', '8,000', '950')
    """
    if number < 100_000:
        return f"{number:,.0f}"
    return scaled(number, (("G", 1e9), ("M", 1e6), ("k", 1e3)), "")


def duration(seconds: float) -> Sentence:
    """Seconds, minutes or hours, whichever a person would say.

    >>> [duration(s)["en"] for s in (42, 200, 9_000)], duration(42)["zh"]
    (['42 s', '3 min', '2.5 h'], '42 秒')
    """
    if seconds < 100:
        return both("duration_seconds", count=max(0, round(seconds)))
    if seconds < 6_000:
        return both("duration_minutes", count=f"{seconds / 60:.0f}")
    return both("duration_hours", count=f"{seconds / 3_600:.1f}")


def device_name(device: Device) -> Sentence | str:
    """What a device is called: its maker's word, or the cores of a CPU in every language."""
    return both("device_cpu", cores=os.cpu_count()) if device.kind == "cpu" else device.name


def guessed(share: float, *, now: bool = True, of: str = "token") -> Sentence:
    """How many hidden tokens, or words, are guessed, as a sentence.

    >>> guessed(0.49)["en"]
    'It now guesses nearly one hidden token in two.'
    >>> guessed(0.335, now=False, of="word")["en"]
    'It guesses one hidden word in three.'
    """
    moment, what = "now" if now else "then", both(f"guess_what_{of}")
    if share * MOST_GUESSES < 1:
        return both(f"guess_{moment}_nothing", what=what)
    how, values = how_many(share)
    return both(f"guess_{moment}", how=both(how, what=what, **values))


def how_many(share: float) -> tuple[str, dict[str, object]]:
    """The key of "one hidden word in three", "nearly ..." or "more than ...", and its values."""
    for least, name in SHARES:
        if share >= least:
            return f"guess_{name}", {}
    number = max(2, round(1 / share))
    off = 1 / share / number - 1
    near = "exactly" if abs(off) < 0.015 else "nearly" if off > 0 else "more"
    return f"guess_{near}", {"number": NumberWord(number)}


class NumberWord(int):
    """A number that English spells out up to twelve, with the format "w"."""

    WORDS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")

    def __format__(self, spec: str) -> str:
        return self.WORDS[self - 2] if spec == "w" and 2 <= self <= 11 else str(int(self))
