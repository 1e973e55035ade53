"""The few lines of today's libraries that do what each step of the playground does.

Every function is given plain values and returns Python source; put one after another they are a
whole program. No text of a person stands in them: `train.jsonl` lies beside the program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kantai.tokenizer import SPECIAL_TOKENS

if TYPE_CHECKING:
    from kantai.recipes import Recipe

UNTOLD = ("architectures", "transformers_version", "model_type", "dtype")

TEXT = """\
import json

texts = [json.loads(line) for line in open("train.jsonl", encoding="utf-8")]"""


def text_code(files: Sequence[str], rules: Sequence[str] | None) -> str:
    """Reads and cleans `files` with the playground's own functions; None: by all rules."""
    told = "" if rules is None else f",\n    rules={list(rules)!r},\n"
    return f"""\
import json
from kantai.corpus import build_corpus
from kantai.readers import read_files

corpus = build_corpus(read_files({list(files)!r}){told})
for rule in corpus.report.rules:
    print(rule.name, rule.changed)
with open("train.jsonl", "w", encoding="utf-8") as lines:
    lines.writelines(json.dumps(text) + "\\n" for text in corpus.paragraphs)"""


def tokenizer_code(vocab_size: int, min_frequency: int) -> str:
    """Learns the vocabulary of `texts`."""
    special = ", ".join(f'"{token}"' for token in SPECIAL_TOKENS)
    return f"""\
from tokenizers import ByteLevelBPETokenizer

tokenizer = ByteLevelBPETokenizer()
tokenizer.train_from_iterator(
    texts,
    vocab_size={vocab_size},
    min_frequency={min_frequency},
    special_tokens=[{special}],
)"""


def model_code(config: Mapping[str, Any]) -> str:
    """Builds a new model; `config` is what `config.json` holds, told one argument a line."""
    told = {key: value for key, value in config.items() if key not in UNTOLD}
    arguments = "".join(f"    {key}={value!r},\n" for key, value in sorted(told.items()))
    return f"""\
from transformers import AutoConfig, AutoModelForMaskedLM

config = AutoConfig.for_model(
    "{config["model_type"]}",
{arguments})
model = AutoModelForMaskedLM.from_config(config)
print(sum(p.numel() for p in model.parameters()))"""


# The optimizers of kantai.optimizers, as torch ships them; {o} are a recipe's OptimizerSettings.
OPTIMIZERS = {
    "adamw": """\
optimizers = [
    torch.optim.AdamW(
        model.parameters(), lr={o.learning_rate}, betas={o.betas}, weight_decay={o.weight_decay}
    )
]""",
    "muon": """\
inner = [
    p for name, p in model.named_parameters()
    if p.ndim == 2 and "embeddings" not in name and "decoder" not in name
]
outer = [p for p in model.parameters() if all(p is not q for q in inner)]
groups = [
    {{"params": [p for p in outer if p.ndim == 2], "weight_decay": {o.embedding_decay}}},
    {{"params": [p for p in outer if p.ndim != 2], "weight_decay": 0.0}},
]
optimizers = [
    torch.optim.Muon(inner, lr={o.learning_rate}, weight_decay={o.weight_decay}),
    torch.optim.AdamW(groups, lr={o.adamw_learning_rate}, betas={o.betas}),
]""",
}
# kantai.optimizers.SCHEDULES, as lines of code over `done`, the share of the steps.
SCHEDULES = {
    "constant": "1.0",
    "linear": "1 - done",
    "trapezoid": "min(1.0, (done + 1e-3) / 0.02, (1 - done) / 0.6)",
    "cosine": "min(1.0, (done + 1e-3) / 0.02) * 0.5 * (1 + math.cos(math.pi * done))",
}


def training_code(recipe: Recipe, steps: str) -> str:
    """Trains `model` by the recipe; `steps` may be a number or an expression with `rows`.

    Optimizer, rates, schedule and the share of hidden tokens are the recipe's own. Left out are
    short rows at first, lines as examples, averaged and best weights, and lower precision.
    """
    block, batch = recipe.block_size, recipe.batch_size
    optimizers = OPTIMIZERS[recipe.optimizer.name].format(o=recipe.optimizer)
    head = "import math\n\n" if "math." in SCHEDULES[recipe.schedule] else ""
    return f"""\
{head}import torch

stream = torch.tensor([i for e in tokenizer.encode_batch(texts) for i in (0, *e.ids, 2)])
rows = stream[: len(stream) // {block} * {block}].view(-1, {block})
steps = {steps}
{optimizers}


def rate(step):
    done = step / steps
    return {SCHEDULES[recipe.schedule]}


schedules = [torch.optim.lr_scheduler.LambdaLR(o, rate) for o in optimizers]
model.train()
for step in range(steps):
    chosen = rows[torch.randint(len(rows), ({batch},))]
    share = {share_code(recipe)}
    hidden = (torch.rand(chosen.shape) < share) & (chosen > 4)
    loss = model(
        input_ids=chosen.masked_fill(hidden, 4), labels=chosen.masked_fill(~hidden, -100)
    ).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), {recipe.gradient_clip})
    for each in (*optimizers, *schedules):
        each.step()
    model.zero_grad()
    if step % 20 == 0:
        print(step, loss.item())"""


def share_code(recipe: Recipe) -> str:
    """The share of tokens that is hidden at `step`.

    It may change in a straight line: "0.4 + (0.2 - 0.4) * step / steps".
    """
    first, last = recipe.masking.mlm_probability, recipe.last_mlm_probability
    return f"{first}" if last is None else f"{first} + ({last} - {first}) * step / steps"


GUESSES = """\
import torch

model.eval()
ids = [0, *tokenizer.encode("the").ids, 4, 2]
with torch.no_grad():
    guesses = model(input_ids=torch.tensor([ids])).logits[0, -2].topk(5).indices
print([tokenizer.decode([int(guess)]) for guess in guesses])"""


def fill_mask_code(sentence: str) -> str:
    """Asks a trained model, in the folder `model`, for the gaps of `sentence`."""
    return f"""\
from transformers import pipeline

fill = pipeline("fill-mask", model="model")
print(fill({sentence!r}, top_k=5))"""
