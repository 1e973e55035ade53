"""From documents to a Corpus, its report and its split."""

import json

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kantai import corpus as corpus_module
from kantai.cleaning import CLEANING_RULES
from kantai.corpus import build_corpus, ngram_overlap, split_corpus, stretches
from kantai.errors import UserError
from kantai.readers import Document
from kantai.stretches import _Cleaner, _Cleaners
from tests.test_gutenberg import NEW, OLDER

# How fast the machine is, is no concern of these tests.
relaxed = settings(deadline=None, max_examples=60)


def document(text, name="a.txt"):
    return Document(name, text, len(text.encode("utf-8", "replace")), "utf-8", 0)


def story(paragraphs=40, seed=""):
    return [
        f"{seed}Number {n} is a paragraph that tells of mill {n * n} and of wheel {n * 7}, of the "
        f"river at mile {n + 3}, and how the {n}th miller came home before night number {n * 11}."
        for n in range(paragraphs)
    ]


TEXT = "\n\n".join(story())


def test_a_corpus_and_its_report():
    torn = NEW.format(book=TEXT.replace(". ", ".\r\n")) + "\n\n" + story()[3]
    corpus = build_corpus([document(torn), document("Two para\u00adgraphs.\n\nmore", "b.txt")])
    assert corpus.paragraphs == [*story(), "Two paragraphs.", "more"]
    report = json.loads(json.dumps(corpus.report.to_json()))
    assert report["files"][1] == {
        "name": "b.txt",
        "bytes": 23,
        "encoding": "utf-8",
        "invalid_bytes": 0,
    }
    assert report["paragraphs"] == 42
    assert report["characters"] == sum(map(len, corpus.paragraphs))
    assert report["duplicate_paragraphs"] == 1
    assert report["validation_overlap"] is None and report["line_by_line"] is None
    assert [rule["name"] for rule in report["rules"]] == list(CLEANING_RULES)
    changed = {rule["name"]: rule["changed"] for rule in report["rules"]}
    assert (changed["gutenberg"], changed["control_characters"]) == (2, 1)
    hyphen = next(rule for rule in report["rules"] if rule["name"] == "control_characters")
    assert hyphen["removed_characters"] == 1
    assert hyphen["examples"] == [{"before": "Two para\\u00adgraphs.", "after": "Two paragraphs."}]


def test_lines_of_a_hard_wrapped_book_between_its_header_and_licence():
    import textwrap

    wrapped = "\r\n\r\n".join(textwrap.fill(text, 72).replace("\n", "\r\n") for text in story())
    corpus = build_corpus([document(OLDER.replace("\n", "\r\n").format(book=wrapped))])
    assert corpus.paragraphs == story()


def test_rules_can_be_chosen():
    corpus = build_corpus([document(TEXT + "\u00ad")], rules=["line_ends"])
    assert corpus.paragraphs[-1].endswith("\u00ad")
    assert [rule.name for rule in corpus.report.rules] == ["line_ends"]


@pytest.mark.parametrize("text", ["", "forty words " * 20, "x" * 5000, "纯" * 999])
def test_too_little_text_is_said_plainly(text):
    with pytest.raises(UserError, match="at least 200 words and 1,000 characters"):
        build_corpus([document(text)])


def test_an_unknown_rule_is_refused_before_work_begins():
    with pytest.raises(UserError, match="no cleaning rule called magic"):
        build_corpus(iter([]), rules=["magic"])


def test_progress_goes_from_nothing_to_all_and_documents_may_be_a_generator():
    seen = []
    build_corpus(
        [document(TEXT), document("x " + TEXT, "b.txt")], progress=lambda *step: seen.append(step)
    )
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == 1
    assert [name for _, name in seen[:2]] == ["a.txt", "b.txt"]
    assert build_corpus(document(text) for text in [TEXT]).paragraphs == story()


@relaxed
@given(st.text(st.sampled_from("ab. \n\r。"), max_size=300), st.integers(1, 50))
def test_stretches_hold_the_whole_text_in_order(text, most):
    parts = list(stretches(text, most))
    assert "".join(parts) == text
    assert all(0 < len(part) <= most for part in parts)


def test_a_long_text_is_cleaned_side_by_side_as_it_is_one_part_after_another(monkeypatch):
    documents = [
        document(TEXT.replace("miller", f"mil\u00adler {number}"), f"{number}.txt")
        for number in range(6)
    ]
    alone = build_corpus(documents)
    cleaned = []
    clean = _Cleaners.clean
    monkeypatch.setattr(
        _Cleaners, "clean", lambda self, part: (cleaned.append(part), clean(self, part))[1]
    )
    monkeypatch.setattr(corpus_module, "STRETCH", 1)
    assert build_corpus(documents) == alone
    assert len(cleaned) == len(documents)
    control = next(rule for rule in alone.report.rules if rule.name == "control_characters")
    assert control.changed and len(control.examples) == 2


def test_a_process_that_cleans_and_dies_is_told_and_none_is_left(monkeypatch):
    class Gone(_Cleaner):
        def __init__(self, names):
            super().__init__(["no such rule"])

    monkeypatch.setattr("kantai.stretches._Cleaner", Gone)
    monkeypatch.setattr(corpus_module, "STRETCH", 1)
    children = set(psutil.Process().children())
    with pytest.raises(RuntimeError, match="no such rule"):
        build_corpus([document(TEXT)] * 9)
    assert set(psutil.Process().children()) == children


def test_stretches_are_cut_between_paragraphs_and_not_within_a_licence():
    text = TEXT.replace("\n\n", "\r\n\r\n")
    assert all(part.endswith("\r\n\r\n") for part in list(stretches(text, 1000))[:-1])
    book = NEW.format(book=TEXT)
    first, second = stretches(book + "x" * (len(book) - 200), len(book) + 200)
    assert first.endswith("\n\n") and second.startswith("*** END OF")


# -- the split ----------------------------------------------------------------------------


@relaxed
@given(
    st.lists(
        st.text("abc .", min_size=1, max_size=60).map(lambda t: f"x{t}x"), min_size=2, max_size=200
    ).filter(lambda paragraphs: len(set(paragraphs)) > 1),
    st.sampled_from([0.01, 0.05, 0.3, 0.95]),
    st.integers(0, 3),
)
def test_a_split_holds_each_paragraph_once(paragraphs, fraction, seed):
    split = split_corpus(paragraphs, validation_fraction=fraction, seed=seed)
    unique = list(dict.fromkeys(paragraphs))
    held = set(split.validation)
    assert [p for p in unique if p not in held] == split.train
    assert [p for p in unique if p in held] == split.validation
    assert split.train and split.validation
    assert split == split_corpus(paragraphs, validation_fraction=fraction, seed=seed)


def test_validation_is_ten_blocks_of_neighbours_spread_over_the_text():
    paragraphs = story(3000)
    split = split_corpus(paragraphs)
    share = sum(map(len, split.validation)) / sum(map(len, paragraphs))
    assert share == pytest.approx(0.05, abs=0.002)
    held = [paragraphs.index(text) for text in split.validation]
    begins = [at for before, at in zip([-9, *held], held, strict=False) if at != before + 1]
    assert 8 <= len(begins) <= 10
    assert begins[0] < 300 and begins[-1] >= 2700
    assert split_corpus(paragraphs, seed=1) != split


def test_of_a_large_text_no_more_is_held_out_than_an_examination_needs():
    split = split_corpus(story(3000), most_held=20_000)
    assert sum(map(len, split.validation)) == pytest.approx(20_000, rel=0.1)
    assert len(split.train) + len(split.validation) == 3000


@pytest.mark.parametrize(
    "text",
    ["One. Two. Three.", "一。二。三。", "no stop at all", "word"],
)
def test_a_text_of_one_paragraph_is_cut_at_a_sentence_end(text):
    split = split_corpus([text])
    assert split.train and split.validation
    assert split == split_corpus([text, text])
    if "." in text or "。" in text:
        assert all(part[-1] in ".。" for part in split.train + split.validation)


def test_a_title_and_one_giant_paragraph():
    giant = " ".join(f"Sentence number {n} of the giant ends here." for n in range(4000))
    split = split_corpus(["The Title", giant])
    assert 0.03 < sum(map(len, split.validation)) / len(giant) < 0.08
    assert set(split.train + split.validation) >= {"The Title"}


@pytest.mark.parametrize("paragraphs", [[], ["x"], ["x", "x"]])
def test_what_cannot_be_split_is_refused(paragraphs):
    with pytest.raises(ValueError, match="two sentences"):
        split_corpus(paragraphs)


def test_overlap_is_the_share_of_runs_seen_in_training():
    assert ngram_overlap(["a b c d"], ["b c d e"], n=2) == pytest.approx(2 / 3)
    assert ngram_overlap(["纯粹理性批判"], ["理性批评"], n=3) == pytest.approx(1 / 2)
    assert ngram_overlap(["a b"], ["b a", "c"], n=2) == 0.0
    assert ngram_overlap(["a"], ["a"], n=8) == 0.0
    assert ngram_overlap([], ["a b"], n=2) == 0.0
    assert ngram_overlap(story(9), story(9)) == 1.0
    split = split_corpus(story(300))
    assert split.overlap == ngram_overlap(split.train, split.validation)
