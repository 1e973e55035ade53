"""Makes the English patterns less alike: synonyms, adjectives, names or callings, openings.

A pattern that is told thirty times with the same words between its slots would let a reader of
two neighbours guess nearly every word. So each pattern is loosened once, when it is read:

    the net was full of fish  ->  the [|torn |wet ]net [was full of|was packed with] fish

Nothing is added that changes what is said: who does what, with what, and why, stays.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from kantai.samples.tables import Part, Topic, read_lists

WORDS = Path(__file__).parent / "words" / "english"
SLOT = re.compile(r"(\{[^{}]*\})")
TOOL = re.compile(r"\b(the|\{P\.his\}) \{(\w)\.(use|job)(\d?)\.tool\}")
CALLED = re.compile(r"(?<!oung )(?<!ittle )(?<!called )(?<!Dear )\{(\w)\.name\}(?! \{\w\.last)")
# "the night watchman" is no dark night watchman.
COMPOUND = (
    "watchman|tower|yard|market|bell|door|clock|stove|oil|glass|house|maker|keeper|master|wheel|"
    "tree|bank|pond|pot|boat|post|square|shop|sill|frame|stone|light|gate|landing|road|street|nor"
)
NARRATIVE = re.compile(r":past\}|\b(had|was|were|could|came|went|took|ran|saw|did|\w+ed)\b")
SUBJECT = re.compile(
    r"^(\{~?\w\.(He|name|call)\}|The (?!next|first|other|second|more|one|last)\w+|He|She|They) "
)


def loosen(topics: list[Topic]) -> list[Topic]:
    """The same topics with every pattern loosened."""
    synonyms = _alternatives(read_lists(WORDS / "synonyms.txt"))
    adjectives = read_lists(WORDS / "adjectives.txt")
    return [
        replace(
            t, parts=[_part(t, i, part, synonyms, adjectives) for i, part in enumerate(t.parts)]
        )
        for t in topics
    ]


def loosen_text(text: str, synonyms: dict[str, str], adjectives: dict[str, list]) -> str:
    """One phrase with synonyms and adjectives; its slots stay as they are."""
    pieces = SLOT.split(text)
    pieces[::2] = [_adjectives(_synonyms(p, synonyms), adjectives) for p in pieces[::2]]
    return "".join(pieces)


def loosen_acts(tables: dict) -> None:
    """What is done with tools, on call and by mishap, in other words too."""
    synonyms = _alternatives(read_lists(WORDS / "synonyms.txt"))
    adjectives = read_lists(WORDS / "adjectives.txt")
    verbs = {v: "[" + "|".join(words) + "]" for v, words in read_lists(WORDS / "verbs.txt").items()}
    for trade in tables["trade"].values():
        for part in [*trade["use"], *trade["call"]]:
            verb, _, rest = part["act"][0].partition(" ")
            rest = loosen_text(rest, synonyms, adjectives)
            part["act"] = [f"{verbs.get(verb, verb)} {rest}".strip()]


def _part(topic: Topic, number: int, part: Part, synonyms: dict, adjectives: dict) -> Part:
    out = []
    for pattern in part.patterns:
        pattern = TOOL.sub(r"\1 [||{~toolold} |{~toolold} ]{\2.\3\4.tool}", pattern)
        if number:
            pattern = _opening(_callings(topic, pattern))
        out.append(loosen_text(pattern, synonyms, adjectives))
    return Part(part.least, part.most, out)


def _callings(topic: Topic, pattern: str) -> str:
    """{P.name} becomes a name or a calling where it is clear who is meant."""
    kinds = {alias: table for alias, table, _ in topic.binds}
    children = [a for a, table in kinds.items() if table == "child"]
    trades = {path[0] for _, table, path in topic.binds if table == "trade" and path}

    def called(match: re.Match) -> str:
        alias = match.group(1)
        clear = alias in trades or kinds.get(alias) == "keeper" or children == [alias]
        return f"{{~{alias}.call}}" if clear else match.group(0)

    return CALLED.sub(called, pattern)


def _opening(pattern: str) -> str:
    """Past events may be given a time or a manner to begin with."""
    subject = SUBJECT.match(pattern)
    if not subject or not NARRATIVE.search(pattern) or '"' in pattern:
        return pattern
    first = pattern if pattern.startswith("{") else pattern[0].lower() + pattern[1:]
    first = first.replace(".He}", ".he}", 1)
    return f"[{pattern}|{pattern}|{{~opening}} {first}]"


def _alternatives(groups: dict[str, list]) -> dict[str, str]:
    """phrase -> '[phrase|other|other]'"""
    return {p: "[" + "|".join([p, *others]) + "]" for p, others in groups.items()}


def _synonyms(text: str, alternatives: dict[str, str]) -> str:
    if not alternatives:
        return text
    longest = sorted(alternatives, key=len, reverse=True)
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, longest)) + r")\b")
    return pattern.sub(lambda m: alternatives[m.group(1)], text)


def _adjectives(text: str, table: dict[str, list]) -> str:
    pattern = re.compile(
        r"\b([Tt]he|an?|his|her|their) (" + "|".join(table) + r")\b(?! (?:" + COMPOUND + r"))"
    )

    def dressed(match: re.Match) -> str:
        choices = "|".join([""] * 8 + [f"{word} " for word in table[match.group(2)]])
        return f"{match.group(1)} [{choices}]{match.group(2)}"

    return pattern.sub(dressed, text)
