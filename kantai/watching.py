"""Watch it learn: a few held-out sentences with one word hidden, asked again at every look.

    "the critique of pure [reason]"  ->  reason 84 %, concepts 3 %, will 1 %

The word is one token, so that its probability says all; it is hidden from the model as in
training. Knows nothing of how or when a training looks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kantai.tokenizer import BOS, EOS, MASK, SPECIAL_TOKENS, ByteLevelBPE

SENTENCES = 3
GUESSES = 3
LENGTHS = range(20, 71)  # characters of a sentence that fits a line
SHORT = range(10, 36)  # the same in a script without spaces
LEAST_LETTERS = 4  # of a hidden word; two where a script has no spaces
TRIED = 400  # paragraphs
END = re.compile(r"(?<=[.!?。！？])\s*")
CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True)
class Gap:
    """A sentence with one word hidden: what stands around it, and its ids for the model."""

    before: str
    word: str
    after: str
    ids: tuple[int, ...]  # with `<s>`, `</s>` and the mask
    place: int  # of the mask in ids
    answer: int  # the hidden token


class Watch:
    """Asks a model for the hidden words of some sentences; calling it changes nothing in it."""

    def __init__(self, tokenizer: ByteLevelBPE, paragraphs: Sequence[str]):
        self.tokenizer, self.gaps = tokenizer, choose_gaps(tokenizer, paragraphs)

    @property
    def sentences(self) -> list[list[str]]:
        """Before, hidden word, after: of each sentence."""
        return [[gap.before, gap.word, gap.after] for gap in self.gaps]

    def __call__(self, model: Any) -> list[list[Any]]:
        """For each sentence: the probability of the hidden word, then the first guesses.

        [[0.84, ["reason", 0.84], ["concepts", 0.03], ["will", 0.01]], ...]
        """
        import torch

        training, device = model.training, next(model.parameters()).device
        model.eval()
        try:
            with torch.no_grad():
                return [self._ask(model, gap, device) for gap in self.gaps]
        finally:
            model.train(training)

    def _ask(self, model: Any, gap: Gap, device: Any) -> list[Any]:
        import torch

        from kantai.architectures import masked_logits

        ids = torch.tensor([gap.ids], device=device)
        logits = masked_logits(model, ids, torch.tensor([gap.place], device=device))[0].float()
        logits[: len(SPECIAL_TOKENS)] = -torch.inf
        shares = logits[: self.tokenizer.learned].softmax(0)
        best = shares.topk(GUESSES)
        guesses = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [
            round(float(shares[gap.answer]), 4),
            *([self.tokenizer.token_text(i).strip()[:24], round(p, 4)] for i, p in guesses),
        ]


def choose_gaps(tokenizer: ByteLevelBPE, paragraphs: Sequence[str]) -> list[Gap]:
    """Up to three sentences of different paragraphs, evenly spread, with different words."""
    found: list[Gap] = []
    step = max(1, len(paragraphs) // TRIED)
    each = [gap for text in paragraphs[::step] if (gap := next(gaps_of(tokenizer, text), None))]
    for gap in each[:: max(1, len(each) // (3 * SENTENCES))]:
        if len(found) < SENTENCES and gap.word not in {other.word for other in found}:
            found.append(gap)
    return found


def gaps_of(tokenizer: ByteLevelBPE, paragraph: str) -> Iterator[Gap]:
    """Every sentence of a paragraph that is short enough, its longest fitting word hidden."""
    for sentence in END.split(paragraph[:2_000]):
        sentence = sentence.strip()
        dense = bool(CJK.search(sentence))
        if len(sentence) not in (SHORT if dense else LENGTHS):
            continue
        gap = hide_longest(tokenizer, sentence, 2 if dense else LEAST_LETTERS)
        if gap:
            yield gap


def hide_longest(tokenizer: ByteLevelBPE, sentence: str, least: int) -> Gap | None:
    """The sentence with its longest word hidden that is a single token; not the first word."""
    encoding = tokenizer.plain.encode(sentence)
    best: tuple[int, int, int] | None = None
    for number, (start, end) in enumerate(encoding.offsets):
        start += len(sentence[start:end]) - len(sentence[start:end].lstrip())
        fits = number > 0 and end - start >= least and is_word(sentence, start, end)
        if fits and (best is None or end - start > best[1] - best[0]):
            best = start, end, number
    if best is None:
        return None
    start, end, number = best
    ids = [BOS, *encoding.ids, EOS]
    answer, ids[number + 1] = ids[number + 1], MASK
    words = sentence[:start], sentence[start:end], sentence[end:]
    return Gap(*words, tuple(ids), number + 1, answer)


def is_word(sentence: str, start: int, end: int) -> bool:
    """Whether these are letters with no letter beside them; without spaces, letters are enough.

    >>> is_word("a stone fell", 2, 7), is_word("a stone fell", 2, 6)
    (True, False)
    """
    word = sentence[start:end]
    if not word.isalpha():
        return False
    if CJK.search(word):
        return True
    beside = sentence[start - 1 : start] + sentence[end : end + 1]
    return not any(character.isalnum() for character in beside)
