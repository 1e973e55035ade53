"""Which positions are hidden from the model, and what stands there instead.

Masked language modelling hides some tokens of a text and asks for them back:

    the critique of pure reason   ->   the critique of <mask> reason,  answer: pure

Of the chosen positions 80 % show `<mask>`, 10 % a random token and 10 % the true one, so that
the model cannot tell which tokens it may trust and must understand them all (Devlin et al.
2018, section 3.1). Every row hides exactly the same number of positions: the share is then
exact, and all tensors keep their shape, which lets a GPU work without waiting (Geiping &
Goldstein 2022). Special tokens are never hidden. Knows nothing of models or files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from kantai.errors import UserError

IGNORED = -100  # the target of a position that does not count; torch's own convention


@dataclass(frozen=True)
class Masking:
    """How much is hidden, and what replaces it.

    `mlm_probability` is the share of each row that is chosen; of these, `keep` stay as they
    are, `random` become a random token, all others `<mask>`.
    Raises UserError for shares that are none.
    """

    mlm_probability: float = 0.15
    random: float = 0.1
    keep: float = 0.1

    def __post_init__(self) -> None:
        if not 0.01 <= self.mlm_probability <= 0.9:
            raise UserError("mlm_probability_range", asked=self.mlm_probability)
        if self.random < 0 or self.keep < 0 or self.random + self.keep > 1:
            raise UserError("replacement_range", random=self.random, keep=self.keep)


EVALUATION = Masking(0.15, random=0.0, keep=0.0)  # whatever the training did: really hidden


@dataclass(frozen=True)
class MaskedRows:
    """What the model sees, where it must answer, and the answers.

    inputs:    [rows, block]    ids with the hidden tokens replaced
    positions: [rows, hidden]   columns that are to be predicted
    targets:   [rows, hidden]   the true ids there, or IGNORED
    """

    inputs: Tensor
    positions: Tensor
    targets: Tensor

    @property
    def tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.inputs, self.positions, self.targets

    @property
    def flat_positions(self) -> Tensor:
        """Indices into the [rows * block] tokens laid end to end: [rows * hidden]."""
        rows, block = self.inputs.shape
        first = torch.arange(rows, device=self.inputs.device).unsqueeze(1) * block
        return (self.positions + first).flatten()

    def pieces(self, size: int) -> Iterator[MaskedRows]:
        """The same questions, `size` rows at a time."""
        for parts in zip(*(tensor.split(size) for tensor in self.tensors), strict=True):
            yield MaskedRows(*parts)

    def hidden(self) -> Tensor:
        """True where a token is really asked for: bool [rows, block]."""
        asked = torch.zeros_like(self.inputs, dtype=torch.bool)
        return asked.scatter(1, self.positions, self.targets != IGNORED)


def mask_rows(
    rows: Tensor,
    masking: Masking,
    *,
    mask_id: int,
    vocab_size: int,
    special_tokens: int,
    generator: torch.Generator,
) -> MaskedRows:
    """Hide `mlm_probability` of each row of `rows` [rows, block].

    Ids below `special_tokens` are special. A row with fewer ordinary tokens than there are to
    hide fills up with special ones, which stay visible and are not counted (IGNORED).
    The randomness is that of `generator` alone, on the device of `rows`.
    """
    count = max(1, round(masking.mlm_probability * rows.shape[1]))
    device = rows.device
    order = torch.rand(rows.shape, generator=generator, device=device)
    order = order.masked_fill(rows < special_tokens, 2.0)  # special tokens come last
    positions = order.topk(count, largest=False).indices
    originals = rows.gather(1, positions)

    dice = torch.rand(positions.shape, generator=generator, device=device)
    strangers = torch.randint(
        special_tokens, vocab_size, positions.shape, generator=generator, device=device
    ).to(rows.dtype)
    shown = torch.where(dice < masking.keep + masking.random, strangers, mask_id)
    visible = (dice < masking.keep) | (originals < special_tokens)
    shown = torch.where(visible, originals, shown)

    targets = originals.long().masked_fill(originals < special_tokens, IGNORED)
    return MaskedRows(rows.scatter(1, positions, shown), positions, targets)
