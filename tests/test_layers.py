"""The house holds: arrows point down only, core knows no screen."""

from __future__ import annotations

import ast
from pathlib import Path

import kantai

HOUSE = Path(kantai.__file__).parent
ABOVE_CORE = {"ui", "jobs", "workers", "registry", "worker", "workspace", "spaces", "keeping",
              "stages", "export", "commands", "__main__", "progress", "bench"}  # fmt: skip
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
    "workers": {*SCREEN, *SLOW, "kantai.worker", "kantai.jobs", "kantai.registry"},
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
