"""The models: three architectures that transformers ships, and presets of them.

Every model is one of transformers' own classes, so what a person takes home loads anywhere.
What the playground adds is how to ask such a model for logits at the hidden positions only,
and how to look at it: its parameter table from a `meta` model (shapes without memory), and
estimates of memory and work. Knows nothing of text, training or files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kantai.errors import UserError
from kantai.tokenizer import BOS, EOS, PAD

if TYPE_CHECKING:
    from torch import Tensor, nn


MOST_POSITIONS = 512  # of a model whose config does not say


@dataclass(frozen=True)
class Preset:
    """A model's size. `vocab_size` None means: as many rows as the tokenizer has tokens.

    Raises UserError for combinations that no model can have.
    """

    architecture: str
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int = 512
    dropout: float = 0.0
    vocab_size: int | None = None

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise UserError(
                "unknown_architecture", asked=self.architecture, known=", ".join(ARCHITECTURES)
            )
        sizes = (self.hidden_size, self.num_hidden_layers, self.num_attention_heads)
        if min(*sizes, self.intermediate_size, self.max_position_embeddings) < 1:
            raise UserError("size_positive")
        if self.hidden_size % self.num_attention_heads:
            raise UserError("heads_divide", heads=self.num_attention_heads, hidden=self.hidden_size)
        if self.architecture == "modernbert" and self.hidden_size // self.num_attention_heads % 2:
            raise UserError("heads_even", size=self.hidden_size // self.num_attention_heads)
        if not 0 <= self.dropout < 1:
            raise UserError("dropout_range", asked=self.dropout)

    @property
    def longest_block(self) -> int:
        """The longest row of ids the model can read, in tokens."""
        return self.max_position_embeddings - ARCHITECTURES[self.architecture].position_offset

    def check_block(self, block_size: int) -> None:
        """Raise UserError where rows would be longer than the position table."""
        if not 8 <= block_size <= self.longest_block:
            raise UserError("block_range", asked=block_size, most=self.longest_block)


@dataclass(frozen=True)
class Architecture:
    """How to configure one of transformers' model classes, and how to ask it."""

    title: str
    config_class: str
    model_class: str
    position_offset: int  # rows of the position table that no token can use
    configure: Callable[[Preset], dict[str, Any]]
    encode: Callable[[Any, Tensor], Tensor]  # ids [rows, block] -> states [rows, block, hidden]
    layers: Callable[[Any], nn.ModuleList]
    transform: Callable[[Any, Tensor], Tensor]  # states [n, hidden] -> what the decoder reads
    decoder: Callable[[Any], nn.Linear]  # a row for each token of the vocabulary

    def head(self, model: Any, states: Tensor, tokens: int | None = None) -> Tensor:
        """Logits [n, vocab] of hidden states [n, hidden]; of the first `tokens` rows alone."""
        from torch.nn.functional import linear

        decoder = self.decoder(model)
        return linear(self.transform(model, states), decoder.weight[:tokens], decoder.bias[:tokens])


def _roberta(preset: Preset) -> dict[str, Any]:
    return {
        "type_vocab_size": 1,
        "hidden_dropout_prob": preset.dropout,
        "attention_probs_dropout_prob": preset.dropout,
    }


def _modernbert(preset: Preset) -> dict[str, Any]:
    """ModernBERT's layout with full attention in all layers: blocks here are short."""
    rope = {"rope_type": "default", "rope_theta": 10_000.0}
    return {
        "layer_types": ["full_attention"] * preset.num_hidden_layers,
        "rope_parameters": {"full_attention": rope, "sliding_attention": dict(rope)},
        "cls_token_id": BOS,
        "sep_token_id": EOS,
        "embedding_dropout": preset.dropout,
        "attention_dropout": preset.dropout,
        "mlp_dropout": preset.dropout,
    }


# Rows are packed, so every token may look at every other: no attention mask is built, which
# leaves the fastest attention free to choose. Without padding all rows count their places alike,
# so these are looked up once for all.
def _encode_roberta(body: Any, ids: Tensor) -> Tensor:
    import torch

    first = body.embeddings.padding_idx + 1  # positions begin after the padding's
    places = torch.arange(first, first + ids.shape[1], device=ids.device).unsqueeze(0)
    kinds = torch.zeros_like(places)
    states = body.embeddings(ids, token_type_ids=kinds, position_ids=places)
    return body.encoder(states, attention_mask=None).last_hidden_state


def _transform_roberta(head: Any, states: Tensor) -> Tensor:
    from torch.nn.functional import gelu

    return head.layer_norm(gelu(head.dense(states)))


def _encode_prelayernorm(body: Any, ids: Tensor) -> Tensor:
    return body.LayerNorm(_encode_roberta(body, ids))


def _encode_modernbert(body: Any, ids: Tensor) -> Tensor:
    masks = dict.fromkeys(("full_attention", "sliding_attention"))
    return body(input_ids=ids, attention_mask=masks).last_hidden_state


ARCHITECTURES: dict[str, Architecture] = {
    "roberta": Architecture(
        title="RoBERTa",
        config_class="RobertaConfig",
        model_class="RobertaForMaskedLM",
        position_offset=2,  # positions begin after the padding's
        configure=_roberta,
        encode=lambda model, ids: _encode_roberta(model.roberta, ids),
        layers=lambda model: model.roberta.encoder.layer,
        transform=lambda model, states: _transform_roberta(model.lm_head, states),
        decoder=lambda model: model.lm_head.decoder,
    ),
    "roberta-prelayernorm": Architecture(
        title="RoBERTa-PreLayerNorm",
        config_class="RobertaPreLayerNormConfig",
        model_class="RobertaPreLayerNormForMaskedLM",
        position_offset=2,
        configure=_roberta,
        encode=lambda model, ids: _encode_prelayernorm(model.roberta_prelayernorm, ids),
        layers=lambda model: model.roberta_prelayernorm.encoder.layer,
        transform=lambda model, states: _transform_roberta(model.lm_head, states),
        decoder=lambda model: model.lm_head.decoder,
    ),
    "modernbert": Architecture(
        title="ModernBERT",
        config_class="ModernBertConfig",
        model_class="ModernBertForMaskedLM",
        position_offset=0,
        configure=_modernbert,
        encode=lambda model, ids: _encode_modernbert(model.model, ids),
        layers=lambda model: model.model.layers,
        transform=lambda model, states: model.head(states),
        decoder=lambda model: model.decoder,
    ),
}

# The notebook's model, exactly; then the playground's own, from a laptop's cores to a large GPU.
PRESETS: dict[str, Preset] = {
    "notebook": Preset("roberta", 768, 6, 12, 3072, 514, dropout=0.1, vocab_size=52_000),
    "nano": Preset("modernbert", 128, 4, 4, 256),
    "mini": Preset("modernbert", 256, 4, 4, 384),
    "small": Preset("modernbert", 384, 6, 6, 576, dropout=0.1),
    "base": Preset("modernbert", 768, 6, 12, 1152, dropout=0.1),
    "mini-roberta": Preset("roberta", 256, 4, 4, 1024, 514),
    "mini-prelayernorm": Preset("roberta-prelayernorm", 256, 4, 4, 1024, 514),
}

# What learns most in a minute or two on each kind of device.
DEFAULT_PRESET = {"cpu": "nano", "mps": "small", "cuda": "small"}


def find_preset(name: str, **changes: object) -> Preset:
    """The preset `name` with some settings changed. Raises UserError for an unknown name."""
    if name not in PRESETS:
        raise UserError("unknown_preset", asked=name, known=", ".join(PRESETS))
    return replace(PRESETS[name], **changes)


def with_rows(preset: Preset, vocab_size: int | None) -> Preset:
    """The preset for an asked vocabulary: one with a size of its own gets the asked one instead."""
    own = preset.vocab_size is not None and vocab_size is not None
    return replace(preset, vocab_size=vocab_size) if own else preset


def build_config(preset: Preset, vocab_size: int) -> Any:
    """transformers' config of a preset; its own `vocab_size` wins, if it holds all tokens."""
    import transformers

    if preset.vocab_size is not None and preset.vocab_size < vocab_size:
        raise UserError("vocab_too_small", rows=preset.vocab_size, tokens=vocab_size)
    architecture = ARCHITECTURES[preset.architecture]
    config = getattr(transformers, architecture.config_class)(
        vocab_size=preset.vocab_size or vocab_size,
        hidden_size=preset.hidden_size,
        num_hidden_layers=preset.num_hidden_layers,
        num_attention_heads=preset.num_attention_heads,
        intermediate_size=preset.intermediate_size,
        max_position_embeddings=preset.max_position_embeddings,
        bos_token_id=BOS,
        pad_token_id=PAD,
        eos_token_id=EOS,
        **architecture.configure(preset),
    )
    config._attn_implementation = "sdpa"
    return config


def build_model(preset: Preset, vocab_size: int, *, seed: int = 0, device: str = "cpu") -> Any:
    """A new model with random weights that depend on `seed` and the kind of `device` alone.

    They are drawn where the model is to live: a GPU needs no time for that. On `device="meta"`
    it has shapes and no memory: enough to look at.
    """
    import torch
    import transformers

    architecture = ARCHITECTURES[preset.architecture]
    config = build_config(preset, vocab_size)
    torch.manual_seed(seed)
    with torch.device(device):
        return getattr(transformers, architecture.model_class)(config)


def architecture_of(model: Any) -> Architecture:
    """The table row of a model that `from_pretrained` gave. Raises UserError if none fits."""
    for architecture in ARCHITECTURES.values():
        if type(model).__name__ == architecture.model_class:
            return architecture
    raise UserError("foreign_model", name=type(model).__name__)


def masked_logits(model: Any, inputs: Tensor, flat_positions: Tensor) -> Tensor:
    """Logits [n, vocab] at `flat_positions` [n] of `inputs` [rows, block] laid end to end.

    The head's product with the whole vocabulary is a large part of a small model's work, and
    only the hidden positions need it: with 15 % hidden it costs a seventh. A model that knows
    itself how to answer so is asked (`kantai.folders.Renumbered`).
    """
    if hasattr(model, "masked_logits"):
        return model.masked_logits(inputs, flat_positions)
    return architecture_of(model).head(model, masked_states(model, inputs, flat_positions))


def masked_states(model: Any, inputs: Tensor, flat_positions: Tensor) -> Tensor:
    """What the head reads: hidden states [n, hidden] at `flat_positions` [n] of `inputs`."""
    states = architecture_of(model).encode(model, inputs).flatten(0, 1)
    return states.index_select(0, flat_positions)


CLOSED = -100.0  # the bias of a row that is no token's: its probability is then 0 in float32


def close_rows(model: Any, tokens: int) -> None:
    """Rule out the rows of the vocabulary from `tokens` on, which no text can ask for.

    The notebook's model has 52,000 rows, and its tokenizer learns 8,000 tokens of a book. Ruled
    out for good, the others need no logits in training, and the softmax over all rows, which
    transformers computes, is the one over the tokens.
    """
    import torch

    with torch.no_grad():
        architecture_of(model).decoder(model).bias[tokens:] = CLOSED


def longest_row(model: Any) -> int:
    """How many ids any model of transformers reads at a time.

    RoBERTa's kin begin to count positions after the padding's, so rows of the table are lost.
    """
    padding = getattr(getattr(model.base_model, "embeddings", None), "padding_idx", None)
    lost = 0 if padding is None else padding + 1
    return getattr(model.config, "max_position_embeddings", MOST_POSITIONS) - lost


def check_rows(model: Any, tokens: int) -> None:
    """Raise UserError where the model has no row for some tokens of its tokenizer."""
    rows = model.get_input_embeddings().weight.shape[0]
    if rows < tokens:
        raise UserError("vocab_too_small", rows=rows, tokens=tokens)


@dataclass(frozen=True)
class ParameterRow:
    """One tensor of a model: `tied_to` names the place that uses the same numbers, if any."""

    number: int
    name: str
    shape: tuple[int, ...]
    parameters: int
    tied_to: str | None


def parameter_table(model: nn.Module) -> list[ParameterRow]:
    """Every tensor once, in the model's order; their sum is the model's parameter count."""
    places: dict[int, list[str]] = {}
    for name, tensor in model.named_parameters(remove_duplicate=False):
        places.setdefault(id(tensor), []).append(name)
    return [
        ParameterRow(
            number,
            name,
            tuple(tensor.shape),
            tensor.numel(),
            next((place for place in places[id(tensor)] if place != name), None),
        )
        for number, (name, tensor) in enumerate(model.named_parameters(), 1)
    ]


@dataclass(frozen=True)
class Work:
    """Floating-point operations of one token, forward and backward together."""

    layers: float
    attention: float
    head: float

    @property
    def total(self) -> float:
        return self.layers + self.attention + self.head


def work_per_token(
    config: Any, block_size: int, predicted_share: float, tokens: int | None = None
) -> Work:
    """FLOPs a token, by the usual count: 2 forward and 4 backward for each weight it meets.

    Attention adds two products of a token with its whole block; the head works on
    `predicted_share` of the tokens only (1.0: the notebook's way), and on the rows of `tokens`
    only, where there are more (`close_rows`). Kaplan et al. 2020, table 1.
    """
    hidden, inner = config.hidden_size, config.intermediate_size
    feed_forward = (3 if config.model_type == "modernbert" else 2) * hidden * inner
    layers = 6 * config.num_hidden_layers * (4 * hidden**2 + feed_forward)
    attention = 12 * config.num_hidden_layers * block_size * hidden
    head = 6 * predicted_share * (hidden**2 + hidden * (tokens or config.vocab_size))
    return Work(layers, attention, head)


@dataclass(frozen=True)
class Memory:
    """Bytes that training needs, by part."""

    weights: int
    gradients: int
    optimizer: int
    copies: int  # the best weights so far, and their running average
    activations: int

    @property
    def total(self) -> int:
        return self.kept + self.activations

    @property
    def kept(self) -> int:
        """What a smaller piece of the batch makes no smaller."""
        return self.weights + self.gradients + self.optimizer + self.copies


def training_memory(
    config: Any,
    parameters: int,
    *,
    tokens: int,
    block_size: int,
    predicted_share: float,
    optimizer: str = "muon",
    copies: int = 1,
    half: bool = False,
) -> Memory:
    """Estimate the memory of training with `tokens` tokens a step.

    Weights, gradients and optimizer state are exact at 4 bytes a number (AdamW keeps two
    numbers a weight, Muon one for hidden matrices). Activations are what the backward pass
    needs again: about 18 hidden-sized and 4 inner-sized numbers a token and layer, and three
    copies of the logits.
    """
    hidden, inner = config.hidden_size, config.intermediate_size
    rows = config.vocab_size * hidden
    matrices = parameters - rows if optimizer == "muon" else 0
    size = 2 if half else 4
    layer = (18 * hidden + 4 * inner) * size
    logits = tokens * predicted_share * config.vocab_size * (size + 8)
    return Memory(
        weights=4 * parameters,
        gradients=4 * parameters,
        optimizer=4 * matrices + 8 * (parameters - matrices),
        copies=4 * parameters * copies,
        activations=int(tokens * layer * config.num_hidden_layers + logits),
    )
