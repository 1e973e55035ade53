"""Where Runs are kept, and whether they are still there after a restart.

On one's own machine a folder lasts. A Space forgets its disk whenever it restarts, unless a
bucket is mounted: by custom at /data, or wherever `KANTAI_RUNS` says. Knows no Run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

BUCKET = Path("/data")


@dataclass(frozen=True)
class Storage:
    """A folder for Runs; `lasts` where a restart does not empty it."""

    folder: Path
    lasts: bool


def storage(
    environment: Mapping[str, str], is_mount: Callable[[Path], bool] = os.path.ismount
) -> Storage:
    """`KANTAI_RUNS`, else `runs` in a Space's bucket, else `runs` in the current folder."""
    on_space, named = "SPACE_ID" in environment, environment.get("KANTAI_RUNS")
    in_bucket = on_space and is_mount(BUCKET) and os.access(BUCKET, os.W_OK)
    folder = Path(named) if named else BUCKET / "runs" if in_bucket else Path("runs")
    return Storage(folder, lasts=not on_space or is_mounted(folder, is_mount))


def is_mounted(folder: Path, is_mount: Callable[[Path], bool] = os.path.ismount) -> bool:
    """Whether the folder, or one that it is in, is a disk of its own."""
    *inner, _root = [folder.absolute(), *folder.absolute().parents]
    return any(is_mount(place) for place in inner)
