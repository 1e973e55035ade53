"""A GPU's step recorded once and replayed: the processor then only says "again".

A small model's step is a thousand short operations, and Python needs longer to name each than
a large GPU to do it. A CUDA graph keeps the whole list on the device. What it needs in return:
the same shapes and the same memory each time, which packed rows and a fixed number of hidden
positions give (Ng et al. 2021, "Accelerating PyTorch with CUDA Graphs"). Knows nothing of
text, recipes and optimizers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

from kantai.masking import MaskedRows


class Own(torch.nn.Module):
    """A layer as its class wrote it, whatever now stands in its place."""

    def __init__(self, layer: torch.nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        return type(self.layer).forward(self.layer, *args, **kwargs)


class FusedLayers:
    """Layers whose small operations torch fuses, alike ones only once; `with` it they are used.

    The first step then takes 5 to 20 seconds longer, all others a fifth to a half less: for
    long trainings. With `dtype` a layer is computed in it from end to end: autocast leaves
    norms, and what flows from layer to layer, in float32, so twice the bytes to be moved. (The
    fused norm still sums in float32.) Where the compiler is not at home, torch goes on without.
    """

    def __init__(
        self,
        layers: Iterable[torch.nn.Module],
        dtype: torch.dtype | None = None,
        backend: str = "inductor",
    ):
        import torch._dynamo

        torch._dynamo.config.suppress_errors = True
        self.dtype, self.backend = dtype, backend
        self.fused = [(layer, self._fused(layer)) for layer in layers]

    def _fused(self, layer: torch.nn.Module) -> Callable[..., Tensor]:
        own, dtype = Own(layer), self.dtype
        place = next(layer.parameters()).device.type

        def forward(*args: Any, **kwargs: Any) -> Tensor:
            if dtype is None:
                return own(*args, **kwargs)
            weights = {name: weight.to(dtype) for name, weight in own.named_parameters()}
            with torch.autocast(place, enabled=False):
                return functional_call(own, weights, args, kwargs)

        compiled = torch.compile(forward, dynamic=False, backend=self.backend)

        def entered(*args: Any, **kwargs: Any) -> Tensor:
            states = [_in(dtype, value) for value in args]
            return compiled(*states, **{name: _in(dtype, v) for name, v in kwargs.items()})

        return entered

    def __enter__(self) -> None:
        for layer, forward in self.fused:
            layer.forward = forward

    def __exit__(self, *error: object) -> None:
        for layer, _ in self.fused:
            del layer.forward  # the class's own is in sight again


def _in(dtype: torch.dtype | None, value: Any) -> Any:
    """The value, in `dtype` where it is a tensor of fractions."""
    fractions = isinstance(value, Tensor) and value.is_floating_point()
    return value.to(dtype) if fractions and dtype else value


WARM_UP = 2  # runs before a recording, in which libraries choose and allocate


class NotRecorded(RuntimeError):
    """The device or its driver would not record the step; it can still be taken as usual."""


@dataclass(frozen=True)
class Recording:
    """One recorded computation: fill `questions`, replay `graph`, read `loss` []."""

    graph: torch.cuda.CUDAGraph
    questions: MaskedRows
    loss: Tensor


class RecordedGradients:
    """`backward(questions)` as CUDA graphs, one for each shape of questions that comes.

    `backward` must add to the gradients of `weights` and return the loss, on the device alone.
    Gradients keep their place in memory: never set them to None between calls. All recordings
    share one pool, since only one is ever at work.
    """

    def __init__(self, backward: Callable[[MaskedRows], Tensor], weights: Iterable[Tensor]):
        self.backward = backward
        self.weights = [weight for weight in weights if weight.requires_grad]
        self.recordings: dict[tuple[torch.Size, ...], Recording] = {}
        self.pool = torch.cuda.graph_pool_handle()
        self.gradients: list[Tensor] = []

    def __call__(self, questions: MaskedRows) -> Tensor:
        """The loss [] of these questions, valid until the next call; gradients are in place.

        Raises torch.OutOfMemoryError where the device cannot hold the step, NotRecorded where
        it cannot be recorded.
        """
        shapes = (questions.inputs.shape, questions.targets.shape)
        if shapes not in self.recordings:
            try:
                self.recordings[shapes] = self._record(questions)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                raise NotRecorded from error
        recording = self.recordings[shapes]
        for target, source in zip(recording.questions.tensors, questions.tensors, strict=True):
            target.copy_(source)
        recording.graph.replay()
        return recording.loss

    def _record(self, questions: MaskedRows) -> Recording:
        """Run a few times as usual, then once for the record; dropout's dice are put back."""
        if not self.gradients:
            self.gradients = [torch.zeros_like(weight) for weight in self.weights]
            for weight, gradient in zip(self.weights, self.gradients, strict=True):
                weight.grad = gradient
        own = MaskedRows(*(tensor.clone() for tensor in questions.tensors))
        dice = torch.cuda.get_rng_state()
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                self._compute(own)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self.pool):
            loss = self._compute(own)
        torch.cuda.set_rng_state(dice)
        return Recording(graph, own, loss)

    def _compute(self, questions: MaskedRows) -> Tensor:
        torch._foreach_zero_(self.gradients)
        return self.backward(questions)
