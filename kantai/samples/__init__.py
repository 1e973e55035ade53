"""The sample texts that ship with the playground, each with sentences to try it on.

The texts under `assets/` are written by the generators beside this file (`python -m
kantai.samples` writes them anew); `assets/probes.json` holds, for each, ten sentences that do
not stand in the text and whose hidden word a reader knows. Loading needs neither: it only
reads the files. Knows nothing of tokenizers and models.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from kantai.errors import UserError

ASSETS = Path(__file__).parents[2] / "assets"


@dataclass(frozen=True)
class Probe:
    """A sentence with one `<mask>`, the word a reader expects there, and why."""

    sentence: str
    answer: str
    why: str


@dataclass(frozen=True)
class Sample:
    """A text that ships with the playground; `title_key` is its title in `kantai.strings`.

    `vocab_size` suits a training of a minute: in a larger vocabulary the words that a probe
    asks for melt into longer tokens, above all in Chinese, which has no spaces.
    """

    name: str
    title_key: str
    path: Path
    probes: tuple[Probe, ...]
    language: str
    vocab_size: int


# name -> (title key, file, language, vocabulary); `dirty` is the first again, as a bad scan
SAMPLES: dict[str, tuple[str, str, str, int]] = {
    "harbour": ("sample_harbour", "harbour.txt", "en", 4_000),
    "willow": ("sample_willow", "willow.txt", "zh", 2_000),
    "dirty": ("sample_dirty", "dirty.txt", "en", 1_000),
}


def load_sample(name: str) -> Sample:
    """The sample called `name`. Raises UserError for a name that is not in SAMPLES."""
    if name not in SAMPLES:
        raise UserError("unknown_sample", asked=name, known=", ".join(SAMPLES))
    title, file, language, vocab_size = SAMPLES[name]
    return Sample(name, title, ASSETS / file, load_probes()[name], language, vocab_size)


def load_probes() -> dict[str, tuple[Probe, ...]]:
    """Sample name -> its probes, from `assets/probes.json`."""
    table = json.loads((ASSETS / "probes.json").read_text(encoding="utf-8"))
    return {name: tuple(Probe(**probe) for probe in probes) for name, probes in table.items()}
