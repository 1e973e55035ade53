"""What counts as a word, in any script, and numbers that stand for words.

Chinese and Japanese write no spaces, so there each character counts as one word;
everywhere else a word is a run of letters and digits. Knows nothing of files, rules
or tokenizers: the tokens of a model are another matter.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

# Kana and Han. Hangul is absent on purpose: Korean does write spaces.
CJK = "\u3041-\u3096\u30a1-\u30fa\u30fc\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
CJK += "\U00020000-\U0003ffff"
# The punctuation that goes with them: 、。「」 and the full-width forms ，！？：（）.
CJK_MARKS = "\u3000-\u303f\u30fb\ufe30-\ufe4f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"

_WORD = re.compile(f"[{CJK}]|[^\\W{CJK}]+")
_WORD_RUN = re.compile(r"\w+")
_MULTIPLIER = 0x9E3779B97F4A7C15  # 2**64 / golden ratio: consecutive products spread evenly


def words(text: str) -> list[str]:
    """The words of `text`, in order.

    >>> words("Pure reason, 纯粹理性")
    ['Pure', 'reason', '纯', '粹', '理', '性']
    """
    return (_WORD_RUN if text.isascii() else _WORD).findall(text)


def word_frequencies(paragraphs: Iterable[str], n: int) -> list[tuple[str, int]]:
    """The `n` most frequent words (letters folded to lower case) and how often each occurs."""
    counts: Counter[str] = Counter()
    for paragraph in paragraphs:
        counts.update(words(paragraph.lower()))
    return counts.most_common(n)


def paragraph_lengths(paragraphs: Iterable[str]) -> list[int]:
    """The length of every paragraph in words, in order."""
    return [n for batch in batches(paragraphs) for n in _find_words(batch).lengths.tolist()]


def batches(paragraphs: Iterable[str], characters: int = 500_000) -> Iterator[list[str]]:
    """Paragraphs in lists of about `characters` in all, so that arrays over them stay small."""
    batch: list[str] = []
    size = 0
    for paragraph in paragraphs:
        batch.append(paragraph)
        size += len(paragraph)
        if size >= characters:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def ngram_hashes(paragraphs: list[str], n: int) -> tuple[np.ndarray, np.ndarray]:
    """A 64-bit number for each run of `n` words inside one paragraph, case ignored.

    Returns the numbers of all paragraphs one after another (uint64) and how many each
    paragraph has (int64, one a paragraph): a paragraph of k words has max(0, k - n + 1).
    The same text gives the same numbers on every machine, as `hash` would not.
    """
    import numpy as np

    found = _find_words([paragraph.lower() for paragraph in paragraphs])
    lengths, total = found.lengths, len(found.begins)
    counts = np.maximum(lengths - n + 1, 0)
    if total < n:
        return np.zeros(0, np.uint64), counts
    multiplier = np.uint64(_MULTIPLIER)
    word_codes = _word_codes(found)
    hashes = np.zeros(total - n + 1, np.uint64)
    for shift in range(n):
        hashes = hashes * multiplier + word_codes[shift : shift + len(hashes)] + np.uint64(1)
    hashes ^= hashes >> np.uint64(32)
    # Words left in the paragraph from each position on; fewer than n would cross its end.
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(total)
    return (hashes * multiplier)[left[: len(hashes)] >= n], counts


class _Words(NamedTuple):
    """The words of some paragraphs: whole arrays instead of a loop over two million strings."""

    characters: np.ndarray  # [characters] uint32, 0 where no word is
    begins: np.ndarray  # [words] where each begins
    lengths: np.ndarray  # [paragraphs] how many words each has


def _find_words(paragraphs: list[str]) -> _Words:
    """What `words` finds, for many paragraphs at once."""
    import numpy as np

    data = "\n".join(paragraphs).encode("utf-32-le", "surrogatepass")
    characters = np.frombuffer(data, "<u4")
    kinds = _kinds()[np.minimum(characters, _LAST_LETTER)]
    run = kinds == _IN_RUN
    starts = kinds == _ALONE
    starts[:1] |= run[:1]
    starts[1:] |= run[1:] & ~run[:-1]
    begins = starts.nonzero()[0]
    sizes = np.fromiter(map(len, paragraphs), np.int64, len(paragraphs))
    ends = np.cumsum(sizes + 1)  # a line feed after each
    lengths = np.diff(np.searchsorted(begins, ends), prepend=0)
    return _Words(characters * (kinds > 0), begins, lengths)


_IN_RUN, _ALONE = 1, 2
_LAST_LETTER = 0x3FFFF  # no script has characters in the planes beyond


@cache
def _kinds() -> np.ndarray:
    """For each code point whether it is part of a longer word, a word by itself, or neither."""
    import numpy as np

    kinds = np.zeros(_LAST_LETTER + 1, np.uint8)
    for match in _WORD_RUN.finditer("".join(map(chr, range(len(kinds))))):
        kinds[match.start() : match.end()] = _IN_RUN
    for first, _, last in re.findall("(.)(-(.))?", CJK):
        kinds[ord(first) : ord(last or first) + 1] = _ALONE
    return kinds


def _word_codes(found: _Words) -> np.ndarray:
    """A 64-bit number for each word: uint64 [words].

    A polynomial of its characters. Each is multiplied by a power of its place in the whole
    array; the sum over a word is then divided by the power of the place where it begins, so
    that the same word has the same number everywhere (all modulo 2**64).
    """
    import numpy as np

    size = len(found.characters)
    powers = np.full(size, _MULTIPLIER, np.uint64).cumprod()
    inverses = np.full(size, pow(_MULTIPLIER, -1, 2**64), np.uint64).cumprod()
    sums = np.add.reduceat(found.characters * powers, found.begins)
    codes = sums * inverses[found.begins]
    # Mixed, since the runs of words are summed up in the same way.
    return (codes ^ (codes >> np.uint64(29))) * np.uint64(_MULTIPLIER)
