"""Coverage-guided fuzzing of the readers: inputs that reach new lines are kept and bred from.

    pip install atheris                                   # wheels for Linux and macOS
    python tests/fuzz_readers.py -runs=100000             # every option of libFuzzer works
    python tests/fuzz_readers.py FOLDER -max_total_time=600    # keeps what it finds, goes on later

The first byte of an input chooses the format, the rest is the file. Each must end in text or in
one sentence (UserError), within two seconds of the processor and in 2 GB of memory; else the
fuzzer stops and leaves the input as `crash-*`, `timeout-*` or `oom-*`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))

with atheris.instrument_imports(include=["kantai", "csv", "json", "zipfile", "gzip", "pypdf"]):
    import pypdf  # noqa: F401 (the reader imports it when it is needed)

    from kantai import pdf
    from tests import test_fuzz

KINDS = sorted(test_fuzz.SEEDS)
OPTIONS = ("-timeout=10", "-rss_limit_mb=2048", "-max_len=8192")


def main() -> None:
    """Fuzz from one seed a format, and from whatever the folders hold that are named."""
    pdf.pages_apart = pdf.pages  # here, where its lines are seen
    with TemporaryDirectory() as folder:
        seeds = Path(folder) / "seeds"
        seeds.mkdir()
        for number, kind in enumerate(KINDS):
            (seeds / kind[1:]).write_bytes(bytes([number]) + test_fuzz.SEEDS[kind])

        def read(data: bytes) -> None:
            if data:
                kind = KINDS[data[0] % len(KINDS)]
                test_fuzz.read(Path(folder), "file" + kind, data[1:])

        named = [part for part in sys.argv[1:] if not part.startswith("-")]
        options = [part for part in sys.argv[1:] if part.startswith("-")]
        atheris.Setup([sys.argv[0], *OPTIONS, *options, *named, str(seeds)], read)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
