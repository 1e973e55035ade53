"""Any folder that transformers' `from_pretrained` loads, and how its model is examined.

A model of the playground has its five special tokens as ids 0 to 4, which packing, masks and
marks rely on. Another's ids are renumbered for the examination, its own beginning, padding, end,
unknown and mask first, and numbered back on the way into the model:

    BERT's   [CLS] 101, [PAD] 0, [SEP] 102, [UNK] 100, [MASK] 103   ->   0, 1, 2, 3, 4

Knows nothing of Runs and of training.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from kantai.architectures import ARCHITECTURES, check_rows, masked_logits
from kantai.errors import UserError, explain
from kantai.tokenizer import SPECIAL_TOKENS, ByteLevelBPE

MOST_LOGITS = 2**26  # numbers that a model gives at once where its head answers everywhere


def load_folder(folder: Path) -> tuple[Any, Any]:
    """The masked language model of a folder and transformers' tokenizer for it.

    Nothing is fetched, and no code of the folder is run. Raises UserError where there is no
    model, where its files are damaged, and where the tokenizer has more tokens than it has rows.
    """
    from transformers import AutoModelForMaskedLM, AutoTokenizer
    from transformers.utils import logging

    if not (folder / "config.json").is_file():
        raise UserError("no_model", folder=folder)
    logging.disable_progress_bar()
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **local)
        model = AutoModelForMaskedLM.from_pretrained(folder, use_safetensors=True, **local)
    except Exception as error:  # many kinds, all of them a folder that does not load
        raise explain(error, folder) or UserError("broken_model", folder=folder) from error
    check_rows(model, len(tokenizer))
    return model, tokenizer


def load_for_exam(folder: Path) -> tuple[Any, ByteLevelBPE]:
    """A folder's model and tokenizer, as `kantai.packing` and `kantai.evaluation` ask them.

    Raises UserError as `load_folder` does, and for a tokenizer that has no mask.
    """
    model, theirs = load_folder(folder)
    full = getattr(theirs, "backend_tokenizer", None)
    if full is None or theirs.mask_token_id is None:
        raise UserError("foreign_tokenizer", folder=folder)
    tokenizer = ByteLevelBPE(full)
    if tokenizer.is_ours():
        return model, tokenizer
    order = numbers(theirs, tokenizer.learned)
    return Renumbered(model, order), Borrowed(full, order)


def numbers(tokenizer: Any, size: int) -> np.ndarray:
    """Its own number of each new one: int64 [size]; the five special ones come first.

    Where one of the five is missing, a token at the end of the vocabulary stands for it.
    """
    names = (("bos", "cls"), ("pad",), ("eos", "sep"), ("unk",), ("mask",))
    known = [next((i for n in choice if (i := id_of(tokenizer, n)) is not None), None)
             for choice in names]  # fmt: skip
    taken = {number for number in known if number is not None}
    spare = (number for number in reversed(range(size)) if number not in taken)
    first = list(dict.fromkeys(next(spare) if number is None else number for number in known))
    first += [next(spare) for _ in range(len(SPECIAL_TOKENS) - len(first))]
    return np.concatenate([first, np.setdiff1d(np.arange(size), first)])


def id_of(tokenizer: Any, name: str) -> int | None:
    return getattr(tokenizer, f"{name}_token_id", None)


class Borrowed(ByteLevelBPE):
    """Another's tokenizer of any kind, its ids renumbered; `order` [learned] as in `numbers`."""

    def __init__(self, full: Tokenizer, order: np.ndarray):
        super().__init__(full)
        self.order, self.place = order, np.argsort(order)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [self.place[ids].tolist() for ids in super().encode(texts)]

    def encode_words(self, texts: Sequence[str]) -> list[tuple[list[int], list[int]]]:
        pairs = super().encode_words(texts)
        return [(self.place[ids].tolist() if ids else [], words) for ids, words in pairs]

    def token_bytes(self) -> np.ndarray:
        """Bytes of each token; 0 throughout where a token does not say which bytes it is."""
        lengths = np.zeros(self.learned, dtype=np.int64)
        if "ByteLevel" in json.dumps(json.loads(self.full.to_str())["decoder"]):
            for token, index in self.full.get_vocab().items():
                lengths[index] = len(token)
        lengths = lengths[self.order]
        lengths[: len(SPECIAL_TOKENS)] = 0
        return lengths


class Renumbered(torch.nn.Module):
    """A model that is asked in new numbers and answers in them."""

    def __init__(self, model: Any, order: np.ndarray):
        super().__init__()
        self.model, self.config = model, model.config
        self.register_buffer("order", torch.from_numpy(order))

    @property
    def base_model(self) -> Any:
        return self.model.base_model

    def masked_logits(self, inputs: Tensor, flat_positions: Tensor) -> Tensor:
        """Like `kantai.architectures.masked_logits`, for models of every architecture."""
        theirs = self.order[inputs.long()]
        if any(type(self.model).__name__ == a.model_class for a in ARCHITECTURES.values()):
            return masked_logits(self.model, theirs, flat_positions)[:, self.order]
        block, answers = inputs.shape[1], []
        rows = max(1, MOST_LOGITS // (block * len(self.order)))
        for start in range(0, len(theirs), rows):
            wanted = flat_positions - start * block
            wanted = wanted[(wanted >= 0) & (wanted < rows * block)]
            logits = self.model(input_ids=theirs[start : start + rows]).logits.flatten(0, 1)
            answers.append(logits[wanted][:, self.order])
        return torch.cat(answers)
