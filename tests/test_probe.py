"""The probe takes real steps of small models, and none of large ones."""

from __future__ import annotations

import pytest

from kantai import probe
from kantai.architectures import PRESETS, build_model, find_preset
from kantai.devices import Device, find_device
from kantai.recipes import recipe_for

TINY = find_preset("nano", hidden_size=32, num_hidden_layers=1, intermediate_size=32)
RECIPE = recipe_for("playground", "cpu", batch_size=4)


def test_a_small_model_is_timed_and_a_large_one_estimated_by_its_work(monkeypatch):
    built = []

    def build(preset, *arguments, **options):
        built.append(preset)
        return build_model(preset, *arguments, **options)

    monkeypatch.setitem(probe.DEFAULT_PRESET, "cpu", "tiny")
    monkeypatch.setitem(probe.PRESETS, "tiny", TINY)
    device = find_device("cpu")
    small = probe.training_speed(TINY, 300, RECIPE, device, build)
    assert small.measured and small.tokens_per_second > 0 and built == [TINY]
    large = probe.training_speed(
        PRESETS["notebook"], 52_000, recipe_for("notebook", "cpu"), device, build
    )
    assert not large.measured and built == [TINY, TINY]
    assert large.tokens_per_second < small.tokens_per_second / 100


def test_a_device_that_is_not_touched_is_supposed_by_its_makers_peak():
    device = Device("cuda", "some GPU", 0, 1e12)
    speed = probe.supposed_speed(TINY, 300, RECIPE, device)
    work = probe.token_work(TINY, 300, RECIPE)
    assert speed.tokens_per_second * work == pytest.approx(probe.PEAK_SHARE * 1e12)
    assert probe.supposed_speed(TINY, 300, RECIPE, find_device("cpu")) is None
