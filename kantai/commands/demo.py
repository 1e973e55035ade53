"""The whole way on a sample text, then sentences whose answers are known: `demo`."""

from __future__ import annotations

import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from kantai.commands.common import say
from kantai.commands.train import train

DEMO_SECONDS = 55.0  # to the examined and saved model; the probe sentences take one more
DEMO_SETTINGS: dict[str, Any] = {
    "recipe": None,
    "max_steps": None,
    "epochs": None,
    "precision": None,
    "resume": False,
    "save_every": 20.0,
    "column": None,
    "without_rule": None,
}


def demo(arguments: Namespace) -> dict[str, Any]:
    """The whole way on a sample text, then its probe sentences."""
    from kantai.samples import load_sample

    sample = load_sample(arguments.sample)
    arguments.files, arguments.vocab_size = [sample.path], sample.vocab_size
    arguments.out = arguments.out or Path("runs") / time.strftime("demo-%Y%m%d-%H%M%S")
    arguments.total_seconds = DEMO_SECONDS if arguments.seconds is None else None
    for name, value in DEMO_SETTINGS.items():
        setattr(arguments, name, value)
    result = train(arguments)
    probes = probe_answers(arguments.out, sample.probes)
    for probe in probes:
        guesses = ", ".join(probe["guesses"])
        say(
            f"{probe['sentence']}\n    {probe['answer']}: rank {probe['rank']}  ({guesses})",
            arguments,
        )
    seconds = round(time.monotonic() - arguments.started, 2)
    right = sum(probe["rank"] <= 3 for probe in probes)
    say(f"{right} of {len(probes)} among the first three, {seconds:.0f} s in all", arguments)
    return result | {"seconds_total": seconds, "probes": probes}


def probe_answers(folder: Path, probes: Any) -> list[dict[str, Any]]:
    """Each probe sentence with the rank of its known answer among the model's guesses."""
    from kantai.fill_mask import FillMask
    from kantai.workspace import model_folder

    filler = FillMask.load(model_folder(folder))
    answers = []
    for probe in probes:
        candidates = filler.fill(probe.sentence, top_k=100)[0]
        texts = [candidate.text for candidate in candidates]
        rank = texts.index(probe.answer) + 1 if probe.answer in texts else len(texts) + 1
        answers.append(
            {
                "sentence": probe.sentence,
                "answer": probe.answer,
                "rank": rank,
                "guesses": texts[:3],
            }
        )
    return answers
