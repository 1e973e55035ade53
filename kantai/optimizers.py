"""Optimizers and schedules by name.

AdamW scales each number's step by its own history (Loshchilov & Hutter 2017). Muon looks at a
weight matrix as a whole: it replaces the step by the nearest matrix whose singular values are
all about 1, so that rare directions learn as fast as common ones (Jordan et al. 2024). It is
for hidden matrices only; embeddings, norms and biases stay with AdamW.

`torch.optim.Muon` does the same one matrix at a time and always in bfloat16, which costs a
CPU without bfloat16 units most of its time and a GPU hundreds of small launches. Here all
matrices of one shape go through the iteration together, in float32 on a CPU; a test holds
that both take the same step. Knows nothing of data, models or devices' names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from kantai.errors import UserError

# Coefficients of the quintic Newton-Schulz iteration (Jordan et al. 2024).
A, B, C = 3.4445, -4.7750, 2.0315


def orthogonalize(matrices: Tensor, steps: int = 5) -> Tensor:
    """The nearest semi-orthogonal matrices, nearly: [n, rows, columns] -> the same shape.

    Newton-Schulz: X <- A X + B (X X^T) X + C (X X^T)^2 X pushes every singular value towards
    1 and needs matrix products only. Written for wide matrices: tall ones are turned first.
    """
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x.float() / x.float().norm(dim=(-2, -1), keepdim=True).clamp_min(1e-7)
    x = x.to(torch.bfloat16) if x.is_cuda and torch.cuda.is_bf16_supported() else x
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=B, alpha=C), x, beta=A)
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal: for the hidden matrices of a network.

    Parameters are 2-D. Groups take `lr`, `weight_decay` (decoupled: each step shrinks the
    weights by lr * weight_decay), `momentum` and `ns_steps`.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        ns_steps: int = 5,
    ):
        defaults = {"lr": lr, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "momentum": momentum, "ns_steps": ns_steps})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Take one step with the gradients that are there."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    by_shape.setdefault(weight.shape, []).append(weight)
            for weights in by_shape.values():
                self._step_together(weights, group)

    def _step_together(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        """One step for matrices of one shape [rows, columns], as a stack of them."""
        lr, momentum = group["lr"], group["momentum"]
        gradients = [weight.grad for weight in weights]
        for weight in weights:
            if "momentum" not in self.state[weight]:
                self.state[weight]["momentum"] = torch.zeros_like(weight)
        history = [self.state[weight]["momentum"] for weight in weights]
        torch._foreach_lerp_(history, gradients, 1 - momentum)
        ahead = torch._foreach_lerp(gradients, history, momentum)  # Nesterov: one step ahead
        updates = orthogonalize(torch.stack(ahead), group["ns_steps"]).to(weights[0].dtype)
        rows, columns = weights[0].shape
        torch._foreach_mul_(weights, 1 - lr * group["weight_decay"])
        torch._foreach_add_(weights, list(updates), alpha=-lr * math.sqrt(max(1, rows / columns)))


@dataclass(frozen=True)
class OptimizerSettings:
    """Rates of one recipe. `learning_rate` is Muon's for matrices where the name is "muon".

    `embedding_decay` is the weight decay of the matrices that Muon leaves to AdamW: the token
    embeddings. A text of few tokens is read many times; unless rare tokens' rows are pulled
    back towards nothing, they learn their few places by heart.

    Raises UserError for rates that no training survives.
    """

    name: str = "muon"
    learning_rate: float = 2e-3
    adamw_learning_rate: float = 2e-3
    weight_decay: float = 0.1
    embedding_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.95)

    def __post_init__(self) -> None:
        for rate in (self.learning_rate, self.adamw_learning_rate):
            if not 0 < rate <= 1:
                raise UserError("learning_rate_range", asked=rate)


def hidden_matrices(model: torch.nn.Module) -> list[torch.nn.Parameter]:
    """The weights that Muon is for: matrices, but neither embeddings nor the output layer."""
    return [
        weight
        for name, weight in model.named_parameters()
        if weight.ndim == 2 and "embeddings" not in name and "decoder" not in name
    ]


def _adamw(model: torch.nn.Module, settings: OptimizerSettings) -> list[torch.optim.Optimizer]:
    """One rate for everything."""
    groups = _decayed(model.parameters(), settings.weight_decay)
    return [torch.optim.AdamW(groups, lr=settings.learning_rate, betas=settings.betas, fused=True)]


def _muon(model: torch.nn.Module, settings: OptimizerSettings) -> list[torch.optim.Optimizer]:
    """Muon for hidden matrices, AdamW for embeddings, norms and biases."""
    hidden = hidden_matrices(model)
    chosen = {id(p) for p in hidden}
    others = [p for p in model.parameters() if id(p) not in chosen]
    groups = _decayed(others, settings.embedding_decay)
    rate = settings.adamw_learning_rate
    return [
        Muon(hidden, lr=settings.learning_rate, weight_decay=settings.weight_decay),
        torch.optim.AdamW(groups, lr=rate, betas=settings.betas, fused=True),
    ]


def _decayed(weights: Iterable[Tensor], decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices; biases and norms are spared, as transformers does."""
    weights = list(weights)
    groups = [
        {"params": [w for w in weights if w.ndim == 2], "weight_decay": decay},
        {"params": [w for w in weights if w.ndim != 2], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


OPTIMIZERS: dict[str, Callable[..., list[torch.optim.Optimizer]]] = {"adamw": _adamw, "muon": _muon}


def build_optimizers(
    model: torch.nn.Module, settings: OptimizerSettings
) -> list[torch.optim.Optimizer]:
    """The optimizers that together own every weight; each group remembers its `peak_lr`."""
    optimizers = OPTIMIZERS[settings.name](model, settings)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak_lr"] = group["lr"]
    return optimizers


def _linear(share: float) -> float:
    return 1 - share


def _trapezoid(share: float) -> float:
    """Full speed after 2 %, then down to nothing over the last 60 %."""
    return min(1.0, (share + 1e-3) / 0.02, (1 - share) / 0.6)


def _cosine(share: float) -> float:
    return min(1.0, (share + 1e-3) / 0.02) * 0.5 * (1 + math.cos(math.pi * share))


# How the learning rate follows the share of the budget that is spent: [0, 1] -> [0, 1].
SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda share: 1.0,
    "linear": _linear,
    "trapezoid": _trapezoid,
    "cosine": _cosine,
}


def set_learning_rate(optimizers: list[torch.optim.Optimizer], factor: float) -> float:
    """Give every group `factor` of its peak rate; returns the first group's rate."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * factor
    return optimizers[0].param_groups[0]["lr"]
