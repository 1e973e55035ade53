"""Models: the notebook's exactly, logits at hidden positions only, tables and estimates."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from kantai.architectures import (
    ARCHITECTURES,
    PRESETS,
    Preset,
    architecture_of,
    build_config,
    build_model,
    close_rows,
    find_preset,
    masked_logits,
    masked_states,
    parameter_table,
    training_memory,
    work_per_token,
)
from kantai.errors import UserError


def tiny(architecture: str) -> Preset:
    return Preset(architecture, 32, 2, 2, 64, 130)


def test_the_notebooks_model_to_the_last_parameter():
    table = parameter_table(build_model(find_preset("notebook"), 52_000, device="meta"))
    assert sum(row.parameters for row in table) == 83_504_416
    assert len(table) == 106
    embedding = table[0]
    assert embedding.shape == (52_000, 768) and embedding.tied_to == "lm_head.decoder.weight"
    assert all(row.parameters == math.prod(row.shape) for row in table)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_logits_at_hidden_positions_are_those_of_the_whole(architecture):
    model = build_model(tiny(architecture), 300).eval()
    inputs = torch.randint(5, 300, (3, 20))
    positions = torch.tensor([0, 7, 25, 59])
    whole = model(input_ids=inputs).logits.flatten(0, 1)[positions]
    assert torch.allclose(masked_logits(model, inputs, positions), whole, atol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_is_saved_loads_with_transformers_alone(architecture, tmp_path):
    from transformers import AutoModelForMaskedLM

    model = build_model(tiny(architecture), 300).eval()
    model.save_pretrained(tmp_path)
    again = AutoModelForMaskedLM.from_pretrained(tmp_path).eval()
    inputs = torch.randint(5, 300, (1, 100))
    assert torch.allclose(model(inputs).logits, again(inputs).logits, atol=1e-5)
    assert architecture_of(again) is ARCHITECTURES[architecture]


@pytest.mark.parametrize("name", PRESETS)
def test_presets_can_be_built_and_seen(name):
    vocab = PRESETS[name].vocab_size or 8_000
    model = build_model(PRESETS[name], vocab, device="meta")
    total = sum(row.parameters for row in parameter_table(model))
    assert total == sum(p.numel() for p in model.parameters())
    assert 1_000_000 < total < 90_000_000


def test_the_same_seed_gives_the_same_weights():
    first, again = (build_model(tiny("modernbert"), 300, seed=3) for _ in range(2))
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True)
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"num_attention_heads": 5}, "multiple of 5"),
        ({"hidden_size": 12, "num_attention_heads": 4}, "even count"),
        ({"num_hidden_layers": 0}, "1 or more"),
        ({"architecture": "gpt"}, "no architecture gpt"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_impossible_sizes_say_why(changes, words):
    with pytest.raises(UserError, match=words):
        replace(find_preset("nano"), **changes)


def test_blocks_and_vocabularies_must_fit():
    with pytest.raises(UserError, match="8 to 512"):
        find_preset("notebook").check_block(513)
    with pytest.raises(UserError, match="smaller vocabulary"):
        build_config(find_preset("notebook"), 52_001)


def test_work_is_the_known_count():
    config = build_config(find_preset("notebook"), 52_000)
    assert work_per_token(config, 128, 1.0).total == pytest.approx(505e6, rel=0.01)
    assert work_per_token(config, 128, 0.15).total == pytest.approx(298e6, rel=0.01)
    assert work_per_token(config, 128, 0.15, 8_000).total == pytest.approx(268e6, rel=0.01)


def test_memory_counts_weights_exactly_and_grows_with_the_batch():
    config = build_config(find_preset("nano"), 8_000)
    small, large = (
        training_memory(config, 10**6, tokens=t, block_size=64, predicted_share=0.15)
        for t in (1_000, 2_000)
    )
    assert small.weights == small.gradients == 4 * 10**6
    assert large.activations == pytest.approx(2 * small.activations, abs=1)
    assert large.total - small.total == large.activations - small.activations


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_rows_that_are_no_tokens_are_ruled_out(architecture):
    model = build_model(tiny(architecture), 300).eval()
    close_rows(model, 200)
    inputs, positions = torch.randint(5, 200, (3, 20)), torch.tensor([0, 7, 59])
    states = masked_states(model, inputs, positions)
    among_tokens = architecture_of(model).head(model, states, 200).softmax(-1)
    whole = model(input_ids=inputs).logits.flatten(0, 1)[positions].softmax(-1)
    assert torch.allclose(whole[:, :200], among_tokens, atol=1e-6)
    assert whole[:, 200:].max() == 0
