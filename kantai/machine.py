"""How busy this machine is: cores, memory, disk, and NVIDIA GPUs. Knows no Run and no screen."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MEBIBYTE = 1 << 20
LOOK = 0.1  # seconds over which the cores are watched
GPU_FIELDS = "name,utilization.gpu,memory.used,memory.total"
GPU_PATIENCE = 5.0  # seconds for nvidia-smi to answer


@dataclass(frozen=True)
class Gpu:
    """One GPU: its name, how busy it is (0 to 1), bytes used and bytes it has."""

    name: str
    busy: float
    used: int
    total: int


@dataclass(frozen=True)
class Usage:
    """The machine at this moment: shares from 0 to 1, memory and disk in bytes."""

    cores: int
    busy: float
    memory_used: int
    memory_total: int
    disk_free: int
    gpus: tuple[Gpu, ...] = ()


def usage(folder: Path) -> Usage:
    """Look at the machine for a tenth of a second; the disk is the one that `folder` is on."""
    import psutil

    memory = psutil.virtual_memory()
    return Usage(
        cores=psutil.cpu_count() or 1,
        busy=psutil.cpu_percent(LOOK) / 100,
        memory_used=memory.total - memory.available,
        memory_total=memory.total,
        disk_free=shutil.disk_usage(folder).free,
        gpus=tuple(gpus()),
    )


def gpus() -> list[Gpu]:
    """What nvidia-smi says; none where it is missing or has nothing to say.

    A process of its own: asking through torch would take memory on the GPU for the page.
    """
    tool = shutil.which("nvidia-smi")
    if not tool:
        return []
    asked = [tool, f"--query-gpu={GPU_FIELDS}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=GPU_PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return read_gpus(done.stdout)


def read_gpus(printed: str) -> list[Gpu]:
    """The lines of nvidia-smi; a figure that a GPU does not tell makes its line be left out.

    >>> read_gpus("NVIDIA H200, 97, 1024, 143771")[0].busy
    0.97
    """
    found = []
    for line in printed.splitlines():
        with suppress(ValueError):
            name, busy, used, total = (part.strip() for part in line.rsplit(",", 3))
            found.append(Gpu(name, int(busy) / 100, int(used) * MEBIBYTE, int(total) * MEBIBYTE))
    return found
