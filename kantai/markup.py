"""Take Markdown and HTML marks off, and leave the words.

Only what is certainly markup goes: known HTML elements, complete links, paired
emphasis. `a < b`, `x < y > z` and a literal `<mask>`, `<s>` or `</s>` stay as they are.
Code keeps its characters, but for the fences around it and HTML elements inside it.
"""

from __future__ import annotations

import html
import re

from kantai.changes import Changes, substitute

# Elements and what stands in their place. No `s`: it is a special token's name.
_BLOCK = """address article aside blockquote body center dd details dialog dir div dl dt fieldset
figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html main menu nav
noframes noscript ol optgroup p pre section select summary table tbody tfoot thead title ul"""
_INLINE = """a abbr acronym area audio b base basefont bdi bdo big button canvas caption cite code
col colgroup data datalist del dfn em embed font frame i iframe img input ins kbd label legend link
map mark meta meter nobr object output param picture progress q rp rt ruby samp script slot small
source span strike strong style sub sup svg template textarea time track tt u var video wbr"""
ELEMENTS: dict[str, str] = {
    **dict.fromkeys(_INLINE.split(), ""),
    **dict.fromkeys(_BLOCK.split(), "\n\n"),
    **dict.fromkeys(("br", "tr", "option"), "\n"),
    **dict.fromkeys(("td", "th"), " "),
    "li": "\n- ",
}
# Elements that are often written without an end: no `</br>` is needed to believe in `<br>`.
_ALONE = {"br", "hr", "wbr", "li", "td", "th", "tr", "dt", "dd"}

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]{0,11})(\s[^<>]{0,2000}|/)?>")
_CLOSING = re.compile(r"</([A-Za-z][A-Za-z0-9]{0,11})\s{0,9}>")
_DECLARATION = re.compile(r"<(?:!DOCTYPE|\?xml)\b[^<>]{0,1000}>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# Opening, closing, and the most characters that may lie between them.
_DROPPED = (
    (re.compile("<!--"), re.compile("-->"), 20_000),
    (re.compile(r"(?i)<script(?=[\s>])"), re.compile(r"(?i)</script\s{0,9}>"), 1_000_000),
    (re.compile(r"(?i)<style(?=[\s>])"), re.compile(r"(?i)</style\s{0,9}>"), 1_000_000),
)

_LINK = re.compile(
    r"\[([^\[\]\n]{0,300}(?:\n[^\[\]\n]{1,300})?)\]"
    r"\(\s{0,3}(?=[^()\s]{0,400}[/.#:])(?:[^()\s]|\([^()\s]{0,200}\)){1,800}"
    r"(?:[ \t\n]{1,3}(?:\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'))?\)"
)
_REFERENCE = re.compile(
    r"\[(?<!\]\[)([^\[\]\n]{1,300}(?:\n[^\[\]\n]{1,300})?)\](?:\[([^\[\]\n]{0,80})\])?(?![\[(:])"
)
_FOOTNOTE = re.compile(r"\[\^[^\[\]\s]{1,40}\]:?")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]{1,500})>")
_IMAGE_MARK = re.compile(r"!(?=\[[^\[\]\n]{0,300}\]\()")

# Text inside emphasis: at most 600 characters, no blank line.
_INSIDE = r"(?=[^\s{0}])((?:[^{0}\n]|\n(?![ \t]{{0,20}}\n)){{1,600}}?)(?<=[^\s{0}])"
_EMPHASIS = tuple(
    (mark, re.compile(pattern))
    for mark, pattern in (
        # The opening character comes before its look-behind: so the search can skip to it.
        ("`", r"`(?<![\w`]`)" + _INSIDE.format("`") + r"`(?![\w`])"),
        ("*", r"\*(?<![\w*\\]\*)(\*{0,2})" + _INSIDE.format("*") + r"\*\1(?![\w*])"),
        ("_", r"_(?<![\w_\\]_)(?!_)" + _INSIDE.format("_") + r"_(?![\w_])"),
        ("~", r"~~(?<![\w~]~~)" + _INSIDE.format("~") + r"~~(?![\w~])"),
        ("=", r"=(?<![\w=<>!]=)(?=[^\W\d_])([^=\n]{1,120})(?<=[^\s=])=(?![\w=>])"),
    )
)

_HEADING = re.compile(r" {0,3}(?:#{1,6}[ \t]+)+(?=\S)")
_FENCE = re.compile(r"[ \t]*(?:`{3,}|~{3,})[^`~]{0,60}$")
_LINK_TARGET = re.compile(
    r"(?m)^ {0,3}\[([^\[\]\n]{1,80})\]:[ \t]{1,9}<?(?:https?:|/|#|mailto:|\.)\S{0,800}"
)
_QUOTE = re.compile(r"(?:>[ \t]*)+")
_RULE_SIGNS = frozenset("-*_=~|:+ \t")


def remove_markup(text: str, changes: Changes) -> str:
    """`text` without Markdown and HTML marks; their words, and a break after a block, stay."""
    if "<" in text or "&" in text:
        text = _remove_html(text, changes)
    targets = {name.casefold() for name in _LINK_TARGET.findall(text)} if "]: " in text else set()
    if targets or "](" in text or "[^" in text:
        text = _remove_links(text, targets, changes)
    return _remove_line_marks(_remove_emphasis(text, changes), changes)


def _remove_emphasis(text: str, changes: Changes) -> str:
    for _ in range(3):  # one mark may be inside another, or even across it
        before = len(text)
        for mark, pattern in _EMPHASIS:
            if mark in text:
                text = substitute(pattern, lambda match: match[match.lastindex], text, changes)
        if len(text) == before:
            break
    return text


def _remove_html(text: str, changes: Changes) -> str:
    for opening, closing, most in _DROPPED:
        text = _drop(text, opening, closing, most, changes)
    text = _decode_entities(text, changes)
    text = substitute(_DECLARATION, "", text, changes)
    text = substitute(_AUTOLINK, lambda match: match[1], text, changes)
    closed = {name.lower() for name in _CLOSING.findall(text)} | _ALONE

    def replace(match: re.Match[str]) -> str:
        slash, name, rest = match[1], match[2].lower(), match[3] or ""
        bare = not rest.strip(" /") or len(name) > 1
        if name not in ELEMENTS or not (slash or "=" in rest or (bare and name in closed)):
            return match[0]
        return "" if slash and name == "li" else ELEMENTS[name]

    return substitute(_TAG, replace, text, changes)


def _drop(
    text: str, opening: re.Pattern[str], closing: re.Pattern[str], most: int, changes: Changes
) -> str:
    """Cut from each `opening` to its `closing`; one that never closes stays. Linear time."""
    kept, position = [], 0
    while match := opening.search(text, position):
        end = closing.search(text, match.end(), match.end() + most)
        if not end:
            break
        changes.note(text[match.start() : end.end()], "")
        kept.append(text[position : match.start()])
        position = end.end()
    return "".join(kept) + text[position:] if kept else text


def _decode_entities(text: str, changes: Changes) -> str:
    """`&lt;` -> `<`, also where it was encoded twice (`&amp;lt;`)."""
    if "&" not in text:
        return text
    text = substitute(re.compile(r"&(?:amp;)+"), "&", text, changes)
    for _ in range(2):  # `&#38;lt;` is an entity made of another
        text = substitute(_ENTITY, lambda match: html.unescape(match[0]), text, changes)
    return text


def _remove_line_marks(text: str, changes: Changes) -> str:
    """Headings, rules, fences, link targets and quotes: marks that open a line."""
    lines = text.split("\n")
    quoted = False
    for index, line in enumerate(lines):
        head = line.lstrip(" \t")[:1]
        # The line before may have become a heading, with a blank line after it.
        before = lines[index - 1].rpartition("\n")[2] if index else ""
        quoted = head == ">" and (quoted or not before.strip())
        if head and (head in "#`~-*_=|:+[" or quoted):
            new = _without_line_mark(line)
            if new != line:
                changes.count(len(line) - len(new))
                if changes.wants_example():
                    changes.show(line, new.strip())
                lines[index] = new
    return "\n".join(lines)


def _without_line_mark(line: str) -> str:
    head = line.lstrip(" \t")[:1]
    if head == "#":
        match = _HEADING.match(line)
        title = line[match.end() :].rstrip(" \t#") if match else ""
        return f"\n{_without_line_mark(title)}\n" if title else line
    if head == ">":
        return _without_line_mark(_QUOTE.sub("", line.lstrip(" \t"), count=1))
    if head in "`~" and _FENCE.match(line):
        return ""
    if head == "[":
        return "" if _LINK_TARGET.match(line) else line
    return "" if head and _is_rule(line) else line


def _is_rule(line: str) -> bool:
    """Whether the line draws: `-----`, `* * *`, `=====`, `|---|:--:|`, `+----+`.

    A short one (`--`) is text, and so is one that mixes signs without being a table's.
    """
    signs = set(line) - {" ", "\t"}
    if not signs <= _RULE_SIGNS or sum(map(line.count, signs)) < 3:
        return False
    return len(signs) == 1 or (bool(signs & {"|", "+"}) and bool(signs & {"-", "="}))


def _remove_links(text: str, targets: set[str], changes: Changes) -> str:
    """`[words](address)` -> `words`; a picture leaves its description.

    `[words][name]` and `[name]` are links only if `targets` has the name.
    """

    def name_only(match: re.Match[str]) -> str:
        return match[1] if (match[2] or match[1]).casefold() in targets else match[0]

    for _ in range(3):  # a picture inside a link is two of them, one in the other
        before = len(text)
        text = substitute(_IMAGE_MARK, "", text, changes)
        text = substitute(_LINK, lambda match: match[1], text, changes)
        if targets:
            text = substitute(_REFERENCE, name_only, text, changes)
        if len(text) == before:
            break
    return substitute(_FOOTNOTE, "", text, changes)
