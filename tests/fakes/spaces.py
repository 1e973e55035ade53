"""Stands for the `spaces` package of a Space with ZeroGPU; tests put its folder on the path.

As there, a call asks with the visitor's own request, forks, pickles what goes in and comes
out, works in a thread of the fork, and tells of an error by its class alone. `$FAKE_SPACES` is
a folder: `calls.jsonl` says what was asked for, `quota` how many more calls are lent; while
`hang` is there, no call answers.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import time
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from pathlib import Path

import gradio as gr
from gradio.context import LocalContext

decorated: dict = {}


def GPU(duration):
    def decorate(task):
        return decorated.setdefault(task, lent(task, duration))

    return decorate


def lent(task, duration):
    @wraps(task)
    def call(*arguments):
        ask(duration(*arguments))
        given, (here, there) = pickle.dumps(arguments), multiprocessing.Pipe(duplex=False)

        def child():
            with ThreadPoolExecutor(1) as pool:
                there.send_bytes(pool.submit(answer, task, given).result())

        process = multiprocessing.get_context("fork").Process(target=child, daemon=True)
        process.start()
        there.close()
        try:
            value, error = pickle.loads(here.recv_bytes())
        except EOFError:
            raise gr.Error("GPU task aborted", print_exception=False) from None
        finally:
            process.join()
        if error:
            raise gr.Error(error, print_exception=False)
        return value

    return call


def answer(task, given: bytes) -> bytes:
    try:
        return pickle.dumps((task(*pickle.loads(given)), None))
    except Exception as error:
        return pickle.dumps((None, type(error).__name__))


def ask(seconds) -> None:
    folder, request = Path(os.environ["FAKE_SPACES"]), LocalContext.request.get(None)
    quota = folder / "quota"
    left = int(quota.read_text()) if quota.exists() else 1
    if left <= 0:
        raise gr.Error("You have exceeded your ZeroGPU quota", print_exception=False)
    if quota.exists():
        quota.write_text(str(left - 1))
    visitor = request.headers.get("x-ip-token") if request else None
    with open(folder / "calls.jsonl", "a") as calls:
        calls.write(json.dumps({"seconds": seconds, "visitor": visitor}) + "\n")
    while (folder / "hang").exists():
        time.sleep(0.05)
