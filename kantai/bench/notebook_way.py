"""A training step as the notebook's `Trainer` took it, to be measured beside ours.

Every line of the file is an example, cut at 128 tokens; a data loader shuffles them, a
collator pads each batch to its longest line and draws masks on the processor; the model
computes logits at all positions in float32. Only lines that carry text count as tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kantai.masking import IGNORED
from kantai.tokenizer import MASK, PAD, SPECIAL_TOKENS

BATCH, RATE, SHARE = 64, 5e-5, 0.15


def collate(lines: list[np.ndarray], vocab_size: int) -> dict[str, Tensor]:
    """Pad to the longest line and mask 15 %: 80 % `<mask>`, 10 % random, 10 % as they are.

    lines: rows [block] that end in padding -> input_ids, attention_mask, labels [batch, longest]
    """
    rows = torch.from_numpy(np.stack(lines).astype(np.int64))
    rows = rows[:, : int((rows != PAD).sum(1).max())]
    chosen = torch.bernoulli(torch.full(rows.shape, SHARE)).bool() & (rows >= len(SPECIAL_TOKENS))
    dice = torch.rand(rows.shape)
    inputs = rows.masked_fill(chosen & (dice < 0.8), MASK)
    strangers = torch.randint(vocab_size, rows.shape)
    inputs = torch.where(chosen & (dice >= 0.8) & (dice < 0.9), strangers, inputs)
    labels = rows.masked_fill(~chosen, IGNORED)
    return {"input_ids": inputs, "attention_mask": (rows != PAD).long(), "labels": labels}


def steps(model: Any, lines: np.ndarray, rows: int) -> Iterator[int]:
    """Train `model` on lines [n, block] for ever; the real tokens of each step of `rows`."""
    device, vocab_size = next(model.parameters()).device, model.config.vocab_size
    loader = torch.utils.data.DataLoader(
        list(lines), rows, shuffle=True, collate_fn=lambda batch: collate(batch, vocab_size)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    model.train()
    while True:
        for batch in loader:
            there = {name: tensor.to(device) for name, tensor in batch.items()}
            model(**there).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            yield int(batch["attention_mask"].sum())
