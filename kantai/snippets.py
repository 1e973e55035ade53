"""The few lines of today's libraries that do what each step of the playground does.

Every function is given plain values and returns Python source; put one after another they are a
whole program. No text of a person stands in them: `train.jsonl` lies beside the program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kantai.tokenizer import SPECIAL_TOKENS

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


def training_code(block_size: int, batch_size: int, share: float, steps: str, rate: float) -> str:
    """Trains `model`; `steps` may be a number or an expression with `rows`."""
    return f"""\
import torch

stream = torch.tensor([i for e in tokenizer.encode_batch(texts) for i in (0, *e.ids, 2)])
rows = stream[: len(stream) // {block_size} * {block_size}].view(-1, {block_size})
steps = {steps}
optimizer = torch.optim.AdamW(model.parameters(), lr={rate}, weight_decay=0.1)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, {rate}, total_steps=steps)
model.train()
for step in range(steps):
    chosen = rows[torch.randint(len(rows), ({batch_size},))]
    hidden = (torch.rand(chosen.shape) < {share}) & (chosen > 4)
    loss = model(
        input_ids=chosen.masked_fill(hidden, 4), labels=chosen.masked_fill(~hidden, -100)
    ).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    optimizer.zero_grad()
    if step % 20 == 0:
        print(step, loss.item())"""


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
