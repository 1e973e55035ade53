"""The live training: what the page pulls after its own cursor, and the two components of it.

`Header` stands on every tab: it owns the cursor and pulls; `Live` draws what came. One request
is answered from the Run's own files, so a reload, a second browser and a restarted server all
see the same. What the page knows already is not told again. Knows nothing of how a training runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any

import gradio as gr

from kantai.errors import UserError
from kantai.events import Finished, Validated
from kantai.jobs import JobState, budget_of
from kantai.strings import LANGUAGES
from kantai.ui.desk import STANDING, Desk
from kantai.ui.nodes import Sentence, both, said, spoken
from kantai.ui.polls import Together, well_formed
from kantai.ui.words import duration, guessed
from kantai.workspace import Run

# What is told of an event, and how exactly: ".2f" two decimals, ".3g" three figures.
STEP = {"seconds": ".2f", "share": ".4f", "epoch": ".1f", "loss": ".3f",
        "learning_rate": ".3g", "gradient_norm": ".2f"}  # fmt: skip
LOOK = {"seconds": ".2f", "loss": ".4f", "top1": ".3f", "top5": ".3f"}
Pack = Callable[[dict[str, Any]], Any]
MB = 1_000_000
PART = 65_536  # bytes of the log an answer looks at; a long history comes in several


def pull(
    desk: Desk, run_id: str, cursor: int, mark: str = "", language: str = ""
) -> dict[str, Any]:
    """What happened after `cursor`, packed small, and where the Run stands.

    `s` steps, `v` looks at held-out text, `n` notices, `b` beginnings; `more` where the log
    holds more than one answer. Where the Run stands is `status`; for whoever comes with the
    `mark` of an earlier answer it is `change`, what to merge into that. Sentences come in all
    languages, or in the one asked for. Raises UserError for an unknown Run.
    """
    run = desk.registry.open(run_id)
    standing = desk.standing.get(
        run_id, lambda: status(desk, run_id, run, desk.jobs.state(run_id)),
        (run.changed, desk.jobs.changed),
    )  # fmt: skip
    end = desk.log_ends.get(run_id, lambda: run.log_size) if trains(standing) else run.log_size
    events, after = run.events_after(cursor, max(0, min(PART, end - cursor)))
    answer: dict[str, Any] = {"cursor": after}
    for key, kind, pack in PACKED:
        if rows := list(packed(pack, (event for event in events if event["event"] == kind))):
            answer[key] = rows
    if notes := list(packed(_note, (event for event in events if event["event"] in NOTES))):
        answer["n"] = notes
    if after < end and after != cursor:
        answer["more"] = True
    if language in LANGUAGES:
        answer, standing = spoken(answer, language), spoken(standing, language)
    return answer | standing_since(desk, mark, standing)


def standing_since(desk: Desk, mark: str, standing: dict[str, Any]) -> dict[str, Any]:
    """Where the Run stands as it is told to whoever knows what `mark` stands for."""
    new, change = desk.news.since(mark, standing)
    if change is None:
        return {"mark": new, "status": standing}
    return ({"mark": new} if new != mark else {}) | {
        "change": {"state": standing["state"]} | change
    }


def standing_of(answer: dict[str, Any]) -> dict[str, Any]:
    """What an answer says of where the Run stands: its state in any case."""
    return answer.get("status") or answer["change"]


def trains(standing: dict[str, Any]) -> bool:
    """Whether all who watch may be told the same for a moment.

    They are told up to the same end of the log too, so that they ask the same the next time.
    After the training nobody is told too little: there may be no next time.
    """
    return standing["state"] == "training"


def packed(pack: Pack, events: Iterable[dict[str, Any]]) -> Iterator[Any]:
    """Each event packed; one of another version, that cannot be, is passed over."""
    for event in events:
        with suppress(KeyError, TypeError, ValueError, AttributeError, OverflowError):
            yield pack(event)


def _note(event: dict[str, Any]) -> list[Any]:
    return NOTES[event["event"]](event)


def _step(event: dict[str, Any]) -> list[Any]:
    row = [_rounded(event[name], figures) for name, figures in STEP.items()]
    return [
        event["step"],
        *row,
        round(event["tokens_per_second"] or 0),
        round((event["memory"] or 0) / MB),
    ]


def _look(event: dict[str, Any]) -> list[Any]:
    values = [_rounded(event[name], figures) for name, figures in LOOK.items()]
    seen = [[share, *chain(*guesses)] for share, *guesses in event.get("seen") or []]
    return [event["step"], *values, *([seen] if seen else [])]


def _notice(event: dict[str, Any]) -> list[Any]:
    try:
        return [event["step"], both(event["key"], **event["values"])]
    except (KeyError, ValueError, IndexError):  # of another version
        return [event["step"], event["key"]]


def _begin(event: dict[str, Any]) -> dict[str, Any]:
    losses = {name: _rounded(score["loss"], ".3f") for name, score in event["baselines"].items()}
    return {"step": event["step"], "baselines": losses, "watched": event.get("watched", [])}


def _rounded(value: float | None, figures: str) -> float | None:
    return None if value is None else float(format(value, figures))


def _beginning(event: dict[str, Any]) -> list[Any]:
    values = {k: event[k] for k in ("precision", "parameters", "tokens_train", "tokens_validation")}
    return [event["step"], both("log_started", device=event["device"].upper(), **values)]


def _ending(event: dict[str, Any]) -> list[Any]:
    best = event["best_loss"]
    values = {"seconds": duration(event["seconds"]), "best_step": event["best_step"]}
    return [event["step"], both("log_ended", loss=f"{best:.2f}" if best else "–", **values)]


def _failing(event: dict[str, Any]) -> list[Any]:
    try:
        return [event["step"], both(event["key"], **event["values"])]
    except (KeyError, ValueError, IndexError):
        return [event["step"], event["message"]]


NOTES: dict[str, Pack] = {
    "noticed": _notice,
    "started": _beginning,
    "finished": _ending,
    "failed": _failing,
}
PACKED: tuple[tuple[str, str, Pack], ...] = (
    ("s", "stepped", _step),
    ("v", "validated", _look),
    ("b", "started", _begin),
)


# --- where the Run stands -----------------------------------------------------------------------


def status(desk: Desk, run_id: str, run: Run, state: JobState) -> dict[str, Any]:
    """The Run's state for header and tiles; what is empty is left out."""
    record = run.record
    sentence, where = told(run, state)
    answer = {
        "state": state.state,
        "name": run.owner.get("name") or record.get("preset_name", ""),
        "notes": desk.notes(run, state),
        "budget": budget_of(record).get("seconds"),
        "told": sentence,
        "where": where,
        "doing": state.doing if state.doing not in ("", "doing_train") else None,
    }
    if state.state == "failed":
        words = {language: state.message(language) for language in ("en", "zh")}
        answer |= {"message": words, "log": state.log or run.log_end(600)}
    return {key: value for key, value in answer.items() if value is not None}


def told(run: Run, state: JobState) -> tuple[Sentence | None, Sentence | None]:
    """The sentence of the first tile, and the small line above it."""
    if state.state == "waiting":
        wait = duration(state.wait_seconds)
        return both("live_waiting", place=state.place, wait=wait), both("live_queue")
    if state.state == "preparing":
        percent = f" {state.share:.0%}" if 0 < state.share < 1 else ""
        return both_doing(state.doing, percent), both("live_preparing")
    where = "live_where_" + state.state if state.state in ("finished", "stopped") else "live_where"
    line = both(where) if state.doing in ("", "doing_train") else both_doing(state.doing, " …")
    return last_marks(run, state.state), line


def both_doing(key: str, after: str) -> Sentence:
    """What a worker is doing, in every language."""
    try:
        return {language: words + after for language, words in both(key).items()}
    except KeyError:
        return both("doing_train")


def last_marks(run: Run, state: str) -> Sentence | None:
    """The whole words guessed in the examination at the end; before it, the tokens of a look."""
    examined = state in ("finished", "stopped") and isinstance(run.latest(), Finished)
    result = run.result if examined else None
    if result and result.get("word_recovery_top1") is not None:
        return guessed(result["word_recovery_top1"], now=False, of="word")
    looks = [event for event in run.last_events(16_384) if isinstance(event, Validated)]
    return guessed(looks[-1].top1, now=state == "training") if looks else None


# --- components ---------------------------------------------------------------------------------

HEADER = """<div class='k-header'>
<div class='k-mark'>Kantai<i>&lt;mask&gt;</i> <span class='k-title'></span></div>
<span class='k-chip'><b data-part='name'></b><span data-part='state'></span></span></div>"""

ATTACH = """
element.querySelector('.k-title').textContent = kantai.say(kantai.words.playground);
kantai.header(element);
kantai.attach((run, cursor, mark) => server.pull_events(run, cursor, mark, kantai.language));
"""


def Header(desk: Desk, **options: Any) -> gr.HTML:
    """The mark and the Run's chip; the one who asks the server for news."""

    news = Together(partial(pull, desk), STANDING, lambda answer: trains(standing_of(answer)))

    async def pull_events(arguments: list[Any]) -> dict[str, Any]:
        run_id, cursor, *known = well_formed(arguments)
        try:
            return await news(run_id, cursor, *map(str, known[:2]))
        except UserError as error:
            return {"cursor": 0, "gone": said(error)}

    return gr.HTML(
        html_template=HEADER,
        js_on_load=ATTACH,
        apply_default_css=False,
        server_functions=[pull_events],
        **options,
    )


def Live(**options: Any) -> gr.HTML:
    """The instrument of the Pretrain tab; it draws what the header pulled."""
    return gr.HTML(
        html_template="<div class='k-live'></div>",
        js_on_load="kantai.live(element)",
        apply_default_css=False,
        **options,
    )


WORDS = (
    "copied", "search", "csv", "playground", "chip_none",
    "live_where", "live_loss", "live_loss_hint", "live_speed", "live_epoch", "live_left",
    "live_progress", "live_chart", "live_training", "live_validation", "live_references",
    "live_hint", "live_log", "live_csv", "live_lost", "live_idle", "live_worker_log",
    "watch_title", "watch_hint", "chip_gone", "unit_s", "unit_min",
)  # fmt: skip
FAMILIES = {
    "live_gauge_": ("speed", "rate", "norm", "memory"),
    "live_": ("uniform", "unigram", "bigram", "ngram"),
    "state_": ("new", "waiting", "preparing", "training", "finished", "stopped", "failed"),
}


def words_for_browser() -> dict[str, Sentence]:
    """The sentences that the browser itself puts on the screen."""
    keys: Iterable[str] = [*WORDS, *(f"live_{n}_hint" for n in FAMILIES["live_"])]
    families = [prefix + name for prefix, names in FAMILIES.items() for name in names]
    return {key: both(key) for key in (*keys, *families)}
