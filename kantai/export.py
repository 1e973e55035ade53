"""Take a Run away: as a zip, a notebook, a script, or a repository on the Hub.

Notebook and script hold today's few lines that do the same with transformers alone, with this
Run's own values. Nothing of a person's text goes into code: the text travels beside it as data.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kantai import snippets
from kantai.errors import UserError
from kantai.files import replace, write_text
from kantai.workspace import Run

# What the Hub answers, and the sentence for it; all else is told in its own words.
HUB_REFUSALS = {401: "hub_no_right", 403: "hub_no_right", 409: "hub_taken"}


def model_card(run: Run) -> str:
    """The README of a model: what it is, how it was trained, how well it does."""
    result = _result(run)
    rows = "\n".join(
        f"| {name} | {score['loss']:.2f} | {score['top1']:.1%} |"
        for name, score in result["baselines"].items()
    )
    return f"""---
library_name: transformers
pipeline_tag: fill-mask
tags: [masked-lm, pretrained-from-scratch]
---

# A masked language model trained from scratch

{result["parameters"]:,} parameters ({result["architecture"]}), trained for
{result["seconds_training"]:.0f} s on {result["device"]}: {result["steps"]:,} steps,
{result["epochs"]:.1f} epochs of {result["tokens_train"]:,} tokens.

On held-out text, 15 % of the tokens hidden:

| | loss (nats) | top-1 |
|---|---|---|
{rows}
| **this model** | **{result["validation_loss"]:.2f}** | **{result["top1"]:.1%}** |

Whole words recovered: {result["word_recovery_top1"]:.1%}.

```python
from transformers import pipeline

fill = pipeline("fill-mask", model="path/or/repository")
fill("Write a sentence with a <mask> in it.")
```
"""


def _result(run: Run) -> dict[str, Any]:
    if run.result is None or not run.model_folder.is_dir():
        raise UserError("no_model", folder=run.folder)
    return run.result


def training_code(run: Run) -> list[tuple[str, str]]:
    """The steps of this Run in today's own lines: (heading, code) pairs, in order."""
    settings, result = run.settings, _result(run)
    config = json.loads((run.model_folder / "config.json").read_text(encoding="utf-8"))
    loop = snippets.training_code(settings.recipe, str(result["steps"]))
    return [
        (
            "Text: one paragraph a line, as JSON strings (train.jsonl stands beside this file)",
            snippets.TEXT,
        ),
        (
            "Tokenizer: byte-level BPE",
            snippets.tokenizer_code(result["vocab_asked"], settings.min_frequency),
        ),
        ("Model: a new one, from its config", snippets.model_code(config)),
        (
            "Pretraining: hide tokens, guess, correct; by the run's own optimizer, rates, schedule "
            "and share of hidden tokens",
            loop,
        ),
        ("Fill-mask", snippets.GUESSES),
    ]


def to_zip(run: Run, out: Path | None, repo: str | None) -> Path:
    """Model, card, text and code in one archive."""
    card, code = model_card(run), to_source(run)
    path = out or run.folder / "export.zip"

    def fill(temporary: Path) -> None:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(run.model_folder.iterdir()):
                archive.write(file, f"model/{file.name}")
            for part in ("train", "validation"):
                archive.write(run.folder / "text" / f"{part}.jsonl", f"{part}.jsonl")
            archive.writestr("model/README.md", card)
            archive.writestr("result.json", json.dumps(run.result, indent=2, ensure_ascii=False))
            archive.writestr("train.py", code)

    replace(path, fill)
    return path


def to_source(run: Run) -> str:
    """The script's text."""
    return "\n\n".join(f"# {heading}\n{code}" for heading, code in training_code(run)) + "\n"


def to_script(run: Run, out: Path | None, repo: str | None) -> Path:
    """A Python file that trains the same model with transformers and torch alone."""
    path = out or run.folder / "train.py"
    write_text(path, to_source(run))
    _text_beside(run, path)
    return path


def to_notebook(run: Run, out: Path | None, repo: str | None) -> Path:
    """The same as a Jupyter notebook."""
    cells: list[dict[str, Any]] = []
    for number, (heading, code) in enumerate(training_code(run)):
        words = {"cell_type": "markdown", "source": f"## {heading}", "id": f"words-{number}"}
        cell = {"cell_type": "code", "source": code, "outputs": [], "execution_count": None}
        cells += [words | {"metadata": {}}, cell | {"metadata": {}, "id": f"code-{number}"}]
    path = out or run.folder / "train.ipynb"
    book = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    write_text(path, json.dumps(book, indent=1, ensure_ascii=False))
    _text_beside(run, path)
    return path


def _text_beside(run: Run, path: Path) -> None:
    texts = (run.folder / "text" / "train.jsonl").read_text(encoding="utf-8")
    write_text(path.parent / "train.jsonl", texts)


def to_hub(run: Run, out: Path | None, repo: str | None) -> str:
    """Push the model to a repository of the Hugging Face Hub; returns its address.

    Raises UserError without a repository's name, a login or a network.
    """
    if not repo:
        raise UserError("hub_needs_repo")
    return push(run, repo)


def push(
    run: Run, repo: str, *, token: str | None = None, private: bool | None = None, new: bool = False
) -> str:
    """Push model and card in one commit; without a token, by this machine's own login.

    `new` asks for a repository that holds nothing yet: what is there is never overwritten, and
    a push that broke off can be tried again. Raises UserError for whatever goes wrong.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    api, files = HfApi(token=token), sorted(run.model_folder.iterdir())
    content = [CommitOperationAdd("README.md", model_card(run).encode())]
    content += [CommitOperationAdd(file.name, file) for file in files]
    with _hub_told_plainly(repo):
        address = api.create_repo(repo, private=private, exist_ok=True)
        if new and not _is_untouched(api, address.repo_id, bool(private)):
            raise UserError("hub_taken", repo=repo)
        api.create_commit(address.repo_id, content, commit_message="A model trained from scratch")
    return str(address)


def _is_untouched(api: Any, repo: str, private: bool) -> bool:
    found = api.repo_info(repo)
    files = {file.rfilename for file in found.siblings} - {".gitattributes"}
    return not files and found.private == private


@contextmanager
def _hub_told_plainly(repo: str) -> Iterator[None]:
    """Turn what the Hub's library raises into a sentence that says what to do (UserError)."""
    # HTTPError is of httpx or httpx2, whichever this version of the library stands on.
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        HTTPError,
        OfflineModeIsEnabled,
    )

    try:
        yield
    except UserError:
        raise
    except HFValidationError as error:
        raise UserError("hub_name", repo=repo) from error
    except HfHubHTTPError as error:
        key = HUB_REFUSALS.get(error.response.status_code, "hub_refused")
        raise UserError(key, repo=repo, reason=_first_line(error)) from error
    except (HTTPError, OfflineModeIsEnabled) as error:
        raise UserError("hub_offline") from error
    except (OSError, ValueError, RuntimeError) as error:  # of a file, of an answer, of Xet
        raise UserError("hub_refused", repo=repo, reason=_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


EXPORTS: dict[str, Callable[[Run, Path | None, str | None], Path | str]] = {
    "zip": to_zip,
    "notebook": to_notebook,
    "script": to_script,
    "hub": to_hub,
}
