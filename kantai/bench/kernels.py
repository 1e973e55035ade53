"""Two yardsticks of a device: the rate of one matrix product, and a step of Muon beside torch's.

A training step is little else than matrix products, so their measured rate says more about what
can be reached than a data sheet does.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

from kantai.architectures import build_model, find_preset
from kantai.optimizers import Muon, hidden_matrices
from kantai.pretraining import DTYPES

SIZES = {"cuda": 8_192, "mps": 4_096, "cpu": 2_048}  # of the square matrices: large enough
WARM_UP, TIMES = 2, 7
WAITS = {"cuda": torch.cuda.synchronize, "mps": torch.mps.synchronize}


def synchronize(kind: str) -> Callable[[], None]:
    """Waits until the device has done all that it was told."""
    return WAITS.get(kind, lambda: None)


def median_seconds(work: Callable[[], object], kind: str, times: int = TIMES) -> float:
    """The median time of doing it, after doing it some times for nothing."""
    wait, seconds = synchronize(kind), []
    for _ in range(WARM_UP + times):
        wait()
        began = time.perf_counter()
        work()
        wait()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[WARM_UP:])


def product_flops(kind: str, precision: str) -> float:
    """FLOP/s of the product of two square matrices in `fp32`, `bf16` or `fp16`."""
    size, dtype = SIZES[kind], DTYPES[precision] or torch.float32
    left, right = (torch.randn(size, size, device=kind).to(dtype) for _ in range(2))
    return 2 * size**3 / median_seconds(lambda: left @ right, kind)


def muon_beside_torch(preset: str, vocab_size: int, kind: str) -> dict[str, float]:
    """Median seconds of one optimizer step on a preset's hidden matrices."""
    matrices = hidden_matrices(build_model(find_preset(preset), vocab_size, device=kind))
    for weight in matrices:
        weight.grad = torch.randn_like(weight)
    sides = {"ours": Muon(matrices), "torch": torch.optim.Muon(matrices)}
    return {name: median_seconds(muon.step, kind, 3) for name, muon in sides.items()}
