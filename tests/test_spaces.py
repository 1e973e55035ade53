"""ZeroGPU: slices that resume, under a `spaces` that forks and pickles as the real one does."""

from __future__ import annotations

import multiprocessing
import pickle
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import kantai
from kantai.events import Finished, Started, Stepped
from kantai.fill_mask import FillMask
from kantai.recipes import Budget
from kantai.spaces import gpu, is_zero_gpu, train
from kantai.workspace import Run
from tests.conftest import tiny_settings

ZERO = {"SPACES_ZERO_GPU": "true"}


class QuotaEnded(Exception):
    """What the fake raises where a visitor's minutes are spent."""


def fake_spaces(durations: list[int], calls: int) -> ModuleType:
    """A `spaces` that lends a GPU `calls` times; each call forks, and all of it is pickled."""
    module, context = ModuleType("spaces"), multiprocessing.get_context("fork")

    def lend(duration):
        def decorate(function):
            def call(*arguments):
                if len(durations) >= calls:
                    raise QuotaEnded
                durations.append(duration)
                given, (here, there) = pickle.dumps(arguments), context.Pipe()

                def child():
                    import torch

                    torch.set_num_threads(1)  # those of the parent are not in a fork
                    there.send_bytes(pickle.dumps(function(*pickle.loads(given))))

                process = context.Process(target=child)
                process.start()
                assert here.poll(120)
                answer = pickle.loads(here.recv_bytes())
                process.join()
                return answer

            return call

        return decorate

    module.GPU = lend
    return module


@pytest.fixture
def run(tmp_path, paragraphs, tokenizer):
    run = Run.create(tmp_path / "run", tiny_settings(Budget(seconds=2.5)))
    run.write_texts({"train": paragraphs[30:], "validation": paragraphs[:30]}, {"files": []})
    run.write_tokenizer(tokenizer)
    return run


def test_elsewhere_the_decorator_does_nothing(run):
    assert not is_zero_gpu({}) and is_zero_gpu(ZERO)
    assert gpu(60, {})(print) is print
    assert train(run, seconds=60, device="cpu", environment={}) in ("finished", "early")
    assert "spaces" not in sys.modules


def test_slices_resume_also_after_a_quota_ended(run, monkeypatch):
    durations: list[int] = []
    monkeypatch.setitem(sys.modules, "spaces", fake_spaces(durations, calls=1))
    with pytest.raises(QuotaEnded):
        train(run, seconds=0.9, device="cpu", environment=ZERO)
    reached = run.load_checkpoint().progress["step"]
    assert reached > 0 and durations == [21]
    monkeypatch.setitem(sys.modules, "spaces", fake_spaces([], calls=99))
    assert train(run, seconds=0.9, device="cpu", environment=ZERO) in ("finished", "early")
    begun = [event.step for event in run.events() if isinstance(event, Started)]
    assert begun[:2] == [0, reached] and begun == sorted(begun)
    steps = [event.step for event in run.events() if isinstance(event, Stepped)]
    assert steps == sorted(steps) and isinstance(run.latest(Finished), Finished)
    assert FillMask.load(run.model_folder).fill("the old <mask> ran")


def test_the_readme_is_a_space():
    house = Path(kantai.__file__).parents[1]
    _, front, _ = (house / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    told = dict(re.findall(r'^(\w+): "?([^"\n]*)"?$', front, re.MULTILINE))
    assert told["sdk"] == "gradio" and (house / told["app_file"]).is_file()
    assert told["python_version"] == "3.12" and told["startup_duration_timeout"]
    wanted = re.search(r"gradio>=([\d.]+),<(\d+)", (house / "requirements.txt").read_text())
    version = tuple(map(int, told["sdk_version"].split(".")))
    assert tuple(map(int, wanted[1].split("."))) <= version < (int(wanted[2]),)
