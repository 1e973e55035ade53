"""One function a command: arguments in, the JSON answer out, words for people on the way.

Heavy libraries are imported by the commands that need them, so that `--help` and mistakes
answer at once.
"""

from kantai.commands.bench import bench
from kantai.commands.demo import demo
from kantai.commands.models import evaluate, export, fill_mask, parameters
from kantai.commands.texts import fetch, inspect
from kantai.commands.train import train

__all__ = [
    "bench", "demo", "evaluate", "export", "fetch", "fill_mask", "inspect", "parameters", "train",
]  # fmt: skip
