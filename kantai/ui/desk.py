"""What all tabs share behind the screen: the Runs, the queue, and what is quick to look up again.

Plain calls, no Gradio: a handler takes the Desk first, then a Run's id and its owner's secret.
What was trained is never overwritten: a change to a trained Run begins a new one beside it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kantai.architectures import ARCHITECTURES, DEFAULT_PRESET, PRESETS, Preset
from kantai.jobs import Jobs, JobState, budget_of
from kantai.needs import parameters_of
from kantai.records import fitting
from kantai.registry import Registry
from kantai.tokenizer import suggest_vocab_size
from kantai.ui.kept import Kept
from kantai.ui.news import News
from kantai.ui.nodes import Sentence, both
from kantai.ui.reader import theirs
from kantai.ui.words import count, size
from kantai.workspace import Run

if TYPE_CHECKING:
    from kantai.devices import Device
    from kantai.settings import Settings
    from kantai.tokenizer import ByteLevelBPE

FIRST_SAMPLES = {"en": "harbour", "zh": "willow"}  # what a reader of each language begins with
DEMO_SECONDS = 60.0
SUPPOSED_VOCAB = 8_000  # before there is a text
BUSY = ("waiting", "preparing", "training")
NAME_LENGTH = 60
STANDING = 0.5  # seconds that one look at where a Run stands serves all who watch it
MEASURED = 2_000  # paragraphs that a text is measured by, evenly spread
# Building and loading models changes torch's and transformers' global state for a moment, and
# two threads at it give one of them a model without weights: one at a time.
ONE_MODEL_AT_A_TIME = threading.RLock()


class Desk:
    """The registry and its jobs, for one server."""

    def __init__(self, registry: Registry, jobs: Jobs):
        self.registry, self.jobs = registry, jobs
        self.standing, self.log_ends = Kept(STANDING), Kept(STANDING)
        self.news = News()
        self._lock = threading.Lock()
        self._device: Device | None = None
        self._warm: threading.Thread | None = None
        self._warming = threading.Lock()

    # --- the machine --------------------------------------------------------------------------

    def warm_up(self) -> threading.Thread:
        """Load what later clicks need while the person reads the first page; once."""

        def load() -> None:
            self.device()
            from kantai import stages  # noqa: F401
            from kantai.libraries import preload

            preload(row.model_class for row in ARCHITECTURES.values()).join()

        with self._warming:
            if self._warm is None:
                self._warm = threading.Thread(target=load, daemon=True, name="warm-up")
                self._warm.start()
        return self._warm

    def ready(self) -> None:
        """Wait until models can be built: transformers is not whole before it is for the first."""
        self.warm_up().join()

    @property
    def is_ready(self) -> bool:
        return self._warm is not None and not self._warm.is_alive()

    def device(self) -> Device:
        """The device that trainings run on; asking for the first time loads torch."""
        with self._lock:
            if self._device is None:
                from kantai.devices import find_device

                self._device = find_device(self.jobs.device)
            return self._device

    @property
    def device_is_busy(self) -> bool:
        """Whether a training has the device now."""
        return self.jobs.running is not None

    # --- Runs ---------------------------------------------------------------------------------

    def default_settings(self, **changes: object) -> Settings:
        """What a new Run is, on this device, before anybody chose anything."""
        from kantai.recipes import Budget, recipe_for
        from kantai.settings import Settings

        kind = self.device().kind
        name, recipe = DEFAULT_PRESET[kind], recipe_for("playground", kind)
        return replace(Settings(name, PRESETS[name], recipe, Budget(DEMO_SECONDS)), **changes)

    def new_run(self, owner: str, name: str, fill: Callable[[Run], None], **changes: object) -> str:
        """Begin a Run and let `fill` put its text in; where that fails, nothing stays."""
        self.jobs.make_room()
        run_id = self.registry.new(
            self.default_settings(**changes), name=name[:NAME_LENGTH], owner=owner
        )
        try:
            fill(self.registry.open(run_id))
        except BaseException:
            self.registry.take_back(run_id)
            raise
        return run_id

    def is_fresh(self, run_id: str) -> bool:
        """Whether the Run has not been trained, nor is about to be."""
        run = self.registry.open(run_id)
        return run.log_size == 0 and self.jobs.state(run_id).state not in BUSY

    def may_change(self, run_id: str, owner: str) -> Settings:
        """The settings of one's own Run; where there is none, those of a new one.

        Raises UserError for somebody else's.
        """
        if not self.registry.has(run_id):
            return self.default_settings()
        return self.registry.owned(run_id, owner).settings

    def workable(self, run_id: str, owner: str, *, keep_tokenizer: bool) -> str:
        """A Run that may be changed: this one, a copy of a trained one, or the sample's.

        Raises UserError for somebody else's Run.
        """
        if not self.registry.has(run_id):
            return self.sample_run(owner)
        self.registry.owned(run_id, owner)
        if self.is_fresh(run_id):
            return run_id
        return self.successor(run_id, owner, keep_tokenizer=keep_tokenizer)

    def successor(self, run_id: str, owner: str, *, keep_tokenizer: bool = True) -> str:
        """A fork of one's own Run. Raises UserError for somebody else's."""
        self.registry.owned(run_id, owner)
        return self.fork(run_id, owner, keep_tokenizer=keep_tokenizer)

    def fork(self, run_id: str, owner: str, *, keep_tokenizer: bool = True) -> str:
        """A new Run with the text, and perhaps the tokenizer, and all settings of any other.

        Whoever has a Run's link may watch it, and so may fork it. Raises UserError where it
        has no text yet.
        """
        old = self.registry.open(run_id)

        def fill(run: Run) -> None:
            run.write_settings(replace(old.settings, created=run.settings.created))
            run.take_from(old, tokenizer=keep_tokenizer)

        return self.new_run(owner, next_name(old.owner.get("name", "")), fill)

    def sample_run(self, owner: str, name: str | None = None) -> str:
        """A new Run of a sample text; by default of the first one in the reader's language."""
        from kantai.samples import load_sample

        sample = load_sample(name or first_sample())
        corpus = sample_corpus(sample.name)

        def fill(run: Run) -> None:
            from kantai.keeping import keep_text

            keep_text(run, corpus)

        title, files = theirs(both(f"sample_name_{sample.name}")), (sample.path.name,)
        return self.new_run(owner, title, fill, files=files, vocab_size=sample.vocab_size)

    # --- what a tab's second line says ----------------------------------------------------------

    def notes(self, run: Run, state: JobState) -> dict[str, list[Any]]:
        """Tab -> what it holds, and 1 where that is done."""
        record, trained = run.record, run.result is not None
        learned = learned_tokens(run)
        return {
            "text": [size(text_bytes(run.folder)), 1]
            if run.has_text
            else [both("note_no_text"), 0],
            "tokenizer": [same(both("note_tokens", count=f"{learned:,}")), 1]
            if learned
            else [both("note_not_learned"), 0],
            "model": [same(self.model_note(run, record, learned)), int(run.log_size > 0)],
            "pretrain": [same(training_note(record, state)), int(state.state == "finished")],
            "fill_mask": [both("note_ready" if trained else "note_after_training"), int(trained)],
        }

    def model_note(self, run: Run, record: dict[str, Any], learned: int | None) -> Sentence:
        """The number of parameters, known once there is a tokenizer."""
        by_name = both("note_preset", name=record.get("preset_name", ""))
        if not learned or not self.is_ready:
            return by_name
        try:
            preset = fitting(Preset, record["preset"])
            return both("note_parameters", count=count(parameter_count(preset, learned)))
        except (ValueError, KeyError, TypeError, AttributeError):  # none, or of another version
            return by_name


def same(sentence: Sentence) -> Sentence | str:
    """One string where both languages say the same: it travels once."""
    words = set(sentence.values())
    return words.pop() if len(words) == 1 else sentence


def training_note(record: dict[str, Any], state: JobState) -> Sentence:
    """How far the training is."""
    if state.state == "waiting":
        return both("note_place", place=state.place)
    budget = budget_of(record).get("seconds")
    if state.state == "training" and budget:
        return both("note_seconds", done=round(state.share * budget), budget=f"{budget:.0f}")
    if state.state == "training":
        return both("note_share", share=f"{state.share:.0%}")
    return both(f"note_state_{state.state}")


def next_name(name: str) -> str:
    """The name of the next Run of the same text: "Kant" -> "Kant 2" -> "Kant 3"."""
    words, _, number = name.rpartition(" ")
    if words and number.isdigit():
        return f"{words} {int(number) + 1}"
    return f"{name[: NAME_LENGTH - 3]} 2".strip()


def first_sample() -> str:
    """The sample that stands there before anybody chose a text, in the reader's language."""
    return theirs(FIRST_SAMPLES)


@lru_cache(maxsize=1)
def _sample_sizes() -> dict[tuple[str, int], str]:
    """(file, bytes) -> sample."""
    from kantai.samples import SAMPLES, load_sample

    files = {name: load_sample(name).path for name in SAMPLES}
    return {(path.name, path.stat().st_size): name for name, path in files.items()}


def sample_of(run: Run) -> str | None:
    """The sample that is the Run's text; None for any other text, whatever its file is called."""
    files = run.report["files"] if run.has_text else []
    return _sample_sizes().get((files[0]["name"], files[0]["bytes"])) if len(files) == 1 else None


@lru_cache(maxsize=256)
def text_bytes(folder: Path) -> int:
    """Bytes of the files that a Run's text came from; the text of a Run never changes."""
    return sum(file.get("bytes", 0) for file in Run(folder).report.get("files", ()))


def learned_tokens(run: Run) -> int | None:
    """How many tokens the Run's tokenizer has; None before it is learned."""
    tokenizer = load_tokenizer(run)
    return tokenizer.learned if tokenizer else None


def expected_tokens(run: Run | None) -> int:
    """How many tokens its tokenizer has, or will have: as asked for, or as the text suggests."""
    if run is None or not run.has_text:
        return SUPPOSED_VOCAB
    asked = learned_tokens(run) or run.settings.vocab_size
    return asked or suggest_vocab_size(run.report.get("characters", 0))


def load_tokenizer(run: Run) -> ByteLevelBPE | None:
    """The Run's tokenizer, kept in memory for the next click; None before it is learned."""
    if not run.has_tokenizer:
        return None
    return _tokenizer(run.folder, run.tokenizer_folder.stat().st_mtime_ns)


@lru_cache(maxsize=32)
def _tokenizer(folder: Path, changed: int) -> ByteLevelBPE:
    return Run(folder).tokenizer()


def bytes_a_token(run: Run) -> float | None:
    """How much of the Run's own text one token stands for; None before there is a tokenizer."""
    return _measured(run)[0]


def text_tokens(run: Run) -> float | None:
    """About how many tokens the Run's training text has; None before there is a tokenizer."""
    return _measured(run)[1]


def _measured(run: Run) -> tuple[float | None, float | None]:
    if not run.has_tokenizer or not run.has_text:
        return None, None
    return _measure(run.folder, run.tokenizer_folder.stat().st_mtime_ns)


@lru_cache(maxsize=32)
def _measure(folder: Path, changed: int) -> tuple[float, float]:
    """Bytes a token of some paragraphs, and from these the tokens of all."""
    texts = Run(folder).texts("train")
    each = _tokenizer(folder, changed).bytes_a_token(texts[:: 1 + len(texts) // MEASURED])
    return each, sum(len(text.encode("utf-8", "replace")) for text in texts) / max(each, 1e-9)


@lru_cache(maxsize=8)
def sample_corpus(name: str, rules: tuple[str, ...] | None = None) -> Any:
    """The Corpus of a sample text, cleaned once."""
    from kantai.corpus import build_corpus
    from kantai.readers import read_files
    from kantai.samples import load_sample

    return build_corpus(read_files([load_sample(name).path]), rules=rules)


@lru_cache(maxsize=256)
def parameter_count(preset: Preset, vocab_size: int) -> int:
    """The parameters of a model that is never built."""
    with ONE_MODEL_AT_A_TIME:
        return parameters_of(preset, vocab_size)
