"""Every sentence stands in kantai/strings, in both languages, and every key of it is used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import kantai
from kantai.strings import LANGUAGES, TABLES

HOUSE = Path(kantai.__file__).parent
SOURCES = [path for path in HOUSE.rglob("*.py") if HOUSE / "strings" not in path.parents]
SCREEN = [path for path in SOURCES if HOUSE / "ui" in path.parents]
SCRIPTS = sorted((HOUSE.parent / "assets").glob("*.js"))
KEYS = {key: words for table in TABLES for key, words in table.items()}
ASK = {"both", "words", "text", "text_of", "UserError", "lead"}  # functions that take keys
CJK = re.compile("[\u3400-\u9fff]")
GAP = re.compile(r"{(\w+)")
PROSE = re.compile(r"\b[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}\b")
WORD = re.compile(r"[A-Za-z]{2}")
SHOWN = {"label", "info", "placeholder", "title", "aria_label"}  # arguments that people read
# The same in every language: names of files and calls, and the project's own; or told to nobody:
# whoever sent half an upload is gone.
NAMES = {"<mask>", "config.json", "print(model)", "Kantai", "English", "中文", CJK.pattern,
         "([\u3400-\u9fff])", "The upload broke off."}  # fmt: skip


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def called(node: ast.AST) -> str:
    """The name of the function that is called; empty for anything else."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def strings_of(node: ast.AST) -> Iterator[str]:
    """All string literals within, but docstrings."""
    inner = [n for n in ast.walk(node) if hasattr(n, "body") and isinstance(n.body, list)]
    docs = {id(n.body[0].value) for n in inner if n.body and isinstance(n.body[0], ast.Expr)}
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and id(part) not in docs:
            yield part.value


def patterns(node: ast.AST) -> Iterator[str]:
    """What f-strings may become, as regular expressions."""
    for part in ast.walk(node):
        if isinstance(part, ast.JoinedStr):
            yield "".join(
                re.escape(p.value) if isinstance(p, ast.Constant) else r"[\w-]+"
                for p in part.values
            )


def literals(source: str) -> list[str]:
    """String literals of a script, without its comments and errors for the console."""
    source = re.sub(r"(^|\s)//.*|new Error\(.*?\)", "", source, flags=re.MULTILINE)
    return [found[1:-1] for found in re.findall(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`', source)]


def test_a_key_stands_once_and_says_the_same_in_every_language():
    assert len(KEYS) == sum(map(len, TABLES))
    for key, sentences in KEYS.items():
        assert len(sentences) == len(LANGUAGES) and all(s.strip() for s in sentences), key
        gaps = [set(GAP.findall(sentence)) for sentence in sentences]
        assert all(gap == gaps[0] for gap in gaps), key
        english, chinese = sentences
        assert not CJK.search(english), key
        bare = re.sub("{.*?}", "", chinese)
        assert CJK.search(chinese) or english == chinese or not WORD.search(bare), key


@pytest.mark.parametrize(
    "wrong", ["您", "训练方案", "训练配方", "笔记本(?!电脑)", "次运行", "运行记录"]
)
def test_chinese_has_one_word_for_one_thing(wrong):
    assert not [key for key, (_, chinese) in KEYS.items() if re.search(wrong, chinese)]


def test_every_key_that_is_asked_for_is_there():
    asked, missing = set(), set()
    for path in SOURCES:
        for node in ast.walk(parsed(path)):
            if called(node) not in ASK or not node.args:
                continue
            first = node.args[: 2 if called(node) == "lead" else 1]
            asked |= {a.value for a in first if isinstance(a, ast.Constant)}
            for pattern in (p for a in first for p in patterns(a)):
                if not any(re.fullmatch(pattern, key) for key in KEYS):
                    missing.add(pattern)
    assert len(asked) > 200 and asked <= set(KEYS), asked - set(KEYS)
    assert not missing


def test_no_key_is_left_over():
    said, shapes = set(), set()
    for path in SOURCES:
        tree = parsed(path)
        said |= set(strings_of(tree))
        shapes |= set(patterns(tree))
    for path in SCRIPTS:
        source = path.read_text(encoding="utf-8")
        said |= set(re.findall(r"\bwords\.(\w+)", source)) | set(literals(source))
    starts = tuple(s for s in said if re.fullmatch(r"[a-z]\w*_", s))  # "state_" + name
    shapes = {shape for shape in shapes if re.match(r"[a-z]\w*_", shape)}
    ends = ("_hint", "_info")  # of a name that is said
    assert not {
        key for key in KEYS
        if key not in said and not key.startswith(starts)
        and not (key.endswith(ends) and key.rpartition("_")[0] in said)
        and not any(re.fullmatch(shape, key) for shape in shapes)
    }  # fmt: skip


def test_nothing_that_people_read_stands_outside():
    """No Chinese, no English sentence, and no word where a label or the text of a node is asked."""
    found = []
    for path in SCREEN:
        tree = parsed(path)
        found += [
            s for s in strings_of(tree) if s not in NAMES
            and (CJK.search(s) or PROSE.search(s) and not re.search("[{<=>]", s))
        ]  # fmt: skip
        for node in (n for n in ast.walk(tree) if isinstance(n, ast.Call)):
            read = [k.value for k in node.keywords if k.arg in SHOWN]
            read += node.args[1:] if called(node) == "tag" else []
            read += node.args if called(node) in ("card", "fold", "tile", "Button", "Tab") else []
            words = [a.value for a in read if isinstance(a, ast.Constant)]
            found += [w for w in words if WORD.search(str(w)) and w not in NAMES]
    assert not found


def test_nothing_that_people_read_stands_in_a_script():
    for path in SCRIPTS:
        source = path.read_text(encoding="utf-8").replace('"a article b', "").split("\n")
        words = literals("\n".join(line for line in source if '.split(" ")' not in line))
        assert len(words) > 50
        assert not [w for w in words if CJK.search(w) or PROSE.search(w)], path.name
