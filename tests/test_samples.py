"""The sample texts: told again they are the same, nothing comes twice, no probe is given away."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest

from kantai.baselines import NGram
from kantai.cleaning import CLEANING_RULES
from kantai.corpus import build_corpus, split_corpus
from kantai.counting import gaps
from kantai.errors import UserError
from kantai.evaluation import Exam, set_exam
from kantai.packing import pack, pack_words
from kantai.readers import read_files
from kantai.samples import SAMPLES, chinese, english, english_words, load_sample
from kantai.samples.build import MASK, TEXTS, near_probes, units, windows
from kantai.samples.grammar import Missing, Scene
from kantai.samples.tables import read_tables
from kantai.samples.writer import allowed
from kantai.strings import text
from kantai.tokenizer import ByteLevelBPE, TokenizerSettings, train_tokenizer

STORIES = {"harbour": english.ENGLISH, "willow": chinese.CHINESE}
# Bytes of the file, different word forms or characters, patterns.
SIZES = {"harbour": (1_200_000, 1_600_000), "willow": (300_000, 600_000), "dirty": (30_000, 80_000)}


@pytest.fixture(scope="module")
def stories() -> dict[str, str]:
    return {name: load_sample(name).path.read_text(encoding="utf-8") for name in STORIES}


@pytest.mark.parametrize("name", list(SAMPLES))
def test_the_generator_tells_the_committed_file(name):
    assert TEXTS[name]() == load_sample(name).path.read_bytes()


@pytest.mark.parametrize("name", list(SAMPLES))
def test_size_and_title(name):
    sample = load_sample(name)
    least, most = SIZES[name]
    assert least <= sample.path.stat().st_size <= most
    assert text(sample.title_key) and text(sample.title_key, "zh")


def test_an_unknown_sample_is_a_users_mistake():
    with pytest.raises(UserError, match="harbour, willow, dirty"):
        load_sample("kant")


@pytest.mark.parametrize("name", list(STORIES))
def test_no_sentence_stands_twice(name, stories):
    language = STORIES[name]
    said = Counter(s for p in stories[name].split("\n\n") for s in language.sentences(p.strip()))
    assert [s for s, times in said.items() if times > 1] == []


@pytest.mark.parametrize("name", list(STORIES))
def test_nothing_of_the_grammar_is_left(name, stories):
    assert not re.search(r"[{}\[\]|~_<>]|\s,|\.\.|  |“”", stories[name])


def test_the_english_is_rich(stories):
    words = set(re.findall(r"[a-z]+", stories["harbour"].lower()))
    patterns = {p for topic in english.topics() for part in topic.parts for p in part.patterns}
    assert len(words) >= 3_000 and len(patterns) >= 1_000
    assert len(english.world()[0]["trade"]) >= 60


def test_articles_fit(stories):
    wrong = re.findall(r"\b[Aa] [aeio]\w+|\b[Aa]n [bcdfgjklmnpqrstvwxyz]\w+", stories["harbour"])
    assert [w for w in wrong if not re.match(r"[Aa] one|[Aa] once", w)] == []


def test_the_chinese_is_rich(stories):
    patterns = {p for topic in chinese.topics() for part in topic.parts for p in part.patterns}
    assert len(patterns) >= 300 and len(set(stories["willow"])) >= 1_000


@pytest.mark.parametrize("name", list(SAMPLES))
def test_probes_are_ten_good_questions(name):
    sample = load_sample(name)
    assert len(sample.probes) == 10
    for probe in sample.probes:
        assert probe.sentence.count(MASK) == 1 and probe.why.strip()
        assert sample.language == "zh" or f" {MASK}" in probe.sentence
    assert len({p.answer for p in sample.probes}) == 10


@pytest.mark.parametrize("name", list(STORIES))
def test_answers_are_common(name, stories):
    """So frequent that a vocabulary of 4,000 holds each as one token."""
    for probe in load_sample(name).probes:
        if name == "willow":
            assert stories[name].count(probe.answer) >= 100, probe.answer
        else:
            assert len(re.findall(rf"\b{probe.answer}\b", stories[name])) >= 100, probe.answer


@pytest.mark.parametrize("name", list(STORIES))
def test_no_probe_is_given_away(name, stories):
    sample = load_sample(name)
    refused = near_probes(sample.probes, sample.language)
    sentences = STORIES[name].sentences
    told = {s for p in stories[name].split("\n\n") for s in sentences(p.strip())}
    assert not [s for s in told if refused(s)]
    full = sample.probes[0].sentence.replace(MASK, sample.probes[0].answer)
    assert refused(full)


@pytest.fixture(scope="module")
def counting() -> tuple[ByteLevelBPE, NGram, Exam]:
    """The two-sided n-gram of the almanac, its tokenizer, and held-out masks to answer."""
    sample = load_sample("harbour")
    split = split_corpus(build_corpus(read_files([sample.path])).paragraphs)
    tokenizer = train_tokenizer(split.train, TokenizerSettings(sample.vocab_size))
    exam = set_exam(pack_words(tokenizer, split.validation), 64, tokenizer.learned, most_rows=900)
    return tokenizer, NGram(pack(tokenizer, split.train), tokenizer.learned), exam


def test_neighbours_tell_little(counting):
    """What a hidden word is hangs on words far from it: neighbours find less than half."""
    _, ngram, exam = counting
    assert ngram.score(*gaps(exam.rows.numpy(), exam.masked.hidden().numpy())).top1 <= 0.50


def test_neighbours_do_not_answer_the_probes(counting):
    tokenizer, ngram, _ = counting
    found = 0
    for probe in load_sample("harbour").probes:
        left, right = tokenizer.encode(probe.sentence.split(f" {MASK}"))
        (answer,) = tokenizer.encode([f" {probe.answer}"])[0]
        found += answer in [token for token, _ in ngram.guess(left, right, k=3)]
    assert found <= 4


def test_windows_hold_the_answer():
    assert list(windows("One two, three four five six.", "en"))[-1] == (
        "two", "three", "four", "five", "six",
    )  # fmt: skip
    assert units("牛吃草。", "zh") == ["牛", "吃", "草"]


def test_the_dirty_sample_needs_every_rule():
    corpus = build_corpus(read_files([load_sample("dirty").path]))
    changed = {rule.name for rule in corpus.report.rules if rule.changed}
    assert changed == set(CLEANING_RULES)
    whole = "\n\n".join(corpus.paragraphs)
    assert "The nets hang brown and dry,\nThe ferry sleeps beneath the tree," in whole
    assert "- one new net, with small holes\n- four nails and a hinge" in whole
    assert "café" in whole and "Gutenberg" not in whole and "Page 1" not in whole


def scene(**records) -> Scene:
    return Scene(Random(3), {"day": ["Monday", "Friday"], "one": ["only"]}, records)


def test_a_slot_is_remembered_unless_it_is_fresh():
    told = scene().expand("{day} {day} {day2}")
    first, again, other = told.split()
    assert first == again != other
    assert {scene().expand("{~day}") for _ in range(3)} <= {"Monday", "Friday"}


def test_a_slot_without_words_is_missing():
    with pytest.raises(Missing):
        scene().expand("{nothing}")
    with pytest.raises(Missing):
        scene().expand("{one} {one2}")


def test_a_sentence_forgets_what_is_numbered_0():
    here = scene()
    here.expand("{day0} {day}")
    here.forget()
    assert set(here.drawn) == {"day"}


def test_tables_split_small_records(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("% use tool act\n== baker\nuse: oven > bake; peel > lift\nplace: bakery\n")
    baker = read_tables(path, "trade")["trade"]["baker"]
    assert baker["use"][1] == {"tool": ["peel"], "act": ["lift"]}
    assert baker["name"] == ["baker"] and baker["place"] == ["bakery"]


def test_fixed_words_are_told_less_often():
    assert allowed("{a} saw {b}.") > allowed("He opened the book and read it all day long.")


@pytest.mark.parametrize(
    ("word", "form", "expected"),
    [
        ("cut the bread", "past", "cut the bread"),
        ("carry the lamp", "past", "carried the lamp"),
        ("stir the soup", "ing", "stirring the soup"),
        ("go home", "done", "gone home"),
        ("fish for cod", "s", "fishes for cod"),
        ("pair of boots", "pl", "pairs of boots"),
        ("knife", "pl", "knives"),
        ("tongs", "a", "a pair of tongs"),
        ("scales", "was", "were"),
        ("lens", "is", "is"),
    ],
)
def test_word_forms(word, form, expected):
    assert english_words.FILTERS[form](word) == expected


def test_an_article_before_a_vowel():
    assert english_words.finish("a iron gate, a useful oven , a hour. he left.") == (
        "An iron gate, a useful oven, an hour. He left."
    )
