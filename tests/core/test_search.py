"""What stands in a text is found, on both databases, whatever the characters; nothing else is."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from contracts_app.core.database.search import SearchIndex
from contracts_app.core.db import db
from contracts_app.core.text import search_key

WORDS = SearchIndex("contract_search")

chinese = st.text("技术合同开发转让晋江泉州石狮鞋服新材料〇𠮷龘", min_size=0, max_size=12)
ascii_words = st.text("abcsepNOTORANDNEAR0123456789 -_'\"*:()^\\", max_size=15)
mixed = st.text(st.sampled_from("技术合同aBs1９Ａ，。（）()·-'\"*: \t\n\x00é€ß😀𠮷𰻝한グが\u200b\ufeff"), max_size=15)
anything = st.text(max_size=15)
texts = st.lists(st.one_of(chinese, ascii_words, mixed, anything), min_size=0, max_size=4)
library = st.lists(texts, min_size=1, max_size=4)

on_the_same_database = settings(
    deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def found(words):
    query = WORDS.ids(words)
    return None if query is None else set(db.session.scalars(query))


def put(library):
    db.session.execute(text("DELETE FROM contract_search"))
    WORDS.put(enumerate(library, 1))


def holding(library, words):
    """The same answer without an index: every word stands in one of the texts."""
    keys = [key for word in words.split() if (key := search_key(word))]
    return {
        number
        for number, texts in enumerate(library, 1)
        if all(any(key in search_key(one) for one in texts) for key in keys)
    }


@on_the_same_database
@given(library=library, data=st.data())
def test_every_part_of_a_text_finds_it_and_nothing_that_lacks_it(app, library, data):
    put(library)
    keys = [key for texts in library for one in texts if (key := search_key(one))]
    for _ in range(4):
        if keys:
            key = data.draw(st.sampled_from(keys))
            start = data.draw(st.integers(0, len(key) - 1))
            words = key[start : data.draw(st.integers(start + 1, len(key)))]
            if (
                search_key(words) == words
            ):  # characters that join with a neighbour are no part of the text by themselves
                assert found(words) == holding(library, words), words
        words = data.draw(st.one_of(chinese, ascii_words, mixed))
        assert (found(words) or set()) == (holding(library, words) if search_key(words) else set()), words


@on_the_same_database
@given(words=st.one_of(anything, ascii_words, mixed, st.text(st.characters(codec=None), max_size=30)))
def test_no_input_is_an_error(app, words):
    WORDS.put([(1, ["技术合同", "a'b\"c"])])
    assert found(words) in (None, set(), {1})


@pytest.mark.parametrize(
    "words",
    [
        "'",
        '"',
        '"技术',
        "技术*",
        "*",
        "技术 OR 合同",
        "NEAR(技术 合同)",
        "技术 NOT 合同",
        "words:技术",
        "':*",
        "':*' & !'a'",
        "\\",
        "技\\术",
        "\x00",
        "技\x00术",
        "😀",
        "技😀术",
        "𠮷",
        "\ud800",
        "%",
        "_",
        "; DROP TABLE contract_search; --",
        "^技术",
        "-技术",
        "技术 + 合同",
        "{技术}",
        "<-> &",
        "a" * 5000,
        "技" * 5000,
    ],
)
def test_hostile_input_is_only_words(app, words):
    put([["技术合同"]])
    assert found(words) in (None, set(), {1})
    assert found("技术") == {1}


@pytest.mark.parametrize("words", ["", " ", "，。", "\t\n", "*", "😀"])
def test_nothing_to_look_for_is_no_condition(app, words):
    assert found(words) is None


def test_one_character_is_found_wherever_it_stands(app):
    put([["技术合同"], ["高技"], ["同"]])
    assert found("技") == {1, 2}
    assert found("同") == {1, 3}


def test_nothing_of_the_index_itself_is_found(app):
    """What stands between two texts is no word of theirs."""
    put([["甲", "乙"]])
    for words in ("s", "se", "sep", "sepsep", "·"):
        assert not found(words), words


def test_no_phrase_runs_from_one_text_into_the_next(app):
    put([["晋江", "石狮"], ["晋江石狮"]])
    assert found("江石") == {2}
    assert found("晋江石狮") == {2}
    assert found("晋江 石狮") == {1, 2}


def test_characters_newer_than_the_database_are_found(app):
    put([["𰻝𰻝面"], ["面"]])  # Unicode 13
    assert found("𰻝") == {1}
    assert found("𰻝面") == {1}
    assert found("面") == {1, 2}


def test_width_and_case_do_not_matter(app):
    put([["ＡＢＣ－１２３ 号"]])
    for words in ("abc", "ABC-123", "ｃ１２", "c123号"):
        assert found(words) == {1}, words


def test_what_is_put_again_replaces_and_what_is_removed_is_gone(app):
    put([["旧名称"], ["旧名称"]])
    WORDS.put([(1, ["新名称"])])
    assert found("旧名") == {2}
    assert found("新名") == {1}
    WORDS.remove(2)
    assert found("名称") == {1}
    WORDS.remove(99)
    WORDS.put([])
    WORDS.put([(1, [])])
    assert found("名称") == set()


def test_a_long_text_is_indexed_as_far_as_the_index_reaches(app):
    put([["技术" * 20_000, "尾巴"], ["开头" + "中" * 30_000]])
    assert found("技术") == {1}
    assert found("开头") == {2}


def test_a_repeated_character_is_found(app):
    put([["好" * 400, "好" * 400 + "了"]])
    assert found("好好好") == {1}
