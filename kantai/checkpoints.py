"""What a stopped training leaves behind, so that another goes on as if nothing had happened.

Weights, the best ones, their running average, the optimizers' numbers, and where it stands.
Knows no folder: the path is given.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from kantai.errors import UserError


@dataclass
class Progress:
    """Where a training stands; saved with the weights and all that a resume needs."""

    step: int = 0
    seconds: float = 0.0  # of training, looks included, pauses not
    step_seconds: float = 0.0  # of these, spent in steps: what tokens per second are counted by
    tokens: int = 0  # real tokens read, padding not counted
    loss: float = 0.0  # of training, mean at the last report
    looks: int = 0
    look_seconds: float = 0.0  # that the last look took
    last_look: float = 0.0  # when it ended
    looks_without_better: int = 0
    best_step: int = 0
    best_loss: float = math.inf
    pieces: int = 1  # a batch is worked through in so many pieces (more after out of memory)


@dataclass
class Checkpoint:
    """Everything a resume needs: tensors by name, and plain numbers."""

    tensors: dict[str, Tensor]
    progress: dict[str, Any]

    def save(self, path: Path) -> None:
        """Write both into one file of safetensors."""
        tensors = {name: tensor.contiguous() for name, tensor in self.tensors.items()}
        save_file(tensors, path, metadata={"progress": json.dumps(self.progress)})

    @classmethod
    def load(cls, path: Path, device: str = "cpu") -> Checkpoint:
        """Read what `save` wrote, its tensors onto `device`. Raises ValueError for another file."""
        try:
            with safe_open(path, "pt", device=device) as file:
                progress = json.loads(file.metadata()["progress"])
                return cls({name: file.get_tensor(name) for name in file.keys()}, progress)  # noqa: SIM118
        except (SafetensorError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is no checkpoint") from error


Kept = Mapping[str, list[Tensor]]  # kind -> a tensor for each weight, in the model's order
Optimizers = Sequence[torch.optim.Optimizer]


def live_tensors(model: nn.Module, kept: Kept, optimizers: Optimizers) -> dict[str, Tensor]:
    """By name: each tensor of `kept`, and what the optimizers know. They are the live ones."""
    tensors = {
        f"{kind}/{name}": tensor
        for kind, own in kept.items()
        for (name, _), tensor in zip(model.named_parameters(), own, strict=True)
    }
    for key, state in _states(model, optimizers):
        tensors |= {f"{key}/{what}": value for what, value in state.items()}
    return tensors


def fill_tensors(
    model: nn.Module, kept: Kept, optimizers: Optimizers, tensors: Mapping[str, Tensor]
) -> None:
    """Copy what `live_tensors` gave into another training of the same model.

    Raises UserError where the tensors are of another one.
    """
    try:
        for kind, own in kept.items():
            copy_weights(own, [tensors[f"{kind}/{name}"] for name, _ in model.named_parameters()])
    except (KeyError, RuntimeError) as error:
        raise UserError("checkpoint_foreign") from error
    device = kept["weights"][0].device
    for key, state in _states(model, optimizers):
        for name in [name for name in tensors if name.startswith(key + "/")]:
            state[name.removeprefix(key + "/")] = tensors[name].to(device).clone()


def _states(model: nn.Module, optimizers: Optimizers) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """A name and the live state of each weight, in a fixed order."""
    name_of = {id(p): name for name, p in model.named_parameters()}
    for number, optimizer in enumerate(optimizers):
        for group in optimizer.param_groups:
            for weight in group["params"]:
                yield f"optimizer{number}/{name_of[id(weight)]}", optimizer.state[weight]


def copy_weights(target: list[Tensor], source: list[Tensor]) -> None:
    """Copy tensor by tensor into memory that is already there."""
    torch._foreach_copy_(target, [s.to(t.device) for t, s in zip(target, source, strict=True)])
