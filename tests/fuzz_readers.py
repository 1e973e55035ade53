"""Coverage-guided fuzzing of the readers: inputs that reach new lines are kept and bred from.

    pip install atheris                                   # wheels for Linux and macOS
    python tests/fuzz_readers.py -runs=10000              # so many of each kind, one after another
    python tests/fuzz_readers.py objects -max_total_time=600       # one kind alone
    python tests/fuzz_readers.py objects FOLDER -runs=0   # what FOLDER keeps; it is added to

Every option of libFuzzer works. An input is a file of its kind; one of `objects` is the objects
of a PDF, whose table is written and whose streams are deflated here, since a damaged file of it
ends before the reader's depths. PDFs are read in this process, where their lines are seen. Each
input must end in text or in one sentence (UserError), within two seconds of the processor and in
2 GB of memory; else the fuzzer stops and leaves the input as `crash-*`, `timeout-*` or `oom-*`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))

with atheris.instrument_imports(include=["kantai", "csv", "json", "zipfile", "gzip", "pypdf"]):
    import pypdf  # noqa: F401 (the reader imports it when it is needed)

    from kantai import pdf
    from tests import pdfs, test_fuzz

SEEDS = {kind: [data] for kind, data in test_fuzz.SEEDS.items()} | {"objects": pdfs.SEEDS}
SEEDS[".pdf"] += [pdfs.made(pdfs.SEEDS[0]), pdfs.with_object_stream(), pdfs.encrypted()]
OPTIONS = ("-timeout=20", "-rss_limit_mb=2048", "-max_len=8192")


def main(arguments: list[str]) -> int:
    """Fuzz the kind that comes first, or every kind in a process of its own."""
    if arguments and arguments[0] in SEEDS:
        fuzz(*arguments)
    for kind in SEEDS:
        print(f"--- {kind}", flush=True)
        if status := subprocess.call([sys.executable, __file__, kind, *arguments]):
            return status
    return 0


def fuzz(kind: str, *asked: str) -> None:
    """Fuzz one kind from its seeds, and from whatever the folders hold that are named."""
    pdf.pages_apart = pdf.pages
    suffix, made = (".pdf", pdfs.made) if kind == "objects" else (kind, bytes)
    with TemporaryDirectory() as name:
        folder = Path(name)
        seeds, words = folder / "seeds", folder / "words"
        seeds.mkdir()
        for number, data in enumerate(SEEDS[kind]):
            (seeds / str(number)).write_bytes(data)
        words.write_text("".join(f'"{word}"\n' for word in pdfs.WORDS))

        def read(data: bytes) -> None:
            test_fuzz.read(folder, "file" + suffix, made(data))

        known = [f"-dict={words}"] if suffix == ".pdf" else []
        atheris.Setup([sys.argv[0], *OPTIONS, *known, *asked, str(seeds)], read)
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
