"""A sentence with gaps in, the model's guesses out.

`<mask>`, `[MASK]` and `___` all mark a gap. The guesses are those of transformers'
`pipeline("fill-mask")` on the same folder, without special tokens and with every token in
readable text. Knows nothing of how the model came to be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kantai.architectures import ARCHITECTURES, longest_row
from kantai.errors import UserError
from kantai.tokenizer import readable

GAP = re.compile(r"\[MASK\]|_{3,}|<mask>")
HALF = re.compile("[\ud800-\udfff]")  # what is left of bytes that are no text


def check_question(sentence: str, top_k: int = 5) -> None:
    """Raise UserError where no model can answer: no gap, half letters, too many answers."""
    if not GAP.search(sentence):
        raise UserError("sentence_without_mask")
    if HALF.search(sentence):
        raise UserError("sentence_not_text")
    if not 1 <= top_k <= 100:
        raise UserError("top_k_range", asked=top_k)


@dataclass(frozen=True)
class Candidate:
    """One guess for one gap: the vocabulary's token, its text, how sure, the whole sentence."""

    token: str
    text: str
    probability: float
    sequence: str


class FillMask:
    """A model and its tokenizer, ready to guess."""

    def __init__(self, model: Any, tokenizer: Any):
        self.model, self.tokenizer = model.eval(), tokenizer
        self.special = sorted(set(tokenizer.all_special_ids))
        self.head = next(
            (a.head for a in ARCHITECTURES.values() if a.model_class == type(model).__name__), None
        )

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> FillMask:
        """Read any folder that `from_pretrained` loads. Raises UserError where it cannot."""
        from kantai.folders import load_folder

        model, tokenizer = load_folder(folder)
        return cls(model.to(device), tokenizer)

    def fill(self, sentence: str, top_k: int = 5) -> list[list[Candidate]]:
        """For each gap the `top_k` most probable tokens, most probable first.

        Probabilities are over the whole vocabulary. Other gaps stay gaps in `sequence`.
        Raises UserError for a sentence without a gap, or longer than the model reads.
        """
        import torch

        check_question(sentence, top_k)
        ids = self._encode(sentence)
        gaps = (ids[0] == self.tokenizer.mask_token_id).nonzero().squeeze(1)
        if not len(gaps):
            raise UserError("sentence_without_mask")
        with torch.inference_mode():
            probabilities = self._logits(ids, gaps).float().softmax(-1)
            probabilities[:, self.special] = 0.0
            # Rows beyond the tokenizer's tokens, where more were asked than learned, mean nothing.
            probabilities = probabilities[:, : len(self.tokenizer)]
            values, tokens = probabilities.topk(min(top_k, probabilities.shape[1]))
        return [
            [self._candidate(ids[0], gap, t, p) for p, t in zip(*row, strict=True)]
            for gap, *row in zip(gaps.tolist(), values.tolist(), tokens.tolist(), strict=True)
        ]

    def _logits(self, ids: Any, gaps: Any) -> Any:
        """Logits [gaps, vocab]; the head's product with the whole vocabulary only at the gaps.

        It is half of the work on the notebook's model. Of an architecture that is not in the
        table the head is not known: it answers at every position.
        """
        if self.head is None:
            return self.model(input_ids=ids).logits[0, gaps]
        states = self.model.base_model(input_ids=ids).last_hidden_state
        return self.head(self.model, states[0, gaps])

    def _encode(self, sentence: str) -> Any:
        """Ids [1, length] with special tokens around."""
        text = GAP.sub(lambda _: self.tokenizer.mask_token, sentence)
        ids = self.tokenizer(text, return_tensors="pt", truncation=False)["input_ids"]
        most = longest_row(self.model)
        if ids.shape[1] > most:
            raise UserError("sentence_too_long", tokens=ids.shape[1], most=most)
        return ids.to(self.model.device)

    def _candidate(self, ids: Any, gap: int, token: int, probability: float) -> Candidate:
        filled = ids.clone()
        filled[gap] = token
        inner = filled[1:-1].tolist()  # without <s> and </s>
        name = self.tokenizer.convert_ids_to_tokens(token)
        try:
            shown = readable(name).strip()
        except KeyError:  # a tokenizer that is not byte-level
            shown = self.tokenizer.decode([token]).strip()
        return Candidate(name, shown, probability, self.tokenizer.decode(inner).strip())
