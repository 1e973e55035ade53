"""The Chinese sample: 柳桥镇, a small town of canals and bridges, told month by month.

Built as the English one: facts in `words/chinese/`, tied together here, told by the writer.
Chinese needs no word forms; what it asks for instead is the right measure word, which stands
with each thing in the tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from kantai.samples.english import split_tools
from kantai.samples.grammar import Record
from kantai.samples.tables import Tables, Topic, read_lists, read_tables, read_topics
from kantai.samples.writer import Language, Writer, bind_book, weigh

WORDS = Path(__file__).parent / "words" / "chinese"
TITLE = "柳桥镇年记"
YEARS = ("头", "第二", "第三", "第四", "第五", "第六", "第七", "第八")
SEED, PARAGRAPHS = 2, 21  # paragraphs a month
SENTENCE_END = re.compile(r"(?<=[。！？])(?![”])|(?<=[。！？]”)")
WEIGHTS = {"trade": 4, "animal": 4}


def finish(text: str) -> str:
    """No spaces, and no comma before a full stop."""
    return re.sub(r"[，、](?=[。！？，])", "", re.sub(r"\s+", "", text))


def sentences(paragraph: str) -> list[str]:
    """'一。二？' -> ['一。', '二？']"""
    return [s for s in SENTENCE_END.split(paragraph) if s]


CHINESE = Language({}, finish, sentences, joint="", patience=3)


def topics() -> list[Topic]:
    """Every topic of the town, in file order."""
    return [*read_topics(WORDS / "topics.txt"), *read_topics(WORDS / "topics_plain.txt")]


def world() -> tuple[Tables, dict[str, list]]:
    """The tables (trades, people, months, things ...) and the plain lists."""
    tables: Tables = {}
    for name in ("trades", "nature", "things"):
        tables.update(read_tables(WORDS / f"{name}.txt", table=name[:-1]))
    lists = read_lists(WORDS / "lists.txt")
    weigh(tables, lists, WEIGHTS)
    split_tools(tables["trade"], lists["fixed_tool"])
    _settle(tables, lists)
    return tables, lists


def write(refused: Callable[[str], bool] = lambda sentence: False) -> str:
    """The whole chronicle; `refused` names sentences that must not stand in it."""
    tables, lists = world()
    writer = Writer(Random(SEED), tables, lists, topics(), CHINESE, refused)
    return bind_book(TITLE, _chapters(writer))


def _chapters(writer: Writer) -> Iterator[tuple[str, Iterator[str]]]:
    for number, year in enumerate(YEARS):
        writer.share = (number + 1) / len(YEARS)
        for month in writer.tables["month"].values():
            given = {"M": month, "Y": writer.tables["season"][month["season"][0]]}
            told = (writer.paragraph(given) for _ in range(PARAGRAPHS))
            yield f"{year}年{month['name'][0]}", told


def _settle(tables: Tables, lists: dict[str, list]) -> None:
    """Fills the tables person, adult, child, elder and keeper from `people.txt`."""
    lines = (WORDS / "people.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split(" | ") for line in lines if line and not line.startswith("#")]
    homes = [_household(row, lists, tables["trade"], i) for i, row in enumerate(rows)]
    for i, home in enumerate(homes):
        _relate(home, homes[i - 1], homes[(i + 1) % len(homes)], homes[(i + 5) % len(homes)])
    people = [p for home in homes for p in home.values()]
    tables["person"] = {p["name"][0]: p for p in people}
    if len(tables["person"]) < len(people):
        raise ValueError("two people of the town share a name")
    for kind in ("adult", "child", "elder"):
        tables[kind] = {p["name"][0]: p for p in people if p["kind"] == [kind]}
    tables["keeper"] = {p["trade"][0]: p for p in people if p["kind"] == ["adult"]}
    lists["elder_name"] = list(tables["elder"])
    lists["child_name"] = list(tables["child"])
    lists["month_name"] = list(tables["month"])
    lists["street"] = [home["man"]["street"][0] for home in homes]


def _household(fields: list[str], lists: dict, trades: dict, number: int) -> dict[str, Record]:
    """{'man': ..., 'woman': ..., 'one': first child, 'two': second child, 'elder': ...}"""
    last, street, man, woman, children, elder, pet = fields
    pet_kind, pet_name = pet.split(" ")
    one, two = children.split(" ")
    rows = {"man": "+" + man, "woman": "-" + woman, "one": one, "two": two, "elder": elder}
    home: dict[str, Record] = {}
    for k, (role, text) in enumerate(rows.items()):
        name, _, trade = text[1:].partition("，")
        full = {"elder": last + name, "one": name, "two": name}.get(role, last + name)
        person: Record = {"name": [full], "street": [street], "pet": [pet_name]}
        person |= {"pet_kind": [pet_kind], "he": ["他" if text[0] == "+" else "她"]}
        person["kind"] = [{"elder": "elder", "one": "child", "two": "child"}.get(role, "adult")]
        for n, trait in enumerate(("trait", "look", "hobby")):
            person[trait] = [lists[trait][(number * (3 + n) + k * 5) % len(lists[trait])]]
        if trade:
            person["trade"], person["weight"] = [trade], trades[trade].get("weight", [1])
        person["call"] = [full, full, trade or full, *person["he"]]
        home[role] = person
    return home


def _relate(home: dict, before: dict, after: dict, learners: dict) -> None:
    """Kin: the husband's younger sister lives one house before, the wife's brother one after."""
    man, woman, elder = home["man"], home["woman"], home["elder"]
    for me, other, child, word in (
        (man, woman, home["one"], "妻子"),
        (woman, man, home["two"], "丈夫"),
    ):
        me["spouse"], me["spouse_word"], me["spouse_trade"] = other["name"], [word], other["trade"]
        me["child"], me["child_word"] = child["name"], ["儿子" if child["he"] == ["他"] else "女儿"]
    man["learner"], woman["learner"] = learners["one"]["name"], learners["two"]["name"]
    elder["child"] = home["one"]["name"]
    for me, other, older in ((home["one"], home["two"], False), (home["two"], home["one"], True)):
        me["father"], me["mother"], me["grand"] = man["name"], woman["name"], elder["name"]
        me["grand_word"] = ["爷爷" if elder["he"] == ["他"] else "奶奶"]
        boy = other["he"] == ["他"]
        me["sibling"] = other["name"]
        me["sibling_word"] = [("哥哥" if boy else "姐姐") if older else ("弟弟" if boy else "妹妹")]
        me["aunt"], me["uncle"] = before["woman"]["name"], after["man"]["name"]
