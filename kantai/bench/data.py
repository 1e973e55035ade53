"""What a text costs before any training: read, clean, train a tokenizer, encode into a file.

Each step: seconds, megabytes of the file a second, and the most memory that this process and
those it starts hold together. With `--megabytes` the text is grown to that size: repeated text
would be dropped as duplicates, so further rounds shuffle the words of each paragraph, and now
and then make a new word of two, for vocabularies grow with the text.
"""

from __future__ import annotations

import os
import random
import time
from argparse import Namespace
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kantai.bench.memory import watched
from kantai.samples import load_sample

VOCABS = (8_000, 52_000)
NEW_WORD = 70  # one word of so many is new: the rate of English prose of some 100 MB


@dataclass(frozen=True)
class Step:
    """One step: `peak_bytes` of all processes together, `more_bytes` than when it began.

    `cpu_seconds` are those of all cores: on a machine that others use too they say more.
    """

    name: str
    seconds: float
    cpu_seconds: float
    megabytes_per_second: float
    peak_bytes: int
    more_bytes: int


def run(arguments: Namespace, say: Callable[[str, Namespace], None]) -> dict[str, Any]:
    """Walk the whole way once; the tokenizer's part for each vocabulary."""
    files = [Path(f) for f in arguments.files or [load_sample("harbour").path]]
    with TemporaryDirectory() as folder:
        if arguments.megabytes:
            files = [grown(files, arguments.megabytes, Path(folder) / "grown.txt")]
        megabytes = sum(file.stat().st_size for file in files) / 1e6
        vocabs = [arguments.vocab_size] if arguments.vocab_size else VOCABS
        say(f"{megabytes:,.1f} MB", arguments)
        steps: list[Step] = []

        def report(step: Step) -> None:
            steps.append(step)
            say(_line(step), arguments)

        walk(files, megabytes, vocabs, report, Path(folder))
    totals = {str(vocab): _total(steps, vocab, megabytes) for vocab in vocabs}
    for total in totals.values():
        say(_line(total), arguments)
    return {
        "megabytes": megabytes,
        "steps": [asdict(step) for step in steps],
        "totals": {vocab: asdict(total) for vocab, total in totals.items()},
    }


def walk(
    files: list[Path],
    megabytes: float,
    vocabs: Iterable[int],
    report: Callable[[Step], None],
    folder: Path,
) -> None:
    """The product's own functions, one after another, as `train` calls them."""
    from kantai.corpus import build_corpus, split_corpus
    from kantai.packing import pieces
    from kantai.readers import stream_files
    from kantai.tokenizer import ByteLevelBPE, TokenizerSettings, train_tokenizer
    from kantai.workspace import keep_part

    def step(name: str, function: Callable[..., Any], *given: Any, **named: Any) -> Any:
        with watched() as memory:
            began, busy = time.perf_counter(), sum(os.times()[:4])
            result = function(*given, **named)
            seconds, busy = time.perf_counter() - began, sum(os.times()[:4]) - busy
        more = memory.peak - memory.before
        report(Step(name, seconds, busy, megabytes / seconds, memory.peak, more))
        return result

    def packed(tokenizer: ByteLevelBPE) -> None:
        with open(folder / "ids.bin", "wb") as file:
            file.writelines(ids.tobytes() for ids in pieces(tokenizer, train))

    keep, size = partial(keep_part, folder, "clean"), int(megabytes * 1e6)
    corpus = step("read and clean", build_corpus, stream_files(files), size=size, keep=keep)
    keep = partial(keep_part, folder)
    train = step("split", split_corpus, corpus.paragraphs, keep=keep).train
    for vocab in vocabs:
        settings = TokenizerSettings(vocab)
        tokenizer = step(f"train a tokenizer of {vocab}", train_tokenizer, train, settings)
        step(f"encode into a file of ids with {vocab}", packed, tokenizer)


def _total(steps: list[Step], vocab: int, megabytes: float) -> Step:
    """The whole way with one vocabulary: what names no vocabulary belongs to each."""
    way = [s for s in steps if not s.name[-1].isdigit() or s.name.endswith(f" {vocab}")]
    seconds, busy = sum(s.seconds for s in way), sum(s.cpu_seconds for s in way)
    peak, first = max(s.peak_bytes for s in way), way[0].peak_bytes - way[0].more_bytes
    name = f"all, vocabulary of {vocab}"
    return Step(name, seconds, busy, megabytes / seconds, peak, peak - first)


def _line(step: Step) -> str:
    return (
        f"{step.name:>36}: {step.seconds:7.2f} s ({step.cpu_seconds:6.2f} of all cores), "
        f"{step.megabytes_per_second:7.1f} MB/s, "
        f"at most {step.peak_bytes / 1e6:6.0f} MB ({step.more_bytes / 1e6:+6.0f})"
    )


def grown(files: list[Path], megabytes: float, path: Path, seed: int = 0) -> Path:
    """Write the files' text to `path`, then shuffled rounds of it, up to `megabytes`."""
    from kantai.readers import read_files

    lines = (line for document in read_files(files) for line in [*document.text.splitlines(), ""])
    text = "\n".join(lines)
    generator, blocks, words = random.Random(seed), text.split("\n\n"), text.split()
    left = int(megabytes * 1e6)
    with path.open("wb") as file:
        left -= file.write(text.encode("utf-8", "replace")[:left])
        while left > 0:
            for block in blocks:
                if left <= 0:
                    break
                new = shuffled(block, words, generator).encode("utf-8", "replace")
                left -= file.write(b"\n\n" + new)
    return path


def shuffled(block: str, words: list[str], generator: random.Random) -> str:
    """The words of a paragraph in another order, with as many on each line; some are new."""
    own = block.split()
    generator.shuffle(own)
    for place in range(generator.randrange(NEW_WORD), len(own), NEW_WORD):
        head, tail = generator.choice(words), generator.choice(words)
        own[place] = head[: (len(head) + 1) // 2] + tail[len(tail) // 2 :]
    following = iter(own)
    lines = (islice(following, len(line.split())) for line in block.split("\n"))
    return "\n".join(" ".join(line) for line in lines)
