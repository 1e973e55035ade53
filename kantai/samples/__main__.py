"""Writes the sample texts anew: `python -m kantai.samples [FOLDER]` (default: assets/).

The same bytes on every machine and Python version; a test holds the committed files to it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kantai.samples import ASSETS, SAMPLES
from kantai.samples.build import TEXTS


def main(folder: Path) -> None:
    """One file a sample, into `folder`."""
    for name, (_, file, *_) in SAMPLES.items():
        data = TEXTS[name]()
        (folder / file).write_bytes(data)
        print(f"{folder / file}: {len(data):,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ASSETS)
