"""Layers fused by torch: the same answers and gradients, and nothing of it stays behind."""

from __future__ import annotations

import pytest
import torch

from kantai.architectures import ARCHITECTURES, Preset, architecture_of, build_model, masked_logits
from kantai.graphs import FusedLayers

IDS = torch.randint(5, 300, (4, 32), generator=torch.Generator().manual_seed(0))
PLACES = torch.arange(0, IDS.numel(), 5)


def apart(one, other):
    """The length of the difference, as a share of the whole."""
    return (one - other).norm() / other.norm()


def answer(model):
    """Logits and gradients of one question, under bfloat16's autocast."""
    model.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        logits = masked_logits(model, IDS, PLACES).float()
    torch.nn.functional.cross_entropy(logits, IDS.flatten()[PLACES]).backward()
    return logits.detach(), {name: weight.grad for name, weight in model.named_parameters()}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_fused_layers_answer_and_learn_as_the_others_do(architecture, dtype):
    model = build_model(Preset(architecture, 64, 2, 2, 96, 130), 300).train()
    usual, usual_gradients = answer(model)
    names = list(model.state_dict())
    with FusedLayers(architecture_of(model).layers(model), dtype, backend="aot_eager"):
        fused, gradients = answer(model)
        seen = {layer.forward.__qualname__ for layer in architecture_of(model).layers(model)}
        assert seen == {"FusedLayers._fused.<locals>.entered"}
        assert list(model.state_dict()) == names
    assert apart(fused, usual) < 0.01
    for name, gradient in gradients.items():
        if "key.bias" not in name:  # whose gradient is nothing but rounding
            assert apart(gradient, usual_gradients[name]) < 0.05, name
    again, _ = answer(model)
    assert torch.equal(again, usual)
