"""One training in several processes: each has the whole model and its own rows of a step.

    torchrun --nproc_per_node=2 -m kantai.bench.parallel

Started so, by torchrun, a process joins the others (NCCL between GPUs, gloo else) and takes
steps; after each backward pass DistributedDataParallel averages the gradients, while all the
rest is done by everyone for itself. Rows are random ids: a step's time does not depend on what
stands in them. `measure_processes` starts torchrun for several counts of processes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, distributed

from kantai.architectures import Preset, build_model, masked_logits
from kantai.bench.kernels import synchronize
from kantai.bench.memory import Memory
from kantai.masking import mask_rows
from kantai.optimizers import build_optimizers
from kantai.pretraining import DTYPES, choose_precision
from kantai.records import fitting
from kantai.tokenizer import MASK, SPECIAL_TOKENS

if TYPE_CHECKING:
    from kantai.recipes import Recipe

WARM_UP, MOST_STEPS = 2, 30
TASK = "KANTAI_BENCH_TASK"  # the environment's name of what each process is to do, as JSON
Figures = tuple[int, int, float, int]  # processes, parameters, tokens a second, bytes of all


def measure_processes(
    counts: Iterable[int], preset: Preset, recipe: Recipe, vocab: int, kind: str, seconds: float
) -> Iterator[Figures]:
    """Train with so many processes each time. Raises RuntimeError where one of them fails."""
    task = {
        "preset": asdict(preset), "recipe": asdict(recipe), "vocab_size": vocab, "kind": kind,
        "seconds": seconds,
    }  # fmt: skip
    for count in counts:
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += [f"--nproc_per_node={count}", "-m", "kantai.bench.parallel"]
        threads = str(max(1, torch.get_num_threads() // count))
        environment = os.environ | {TASK: json.dumps(task), "OMP_NUM_THREADS": threads}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode:
            raise RuntimeError(done.stderr[-2_000:])
        told = json.loads(done.stdout.splitlines()[-1])
        yield count, told["parameters"], told["tokens_per_second"], told["memory"]


class MeanLoss(torch.nn.Module):
    """A model with its loss as the output, for DistributedDataParallel to watch."""

    def __init__(self, model: Any):
        super().__init__()
        self.model = model

    def forward(self, inputs: Tensor, flat_positions: Tensor, targets: Tensor) -> Tensor:
        """Mean surprise at the hidden tokens []."""
        logits = masked_logits(self.model, inputs, flat_positions).float()
        return torch.nn.functional.cross_entropy(logits, targets)


def main() -> None:
    """One of the processes: take steps with the others; the first prints what all did."""
    from kantai.recipes import recipe_from_json

    task = json.loads(os.environ[TASK])
    kind = task["kind"]
    if kind == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if kind == "cuda" else "gloo")
    try:
        recipe = recipe_from_json(task["recipe"])
        answer = _train(fitting(Preset, task["preset"]), recipe, task["vocab_size"], kind, task)
        if distributed.get_rank() == 0:
            print(json.dumps(answer), flush=True)
    finally:
        distributed.destroy_process_group()


def _train(
    preset: Preset, recipe: Recipe, vocab_size: int, kind: str, task: dict[str, Any]
) -> dict[str, float]:
    """Steps until the time is over for all; the sums of tokens a second and of memory."""
    memory = Memory()
    model = build_model(preset, vocab_size, device=kind).train()
    optimizers = build_optimizers(model, recipe.optimizer)
    shared = torch.nn.parallel.DistributedDataParallel(MeanLoss(model))
    taken: list[float] = []
    began = time.perf_counter()
    for _ in range(WARM_UP + MOST_STEPS):
        taken.append(_step(shared, optimizers, recipe, vocab_size, kind))
        memory.look()
        late = time.perf_counter() - began > task["seconds"] and len(taken) > WARM_UP
        if _any(late, kind):
            break
    tokens = recipe.batch_size * recipe.block_size / statistics.median(taken[WARM_UP:])
    on_gpu = torch.cuda.max_memory_allocated() if kind == "cuda" else 0
    sums = torch.tensor([tokens, on_gpu or memory.peak - memory.before], dtype=torch.float64)
    sums = sums.to(kind)
    distributed.all_reduce(sums)
    speed, held = sums.tolist()
    parameters = sum(weight.numel() for weight in model.parameters())
    return {"parameters": parameters, "tokens_per_second": speed, "memory": int(held)}


def _step(
    shared: torch.nn.Module, optimizers: list[Any], recipe: Recipe, vocab_size: int, kind: str
) -> float:
    """One step of everybody; seconds."""
    began = time.perf_counter()
    shape = (recipe.batch_size, recipe.block_size)
    rows = torch.randint(len(SPECIAL_TOKENS), vocab_size, shape, device=kind)
    masked = mask_rows(
        rows, recipe.masking, mask_id=MASK, vocab_size=vocab_size,
        special_tokens=len(SPECIAL_TOKENS), generator=torch.Generator(rows.device).manual_seed(0),
    )  # fmt: skip
    dtype = DTYPES[choose_precision(torch.device(kind))]
    half = dtype is torch.bfloat16  # fp16 would need a scaler: without one it is left out
    with torch.autocast(kind, dtype) if half else nullcontext():
        loss = shared(masked.inputs, masked.flat_positions, masked.targets.flatten())
    loss.backward()
    torch.nn.utils.clip_grad_norm_(shared.parameters(), recipe.gradient_clip)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    synchronize(kind)()
    return time.perf_counter() - began


def _any(late: bool, kind: str) -> bool:
    """Whether it is true for one of the processes: all must take the same number of steps."""
    told = torch.tensor([float(late)], device=kind)
    distributed.all_reduce(told, distributed.ReduceOp.MAX)
    return bool(told.item())


if __name__ == "__main__":
    main()
