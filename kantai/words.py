"""What counts as a word, in any script, and numbers that stand for words.

Chinese and Japanese write no spaces, so there each character counts as one word;
everywhere else a word is a run of letters and digits. Knows nothing of files, rules
or tokenizers: the tokens of a model are another matter.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    import numpy as np

# Kana and Han. Hangul is absent on purpose: Korean does write spaces.
CJK = "\u3041-\u3096\u30a1-\u30fa\u30fc\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
CJK += "\U00020000-\U0003ffff"
# The punctuation that goes with them: 、。「」 and the full-width forms ，！？：（）.
CJK_MARKS = "\u3000-\u303f\u30fb\ufe30-\ufe4f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"

_WORD = re.compile(f"[{CJK}]|[^\\W{CJK}]+")
_ASCII_WORD = re.compile(r"\w+")
_MULTIPLIER = 0x9E3779B97F4A7C15  # 2**64 / golden ratio: consecutive products spread evenly


def words(text: str) -> list[str]:
    """The words of `text`, in order.

    >>> words("Pure reason, 纯粹理性")
    ['Pure', 'reason', '纯', '粹', '理', '性']
    """
    return (_ASCII_WORD if text.isascii() else _WORD).findall(text)


def count_words(text: str) -> int:
    """How many words `text` has."""
    return len(words(text))


def word_frequencies(paragraphs: Iterable[str], n: int) -> list[tuple[str, int]]:
    """The `n` most frequent words (letters folded to lower case) and how often each occurs."""
    counts: Counter[str] = Counter()
    for paragraph in paragraphs:
        counts.update(words(paragraph.lower()))
    return counts.most_common(n)


def paragraph_lengths(paragraphs: Iterable[str]) -> list[int]:
    """The length of every paragraph in words, in order."""
    return [count_words(paragraph) for paragraph in paragraphs]


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

    listed = [words(paragraph.lower()) for paragraph in paragraphs]
    lengths = np.fromiter(map(len, listed), np.int64, len(listed))
    total = int(lengths.sum())
    # One encoding of all words is far quicker than one for each; no word holds a line feed.
    joined = "\n".join(chain.from_iterable(listed)).encode("utf-8", "surrogatepass")
    word_codes = np.fromiter(map(crc32, joined.split(b"\n")), np.uint64, total)
    counts = np.maximum(lengths - n + 1, 0)
    if total < n:
        return np.zeros(0, np.uint64), counts
    multiplier = np.uint64(_MULTIPLIER)
    hashes = np.zeros(total - n + 1, np.uint64)
    for shift in range(n):
        hashes = hashes * multiplier + word_codes[shift : shift + len(hashes)] + np.uint64(1)
    hashes ^= hashes >> np.uint64(32)
    # Words left in the paragraph from each position on; fewer than n would cross its end.
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(total)
    return (hashes * multiplier)[left[: len(hashes)] >= n], counts
