"""Muon takes torch's own step, schedules stay in their range, every weight has one owner."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kantai.optimizers import (
    OPTIMIZERS,
    SCHEDULES,
    Muon,
    OptimizerSettings,
    build_optimizers,
    orthogonalize,
)


@pytest.mark.parametrize("shape", [(16, 16), (16, 48), (48, 16)])
def test_muon_takes_the_same_steps_as_torch(shape):
    torch.manual_seed(0)
    start, gradients = torch.randn(shape), [torch.randn(shape) for _ in range(4)]
    mine, theirs = start.clone().requires_grad_(), start.clone().requires_grad_()
    ours = Muon([mine], lr=0.02, weight_decay=0.1)
    reference = torch.optim.Muon([theirs], lr=0.02, weight_decay=0.1)
    for gradient in gradients:
        mine.grad, theirs.grad = gradient.clone(), gradient.clone()
        ours.step()
        reference.step()
    moved = (theirs - start).norm()
    assert (mine - theirs).norm() < 0.02 * moved  # theirs computes in bfloat16


def test_matrices_of_one_shape_do_not_mix():
    torch.manual_seed(0)
    stack = torch.randn(3, 8, 24)
    together = orthogonalize(stack)
    alone = torch.cat([orthogonalize(matrix[None]) for matrix in stack])
    assert torch.allclose(together, alone, atol=1e-5)
    values = torch.linalg.svdvals(together)
    assert values.min() > 0.5 and values.max() < 1.3


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_weight_has_exactly_one_owner(name):
    from kantai.architectures import build_model, find_preset

    model = build_model(find_preset("nano"), 300)
    optimizers = build_optimizers(model, OptimizerSettings(name))
    owned = [id(p) for o in optimizers for g in o.param_groups for p in g["params"]]
    assert sorted(owned) == sorted(id(p) for p in model.parameters())


@pytest.mark.parametrize("name", SCHEDULES)
@given(share=st.floats(0, 1))
def test_schedules_stay_between_nothing_and_the_peak(name, share):
    assert 0 <= SCHEDULES[name](share) <= 1
