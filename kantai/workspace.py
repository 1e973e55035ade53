"""A Run is a folder; this is the only module that knows the names of the files in it.

    run.json                  what was asked for: preset, recipe, budget, seed
    text/                     train.jsonl, validation.jsonl, report.json
    tokenizer/                what AutoTokenizer loads
    tokens/                   the training text as ids, mapped into memory as it is read
    events.jsonl              what happened, one JSON line each
    checkpoint.safetensors    weights, optimizer and counters: what a resume needs
    model/                    what pipeline("fill-mask") loads: weights, config, tokenizer
    result.json               the figures at the end
    stop                      its presence asks the training to stop

Every file is written under a temporary name and renamed, so a kill at any moment leaves a
folder that can be read and resumed. No pickle anywhere: tensors are safetensors.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kantai.errors import UserError
from kantai.event_log import EventLog
from kantai.events import Failed, finite
from kantai.files import replace, replace_folder, share_files, told_plainly, write_text
from kantai.packing import mapped_ids, write_ids
from kantai.processes import is_alive
from kantai.records import fitting
from kantai.settings import Settings
from kantai.shelf import Hold, Shelf, key_of
from kantai.texts import Texts
from kantai.tokenizer import ByteLevelBPE

if TYPE_CHECKING:
    import numpy as np

    from kantai.checkpoints import Checkpoint

VERSION = 1
PARTS = ("train", "validation")
SHELF = ".shared"  # beside the Runs: what several of them have


@dataclass(frozen=True)
class Worker:
    """The process that trains a Run: which one, and what it is doing."""

    pid: int
    born: float  # of kantai.processes; a number that was given away again is not mistaken for it
    log_from: int  # bytes of the event log that were there before
    doing: str = "doing_begin"  # a key of kantai.strings
    share: float = 0.0  # of what it is doing

    @property
    def alive(self) -> bool:
        return is_alive(self.pid, self.born)


class Run(EventLog):
    """One folder, and all that is read from it and written to it; its log is an EventLog."""

    def __init__(self, folder: Path):
        super().__init__(folder / "events.jsonl")
        self.folder = folder
        self.tokenizer_folder = folder / "tokenizer"
        self.model_folder = folder / "model"

    # --- beginning ----------------------------------------------------------------------------

    @classmethod
    def create(cls, folder: Path, settings: Settings) -> Run:
        """A new Run. Raises UserError where one is already, or nothing can be written."""
        run = cls(folder)
        run.make_room()
        run.write_settings(settings)
        return run

    def make_room(self) -> None:
        """Make the folder of a new Run. Raises UserError where one is, or nothing can be made."""
        if (self.folder / "run.json").exists():
            raise UserError("run_exists", folder=self.folder)
        with told_plainly(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)

    @classmethod
    def open(cls, folder: Path) -> Run:
        """A Run that is there. Raises UserError where there is none."""
        if not (folder / "run.json").is_file():
            raise UserError("no_run", folder=folder)
        return cls(folder)

    def write_settings(self, settings: Settings) -> None:
        record = {"version": VERSION} | asdict(settings)
        write_text(self.folder / "run.json", json.dumps(record, indent=2))

    @property
    def record(self) -> dict[str, Any]:
        """`run.json` as plain values: quick to read, no library is loaded."""
        return self._read_json("run.json")

    @property
    def settings(self) -> Settings:
        """What was asked for. Raises UserError for a file that says too little."""
        record = self.record
        try:
            return Settings.from_json(record)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise UserError("broken_run", folder=self.folder, file="run.json") from error

    # --- text and tokenizer -------------------------------------------------------------------

    def write_texts(self, parts: dict[str, Iterable[str]], report: dict[str, Any]) -> None:
        """Keep clean paragraphs as they are, part by part, with their report."""

        def make(folder: Path) -> None:
            for part, texts in parts.items():
                keep_part(folder, part, texts)
            finish_text(folder, report)

        self.fill("text", None, make)

    @property
    def has_text(self) -> bool:
        return (self.folder / "text" / "report.json").is_file()

    def texts(self, part: str) -> Texts:
        """The paragraphs of `train` or `validation`, read as they are asked for."""
        return Texts(self.folder / "text" / f"{part}.jsonl")

    def write_report(self, report: dict[str, Any]) -> None:
        """Say more about the text that is there."""
        write_text(self.folder / "text" / "report.json", json.dumps(report, ensure_ascii=False))

    @property
    def report(self) -> dict[str, Any]:
        return self._read_json("text/report.json")

    @property
    def has_tokenizer(self) -> bool:
        return (self.tokenizer_folder / "tokenizer.json").is_file()

    def write_tokenizer(self, tokenizer: ByteLevelBPE) -> None:
        replace_folder(self.tokenizer_folder, tokenizer.save)

    def tokenizer(self) -> ByteLevelBPE:
        return ByteLevelBPE.load(self.tokenizer_folder)

    def stream(
        self, tokenizer: ByteLevelBPE, progress: Callable[[float], None] = lambda share: None
    ) -> np.ndarray:
        """The training text as ids, end to end: [tokens], mapped from the disk, not in memory.

        Packed at the first call, and anew where the text or the tokenizer is another one since.
        """
        texts, folder = self.texts("train"), self.folder / "tokens"
        made_of = json.dumps(self.report), str(texts.size), tokenizer.full.to_str()
        name = f"{key_of(*made_of)[:16]}.bin"
        if not (folder / name).is_file():
            replace_folder(folder, lambda new: write_ids(new / name, tokenizer, texts, progress))
            for old in folder.glob("*.bin"):
                if old.name != name:
                    old.unlink(missing_ok=True)
        return mapped_ids(folder / name, tokenizer)

    def take_from(self, other: Run, *, tokenizer: bool = True) -> None:
        """Have the text of another Run, and perhaps its tokenizer, without writing them again.

        Raises UserError where the other Run has no text, or is deleted meanwhile.
        """
        if not other.has_text:
            raise UserError("run_without_text")
        try:
            self._take("text", other.folder / "text")
            if tokenizer and other.has_tokenizer:
                self._take("tokenizer", other.tokenizer_folder)
        except FileNotFoundError as error:
            raise UserError("unknown_run") from error

    def _take(self, name: str, source: Path) -> None:
        files = source.resolve(strict=True)

        def share(folder: Path) -> None:
            try:
                share_files(files, folder)
            except FileNotFoundError as error:
                raise UserError("unknown_run") from error

        replace_folder(self.folder / name, share)

    def fill(
        self, name: str, key: Callable[[], str] | None, make: Callable[[Path], object],
        meanwhile: Callable[[], object] = lambda: None, hold: Hold = nullcontext,
    ) -> None:  # fmt: skip
        """Let `make` fill the Run's folder `name`: `text` or `tokenizer`.

        Where Runs share a shelf, what `key` stands for is made once for all of them, and only
        the moment in which the Run gets it is inside of `hold()`. None: it is of this Run alone.
        """
        shelf = self.folder.parent / SHELF
        if key and shelf.is_dir():
            Shelf(shelf).take(key(), make, self.folder / name, meanwhile, hold)
        else:
            replace_folder(self.folder / name, make)

    # --- what happened, and what is asked of it ------------------------------------------------

    @property
    def changed(self) -> int:
        """Another number after every change but an event: all other files are renamed in.

        Raises UserError where the Run was deleted just now.
        """
        try:
            return self.folder.stat().st_mtime_ns
        except FileNotFoundError as error:
            raise UserError("unknown_run") from error

    def fail(self, error: UserError, **values: Any) -> None:
        """Add a Failed event with the error's sentence; `values` go into the event too."""
        last = self.latest()
        step = last.step if last else 0
        plain = {key: _plain(value) for key, value in (error.values | values).items()}
        self.append(Failed(step, str(error), error.key, plain))

    def ask_stop(self) -> None:
        write_text(self.folder / "stop", "")

    def stop_asked(self) -> bool:
        return (self.folder / "stop").exists()

    def clear_stop(self) -> None:
        (self.folder / "stop").unlink(missing_ok=True)

    # --- who trains it, and whose it is ---------------------------------------------------------

    def write_worker(self, worker: Worker) -> None:
        write_text(self.folder / "worker.json", json.dumps(asdict(worker)))

    def worker(self) -> Worker | None:
        """The process that trains this Run; one that is not alive died without a last word."""
        path = self.folder / "worker.json"
        try:
            return fitting(Worker, json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, AttributeError):
            return None

    def clear_worker(self) -> None:
        (self.folder / "worker.json").unlink(missing_ok=True)

    @property
    def log_file(self) -> Path:
        """Where the training process prints to."""
        return self.folder / "log.txt"

    def log_end(self, characters: int = 2_000) -> str:
        """The last lines that the training process printed."""
        if not self.log_file.is_file():
            return ""
        with open(self.log_file, "rb") as log:
            log.seek(max(0, self.log_file.stat().st_size - 4 * characters))
            return log.read().decode("utf-8", "replace")[-characters:].strip()

    def write_owner(self, record: dict[str, str]) -> None:
        write_text(self.folder / "owner.json", json.dumps(record, ensure_ascii=False))

    @property
    def owner(self) -> dict[str, str]:
        """The run's `name` and its owner's `hash`; empty for a Run of the command line."""
        return self._read_json("owner.json") if (self.folder / "owner.json").is_file() else {}

    def disk_bytes(self) -> int:
        """What the whole folder takes on the disk; of a file that Runs share, its part."""
        return folder_bytes(self.folder)

    # --- weights ------------------------------------------------------------------------------

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """One file, so that weights and counters can never disagree."""
        replace(self.folder / "checkpoint.safetensors", checkpoint.save)

    def load_checkpoint(self, device: str = "cpu") -> Checkpoint | None:
        """The newest checkpoint, or None. Raises UserError if it cannot be read."""
        from kantai.checkpoints import Checkpoint

        path = self.folder / "checkpoint.safetensors"
        if not path.is_file():
            return None
        try:
            return Checkpoint.load(path, device)
        except ValueError as error:
            raise UserError("broken_run", folder=self.folder, file=path.name) from error

    def write_model(self, model: Any, tokenizer: ByteLevelBPE) -> None:
        """Weights, config and tokenizer in the form that from_pretrained loads."""

        def fill(folder: Path) -> None:
            model.save_pretrained(folder)
            tokenizer.save(folder)

        replace_folder(self.model_folder, fill)

    def write_result(self, result: dict[str, Any]) -> None:
        record = json.dumps(finite(result), indent=2, ensure_ascii=False)
        write_text(self.folder / "result.json", record)

    @property
    def result(self) -> dict[str, Any] | None:
        """The figures of a finished training, or None before."""
        return self._read_json("result.json") if (self.folder / "result.json").is_file() else None

    def _read_json(self, name: str) -> dict[str, Any]:
        try:
            record = json.loads((self.folder / name).read_text(encoding="utf-8"))
            if not isinstance(record, dict):
                raise ValueError
        except (ValueError, OSError) as error:
            if not self.folder.is_dir():  # deleted since it was looked for
                raise UserError("unknown_run") from error
            raise UserError("broken_run", folder=self.folder, file=name) from error
        return record


def keep_part(folder: Path, part: str, texts: Iterable[str]) -> Texts:
    """Write a part of the text into a Run's `text/`: one JSON string a line."""
    return Texts.write(folder / f"{part}.jsonl", texts)


def finish_text(folder: Path, report: dict[str, Any]) -> None:
    """Leave only what a Run's `text/` has; the report comes last."""
    for file in folder.glob("*.jsonl"):
        if file.stem not in PARTS:
            file.unlink()
    write_text(folder / "report.json", json.dumps(report, ensure_ascii=False))


def folder_bytes(folder: Path) -> int:
    """Bytes of all files in a folder; one with several names counts a part under each."""
    total = 0.0
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):  # a temporary file, gone meanwhile
            known = file.stat()
            total += known.st_size / max(1, known.st_nlink) if file.is_file() else 0
    return round(total)


def model_folder(folder: Path) -> Path:
    """Where the model is: in a Run's `model/`, or in the folder itself."""
    inner = Run(folder).model_folder
    return inner if inner.is_dir() else folder


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float) else str(value)
