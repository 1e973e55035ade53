"""Masks: exact counts, the right replacements, special tokens left alone."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kantai.errors import UserError
from kantai.masking import EVALUATION, IGNORED, Masking, mask_rows

VOCAB, MASK, SPECIAL = 1_000, 4, 5


def masked(rows, masking=EVALUATION, seed=0):
    return mask_rows(
        rows,
        masking,
        mask_id=MASK,
        vocab_size=VOCAB,
        special_tokens=SPECIAL,
        generator=torch.Generator().manual_seed(seed),
    )


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 6), st.integers(4, 80), st.sampled_from([0.15, 0.4, 0.9]), st.integers(0, 99))
def test_every_row_hides_the_same_number_and_never_a_special_token(rows, block, share, seed):
    ids = torch.randint(0, VOCAB, (rows, block), generator=torch.Generator().manual_seed(seed))
    result = masked(ids, Masking(share), seed)
    count = max(1, round(share * block))
    assert result.targets.shape == (rows, count)
    for row in range(rows):
        assert len(set(result.positions[row].tolist())) == count
        asked = result.targets[row] != IGNORED
        assert asked.sum() == min(count, int((ids[row] >= SPECIAL).sum()))
    ordinary = ids >= SPECIAL
    assert torch.equal(result.inputs[~ordinary], ids[~ordinary])
    untouched = ~result.hidden()
    assert torch.equal(result.inputs[untouched], ids[untouched])
    truth = ids.flatten()[result.flat_positions].reshape(result.targets.shape)
    asked = result.targets != IGNORED
    assert torch.equal(result.targets[asked], truth[asked])


def test_eighty_ten_ten():
    ids = torch.randint(SPECIAL, VOCAB, (200, 200))
    result = masked(ids, Masking(0.5))
    shown = result.inputs.gather(1, result.positions)
    assert (shown == MASK).float().mean() == pytest.approx(0.8, abs=0.02)
    assert (shown == result.targets).float().mean() == pytest.approx(0.1, abs=0.02)


def test_the_examination_really_hides():
    result = masked(torch.randint(SPECIAL, VOCAB, (20, 100)))
    assert (result.inputs.gather(1, result.positions) == MASK).all()
    assert result.targets.shape[1] == 15


def test_randomness_is_the_generators_alone():
    ids = torch.randint(SPECIAL, VOCAB, (4, 50))
    first, again, other = masked(ids, seed=1), masked(ids, seed=1), masked(ids, seed=2)
    assert torch.equal(first.inputs, again.inputs)
    assert not torch.equal(first.inputs, other.inputs)


def test_pieces_are_the_whole():
    result = masked(torch.randint(SPECIAL, VOCAB, (7, 20)))
    assert torch.equal(torch.cat([p.inputs for p in result.pieces(3)]), result.inputs)


def test_shares_that_are_none_are_refused():
    for wrong in ({"mlm_probability": 0}, {"random": 0.7, "keep": 0.7}, {"keep": -1}):
        with pytest.raises(UserError):
            Masking(**wrong)
