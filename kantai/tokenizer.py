"""Byte-level BPE: train it, save it, load it, look inside it.

A byte-level tokenizer starts from the 256 bytes, so it can write down every text of
every script, and then learns merges: the pair of neighbours that occurs most often
becomes one token, again and again, until `vocab_size` is reached.

    "low low lower"  ->  merges  l+o, lo+w, Ġ+low, e+r, ...   (Ġ stands for a space)

The five special tokens come first, in RoBERTa's order. Two readings of a text are kept
apart: `encode` takes every text as plain characters, so a corpus that happens to contain
"<mask>" cannot smuggle one in; `full` gives the special tokens their meaning and is what a
person's own sentence goes through. Knows nothing of models, and nothing of where a Run is.

Sources: Sennrich et al. 2016 (BPE), Radford et al. 2019 (bytes), Liu et al. 2019 (RoBERTa).
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from kantai.errors import UserError
from kantai.files import write_text

SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
BOS, PAD, EOS, UNK, MASK = range(len(SPECIAL_TOKENS))
SMALLEST_VOCAB = len(SPECIAL_TOKENS) + 256  # every byte must have a token
LARGEST_VOCAB = 200_000
MODEL_MAX_LENGTH = 512
NEVER_IN_UTF8 = (0xC0, 0xC1, *range(0xF5, 0x100))  # bytes that no text holds
CHUNK = 1_000  # texts encoded at a time: bounds memory, and keeps all cores busy


@dataclass(frozen=True)
class TokenizerSettings:
    """What to learn: at most `vocab_size` tokens, from pairs seen `min_frequency` times or more.

    Raises UserError for a `vocab_size` that cannot hold the 256 bytes.
    """

    vocab_size: int = 8_000
    min_frequency: int = 2

    def __post_init__(self) -> None:
        if not SMALLEST_VOCAB <= self.vocab_size <= LARGEST_VOCAB:
            raise UserError(
                "vocab_size_range", asked=self.vocab_size, least=SMALLEST_VOCAB, most=LARGEST_VOCAB
            )
        if self.min_frequency < 1:
            raise UserError("min_frequency_range", asked=self.min_frequency)


class Cancelled(Exception):
    """The person asked to stop while the tokenizer was learning."""


class ByteLevelBPE:
    """A trained tokenizer. `full` knows the special tokens, `plain` reads them as characters."""

    def __init__(self, full: Tokenizer, asked: int | None = None):
        self.full = full
        self.asked = asked or full.get_vocab_size()

    @cached_property
    def plain(self) -> Tokenizer:
        """The same merges and ids, with no special token in reach of any text."""
        spec = json.loads(self.full.to_str())
        spec.update(added_tokens=[], post_processor=None, truncation=None, padding=None)
        return Tokenizer.from_str(json.dumps(spec))

    @property
    def learned(self) -> int:
        """How many tokens there are: what was asked for, or fewer where the text ran out."""
        return self.full.get_vocab_size()

    def is_ours(self) -> bool:
        """True if ids 0..4 are the five special tokens, which packing and masks rely on."""
        return tuple(map(self.full.id_to_token, range(len(SPECIAL_TOKENS)))) == SPECIAL_TOKENS

    @property
    def merges(self) -> list[tuple[str, str]]:
        """The learned pairs, first learned first, in readable form."""
        pairs = json.loads(self.full.to_str())["model"]["merges"]
        return [(readable(left), readable(right)) for left, right in pairs]

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Plain ids of each text, without `<s>` and `</s>`: [len(texts)] lists."""
        return [encoding.ids for encoding in self.plain.encode_batch_fast(list(texts))]

    def encode_words(self, texts: Sequence[str]) -> list[tuple[list[int], list[int]]]:
        """Like `encode`, and beside each id the number of the word it belongs to."""
        return [(e.ids, e.word_ids) for e in self.plain.encode_batch(list(texts))]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`; `decode(encode([s])[0]) == s` for every Unicode string s."""
        return self.plain.decode(list(ids), skip_special_tokens=False)

    def token_bytes(self) -> np.ndarray:
        """How many bytes each token stands for: int64 [learned]; special tokens count 0."""
        lengths = np.zeros(self.learned, dtype=np.int64)
        for token, index in self.full.get_vocab().items():
            if index >= len(SPECIAL_TOKENS):
                lengths[index] = len(token)  # one byte-level character is one byte
        return lengths

    def bytes_a_token(self, texts: Sequence[str]) -> float:
        """How many bytes of `texts` one token stands for, on average; 0 for no text."""
        tokens = sum(map(len, self.encode(texts)))
        return sum(len(text.encode("utf-8", "replace")) for text in texts) / max(1, tokens)

    def unreachable_rows(self) -> int:
        """Rows of an embedding of the asked size that no text ever leads to.

        Those that stayed empty, `<unk>` (every byte has a token), and the bytes that UTF-8
        does not use.
        """
        return self.asked - self.learned + len(NEVER_IN_UTF8) + 1

    def token_text(self, index: int) -> str:
        """One token as a person reads it; bytes that are no whole character as ⟨E4 B8⟩."""
        token = self.full.id_to_token(int(index))
        return token if index < len(SPECIAL_TOKENS) else readable(token)

    def save(self, folder: Path) -> None:
        """Write what `AutoTokenizer`, `RobertaTokenizer` and plain `tokenizers` load."""
        folder.mkdir(exist_ok=True)
        spec = json.loads(self.full.to_str())["model"]
        merges = "".join(f"{left} {right}\n" for left, right in spec["merges"])
        write_text(folder / "vocab.json", json.dumps(spec["vocab"], ensure_ascii=False))
        write_text(folder / "merges.txt", "#version: 0.2\n" + merges)
        write_text(folder / "tokenizer_config.json", json.dumps(tokenizer_config(), indent=2))
        write_text(folder / "kantai_tokenizer.json", json.dumps({"asked": self.asked}))
        write_text(folder / "tokenizer.json", self.full.to_str())  # last: its presence means whole

    @classmethod
    def load(cls, folder: Path) -> ByteLevelBPE:
        """Read a saved tokenizer. Raises UserError where there is none, or a broken one."""
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise UserError("no_tokenizer", folder=folder)
        note = folder / "kantai_tokenizer.json"
        try:
            asked = int(json.loads(note.read_text())["asked"]) if note.is_file() else None
            return cls(Tokenizer.from_file(str(path)), asked)
        except Exception as error:  # the library raises plain Exception for every fault of a file
            raise UserError("broken_tokenizer", folder=folder) from error


def tokenizer_config() -> dict[str, object]:
    """What transformers needs beside `tokenizer.json` to build the same tokenizer."""
    names = {"bos": 0, "cls": 0, "pad": 1, "eos": 2, "sep": 2, "unk": 3}
    config: dict[str, object] = {f"{n}_token": SPECIAL_TOKENS[i] for n, i in names.items()}
    mask = {"content": "<mask>", "lstrip": True, "rstrip": False, "normalized": False}
    config["mask_token"] = {"__type": "AddedToken", "single_word": False, "special": True, **mask}
    return config | {
        "tokenizer_class": "RobertaTokenizer",
        "model_max_length": MODEL_MAX_LENGTH,
        "add_prefix_space": False,
        "trim_offsets": True,
        "clean_up_tokenization_spaces": False,
    }


def blank_tokenizer() -> Tokenizer:
    """A byte-level BPE that has learned nothing yet."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def with_special_tokens(tokenizer: Tokenizer) -> Tokenizer:
    """Give ids 0..4 their meaning: `<s> … </s>` around a text, `<mask>` takes its space."""
    tokenizer.add_special_tokens(
        [
            AddedToken(t, lstrip=t == "<mask>", normalized=False, special=True)
            for t in SPECIAL_TOKENS
        ]
    )
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", EOS), ("<s>", BOS), trim_offsets=True, add_prefix_space=False
    )
    tokenizer.enable_truncation(MODEL_MAX_LENGTH)
    return tokenizer


def train_tokenizer(
    texts: Iterable[str],
    settings: TokenizerSettings,
    *,
    progress: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> ByteLevelBPE:
    """Learn a vocabulary from `texts`; `progress` hears shares from 0 to 1.

    The library cannot be interrupted from Python, so it learns in a process of its own,
    which is ended as soon as `cancelled()` is true (then raises Cancelled).
    """
    command = [sys.executable, "-m", "kantai.tokenizer", json.dumps(vars(settings))]
    child = subprocess.Popen(
        command,
        cwd=Path(__file__).parents[1],  # where the package is, wherever the caller stands
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    result: list[bytes] = []
    faults: list[Exception] = []
    pumps = [
        threading.Thread(target=_feed, args=(child, texts, faults), daemon=True),
        threading.Thread(target=lambda: result.append(child.stdout.read()), daemon=True),
        threading.Thread(target=_follow, args=(child, progress), daemon=True),
    ]
    for pump in pumps:
        pump.start()
    try:
        while child.poll() is None:
            if cancelled():
                raise Cancelled
            time.sleep(0.02)
    finally:
        child.kill()
        for pump in pumps:
            pump.join()
        child.wait()
    if faults:
        raise faults[0]
    if child.returncode != 0 or not result[0]:
        raise RuntimeError(f"the tokenizer's process ended with status {child.returncode}")
    return ByteLevelBPE(Tokenizer.from_str(result[0].decode()), settings.vocab_size)


def _feed(child: subprocess.Popen, texts: Iterable[str], faults: list[Exception]) -> None:
    """Send the texts, one JSON string a line, as fast as the child reads."""
    try:
        with child.stdin as pipe:
            for text in texts:
                pipe.write(json.dumps(text).encode() + b"\n")
    except BrokenPipeError:
        pass  # the child was ended: its status says the rest
    except Exception as error:  # of the texts themselves: half of them must teach nothing
        faults.append(error)
        child.kill()


# How much of the whole each stage of the library takes, roughly, and where it begins.
STAGES = {"Tokenize words": (0.0, 0.1), "Count pairs": (0.1, 0.1), "Compute merges": (0.2, 0.8)}


def _follow(child: subprocess.Popen, progress: Callable[[float], None]) -> None:
    """Turn the library's JSON lines on standard error into shares of the whole."""
    for line in child.stderr:
        if not line.startswith(b"{"):
            continue
        report = json.loads(line)
        begin, width = STAGES.get(report["stage"], (0.0, 0.0))
        progress(begin + width * report["current"] / max(1, report["total"]))


def _learn(settings: TokenizerSettings, lines: Iterable[bytes]) -> str:
    """The child's whole work: JSON lines in, `tokenizer.json` out."""
    tokenizer = blank_tokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=settings.vocab_size,
        min_frequency=settings.min_frequency,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=True,
        progress_format="json",
    )
    tokenizer.train_from_iterator((json.loads(line) for line in lines), trainer)
    return with_special_tokens(tokenizer).to_str()


def suggest_vocab_size(characters: int) -> int:
    """A vocabulary that a text of this length can fill and a short training can learn.

    Five times the square root of the length (vocabularies grow about so: Heaps' law),
    rounded to a multiple of 500: 1 MB -> 5,000, 2.4 MB -> 7,500, 100 MB -> 50,000.
    """
    return int(min(52_000, max(1_000, round(5 * math.sqrt(characters) / 500) * 500)))


def chunked(texts: Iterable[str], size: int = CHUNK) -> Iterator[list[str]]:
    """Lists of at most `size` texts."""
    iterator = iter(texts)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _byte_of_character() -> dict[str, int]:
    """GPT-2's table: printable bytes stand for themselves, the others from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(others)}


BYTE_OF_CHARACTER = _byte_of_character()


def readable(token: str) -> str:
    """A byte-level token as text: "Ġreason" -> " reason", half a character -> "⟨E4 B8⟩"."""
    data = bytes(BYTE_OF_CHARACTER[c] for c in token)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "⟨" + data.hex(" ").upper() + "⟩"


if __name__ == "__main__":
    sys.stdout.write(_learn(TokenizerSettings(**json.loads(sys.argv[1])), sys.stdin.buffer))
