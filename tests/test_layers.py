"""The house holds: arrows point down only, core knows no screen, every sentence is in both
languages."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import kantai
from kantai.strings import LANGUAGES, TABLES

HOUSE = Path(kantai.__file__).parent
ABOVE_CORE = {"ui", "jobs", "registry", "worker", "workspace", "spaces", "keeping", "stages",
              "export", "commands", "__main__", "progress", "bench"}  # fmt: skip
SCREEN = {"gradio", "plotly", "kantai.ui"}
SLOW = {"torch", "transformers"}  # the page is there before they are
# module -> what it may not import
RULES = {
    "core": {"gradio", "plotly", *(f"kantai.{name}" for name in ABOVE_CORE)},
    "worker": {*SCREEN, "kantai.jobs", "kantai.registry", "kantai.commands"},
    "spaces": {*SCREEN, *SLOW, "kantai.jobs", "kantai.registry", "kantai.commands"},
    "workspace": {*SCREEN, "kantai.jobs", "kantai.registry", "kantai.worker", "kantai.stages"},
    "stages": {*SCREEN, "kantai.jobs", "kantai.registry", "kantai.worker", "kantai.commands"},
    "keeping": {*SCREEN, *SLOW, "kantai.jobs", "kantai.registry", "kantai.worker", "kantai.stages"},
    "registry": {*SCREEN, *SLOW, "kantai.jobs", "kantai.worker", "kantai.stages"},
    "jobs": {*SCREEN, *SLOW, "kantai.worker", "kantai.stages", "kantai.commands"},
    "commands": SCREEN,
    "bench": {"gradio", "plotly"},
}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def room(path: Path) -> str:
    first = path.relative_to(HOUSE).parts[0].removesuffix(".py")
    return first if first in ABOVE_CORE else "core"


def test_arrows_point_down():
    wrong = []
    for path in HOUSE.rglob("*.py"):
        for banned in RULES.get(room(path), ()):
            if any(name == banned or name.startswith(banned + ".") for name in imports(path)):
                wrong.append(f"{path.relative_to(HOUSE)} imports {banned}")
    assert not wrong


def test_every_sentence_stands_once_in_every_language_with_the_same_gaps():
    keys = [key for table in TABLES for key in table]
    assert len(keys) == len(set(keys))
    for table in TABLES:
        for key, sentences in table.items():
            assert len(sentences) == len(LANGUAGES), key
            gaps = [set(re.findall(r"{(\w+)", sentence)) for sentence in sentences]
            assert all(gap == gaps[0] for gap in gaps), key
            assert all(sentences), key


def test_every_sentence_that_is_used_is_there():
    keys = {key for table in TABLES for key in table}
    used = set()
    for path in HOUSE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        used |= set(re.findall(r'UserError\(\s*"(\w+)"', source))
    assert used and used <= keys, used - keys
