"""Which generator writes which sample, and what none of them may say.

A probe asks for a word in a sentence that training has not shown; so every sentence that
comes too near to one (five words in a row, the answer among them; in Chinese eight
characters) is refused while the text is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from kantai.samples import SAMPLES, Probe, chinese, dirty, english, load_probes

MASK = "<mask>"
WORDS_ALIKE, CHARACTERS_ALIKE = 5, 8


def units(sentence: str, language: str) -> list[str]:
    """Words in lower case, without marks; for Chinese characters.

    >>> units("The cow ate, then slept.", "en")
    ['the', 'cow', 'ate', 'then', 'slept']
    """
    return re.findall(r"\w" if language == "zh" else r"[\w']+", sentence.lower())


def windows(sentence: str, language: str) -> Iterator[tuple[str, ...]]:
    """Every stretch of words (characters) that is long enough to give an answer away."""
    size = CHARACTERS_ALIKE if language == "zh" else WORDS_ALIKE
    said = units(sentence, language)
    return (tuple(said[i : i + size]) for i in range(len(said) - size + 1))


def near_probes(probes: tuple[Probe, ...], language: str) -> Callable[[str], bool]:
    """Whether a sentence shares a window that holds the answer with one of `probes`."""
    forbidden = set()
    for probe in probes:
        before, _, after = probe.sentence.partition(MASK)
        left, right = units(before, language), units(after, language)
        answer = units(probe.answer, language)
        size = CHARACTERS_ALIKE if language == "zh" else WORDS_ALIKE
        whole = left + answer + right
        for i in range(len(whole) - size + 1):
            if i < len(left) + len(answer) and i + size > len(left):
                forbidden.add(tuple(whole[i : i + size]))
    return lambda sentence: any(w in forbidden for w in windows(sentence, language))


def _unseen(name: str) -> Callable[[str], bool]:
    return near_probes(load_probes()[name], SAMPLES[name][2])


TEXTS: dict[str, Callable[[], bytes]] = {
    "harbour": lambda: english.write(_unseen("harbour")).encode(),
    "willow": lambda: chinese.write(_unseen("willow")).encode(),
    "dirty": lambda: dirty.write(_unseen("dirty")),
}
