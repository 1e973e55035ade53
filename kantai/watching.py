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
LETTERS = 0.8  # of a sentence's characters, or spaces, at least
BEGINNING = re.compile(r"[\"'“‘«「『]?[^\W\d_]")
ENDING = re.compile(r"[.!?…。！？][\"'”’»」』]?$")
END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*")
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
    """Up to three sentences of different paragraphs, evenly spread, with different words.

    Where too few read like sentences, as in code or in tables, others will do.
    """
    found: list[Gap] = []
    tried = paragraphs[:: max(1, len(paragraphs) // TRIED)]
    for well in (True, False):
        each = [gap for text in tried if (gap := next(gaps_of(tokenizer, text, well), None))]
        if len(each) >= SENTENCES:
            break
    for gap in each[:: max(1, len(each) // (3 * SENTENCES))]:
        if len(found) < SENTENCES and gap.word not in {other.word for other in found}:
            found.append(gap)
    return found


def gaps_of(tokenizer: ByteLevelBPE, paragraph: str, well: bool = False) -> Iterator[Gap]:
    """The gap of every sentence of a paragraph that has one: its longest fitting word."""
    for sentence in sentences_of(paragraph, well):
        least = 2 if CJK.search(sentence) else LEAST_LETTERS
        gap = hide_longest(tokenizer, sentence, least)
        if gap:
            yield gap


def sentences_of(paragraph: str, well: bool = True) -> Iterator[str]:
    """Every sentence of a paragraph that fits a line, and perhaps reads `well`."""
    for sentence in map(str.strip, END.split(paragraph[:2_000])):
        lengths = SHORT if CJK.search(sentence) else LENGTHS
        if len(sentence) in lengths and (reads_well(sentence) or not well):
            yield sentence


def reads_well(sentence: str) -> bool:
    """Whether it looks like a sentence, and not like code, a heading, a list or a table.

    >>> reads_well('A class "inherits" from another.'), reads_well("* a class that inherits")
    (True, False)
    >>> reads_well("Access to attributes"), reads_well('with_stmt ::= "with" ( "(" item ","?')
    (False, False)
    """
    letters = sum(c.isalpha() or c.isspace() for c in sentence)
    whole = BEGINNING.match(sentence) and ENDING.search(sentence)
    return whole is not None and letters >= LETTERS * len(sentence)


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
