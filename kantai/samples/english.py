"""The English sample: a year-by-year almanac of Tarnmouth, a small harbour town.

The facts stand in `words/english/`; here they are tied together: who is whose aunt, who
holds which trade, what season a month belongs to. Every fact is fixed before the first
sentence is told, so the town stays the same from the first page to the last.

Some topics are told in patterns of many words of their own, each only a few times. The others
(`topics_far.txt`) share short frames, joined by words drawn afresh (`glue.txt`): there the two
neighbours of a word tell little, and what it is hangs on who and what the paragraph is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from kantai.samples.english_variety import loosen, loosen_acts
from kantai.samples.english_words import FILTERS, finish, sentences
from kantai.samples.grammar import Record
from kantai.samples.tables import Tables, Topic, read_lists, read_tables, read_topics
from kantai.samples.writer import Language, Writer, bind_book, weigh

WORDS = Path(__file__).parent / "words" / "english"
ENGLISH = Language(FILTERS, finish, sentences, joint=" ", patience=0.25)
TITLE = "The Tarnmouth Almanac"
SEED, YEARS, PARAGRAPHS = 1, 8, 35  # paragraphs a month
# How many times as often as the others: whom and what one meets most, a reader can know best.
WEIGHTS = {"trade": 5, "animal": 5, "need": 2, "knot": 2}
MASS_NEEDS = ("water", "bread", "soap")
HEAT = {"oven": ("into the oven", "in the oven"), "stove": ("on the stove", "on the stove")}
PRONOUNS = {
    "m": {"he": "he", "him": "him", "his": "his", "himself": "himself", "He": "He", "His": "His"},
    "f": {"he": "she", "him": "her", "his": "her", "himself": "herself", "He": "She", "His": "Her"},
}


def topics() -> list[Topic]:
    """Every topic of the town, in file order; the far ones are varied enough as they are."""
    files = ("topics_work", "topics_year", "topics_home", "topics_world", "topics_needs")
    told = [t for name in files for t in read_topics(WORDS / f"{name}.txt")]
    return loosen(told) + read_topics(WORDS / "topics_far.txt")


def world() -> tuple[Tables, dict[str, list]]:
    """The tables (trades, people, months, things ...) and the plain lists."""
    tables: Tables = {}
    for name in ("trades", "nature", "things", "needs", "knots"):
        tables.update(read_tables(WORDS / f"{name}.txt", table=name[:-1]))
    lists = read_lists(WORDS / "lists.txt") | read_lists(WORDS / "glue.txt")
    weigh(tables, lists, WEIGHTS)
    loosen_acts(tables)
    split_tools(tables["trade"], lists["fixed_tool"])
    _describe(tables, lists)
    _settle(tables, lists)
    return tables, lists


def write(refused: Callable[[str], bool] = lambda sentence: False, years: int = YEARS) -> str:
    """The whole almanac; `refused` names sentences that must not stand in it."""
    tables, lists = world()
    writer = Writer(Random(SEED), tables, lists, topics(), ENGLISH, refused)
    return bind_book(TITLE, _chapters(writer, years))


def _chapters(writer: Writer, years: int) -> Iterator[tuple[str, Iterator[str]]]:
    for number, year in enumerate(writer.lists["year_name"][:years]):
        writer.share = (number + 1) / years
        for month in writer.tables["month"].values():
            given = {"M": month, "Y": writer.tables["season"][month["season"][0]]}
            told = (writer.paragraph(given) for _ in range(PARAGRAPHS))
            yield f"{month['name'][0]} in the Year of {year}", told


def split_tools(trades: dict[str, Record], fixed: list[str]) -> None:
    """`use` becomes `job` (every tool) and `use` (those that lie in the hand)."""
    for trade in trades.values():
        trade["job"] = trade["use"]
        trade["use"] = [u for u in trade["job"] if u["tool"][0].split(" ")[-1] not in fixed]


def _describe(tables: Tables, lists: dict[str, list]) -> None:
    """Fields that follow from others: how to get to a town, where a dish is put, what one
    does with a thing."""
    for town in tables["town"].values():
        river = town["river"][0]
        town["by"] = ["along the coast" if river == "sea" else f"along the river {river}"]
    for dish in tables["dish"].values():
        into, at = HEAT.get(dish["heat"][0], ("in the cellar", "in the cellar"))
        dish["on"], dish["place_of"] = [into], [at]
    for record in [*tables["knot"].values(), *tables["need"].values()]:
        for field in ("adj", "get", "lay"):  # a doctor has words of his own
            record.setdefault(field, lists[field])
    for need in tables["need"].values():
        thing = need["thing"][0]
        need["want"] = [thing if thing in MASS_NEEDS else f"a {thing}"]
    things = tables["thing"].items()
    tables["ware"] = {name: thing for name, thing in things if name not in lists["built_in"]}


def _settle(tables: Tables, lists: dict[str, list]) -> None:
    """Fills the tables person, adult, child, elder and keeper from `people.txt`."""
    homes = [_household(row, lists, tables["trade"], i) for i, row in enumerate(_people())]
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


def _people() -> list[list[str]]:
    lines = (WORDS / "people.txt").read_text(encoding="utf-8").splitlines()
    return [line.split(" | ") for line in lines if line and not line.startswith("#")]


def _household(fields: list[str], lists: dict, trades: dict, number: int) -> dict[str, Record]:
    """{'man': ..., 'woman': ..., 'one': first child, 'two': second child, 'elder': ...}"""
    last, street, man, woman, children, elder, pet = fields
    pet_kind, pet_name = pet.rsplit(" ", 1)
    shared = {"last": [last], "street": [street], "pet": [pet_name], "pet_kind": [pet_kind]}
    one, two = children.split(" ")
    rows = {"man": f"+{man}", "woman": f"-{woman}", "one": one, "two": two, "elder": elder}
    home: dict[str, Record] = {}
    for k, (role, text) in enumerate(rows.items()):
        name, _, trade = text[1:].partition(", ")
        age = {"one": "child", "two": "child", "elder": "elder"}.get(role, "adult")
        person = _person(name, last, male=text[0] == "+", age=age, trade=trade) | shared
        for n, trait in enumerate(("trait", "hair", "hobby")):
            choices = lists[trait]
            person[trait] = [choices[(number * (3 + n) + k * 7) % len(choices)]]
        if trade:
            person["weight"] = trades[trade].get("weight", [1])
        home[role] = person
    return home


def _person(name: str, last: str, *, male: bool, age: str, trade: str) -> Record:
    """Name, pronouns and what one is called: 'Clara', 'the baker', 'the old woman'."""
    person = {key: [word] for key, word in PRONOUNS["m" if male else "f"].items()}
    noun = ("boy" if male else "girl") if age == "child" else ("man" if male else "woman")
    calling = trade or (f"old {noun}" if age == "elder" else noun)
    person |= {"name": [name], "full": [f"{name} {last}"], "kind": [age], "man": [noun]}
    person["call"] = [name, name, f"the {calling}"]
    return person | ({"trade": [trade]} if trade else {})


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
    elder["child"] = home["one"]["name"]
    for me, other in ((home["one"], home["two"]), (home["two"], home["one"])):
        me["father"], me["mother"], me["grand"] = man["name"], woman["name"], elder["name"]
        me["grand_word"] = _word(elder, "grandfather", "grandmother")
        me["sibling"], me["sibling_word"] = other["name"], _word(other, "brother", "sister")
        me["child_word"] = _word(me, "son", "daughter")
        me["aunt"], me["uncle"] = before["woman"]["name"], after["man"]["name"]
        me["cousin"] = before["one"]["name"] + before["two"]["name"]


def _word(person: Record, male: str, female: str) -> list[str]:
    return [male if person["he"] == ["he"] else female]
