"""The lines of code that are shown train by the recipe's own optimizer, schedule and masking."""

from __future__ import annotations

import pytest

from kantai import snippets
from kantai.architectures import Preset, build_model
from kantai.optimizers import OPTIMIZERS, SCHEDULES, build_optimizers
from kantai.recipes import DEVICE_CHANGES, RECIPES, recipe_for
from kantai.tokenizer import ByteLevelBPE, TokenizerSettings, train_tokenizer
from tests.conftest import small_text

TINY = Preset("modernbert", 32, 1, 4, 64, 128)


@pytest.fixture(scope="module")
def tokenizer() -> ByteLevelBPE:
    return train_tokenizer(small_text(), TokenizerSettings(300))


@pytest.mark.parametrize("kind", DEVICE_CHANGES)
@pytest.mark.parametrize("name", RECIPES)
def test_the_loop_trains_as_the_recipe_does(name, kind, tokenizer):
    recipe, model = recipe_for(name, kind), build_model(TINY, tokenizer.learned)
    space = {"model": model, "tokenizer": tokenizer.full, "texts": small_text()}
    exec(snippets.training_code(recipe, "2"), space)
    assert space["step"] == 1 and space["loss"].isfinite()

    def rates(optimizers, rate):
        return {
            id(p): (type(o).__name__, group[rate], group["weight_decay"], group.get("betas"))
            for o in optimizers for group in o.param_groups for p in group["params"]
        }  # fmt: skip

    ours = rates(build_optimizers(model, recipe.optimizer), "lr")
    theirs = rates(space["optimizers"], "initial_lr")
    assert {p: theirs[p] for p in ours} == ours
    shares = [eval(snippets.share_code(recipe), {"step": s, "steps": 20}) for s in range(21)]
    wanted = [recipe.masking_at(s / 20).mlm_probability for s in range(21)]
    assert shares == pytest.approx(wanted, abs=0.026)  # the recipe's goes in steps of 5 %


def test_every_optimizer_and_schedule_has_its_lines():
    import math

    assert set(snippets.OPTIMIZERS) == set(OPTIMIZERS)
    assert set(snippets.SCHEDULES) == set(SCHEDULES)
    for name, source in snippets.SCHEDULES.items():
        for done in (0.0, 0.01, 0.3, 0.5, 1.0):
            said = eval(source, {"math": math, "done": done})
            assert said == pytest.approx(SCHEDULES[name](done))
