"""The rows of a training's steps: cut from one long stream, or a line each.

Which rows a step gets follows from its number and the seed alone, so that a training which goes
on takes the same ones. Knows nothing of masks and models.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from kantai.tokenizer import PAD

RESIDENT = 100_000_000  # tokens that lie on the device: 400 MB


class PackedText:
    """Rows cut from one long stream, anew each epoch: other cuts, other order, other masks.

    Up to `resident` tokens lie on the device as one tensor. Of a longer stream, which may be
    mapped from the disk, only the rows of a step are read, and in memory there are 16 bytes a
    row: for a text of 100 GB, 3 GB.
    """

    def __init__(
        self,
        stream: np.ndarray,
        block_size: int,
        batch_size: int,
        seed: int,
        resident: int = RESIDENT,
    ):
        self.block_size = min(block_size, len(stream))
        self.source, self.device = stream, torch.device("cpu")
        fits = len(stream) <= resident
        self.stream = torch.from_numpy(stream.astype(np.int32)) if fits else None
        self.batch_size, self.seed = batch_size, seed
        self.blocks = max(1, (len(stream) - self.block_size) // self.block_size)
        self.steps_per_epoch = max(1, self.blocks // batch_size)
        self.drawn: tuple[tuple[int, int], Tensor] | None = None  # (epoch, seed), starts

    def to(self, device: torch.device) -> PackedText:
        self.device = device
        self.stream = None if self.stream is None else self.stream.to(device)
        return self

    def rows(self, step: int) -> Tensor:
        """The rows of one step: int32 [batch, block]."""
        epoch, batch = divmod(step, self.steps_per_epoch)
        first = batch * self.batch_size
        starts = self._starts(epoch)[first : first + self.batch_size].unsqueeze(1)
        places = starts + torch.arange(self.block_size, device=starts.device)
        if self.stream is not None:
            return self.stream[places]
        rows = torch.from_numpy(self.source[places.numpy()].astype(np.int32))
        if self.device.type == "cuda":  # copied while the device still computes
            return rows.pin_memory().to(self.device, non_blocking=True)
        return rows.to(self.device)

    def _starts(self, epoch: int) -> Tensor:
        """Where each row of an epoch begins in the text, in the epoch's order: [rows].

        Drawn once an epoch and kept where the text is, so that no step waits for the processor.
        """
        if self.drawn is None or self.drawn[0] != (epoch, self.seed):
            random = np.random.default_rng((self.seed, 1, epoch))
            offset = random.integers(len(self.source) - self.blocks * self.block_size + 1)
            order = np.resize(random.permutation(self.blocks), max(self.blocks, self.batch_size))
            order *= self.block_size
            order += offset
            starts = torch.from_numpy(order)
            self.drawn = (
                (epoch, self.seed),
                starts if self.stream is None else starts.to(self.device),
            )
        return self.drawn[1]


class LineExamples:
    """The notebook's rows: one line an example, padded to the longest of its batch."""

    def __init__(self, lines: np.ndarray, batch_size: int, seed: int):
        self.lines = torch.from_numpy(lines.astype(np.int32))
        self.batch_size, self.seed = batch_size, seed
        self.steps_per_epoch = math.ceil(len(lines) / batch_size)

    def to(self, device: torch.device) -> LineExamples:
        self.lines = self.lines.to(device)
        return self

    def rows(self, step: int) -> Tensor:
        """The rows of one step: int32 [batch or what is left, longest of them]."""
        epoch, batch = divmod(step, self.steps_per_epoch)
        order = np.random.default_rng((self.seed, 1, epoch)).permutation(len(self.lines))
        chosen = order[batch * self.batch_size : (batch + 1) * self.batch_size]
        rows = self.lines[torch.from_numpy(chosen).to(self.lines.device)]
        longest = int((rows != PAD).sum(1).max())
        return rows[:, :longest]
