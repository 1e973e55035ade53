"""What the machine offers: which device, which precision, how fast at best.

Knows nothing of models and training.
"""

from __future__ import annotations

import math
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kantai.errors import UserError

# Dense half-precision peak in FLOP/s, by a word of the device's name; the makers' data sheets.
PEAK_FLOPS = {
    "T4": 65e12,
    "L4": 121e12,
    "A10G": 70e12,
    "A100": 312e12,
    "H100": 989e12,
    "H200": 989e12,
}
ALLOWED_MEMORY = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
PRECISIONS = {"cpu": ("fp32", "bf16"), "mps": ("fp32",), "cuda": ("fp32", "bf16", "fp16")}


@dataclass(frozen=True)
class Device:
    """One device: its torch name, what it is called, its memory in bytes, its peak in FLOP/s."""

    kind: str
    name: str
    memory: int
    peak_flops: float | None


def use_threads_politely() -> None:
    """Let waiting threads sleep. Call before torch is imported.

    By default they spin, so a second busy process on the machine (the page's own server, say)
    makes every step wait for a thread that cannot run: on two busy cores, twice the time.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def use_one_thread() -> None:
    """Compute in this thread alone: in a fork those of the parent are missed, and waited for."""
    import torch

    torch.set_num_threads(1)


def available() -> tuple[str, ...]:
    """The kinds of device there are, best first."""
    import torch

    kinds = []
    if torch.cuda.is_available():
        kinds.append("cuda")
    if torch.backends.mps.is_available():
        kinds.append("mps")
    return (*kinds, "cpu")


def find_device(asked: str | None = None) -> Device:
    """The asked device, or the best there is. Raises UserError for one that is not there."""
    known = available()
    kind = asked or known[0]
    if kind not in known:
        raise UserError("no_device", asked=kind, known=", ".join(known))
    return _DESCRIBE[kind]()


def check_precision(device: Device, asked: str) -> None:
    """Raise UserError for a precision that the device cannot compute in."""
    known = ("auto", *PRECISIONS[device.kind])
    if asked not in known:
        raise UserError("no_precision", asked=asked, device=device.name, known=", ".join(known))


def wake() -> None:
    """Have a GPU, if there is one, load what its first matrix product needs: a second or two."""
    import torch

    if torch.cuda.is_available():
        ones = torch.ones(64, 64, device="cuda", dtype=torch.half)
        (ones @ ones).sum().item()


def _cuda() -> Device:
    import torch

    properties = torch.cuda.get_device_properties(0)
    words = properties.name.replace("-", " ").split()
    peak = next((flops for word, flops in PEAK_FLOPS.items() if word in words), None)
    return Device("cuda", properties.name, properties.total_memory, peak)


def _mps() -> Device:
    import torch

    return Device("mps", "Apple GPU", torch.mps.recommended_max_memory(), None)


def _cpu() -> Device:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if os.name == "posix" else 0
    return Device("cpu", f"CPU, {os.cpu_count()} cores", min(memory, allowed_memory()), None)


def allowed_memory(files: tuple[str, ...] = ALLOWED_MEMORY) -> float:
    """Bytes that a container may use, as the kernel's control groups tell; inf: all there are."""
    for file in files:
        with suppress(OSError, ValueError):  # not there, or "max"
            return int(Path(file).read_text())
    return math.inf


_DESCRIBE = {"cuda": _cuda, "mps": _mps, "cpu": _cpu}
