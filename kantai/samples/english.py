"""The English sample: a year-by-year almanac of Tarnmouth, a small harbour town.

The facts stand in `words/english/`; here they are tied together: who is whose aunt, who
holds which trade, what season a month belongs to. Every fact is fixed before the first
sentence is told, so the town stays the same from the first page to the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from kantai.samples.english_variety import loosen, loosen_acts
from kantai.samples.english_words import FILTERS, finish, sentences
from kantai.samples.grammar import Record
from kantai.samples.tables import Tables, Topic, read_lists, read_tables, read_topics
from kantai.samples.writer import Language, Writer, bind_book

WORDS = Path(__file__).parent / "words" / "english"
ENGLISH = Language(FILTERS, finish, sentences, joint=" ")
TITLE = "The Tarnmouth Almanac"
YEARS, PARAGRAPHS = 8, 43  # years told, paragraphs a month
# Tools that stand where they are: nobody reaches for an oven.
FIXED_TOOLS = set(
    "oven trough anvil millstone sluice fold kiln wheel loom vat press furnace counter hive scales "
    "beam block sledge rack easel canvas scaffold wagon lathe brake line shelf stool barrel tub "
    "clock catalogue cart prop canary well winch pump grindstone pedal churn dog snare cord bell "
    "anchor rudder sail rope pan flame sack fiddle bench last reel foghorn warp kettle".split()
)
BUILT_IN = set("window wall chimney roof bell stove wagon boat saddle net barrel lock sail soap".split())
MASS_NEEDS = ("water", "bread", "soap")
# Whom and what one meets most: what a reader would ask about should be told often.
CORE = {
    "trade": (
        "blacksmith fisherman doctor baker carpenter beekeeper shepherd farmer tailor teacher "
        "woodcutter miller"
    ).split(),
    "animal": "cow hen bee sheep dog cat horse".split(),
    "need": ["darkness", "sickness", "thirst"],
}
PRONOUNS = {
    "m": {"he": "he", "him": "him", "his": "his", "himself": "himself", "He": "He", "His": "His"},
    "f": {"he": "she", "him": "her", "his": "her", "himself": "herself", "He": "She", "His": "Her"},
}


def topics() -> list[Topic]:
    """Every topic of the town, in file order."""
    files = ("topics_work", "topics_year", "topics_home", "topics_world", "topics_needs")
    told = [t for name in files for t in read_topics(WORDS / f"{name}.txt")]
    return loosen(told) + read_topics(WORDS / "topics_plain.txt")


def world() -> tuple[Tables, dict[str, list]]:
    """The tables (trades, people, months, things ...) and the plain lists."""
    tables: Tables = {}
    for name in ("trades", "nature", "things", "needs"):
        tables.update(read_tables(WORDS / f"{name}.txt", table=name[:-1]))
    lists = read_lists(WORDS / "lists.txt")
    loosen_acts(tables)
    _split_tools(tables["trade"])
    _describe(tables)
    _settle(tables, lists)
    return tables, lists


def write(refused: Callable[[str], bool] = lambda s: False, seed: int = 1, years: int = YEARS) -> str:
    """The whole almanac; `refused` names sentences that must not stand in it."""
    tables, lists = world()
    writer = Writer(Random(seed), tables, lists, topics(), ENGLISH, refused)
    return bind_book(TITLE, _chapters(writer, years))


def _chapters(writer: Writer, years: int) -> Iterator[tuple[str, Iterator[str]]]:
    for year in range(years):
        for month in writer.tables["month"].values():
            season = writer.tables["season"][month["season"][0]]
            given = {"M": month, "Y": season}
            name = writer.lists["year_name"][year]
            heading = f"{month['name'][0]} in the Year of {_title(name)}"
            yield heading, (writer.paragraph(given) for _ in range(PARAGRAPHS))


def _title(name: str) -> str:
    return name


def _split_tools(trades: dict[str, Record]) -> None:
    """`use` becomes `job` (every tool) and `use` (those that lie in the hand)."""
    for trade in trades.values():
        trade["job"] = trade["use"]
        trade["use"] = [
            u for u in trade["job"] if u["tool"][0].split(" ")[-1] not in FIXED_TOOLS
        ]


def _describe(tables: Tables) -> None:
    """Fields that follow from others: how to get to a town, where a dish is put."""
    for town in tables["town"].values():
        river = town["river"][0]
        town["by"] = ["along the coast" if river == "sea" else f"along the river {river}"]
    for dish in tables["dish"].values():
        heat = dish["heat"][0]
        dish["place_of"] = [{"oven": "in the oven", "stove": "on the stove"}.get(heat, "in the cellar")]
        dish["on"] = [{"oven": "into the oven", "stove": "on the stove"}.get(heat, "in the cellar")]
    tables["ware"] = {k: v for k, v in tables["thing"].items() if k not in BUILT_IN}
    for need in tables["need"].values():
        thing = need["thing"][0]
        need["want"] = [thing if thing in MASS_NEEDS else f"a {thing}"]
    for kind, names in CORE.items():
        for name in names:
            tables[kind][name]["weight"] = [2 if kind == "need" else 5]


def _settle(tables: Tables, lists: dict[str, list]) -> None:
    """Fills the tables person, adult, child, elder and keeper from `people.txt`."""
    homes = [_household(line, lists, tables["trade"], i) for i, line in enumerate(_people_lines())]
    for i, home in enumerate(homes):
        _relate(home, homes[i - 1], homes[(i + 1) % len(homes)], homes[(i + 7) % len(homes)])
    people = [p for home in homes for p in home.values()]
    tables["person"] = {p["name"][0]: p for p in people}
    if len(tables["person"]) < len(people):
        raise ValueError("two people of the town share a first name")
    for kind in ("adult", "child", "elder"):
        tables[kind] = {p["name"][0]: p for p in people if p["kind"] == [kind]}
    tables["keeper"] = {p["trade"][0]: p for p in people if p["kind"] == ["adult"]}
    lists["old_name"] = [f"old {name}" for name in tables["elder"]]
    lists["child_name"] = list(tables["child"])
    lists["month_name"] = list(tables["month"])
    lists["street"] = [home["man"]["street"][0] for home in homes]


def _people_lines() -> list[list[str]]:
    lines = (WORDS / "people.txt").read_text(encoding="utf-8").splitlines()
    return [line.split(" | ") for line in lines if line and not line.startswith("#")]


def _household(fields: list[str], lists: dict[str, list], trades: dict, number: int) -> dict[str, Record]:
    """{'man': ..., 'woman': ..., 'one': first child, 'two': second child, 'elder': ...}"""
    last, street, man, woman, children, elder, pet = fields
    kind, pet_name = pet.rsplit(" ", 1)
    shared = {"last": [last], "street": [street], "pet": [pet_name], "pet_kind": [kind]}
    rows = {"man": ("+" + man, "adult"), "woman": ("-" + woman, "adult")}
    rows |= dict(zip(("one", "two"), ((c, "child") for c in children.split(" ")), strict=True))
    rows["elder"] = (elder, "elder")
    home = {}
    for k, (role, (text, age)) in enumerate(rows.items()):
        name, _, trade = text[1:].partition(", ")
        male = text[0] == "+"
        person = {f: [w] for f, w in PRONOUNS["m" if male else "f"].items()} | dict(shared)
        person |= {"name": [name], "full": [f"{name} {last}"], "kind": [age]}
        person["man"] = [{"adult": "man woman", "child": "boy girl", "elder": "man woman"}[age]
                         .split()[not male]]
        for n, trait in enumerate(("trait", "hair", "hobby")):
            choices = lists[trait]
            person[trait] = [choices[(number * (3 + n) + k * 7) % len(choices)]]
        if trade:
            person["trade"] = [trade]
            person["weight"] = trades[trade].get("weight", [1])
        person["call"] = [name, name, _calling(person, trade)]
        home[role] = person
    return home


def _relate(home: dict, before: dict, after: dict, learners: dict) -> None:
    """Kin: the husband's sister lives in the house before, the wife's brother in the one after."""
    man, woman, elder = home["man"], home["woman"], home["elder"]
    for me, other, child, word in (
        (man, woman, home["one"], "wife"),
        (woman, man, home["two"], "husband"),
    ):
        me["spouse"], me["spouse_word"] = other["name"], [word]
        me["wife"] = ["husband" if word == "wife" else "wife"]
        me["spouse_he"], me["spouse_his"] = other["he"], other["his"]
        me["spouse_trade"] = other["trade"]
        me["child"], me["child_word"] = child["name"], _word(child, "son", "daughter")
    man["learner"], woman["learner"] = learners["one"]["name"], learners["two"]["name"]
    elder["child"], elder["child_word"] = home["one"]["name"], ["grandchild"]
    for me, other in ((home["one"], home["two"]), (home["two"], home["one"])):
        me["father"], me["mother"], me["grand"] = man["name"], woman["name"], elder["name"]
        me["grand_word"] = _word(elder, "grandfather", "grandmother")
        me["sibling"], me["sibling_word"] = other["name"], _word(other, "brother", "sister")
        me["child_word"] = _word(me, "son", "daughter")
        me["aunt"], me["uncle"] = before["woman"]["name"], after["man"]["name"]
        me["cousin"] = before["one"]["name"] + before["two"]["name"]


def _word(person: Record, male: str, female: str) -> list[str]:
    return [male if person["he"] == ["he"] else female]


def _calling(person: Record, trade: str) -> str:
    """'the baker', 'the girl', 'the old woman'"""
    if trade:
        return f"the {trade}"
    return f"the {'old ' if person['kind'] == ['elder'] else ''}{person['man'][0]}"
