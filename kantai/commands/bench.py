"""Measure this machine: `bench`."""

from __future__ import annotations

from argparse import Namespace
from importlib import import_module
from typing import Any

from kantai.commands.common import say


def bench(arguments: Namespace) -> dict[str, Any]:
    """One question, answered by ratios in one run."""
    return import_module(f"kantai.bench.{arguments.question}").run(arguments, say)
