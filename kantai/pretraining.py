"""The training loop: hide words, guess, correct; look now and then; keep the best.

    for each step:   rows <- the next blocks of the text
                     inputs, positions, targets <- mask_rows(rows)
                     loss <- how surprised the model is by the hidden tokens
                     every weight moves a little against its part in that surprise

The whole text lies on the device as one tensor, so there is no data loader (of a very large
one, each step takes its rows from memory that is mapped from the disk); masks are drawn there
too. All randomness of a step follows from the seed and the step's number alone: a training that
is stopped and resumed takes the very same steps. The loop yields events and is told when to
stop; it knows no files, no screen, and no clock but the one it is given.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from kantai.architectures import architecture_of, close_rows, masked_states
from kantai.checkpoints import Checkpoint, Progress, copy_weights, fill_tensors, live_tensors
from kantai.errors import UserError, cause
from kantai.evaluation import Exam, evaluate
from kantai.events import Event, Finished, Noticed, Stepped, Validated
from kantai.graphs import FusedLayers, NotRecorded, RecordedGradients
from kantai.masking import IGNORED, MaskedRows, mask_rows
from kantai.optimizers import SCHEDULES, build_optimizers, set_learning_rate
from kantai.recipes import Budget, Recipe
from kantai.rows import LineExamples, PackedText
from kantai.tokenizer import MASK, PAD, SPECIAL_TOKENS

LOOKS = 24  # validations over the whole budget, at most
LOOK_SHARE = 0.08  # where time is the budget, looking may take so much of it
REPORT_SECONDS = 0.25  # at most so often the device is waited for and a Stepped event sent
TURNED = 0.02  # nats above the best that count as "getting worse"
LEAST_STEPS = 300  # that even the shortest text is worth
ENDINGS = {"diverged": "loss_not_finite", "early": "stopped_early", "enough": "read_enough"}


def choose_precision(device: torch.device, asked: str = "auto") -> str:
    """bf16 where the device has it, fp16 on older GPUs (a T4), fp32 on CPU and MPS."""
    if asked != "auto":
        return asked
    if device.type != "cuda":
        return "fp32"
    return "bf16" if torch.cuda.get_device_capability(device) >= (8, 0) else "fp16"


def memory_in_use(device: torch.device) -> int:
    """Bytes: the most that was taken on a GPU; without one, what this process holds now."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    import psutil

    return psutil.Process().memory_info().rss


DTYPES = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass
class Meter:
    """What happened since the last report; the loss stays on the device until then."""

    loss: Tensor
    norm: Tensor
    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0


class Pretraining:
    """One training: a model, its text, a recipe and a budget; `run()` does it."""

    def __init__(
        self,
        model: Any,
        text: PackedText | LineExamples,
        exam: Exam,
        token_bytes: np.ndarray,
        recipe: Recipe,
        budget: Budget,
        *,
        precision: str = "auto",
        seed: int = 0,
        graphs: bool | None = None,
        compiled: bool = False,
        clock: Callable[[], float] = time.perf_counter,
    ):
        self.model, self.recipe, self.budget = model, recipe, budget
        self.seed, self.clock = seed, clock
        self.device = next(model.parameters()).device
        self.text, self.exam, self.token_bytes = text.to(self.device), exam, token_bytes
        self.precision = choose_precision(self.device, precision)
        self.optimizers = build_optimizers(model, recipe.optimizer)
        packed = recipe.examples == "packed"
        graphs = packed and self.device.type == "cuda" if graphs is None else graphs
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")
        self.progress = Progress()
        self.weights = [w.detach() for w in model.parameters()]  # the same memory, no gradients
        self.best = [w.clone() for w in self.weights]
        self.average = [w.clone() for w in self.weights] if recipe.average else None
        self.architecture, self.tokens = architecture_of(model), len(token_bytes)
        if not recipe.all_logits:
            close_rows(model, self.tokens)
        self.fused: FusedLayers | None = None
        self.surprise: Callable[[Tensor, Tensor], Tensor] = self._surprise
        if compiled:
            half = torch.bfloat16 if self.precision == "bf16" else None
            self.fused = FusedLayers(self.architecture.layers(model), half)
            self.surprise = torch.compile(self._surprise, dynamic=True)
        self.recorded = RecordedGradients(self._backward, model.parameters()) if graphs else None
        self.watch: Callable[[Any], list[Any]] = lambda model: []  # asked at every look
        self.meter = self._new_meter()
        self._ticked = clock()

    # --- the loop -------------------------------------------------------------------------

    def run(
        self,
        *,
        stop: Callable[[], bool] = lambda: False,
        pause: Callable[[], bool] = lambda: False,
        save: Callable[[Checkpoint], None] | None = None,
        save_every: float = 20.0,
    ) -> Iterator[Event]:
        """Train until the budget is spent, `stop()` is true, or validation has turned.

        `save` is given a checkpoint every `save_every` seconds of training (less often where
        saving is slow: it may take a twentieth of the time) and at the end, but never one whose
        weights are no numbers. After a Finished the model holds the best weights seen. Where
        `pause()` is true, it leaves a checkpoint and ends without a last look and without a
        Finished: another call goes on.
        """
        self.model.train()
        self._tick()
        stopped, pausing, next_save = None, False, self.progress.seconds + save_every
        while stopped is None:
            share = self._share()
            if self._look_is_due(share):
                yield from self._report()
                if math.isfinite(self.progress.loss):
                    yield self._look(share)
                    stopped = self._verdict(share)
            elif stop():
                stopped = "stopped"
            elif save and pause():
                pausing = True
            else:
                yield from self._step(share)
            leaving = pausing or stopped is not None
            due = leaving or self.progress.seconds > next_save
            if due or self.meter.seconds > REPORT_SECONDS:
                yield from self._report()
            if not self._is_sound(thoroughly=due):
                stopped = "diverged"
            elif save and due:
                save(self.checkpoint())
                next_save = self.progress.seconds + max(save_every, 20 * self._tick())
                if pausing:
                    return
        yield from self._end(stopped)

    def allow(self, seconds: float) -> None:
        """From now on train for so long; what happened since it was made counts for nobody."""
        self.budget, self._ticked = Budget(seconds=self.progress.seconds + seconds), self.clock()

    def _is_sound(self, thoroughly: bool) -> bool:
        """Whether the last reported loss is a number; asked thoroughly, every weight too."""
        if not math.isfinite(self.progress.loss):
            return False
        return not thoroughly or all(bool(w.isfinite().all()) for w in self.weights)

    def _end(self, stopped: str) -> Iterator[Event]:
        """Look at the last weights, if nobody has, say why it ended, and take the best."""
        p = self.progress
        if stopped == "stopped" and p.step:
            yield self._look(self._share())
        if stopped in ENDINGS:
            epochs = round(p.step / self.text.steps_per_epoch)
            values = {"step": p.step, "best_step": p.best_step, "epochs": epochs}
            yield Noticed(p.step, ENDINGS[stopped], values)
        copy_weights(self.weights, self.best)
        self.model.eval()
        told = stopped if stopped in ("finished", "stopped") else "early"
        yield Finished(p.step, p.seconds, told, p.best_step, p.best_loss)

    def _share(self) -> float:
        """How much of the training is done; a short text is read often enough before its time."""
        return max(self._budget_share(), self._text_share())

    def _budget_share(self) -> float:
        p = self.progress
        return self.budget.share(
            seconds=p.seconds, step=p.step, steps_per_epoch=self.text.steps_per_epoch
        )

    def _text_share(self) -> float:
        if self.budget.seconds is None or self.recipe.most_epochs is None:
            return 0.0
        enough = max(LEAST_STEPS, self.recipe.most_epochs * self.text.steps_per_epoch)
        return min(1.0, self.progress.step / enough)

    def _tick(self) -> float:
        """Seconds since the last tick, added to the training's own time."""
        now = self.clock()
        spent, self._ticked = now - self._ticked, now
        self.progress.seconds += spent
        return spent

    # --- one step -------------------------------------------------------------------------

    def _step(self, share: float) -> Iterator[Noticed]:
        """One step of the optimizer; says so where memory ran out and it must be tried again."""
        factor = SCHEDULES[self.recipe.schedule](share)
        self.learning_rate = set_learning_rate(self.optimizers, factor)
        try:
            loss, tokens = self._gradients()
        except NotRecorded:
            self.recorded = None
            self.model.zero_grad(set_to_none=True)
            yield Noticed(self.progress.step, "not_recorded", {})
            return
        except RuntimeError as error:  # torch's OutOfMemoryError is one
            yield self._smaller_pieces(error)
            return
        for optimizer in self.optimizers:
            self.scaler.unscale_(optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.gradient_clip)
        for optimizer in self.optimizers:
            self.scaler.step(optimizer)
            if not self.recorded:  # a recording writes its own zeros
                optimizer.zero_grad(set_to_none=True)
        self.scaler.update()
        self._follow_average()
        self._count(loss, norm, tokens)

    def _gradients(self) -> tuple[Tensor, int]:
        """Gradients of one batch: its mean loss and its tokens."""
        rows = self._rows()
        masked = self._mask(rows)
        loss = self.recorded(masked) if self.recorded else self._backward(masked)
        padded = self.recipe.examples == "lines"
        return loss, int((rows != PAD).sum()) if padded else rows.numel()

    def _backward(self, masked: MaskedRows) -> Tensor:
        """Add to the gradients, working through the batch in `pieces`: the mean loss []."""
        asked = (masked.targets != IGNORED).sum()
        total = torch.zeros((), device=self.device)
        for part in masked.pieces(math.ceil(len(masked.inputs) / self.progress.pieces)):
            loss = self._loss(part) / asked
            self.scaler.scale(loss).backward()
            total += loss.detach()
        return total

    def _rows(self) -> Tensor:
        """This step's rows; at first cut shorter, where the recipe says so.

        With fewer places to look at, attention finds sooner where to look (Press et al. 2021).
        """
        rows, first = self.text.rows(self.progress.step), self.recipe.first_block_size
        if first and self._share() < self.recipe.first_share and rows.shape[1] % first == 0:
            return rows.reshape(-1, first)
        return rows

    def _mask(self, rows: Tensor) -> MaskedRows:
        """This step's masks and dropout: they follow from the seed and the step's number."""
        seed = (self.seed * 1_000_003 + self.progress.step) % 2**63
        torch.manual_seed(seed)
        return mask_rows(
            rows,
            self.recipe.masking_at(self._share()),
            mask_id=MASK,
            vocab_size=self.tokens,
            special_tokens=len(SPECIAL_TOKENS),
            generator=torch.Generator(self.device).manual_seed(seed),
        )

    def _loss(self, part: MaskedRows) -> Tensor:
        """Summed surprise at the hidden tokens, in nats."""
        targets = part.targets.flatten()
        with self._autocast():
            if self.recipe.all_logits:
                visible = (part.inputs != PAD).long()
                logits = self.model(input_ids=part.inputs, attention_mask=visible).logits
                return _nats(logits.flatten(0, 1).index_select(0, part.flat_positions), targets)
            with self.fused or nullcontext():
                states = masked_states(self.model, part.inputs, part.flat_positions)
            return self.surprise(states, targets)

    def _surprise(self, states: Tensor, targets: Tensor) -> Tensor:
        """Nats [] of the `targets` [n], given the hidden states [n, hidden] at their places."""
        return _nats(self.architecture.head(self.model, states, self.tokens), targets)

    def _autocast(self) -> AbstractContextManager:
        dtype = DTYPES[self.precision]
        return torch.autocast(self.device.type, dtype) if dtype else nullcontext()

    def _smaller_pieces(self, error: RuntimeError) -> Noticed:
        """Out of memory: work through the same batch in twice as many pieces from now on."""
        p = self.progress
        if cause(error) != "out_of_memory":
            raise error
        if p.pieces >= self.recipe.batch_size:
            raise UserError("out_of_memory") from error
        self.model.zero_grad(set_to_none=True)
        self.recorded = None
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        p.pieces *= 2
        rows = math.ceil(self.recipe.batch_size / p.pieces)
        return Noticed(p.step, "out_of_memory_smaller", {"rows": rows, "pieces": p.pieces})

    def _follow_average(self) -> None:
        """The running average follows the weights, quickly at first."""
        if self.average is not None:
            decay = min(self.recipe.average, (1 + self.progress.step) / (10 + self.progress.step))
            torch._foreach_lerp_(self.average, self.weights, 1 - decay)

    # --- looking and telling ----------------------------------------------------------------

    def _look_is_due(self, share: float) -> bool:
        p = self.progress
        if share >= 1 or p.step == 0:
            return p.step > 0 or p.looks == 0
        timed = self.budget.seconds is not None
        wait = p.look_seconds / LOOK_SHARE if timed else 0.0
        return p.looks <= share * LOOKS and p.seconds - p.last_look >= wait

    def _look(self, share: float) -> Validated:
        """Answer the fixed validation masks; keep these weights if they were never better."""
        p = self.progress
        with self._averaged_weights(), self._autocast():
            marks = evaluate(self.model, self.exam, self.token_bytes)
            seen = self.watch(self.model)
            better = marks.loss < p.best_loss
            if better:
                copy_weights(self.best, self.weights)
        worse = marks.loss > p.best_loss + TURNED
        p.looks_without_better = 0 if better else p.looks_without_better + worse
        if better:
            p.best_loss, p.best_step = marks.loss, p.step
        p.looks = math.floor(share * LOOKS) + 1
        spent = self._tick()
        p.look_seconds = spent if p.step else 0.0  # the first one also wakes the device up
        p.last_look = p.seconds
        return Validated(p.step, p.seconds, marks.loss, marks.top1, marks.top5, better, seen)

    @contextmanager
    def _averaged_weights(self) -> Iterator[None]:
        """The model with its running average for weights, for as long as it is looked at."""
        if self.average is None:
            yield
            return
        own = [w.clone() for w in self.weights]
        copy_weights(self.weights, self.average)
        try:
            yield
        finally:
            copy_weights(self.weights, own)

    def _verdict(self, share: float) -> str | None:
        """Why the training ends at this look, or None."""
        if share >= 1 and self.progress.step > 0:
            return "finished" if self._budget_share() >= 1 else "enough"
        patience = self.recipe.patience
        return "early" if patience and self.progress.looks_without_better >= patience else None

    def _new_meter(self) -> Meter:
        zero = torch.zeros((), device=self.device)
        return Meter(loss=zero, norm=zero)

    def _count(self, loss: Tensor, norm: Tensor, tokens: int) -> None:
        p, meter = self.progress, self.meter
        p.step, p.tokens = p.step + 1, p.tokens + tokens
        meter.loss, meter.norm = meter.loss + loss, norm
        meter.steps, meter.tokens = meter.steps + 1, meter.tokens + tokens
        meter.seconds += self._tick()

    def _report(self) -> Iterator[Stepped]:
        """Wait for the device and tell what happened since the last report."""
        p, meter = self.progress, self.meter
        if not meter.steps:
            return
        p.loss = float(meter.loss) / meter.steps
        meter.seconds += self._tick()
        p.step_seconds += meter.seconds
        self.meter = self._new_meter()
        yield Stepped(
            step=p.step,
            seconds=p.seconds,
            share=self._share(),
            epoch=p.step / self.text.steps_per_epoch,
            loss=p.loss,
            learning_rate=self.learning_rate,
            gradient_norm=float(meter.norm),
            tokens_per_second=meter.tokens / max(meter.seconds, 1e-9),
            memory=memory_in_use(self.device),
        )

    # --- leaving off and going on -------------------------------------------------------------

    def checkpoint(self) -> Checkpoint:
        """All that a resume needs; the tensors are the live ones: write them before going on."""
        numbers = asdict(self.progress) | {"scale": self.scaler.get_scale()}
        return Checkpoint(live_tensors(self.model, self._kept(), self.optimizers), numbers)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint of the same model and recipe.

        Raises UserError where the tensors are not those of this model.
        """
        fill_tensors(self.model, self._kept(), self.optimizers, checkpoint.tensors)
        numbers = dict(checkpoint.progress)
        scale = numbers.pop("scale")
        if self.scaler.is_enabled():
            self.scaler.load_state_dict(self.scaler.state_dict() | {"scale": scale})
        self.progress = Progress(**numbers)
        self._mind_new_budget()

    def _kept(self) -> dict[str, list[Tensor]]:
        """What a checkpoint holds of every weight, beside the optimizers' numbers."""
        kept = {"weights": self.weights, "best": self.best}
        return kept if self.average is None else kept | {"average": self.average}

    def _mind_new_budget(self) -> None:
        """Under a larger budget than before, looks are due again, and patience starts anew."""
        p = self.progress
        next_look = math.floor(self._share() * LOOKS) + 1
        if p.looks > next_look:
            p.looks, p.looks_without_better = next_look, 0


def _nats(logits: Tensor, targets: Tensor) -> Tensor:
    """The sum [] of the surprises at `targets` [n] under `logits` [n, vocab]."""
    return torch.nn.functional.cross_entropy(
        logits.float(), targets, ignore_index=IGNORED, reduction="sum"
    )
