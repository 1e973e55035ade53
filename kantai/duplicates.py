"""Drop paragraphs that came before, exactly or nearly. Linear in the text's length.

Both rules read paragraphs one by one and yield those that stay, the first of each kind. Both
remember no more than so much, for a text may be longer than the memory: what came very long
ago may come again, but nothing is ever dropped wrongly.
Near duplicates are found by MinHash (Broder 1997) with banding (Leskovec, Rajaraman and
Ullman, "Mining of Massive Datasets", chapter 3) and then compared exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from kantai.changes import Changes
from kantai.words import batches, ngram_hashes

if TYPE_CHECKING:
    import numpy as np

SHINGLE = 3  # words; in Chinese and Japanese, characters
SIMILARITY = 0.8  # Jaccard similarity of the shingles from which two paragraphs are alike
SHORTEST = 24  # words: in a shorter paragraph one word more or less makes another sentence
BANDS, ROWS = 8, 4
_SLOTS = 1 << 20  # for each band: 4 bytes each, taken from memory only as they are used
MOST_SEEN = 2_000_000  # paragraphs remembered exactly: some 70 bytes each
MOST_KEPT = 100_000_000  # characters of paragraphs that a new one is compared with


def remove_exact_duplicates(paragraphs: Iterable[str], changes: Changes) -> Iterator[str]:
    """Yield each paragraph the first time it comes."""
    seen = Seen()
    for paragraph in paragraphs:
        if seen.is_new(paragraph):
            yield paragraph
        else:
            changes.note(paragraph, "")


class Seen:
    """Which of the last paragraphs came before: between `most` and twice as many of them.

    Remembers 64-bit hashes, not the strings: among ten million paragraphs, two that differ have
    the same one with a chance of 1 in 370,000.

    >>> seen = Seen()
    >>> [seen.is_new(text) for text in ("a", "b", "a")]
    [True, True, False]
    """

    def __init__(self, most: int = MOST_SEEN):
        self._most = most
        self._older: set[int] = set()
        self._newer: set[int] = set()

    def is_new(self, paragraph: str) -> bool:
        """Whether it has not come yet; from now on it has."""
        code = hash(paragraph)
        if code in self._newer or code in self._older:
            return False
        if len(self._newer) >= self._most:
            self._older, self._newer = self._newer, set()
        self._newer.add(code)
        return True


def remove_near_duplicates(paragraphs: Iterable[str], changes: Changes) -> Iterator[str]:
    """Yield each paragraph that shares fewer than 80 % of its shingles with an earlier one."""
    index = NearIndex()
    for batch in batches(paragraphs):
        for paragraph, twin in zip(batch, index.twins(batch), strict=True):
            if twin is None:
                yield paragraph
            else:
                changes.count(len(paragraph))
                if changes.wants_example():
                    changes.show(paragraph, "")


class NearIndex:
    """The paragraphs kept so far, to be found again by what they share with a new one.

    A paragraph's signature is, for each of BANDS x ROWS hash functions, the least hash of
    its shingles: two paragraphs agree in one with a probability equal to their Jaccard
    similarity. Two that agree in all ROWS of one band are compared. Each band has a table
    of fixed size with one paragraph a slot, so time and memory stay bounded whatever the
    text; a slot that is overwritten can hide a twin, but never drop a paragraph wrongly.
    Of the paragraphs themselves the last `most` characters are kept.
    """

    def __init__(self, most: int = MOST_KEPT) -> None:
        import numpy as np

        generator = np.random.default_rng(0)
        self._factors = generator.integers(1, 2**63, BANDS * ROWS, np.uint64) * np.uint64(2)
        self._factors += np.uint64(1)
        self._table = np.zeros((BANDS, _SLOTS), np.uint32)
        self._bands = np.arange(BANDS)
        self._kept: dict[int, str] = {}
        self._first = self._next = 1  # numbers of the oldest kept and of the next; 0 is no slot's
        self._most, self._characters = most, 0

    def twins(self, batch: list[str]) -> Iterator[str | None]:
        """For each paragraph an earlier one that is nearly the same, or None and it is kept."""
        # With fewer characters than SHORTEST there cannot be as many words: not worth a look.
        long = [paragraph if len(paragraph) >= SHORTEST else "" for paragraph in batch]
        hashes, counts = ngram_hashes(long, SHINGLE)
        ends = counts.cumsum()
        rows = (counts > SHORTEST - SHINGLE).nonzero()[0]
        slots = dict(zip(rows.tolist(), self._slots(hashes, ends, counts, rows), strict=True))
        for position, paragraph in enumerate(batch):
            if position not in slots:
                yield None
                continue
            own = hashes[ends[position] - counts[position] : ends[position]]
            twin = self._find(slots[position], own)
            if twin is None:
                self._table[self._bands, slots[position]] = self._next
                self._keep(paragraph)
            yield twin

    def _keep(self, paragraph: str) -> None:
        self._kept[self._next] = paragraph
        self._next += 1
        self._characters += len(paragraph)
        while self._characters > self._most:
            self._characters -= len(self._kept.pop(self._first))
            self._first += 1

    def _slots(
        self, hashes: np.ndarray, ends: np.ndarray, counts: np.ndarray, rows: np.ndarray
    ) -> np.ndarray:
        """The slot in each band's table, one row a paragraph: [len(rows), BANDS]."""
        import numpy as np

        slots = np.zeros((len(rows), BANDS), np.uint64)
        if not len(rows):
            return slots
        # Paragraphs without shingles begin where the next one does and take no part.
        present = counts > 0
        begins = (ends - counts)[present]
        chosen = np.searchsorted(present.nonzero()[0], rows)
        for number, factor in enumerate(self._factors):
            least = np.minimum.reduceat(hashes * factor, begins)[chosen]
            slots[:, number // ROWS] = (slots[:, number // ROWS] + least) * factor
        return (slots >> np.uint64(40)) % np.uint64(_SLOTS)

    def _find(self, slots: np.ndarray, own: np.ndarray) -> str | None:
        """The kept paragraph that shares most bands, if it is alike indeed."""
        import numpy as np

        places = self._table[self._bands, slots].tolist()
        found = Counter(place for place in places if place >= self._first)
        if not found:
            return None
        candidate = self._kept[found.most_common(1)[0][0]]
        mine, theirs = np.unique(own), np.unique(ngram_hashes([candidate], SHINGLE)[0])
        common = len(np.intersect1d(mine, theirs, assume_unique=True))
        alike = common >= SIMILARITY * (len(mine) + len(theirs) - common)
        return candidate if alike else None
