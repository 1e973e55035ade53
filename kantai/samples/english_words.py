"""English word forms for the sample text: past, -ing, third person, plural, articles.

Only what the word tables need: irregular words are listed, the rest follows the rules.
"""

from __future__ import annotations

import re

PAST = {
    "be": "was", "bear": "bore", "beat": "beat", "become": "became", "begin": "began",
    "bend": "bent", "bind": "bound", "bite": "bit", "bleed": "bled", "blow": "blew",
    "break": "broke", "breathe": "breathed", "bring": "brought", "build": "built", "burn": "burned",
    "buy": "bought", "catch": "caught", "choose": "chose", "climb": "climbed", "come": "came",
    "cut": "cut", "dig": "dug", "do": "did", "draw": "drew", "drink": "drank", "drive": "drove",
    "eat": "ate", "fall": "fell", "feed": "fed", "feel": "felt", "fight": "fought",
    "find": "found", "flee": "fled", "fly": "flew", "forget": "forgot", "freeze": "froze",
    "get": "got", "give": "gave", "go": "went", "grind": "ground", "grow": "grew",
    "hang": "hung", "have": "had", "hear": "heard", "hide": "hid", "hit": "hit", "hold": "held",
    "keep": "kept", "kneel": "knelt", "know": "knew", "lay": "laid", "lead": "led",
    "learn": "learned", "leave": "left", "lend": "lent", "let": "let", "lie": "lay", "light": "lit",
    "lose": "lost", "make": "made", "mean": "meant", "meet": "met", "mow": "mowed",
    "pay": "paid", "put": "put", "read": "read", "ride": "rode", "ring": "rang", "rise": "rose",
    "run": "ran", "saw": "sawed", "say": "said", "see": "saw", "sell": "sold", "send": "sent",
    "set": "set", "sew": "sewed", "shake": "shook", "shine": "shone", "shoot": "shot",
    "show": "showed", "shut": "shut", "sing": "sang", "sink": "sank", "sit": "sat",
    "sleep": "slept", "slide": "slid", "sow": "sowed", "speak": "spoke", "spend": "spent",
    "spin": "spun", "split": "split", "spread": "spread", "spring": "sprang", "stand": "stood",
    "steal": "stole", "stick": "stuck", "strike": "struck", "sweep": "swept", "swim": "swam",
    "swing": "swung", "take": "took", "teach": "taught", "tear": "tore", "tell": "told",
    "think": "thought", "throw": "threw", "tread": "trod", "understand": "understood",
    "wake": "woke", "wear": "wore", "weave": "wove", "weep": "wept", "win": "won",
    "wind": "wound", "write": "wrote", "draw up": "drew up", "pen": "penned", "bid": "bade",
    "upset": "upset", "mistake": "mistook", "swallow": "swallowed", "unwind": "unwound",
}  # fmt: skip
DOUBLED = {
    "chop", "trim", "rub", "grip", "plan", "stir", "tap", "pin", "dip", "wrap", "strip",
    "scrub", "drag", "mop", "skim", "clip", "sip", "pat", "hem", "stop", "slip", "drop", "trap",
    "shop", "step", "hum", "beg", "tug", "plug", "rig", "scrap", "nod", "jam", "stun", "knot",
    "whip", "pop", "nab", "spot", "rip", "skip", "chat", "plod", "gut", "tip", "zip", "hug",
    "jog", "strap", "slam", "clap", "snap", "tan", "fit",
}  # fmt: skip
IRREGULAR_PLURALS = {
    "child": "children", "man": "men", "woman": "women", "foot": "feet", "tooth": "teeth",
    "goose": "geese", "mouse": "mice", "ox": "oxen", "calf": "calves", "loaf": "loaves",
    "knife": "knives", "wolf": "wolves", "leaf": "leaves", "shelf": "shelves", "wife": "wives",
    "sheep": "sheep", "fish": "fish", "herring": "herring", "trout": "trout", "cod": "cod",
    "mackerel": "mackerel", "pike": "pike", "perch": "perch", "carp": "carp",
    "salmon": "salmon", "plaice": "plaice", "life": "lives",
    "scarf": "scarves", "fisherman": "fishermen", "ferryman": "ferrymen", "postman": "postmen",
    "night watchman": "night watchmen", "washerwoman": "washerwomen", "fishwife": "fishwives",
    "midwife": "midwives",
}  # fmt: skip
SINGULAR_S = {"lens", "canvas", "compass", "glass", "brass", "moss", "dress", "press", "gas"}
MASS = {
    "chalk", "thread", "wax", "ice", "soap", "grease", "twine", "solder", "type", "flame", "paint",
    "powder", "glue", "ink", "water", "flour", "iron ore", "ledge",
}  # fmt: skip
VOWEL_SOUND = re.compile(
    r"\b([Aa]) (?=(?:[aeiouAEIOU]|hour|honest|heir))(?!one|once|use|uni|ewe|eu)"
)


def _head(phrase: str) -> tuple[str, str]:
    verb, _, rest = phrase.partition(" ")
    return verb, f" {rest}" if rest else ""


def past(phrase: str) -> str:
    """'beat the iron' -> 'beat the iron'; 'carry it' -> 'carried it'; both verbs of 'a and b'."""
    return " and ".join(
        _past_one(p) if _verb_first(p, i) else p for i, p in enumerate(phrase.split(" and "))
    )


def _verb_first(part: str, index: int) -> bool:
    return index == 0 or part.split(" ")[0] in SECOND_VERBS


SECOND_VERBS = {"mend", "get", "wake", "lose", "find", "bring", "put", "take", "light"}


def _past_one(phrase: str) -> str:
    verb, rest = _head(phrase)
    if verb in PAST:
        return PAST[verb] + rest
    if verb in DOUBLED:
        return verb + verb[-1] + "ed" + rest
    if verb.endswith("e"):
        return verb + "d" + rest
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ied" + rest
    return verb + "ed" + rest


PARTICIPLE = {
    "bear": "borne", "begin": "begun", "bite": "bitten", "blow": "blown", "break": "broken",
    "choose": "chosen", "come": "come", "do": "done", "draw": "drawn", "drive": "driven",
    "eat": "eaten", "fall": "fallen", "fly": "flown", "forget": "forgotten", "give": "given",
    "go": "gone", "grow": "grown", "hide": "hidden", "know": "known", "lie": "lain",
    "mow": "mown", "ride": "ridden", "ring": "rung", "rise": "risen", "run": "run",
    "saw": "sawn", "see": "seen", "sew": "sewn", "shake": "shaken", "show": "shown",
    "sing": "sung", "sink": "sunk", "sow": "sown", "speak": "spoken", "steal": "stolen",
    "swim": "swum", "take": "taken", "tear": "torn", "throw": "thrown", "wake": "woken",
    "wear": "worn", "weave": "woven", "write": "written", "be": "been", "mistake": "mistaken",
    "drink": "drunk", "become": "become", "freeze": "frozen",
}  # fmt: skip


def participle(phrase: str) -> str:
    """'write the sum' -> 'written the sum'."""
    verb, rest = _head(phrase)
    return PARTICIPLE[verb] + rest if verb in PARTICIPLE else _past_one(phrase)


def ing(phrase: str) -> str:
    """'make a boat' -> 'making a boat'; 'cut' -> 'cutting'; 'tie' -> 'tying'."""
    verb, rest = _head(phrase)
    doubled = DOUBLED | {"cut", "get", "put", "run", "set", "sit", "swim", "dig", "let", "win",
                         "hit", "split", "spin", "upset", "forget", "begin", "shut"}  # fmt: skip
    if verb in doubled:
        return verb + verb[-1] + "ing" + rest
    if verb.endswith("ie"):
        return verb[:-2] + "ying" + rest
    if verb.endswith("e") and not verb.endswith(("ee", "ye", "oe", "nge")) and verb != "be":
        return verb[:-1] + "ing" + rest
    return verb + "ing" + rest


def third(phrase: str) -> str:
    """'fish' -> 'fishes'; 'carry it' -> 'carries it'."""
    verb, rest = _head(phrase)
    if verb in ("have", "be"):
        return {"have": "has", "be": "is"}[verb] + rest
    return _s(verb) + rest


def _s(word: str) -> str:
    if re.search(r"(s|x|z|ch|sh|o)$", word):
        return word + "es"
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + "s"


def is_plural(noun: str) -> bool:
    """Whether a noun of the tables is spoken of as many: tongs, pins, scales."""
    word = noun.split(" of ")[0].split(" ")[-1]
    return word.endswith("s") and not word.endswith("ss") and word not in SINGULAR_S


def plural(noun: str) -> str:
    """'pair of boots' -> 'pairs of boots'; 'knife' -> 'knives'; 'scales' stays."""
    if noun in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[noun]
    head, of, rest = noun.partition(" of ")
    front, _, last = head.rpartition(" ")
    if not is_plural(last):
        last = IRREGULAR_PLURALS.get(last) or _s(last)
    return f"{front} {last}".strip() + of + rest


PAIRS = {"tongs", "scissors", "shears", "bellows", "tweezers", "pincers", "gloves", "scales",
         "reins", "tin shears"}  # fmt: skip


def some(noun: str) -> str:
    """'hammer' -> 'a hammer'; 'tongs' -> 'a pair of tongs'; 'chalk' -> 'a bit of chalk'."""
    if noun in PAIRS:
        return f"a pair of {noun}"
    if noun in MASS:
        return f"some {noun}"
    return f"some {noun}" if is_plural(noun) else f"a {noun}"


FILTERS = {
    "past": past,
    "done": participle,
    "ing": ing,
    "s": third,
    "pl": plural,
    "a": some,
    "is": lambda noun: "are" if is_plural(noun) else "is",
    "has": lambda noun: "have" if is_plural(noun) else "has",
    "comes": lambda noun: "come" if is_plural(noun) else "comes",
    "becomes": lambda noun: "become" if is_plural(noun) else "becomes",
    "was": lambda noun: "were" if is_plural(noun) else "was",
    "it": lambda noun: "them" if is_plural(noun) else "it",
    "they": lambda noun: "they" if is_plural(noun) else "it",
    "this": lambda noun: "these" if is_plural(noun) else "this",
    "does": lambda noun: "do" if is_plural(noun) else "does",
    "poss": lambda name: f"{name}'" if name.endswith("s") else f"{name}'s",
    "cap": lambda text: text[:1].upper() + text[1:],
    "last": lambda noun: noun.split(" ")[-1],
}


def finish(text: str) -> str:
    """A told pattern as a printed sentence: spaces, a/an, capitals at each start."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r" ([,.;:!?])", r"\1", text)
    text = re.sub(r'^" ', '"', text)
    text = re.sub(r"\b([Aa])n? other\b", r"\1nother", text)
    text = VOWEL_SOUND.sub(r"\1n ", text)
    return re.sub(r"(^[“\"]?|[.!?] “?)([a-z])", lambda m: m.group(1) + m.group(2).upper(), text)


SENTENCE_END = re.compile(r"(?<=[.!?]) (?=[“A-Z])|(?<=[.!?]”) (?=[“A-Z])")


def sentences(paragraph: str) -> list[str]:
    """'One. Two?' -> ['One.', 'Two?']"""
    return SENTENCE_END.split(paragraph)
